"""Whom it happened to, and from which address."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from bugwatch.domain.event import User
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_limits import Notes, bag, line

AUTO = "{{auto}}"
# Whose clients rely on the server to fill in the address unless they say otherwise (Relay's legacy rule).
_FILLED_BY_DEFAULT = frozenset({"javascript", "cocoa", "objc"})
_KNOWN = frozenset({"id", "email", "username", "name", "ip_address", "data"})


def user_of(value: Any, address: str, notes: Notes) -> User | None:
    """The user, with `address` where the SDK gave no IP address; None for nobody. Unknown keys join `data`."""
    if not isinstance(value, dict):
        if value is not None:
            notes.add("user", "dropped, it is not an object")
        return User(ip_address=address) if address else None
    sent = line(value.get("ip_address"), limits.USER, "user.ip_address", notes)
    if sent and sent != AUTO and not is_address(sent):
        notes.add("user.ip_address", "dropped, it is not an IP address")
        sent = ""
    user = User(
        id=line(value.get("id"), limits.USER, "user.id", notes),
        email=line(value.get("email"), limits.USER, "user.email", notes),
        username=line(value.get("username"), limits.USER, "user.username", notes),
        name=line(value.get("name"), limits.USER, "user.name", notes),
        ip_address=sent if sent and sent != AUTO else address,
        data=bag(_data(value), limits.DETAIL, "user.data", notes),
    )
    return user if user.identity or user.name or user.data else None


def _data(user: dict[str, Any]) -> Any:
    more = {key: value for key, value in user.items() if key not in _KNOWN and value not in (None, "", {}, [])}
    data = user.get("data")
    return {**data, **more} if isinstance(data, dict) else more or data


def address_of(user: Any, env: Any, infer_ip: Any, platform: str, remote_addr: str) -> tuple[str, bool]:
    """The address to fill in where the user has none: the application's own REMOTE_ADDR, else the connection's.

    And whether it is the connection's, which the payload does not tell. `infer_ip` is the SDK's wish: `auto`, `never`,
    or None (then `{{auto}}` asks for it, browsers and Apple imply it).
    """
    if infer_ip == "never":
        return "", False
    told = env.get("REMOTE_ADDR") if isinstance(env, dict) else None
    if isinstance(told, str) and is_address(told):
        return told, False
    wants = infer_ip == "auto" or platform in _FILLED_BY_DEFAULT
    if not wants and isinstance(user, dict):
        wants = user.get("ip_address") == AUTO
    return (remote_addr, True) if wants else ("", False)


@lru_cache(maxsize=4096)
def is_address(text: str) -> bool:
    """An IPv4 or IPv6 address, without port or brackets."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
