"""The HTTP request of an event, in the many shapes in which headers, cookies and query strings are sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from bugwatch.domain.event import Request
from bugwatch.domain.json import Json
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_limits import Notes, bag, line, open_ended, spelled
from bugwatch.protocol.lenient_json import parse

Pairs = tuple[tuple[str, str], ...]


def request_of(value: Any, notes: Notes) -> Request | None:
    """The request, its URL without query and fragment, its cookies out of the headers; None if there is none."""
    if not isinstance(value, dict) or not value:
        if value:
            notes.add("request", "dropped, it is not an object")
        return None
    url, query, fragment = _split(line(value.get("url"), limits.URL, "request.url", notes))
    headers = pairs_of(value.get("headers"), "request.headers", notes)
    cookies = value.get("cookies") or "; ".join(text for name, text in headers if name.lower() == "cookie")
    return Request(
        url=url,
        method=line(value.get("method"), limits.NAME, "request.method", notes).upper(),
        query_string=_query(value.get("query_string") or query, notes),
        fragment=line(value.get("fragment"), limits.URL, "request.fragment", notes) or fragment,
        headers=tuple((name, text) for name, text in headers if name.lower() != "cookie"),
        cookies=_cookies(cookies, notes),
        env=bag(value.get("env"), limits.ENV, "request.env", notes),
        data=_body(value.get("data"), notes),
    )


def pairs_of(value: Any, path: str, notes: Notes) -> Pairs:
    """Names with values, from an object or a list of pairs. A value that is a list (PHP) is joined with commas."""
    items = value.items() if isinstance(value, dict) else value
    if not items:
        return ()
    if not isinstance(value, dict | list):
        notes.add(path, "dropped, it is neither an object nor a list of pairs")
        return ()
    return _strings(_pairs(items), path, notes)


def _pairs(items: Iterable[Any]) -> list[tuple[Any, Any]]:
    return [(item[0], item[1]) for item in items if isinstance(item, list | tuple) and len(item) == 2]


def _strings(pairs: list[tuple[Any, Any]], path: str, notes: Notes) -> Pairs:
    if len(pairs) > limits.PAIRS:
        notes.add(path, f"cut to the first {limits.PAIRS}", len(pairs))
    return tuple(
        (name, line(_joined(text), limits.URL, f"{path}.{name}", notes))
        for key, text in pairs[: limits.PAIRS]
        if (name := line(key, limits.TAG, path, notes))
    )


def _joined(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(spelled(item) for item in value)
    return spelled(value) if isinstance(value, dict) else value


def _split(url: str) -> tuple[str, str, str]:
    """(URL, query, fragment) by the first `#` and the first `?`: urlsplit refuses some URLs and repairs others."""
    url, _, fragment = url.partition("#")
    url, _, query = url.partition("?")
    return url, query, fragment


def _query(value: Any, notes: Notes) -> Pairs:
    if isinstance(value, str):
        query = line(value, limits.URL, "request.query_string", notes).removeprefix("?")
        return _strings([*parse_qsl(query, keep_blank_values=True)], "request.query_string", notes)
    return pairs_of(value, "request.query_string", notes)


def _cookies(value: Any, notes: Notes) -> Pairs:
    if isinstance(value, str):
        crumbs = (crumb.partition("=") for crumb in value.split(";") if crumb.strip())
        return _strings([(name, text) for name, _, text in crumbs], "request.cookies", notes)
    return pairs_of(value, "request.cookies", notes)


def _body(value: Any, notes: Notes) -> Json:
    """The body; JSON that was sent as text is opened, so that it can be read and scrubbed by key."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            value, _ = parse(value.encode())
        except ValueError:
            pass  # it only looked like JSON
    return open_ended(value, limits.BODY, "request.data", notes)
