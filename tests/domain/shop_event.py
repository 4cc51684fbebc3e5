"""An event for rules and groupings: a chain of two errors, the app's frames and a vendor's."""

from __future__ import annotations

from bugwatch.domain.event import Event, ExceptionValue, Level
from bugwatch.domain.stacktrace import Frame

CRASH = Frame(
    function="connect", module="shop.db", filename="shop/db.py", abs_path="/srv/shop/db.py", package="", in_app=True
)
VENDOR = Frame(function="retry_call", module="tenacity", filename="vendor/tenacity.py", in_app=True)
MAIN = Frame(
    function="main", module="shop.main", filename="shop\\main.py", abs_path="C:\\srv\\shop\\main.py", in_app=True
)
EVENT = Event(
    platform="python",
    level=Level.ERROR,
    logger="shop.orders",
    transaction="/orders/{id}",
    release="shop@2.1",
    tags=(("region", "eu-1"),),
    traits=(("browser", "Firefox 130"),),
    exceptions=(
        ExceptionValue(type="OSError", value="no route", frames=(MAIN,)),
        ExceptionValue(
            type="DatabaseError", module="shop.errors", value="connection refused", frames=(MAIN, VENDOR, CRASH)
        ),
    ),
)
