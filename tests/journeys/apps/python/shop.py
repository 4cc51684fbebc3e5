"""A small shop that breaks in one way per run: `python shop.py SITUATION DSN [ENCODING]`."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import sentry_sdk
from sentry_sdk.crons import monitor

SITUATIONS: dict[str, Callable[[], None]] = {}


def situation(act: Callable[[], None]) -> Callable[[], None]:
    SITUATIONS[act.__name__] = act
    return act


def pay(cart: list[int]) -> float:
    return 100 / len(cart)


def checkout(customer: str) -> float:
    cart: list[int] = []
    password = "open sesame"  # noqa: F841 - a local variable that must not be seen
    return pay(cart)


def load(cart_id: str) -> dict[str, Any]:
    carts: dict[str, dict[str, Any]] = {}
    try:
        return carts[cart_id]
    except KeyError as error:
        raise RuntimeError("The cart cannot be loaded.") from error


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001 - any
        return caught


@situation
def plain() -> None:
    sentry_sdk.set_tag("shop", "eu-1")
    sentry_sdk.set_user({"id": 7, "email": "ada@example.com", "plan": "pro"})
    sentry_sdk.set_context("basket", {"count": 0})
    sentry_sdk.add_breadcrumb(category="cart", message="opened cart 9")
    try:
        checkout("ada")  # asked for by plain
    except ZeroDivisionError as error:
        sentry_sdk.capture_exception(error)


@situation
def unhandled() -> None:
    checkout("ada")


@situation
def in_a_thread() -> None:
    thread = threading.Thread(target=checkout, args=["ada"])
    thread.start()
    thread.join()


@situation
def chained() -> None:
    try:
        load("cart-9")
    except RuntimeError as error:
        sentry_sdk.capture_exception(error)


@situation
def chained_by_context() -> None:
    try:
        try:
            load("cart-9")
        except RuntimeError:
            pay([])
    except ZeroDivisionError as error:
        sentry_sdk.capture_exception(error)


@situation
def group() -> None:
    try:
        raise ExceptionGroup("import failed", [raised(ValueError("bad row 4")), raised(KeyError("sku"))])
    except ExceptionGroup as error:
        sentry_sdk.capture_exception(error)


@situation
def group_of_one_kind() -> None:
    def rows(number: int) -> Exception:
        return raised(ValueError(f"bad row {number}"))

    try:
        raise ExceptionGroup("import failed", [rows(4), rows(5)])
    except ExceptionGroup as error:
        sentry_sdk.capture_exception(error)


@situation
def message() -> None:
    sentry_sdk.capture_message("The nightly import took longer than usual.", level="warning")


@situation
def message_with_stack() -> None:
    sentry_sdk.get_client().options["attach_stacktrace"] = True
    message()


@situation
def log() -> None:
    for payment, euros in ("p-77", 12), ("p-78", 300):
        logging.getLogger("shop.payments").error("Payment %s of %d EUR failed", payment, euros)


@situation
def log_exception() -> None:
    try:
        checkout("ada")
    except ZeroDivisionError:
        logging.getLogger("shop.payments").exception("Could not settle %s", "p-77")


@situation
def same_bug_twice() -> None:
    for customer in "ada", "bob":
        sentry_sdk.set_user({"id": customer})
        try:
            checkout(customer)
        except ZeroDivisionError as error:
            sentry_sdk.capture_exception(error)


@situation
def own_fingerprint() -> None:
    with sentry_sdk.new_scope() as scope:
        scope.fingerprint = ["checkout", "{{ error.type }}"]
        plain()


@situation
def attachment() -> None:
    sentry_sdk.get_current_scope().add_attachment(bytes=b"total\n\x00\xff", filename="receipt.bin")
    plain()


@situation
def feedback() -> None:
    event_id = sentry_sdk.capture_message("Something looks odd.")
    words = {"message": "The button does nothing.", "contact_email": "ada@example.com", "associated_event_id": event_id}
    sentry_sdk.capture_event({"type": "feedback", "level": "info", "contexts": {"feedback": words}})


@situation
def session() -> None:
    with sentry_sdk.sessions.track_session(sentry_sdk.get_isolation_scope(), session_mode="application"):
        plain()


@situation
def check_in() -> None:
    @monitor(monitor_slug="nightly-import", monitor_config={"schedule": {"type": "crontab", "value": "0 3 * * *"}})
    def job() -> None:
        """Nothing fails."""

    job()


@situation
def filtered_by_the_client() -> None:
    sentry_sdk.get_client().options["before_send"] = lambda event, _: None if event["level"] == "info" else event
    for _ in range(3):
        sentry_sdk.capture_message("Nobody wants to know this.")
    plain()


@situation
def odd_values() -> None:
    sentry_sdk.set_extra("numbers", [float("nan"), float("inf"), 2**70, -0.0])
    sentry_sdk.set_extra("text", "NUL \x00, half a pair \ud800, umlaut ü, 🐛")
    sentry_sdk.set_extra("deep", {"a": {"b": {"c": {"d": {"e": {"f": "too deep"}}}}}})
    sentry_sdk.set_tag("number", 5)
    sentry_sdk.set_tag("nothing", None)
    plain()


@situation
def traced() -> None:
    for _ in range(2):
        with sentry_sdk.start_transaction(name="/checkout"):
            plain()
        sentry_sdk.flush(20)


@situation
def large() -> None:
    try:
        raise ValueError("x" * 100_000)
    except ValueError as error:
        sentry_sdk.capture_exception(error)


if __name__ == "__main__":
    name, dsn, *options = sys.argv[1:]
    sentry_sdk.init(
        dsn,
        release="shop@1.4.2",
        environment="staging",
        server_name="web-1",
        auto_enabling_integrations=False,
        traces_sample_rate=1.0 if name == "traced" else None,
        _experiments={"transport_compression_algo": options[0]} if options else {},
    )
    try:
        SITUATIONS[name]()
    finally:
        sentry_sdk.flush(20)
