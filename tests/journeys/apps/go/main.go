// A small shop that breaks in one way per run: `shop SITUATION DSN`.
package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/getsentry/sentry-go"
)

var errEmptyShelf = errors.New("empty shelf")

type StockError struct {
	Item string
	Err  error
}

func (e *StockError) Error() string { return "no " + e.Item + " left" }
func (e *StockError) Unwrap() error { return e.Err }

func take(item string) error {
	return &StockError{Item: item, Err: errEmptyShelf}
}

func checkout(customer string) {
	sentry.ConfigureScope(func(scope *sentry.Scope) {
		scope.SetUser(sentry.User{ID: customer})
		scope.SetTag("shop", "eu-1")
	})
	sentry.CaptureException(take("tea"))
}

func pay(prices []int, position int) int {
	return prices[position]
}

func main() {
	situation, dsn := os.Args[1], os.Args[2]
	err := sentry.Init(sentry.ClientOptions{
		Dsn: dsn, Release: "shop@1.4.2", Environment: "staging", AttachStacktrace: situation == "message_with_stack",
	})
	if err != nil {
		panic(err)
	}
	switch situation {
	case "chained":
		checkout("ada")
	case "panicked":
		func() {
			defer sentry.Recover()
			fmt.Println(pay(nil, 3))
		}()
	default:
		sentry.CaptureMessage("The nightly import took longer than usual.")
	}
	sentry.Flush(20 * time.Second)
}
