"""The message, which SDKs send as `message`, as `logentry`, as text or as object, formatted or not."""

from __future__ import annotations

import re
from typing import Any

from bugwatch.domain.json import Json
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_limits import Notes, open_ended, prose, spelled

# %s, %(name)s, %5.2f, %%; and {}, {0}, {name}. Deliberately less than Python understands: a format string from outside
# may ask for a billion spaces or for `{0.__class__}`.
_PERCENT = re.compile(r"%(?:\((\w{1,64})\))?[-#0 +]{0,5}\d{0,3}(?:\.(\d))?[a-zA-Z]|%%")
_BRACES = re.compile(r"\{(\w{0,64})\}")


def message_of(logentry: Any, message: Any, notes: Notes) -> tuple[str, str, Json]:
    """(formatted, template, params) of the event's `logentry` and `message`; no template where it equals the text."""
    entry = logentry if logentry not in (None, "", {}) else message
    plain = message if isinstance(message, str) else ""
    if not isinstance(entry, dict):
        return prose(entry, limits.MESSAGE, "message", notes), "", None
    template = prose(entry.get("message"), limits.MESSAGE, "logentry.message", notes)
    params = entry.get("params")
    formatted = prose(entry.get("formatted"), limits.MESSAGE, "logentry.formatted", notes)
    if not formatted:
        formatted = plain or format_message(template, params)
        formatted = prose(formatted, limits.MESSAGE, "logentry.formatted", notes)
    kept = open_ended(params, limits.PARAMS, "logentry.params", notes) if isinstance(params, list | dict) else None
    return formatted, "" if template == formatted else template, kept or None


def format_message(template: str, params: Any) -> str:
    """`template` with `params` (list or object) filled in, Python's way; what does not fit stays as it is."""
    if not params or not isinstance(params, list | dict):
        return template
    values = _Values(params)
    if "%" in template:
        return _PERCENT.sub(values.percent, template)
    return _BRACES.sub(values.braces, template)


class _Values:
    def __init__(self, params: list[Any] | dict[str, Any]) -> None:
        self._named = params if isinstance(params, dict) else {str(index): item for index, item in enumerate(params)}
        self._next = 0
        self._room = limits.MESSAGE  # a large parameter, named a thousand times, must not fill the memory

    def percent(self, match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        value = self._value(match[1] or "")
        if value is None:
            return match[0]
        if match[2] and isinstance(value[0], float):
            return self._fitted(f"{value[0]:.{match[2]}f}")
        return self._fitted(spelled(value[0]))

    def braces(self, match: re.Match[str]) -> str:
        value = self._value(match[1])
        return match[0] if value is None else self._fitted(spelled(value[0]))

    def _value(self, name: str) -> tuple[Any] | None:
        if not name:
            name = str(self._next)
            self._next += 1
        return (self._named[name],) if name in self._named else None

    def _fitted(self, text: str) -> str:
        text = text[: self._room]
        self._room -= len(text)
        return text
