import io.sentry.Sentry;
import io.sentry.SentryLevel;
import java.util.List;

/** A small shop that breaks in one way per run: `java Shop.java SITUATION DSN`. */
public class Shop {
  static class OutOfStock extends RuntimeException {
    OutOfStock(String item, Throwable cause) {
      super("No " + item + " left", cause);
    }
  }

  static String take(List<String> shelf, int place) {
    return shelf.get(place);
  }

  static void checkout(String item) {
    try {
      take(List.of(), 3);
    } catch (IndexOutOfBoundsException error) {
      throw new OutOfStock(item, error);
    }
  }

  public static void main(String[] arguments) {
    Sentry.init(
        options -> {
          options.setDsn(arguments[1]);
          options.setRelease("shop@1.4.2");
          options.setEnvironment("staging");
        });
    switch (arguments[0]) {
      case "chained":
        try {
          checkout("tea");
        } catch (OutOfStock error) {
          Sentry.captureException(error);
        }
        break;
      case "unhandled":
        checkout("tea");
        break;
      default:
        Sentry.captureMessage("The nightly import took longer than usual.", SentryLevel.WARNING);
    }
    Sentry.flush(20_000);
  }
}
