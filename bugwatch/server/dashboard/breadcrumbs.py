"""Breadcrumbs as the page shows them: what happened, in one line each, and how long before the event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bugwatch.domain.event import Breadcrumb, Event
from bugwatch.domain.json import Json
from bugwatch.server.dashboard.frames import shorten

# What stands open; the rest is one click away.
SHOWN = 7
_ICONS = (
    (("http", "fetch", "xhr", "request", "network"), "globe"),
    (("query", "sql", "db", "database"), "database"),
    (("navigation", "route"), "navigation"),
    (("ui", "user", "click", "touch", "input"), "mouse-pointer-click"),
    (("redis", "cache", "queue", "celery"), "zap"),
    (("exception", "error"), "bug"),
)


@dataclass(frozen=True, slots=True)
class CrumbView:
    """`kind` is warn, error or empty; `before` is like −4.812 s; `text` leads, `details` are quieter."""

    icon: str
    category: str
    kind: str
    lead: str
    text: str
    details: str
    before: str


def crumbs_of(event: Event) -> tuple[CrumbView, ...]:
    """Oldest first; the last one is the event itself."""
    if not event.breadcrumbs:
        return ()
    return (*(_view(crumb, event.happened_at) for crumb in event.breadcrumbs), _itself(event))


def _itself(event: Event) -> CrumbView:
    last = event.exceptions[-1] if event.exceptions else None
    text = f"{last.type}: {last.value}" if last else event.message
    return CrumbView(
        "bug", "exception" if last else "message", "error", "", text.splitlines()[0] if text else "", "", "0"
    )


def _view(crumb: Breadcrumb, happened_at: int) -> CrumbView:
    lead, text, used = _line(crumb)
    details = "  ".join(f"{key}={shorten(value)}" for key, value in crumb.data.items() if key not in used)
    return CrumbView(
        icon=_icon(crumb),
        category=crumb.category or crumb.type,
        kind={"warning": "warn", "error": "error", "fatal": "error", "critical": "error"}.get(crumb.level, ""),
        lead=lead,
        text=text,
        details=details,
        before="" if crumb.timestamp is None else _before(happened_at - crumb.timestamp),
    )


def _line(crumb: Breadcrumb) -> tuple[str, str, Sequence[str]]:
    """What leads the line, the line, and the data that it has used up."""
    data = crumb.data
    if "url" in data:
        status = data.get("status_code", data.get("http.response.status_code"))
        answer = f" → {status}" if status is not None else ""
        reason = f" {data['reason']}" if data.get("reason") else ""
        text = f"{_word(data['url'])}{answer}{reason}" + (f"  {crumb.message}" if crumb.message else "")
        return _word(data.get("method", data.get("http.method"))), text, ("url", "method", "status_code", "reason")
    if "from" in data and "to" in data:
        return "", f"{_word(data['from'])} → {_word(data['to'])}", ("from", "to")
    return "", crumb.message, ()


def _word(value: Json) -> str:
    return "" if value is None else str(value)


def _icon(crumb: Breadcrumb) -> str:
    words = {*crumb.category.lower().replace(":", ".").split("."), crumb.type.lower()}
    return next((icon for names, icon in _ICONS if words & set(names)), "terminal")


def _before(past_ms: int) -> str:
    if abs(past_ms) >= 3_600_000:
        return f"{'−' if past_ms > 0 else '+'}{abs(past_ms) // 3_600_000} h"
    if abs(past_ms) >= 120_000:
        return f"{'−' if past_ms > 0 else '+'}{abs(past_ms) // 60_000} min"
    return "0" if past_ms == 0 else f"{'−' if past_ms > 0 else '+'}{abs(past_ms) / 1000:.3f} s"
