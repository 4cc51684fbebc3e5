"""What only people need of an event: breadcrumbs, contexts, extra, modules, and the SDK's own remarks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from bugwatch.domain.event import Breadcrumb
from bugwatch.domain.json import JsonObject
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_limits import Notes, bag, line, prose
from bugwatch.protocol.event_stacktrace import elements
from bugwatch.protocol.timestamps import instant_of

# The second letter of an `_meta` remark: what was done to the value.
_DEEDS = {
    "x": "removed",
    "s": "replaced",
    "m": "masked",
    "p": "pseudonymised",
    "e": "encrypted",
    "a": "remarked upon",
}
_META_DEPTH = 24


def breadcrumbs_of(value: Any, drift: int, notes: Notes) -> tuple[Breadcrumb, ...]:
    """The newest breadcrumbs, oldest first; `drift` ms are added to their times."""
    path = "breadcrumbs.values"
    found = elements(value, path, notes)
    if len(found) > limits.BREADCRUMBS:
        notes.add(path, f"cut to the newest {limits.BREADCRUMBS}", len(found))
    return tuple(_breadcrumb(item, drift, f"{path}.{index}", notes) for index, item in found[-limits.BREADCRUMBS :])


def _breadcrumb(crumb: dict[str, Any], drift: int, path: str, notes: Notes) -> Breadcrumb:
    level = line(crumb.get("level"), limits.NAME, f"{path}.level", notes)
    return Breadcrumb(
        timestamp=instant_of(crumb.get("timestamp"), drift),
        type=line(crumb.get("type"), limits.NAME, f"{path}.type", notes) or "default",
        category=line(crumb.get("category"), limits.NAME, f"{path}.category", notes),
        level={"": "info", "log": "info", "warn": "warning", "critical": "fatal"}.get(level, level),
        message=prose(crumb.get("message"), limits.MESSAGE, f"{path}.message", notes),
        data=bag(crumb.get("data"), limits.CRUMB, f"{path}.data", notes),
    )


def contexts_of(value: Any, template: Any, notes: Notes) -> JsonObject:
    """The contexts that are objects and say something; a `template` (Django's, of old) joins them."""
    if not isinstance(value, dict):
        if value is not None:
            notes.add("contexts", "dropped, they are not an object")
        value = {}
    if isinstance(template, dict):
        value = {"template": template, **value}
    kept: dict[str, Any] = {}
    for name, context in value.items():
        if isinstance(context, dict):
            kept[name] = {key: item.rstrip("\n") if isinstance(item, str) else item for key, item in context.items()}
        elif context is not None:
            notes.add(f"contexts.{name}", "dropped, it is not an object")
    return bag({name: context for name, context in kept.items() if context}, limits.CONTEXTS, "contexts", notes)


def extra_of(value: Any, notes: Notes) -> JsonObject:
    return bag(value, limits.EXTRA, "extra", notes)


def modules_of(value: Any, notes: Notes) -> JsonObject:
    """Package names with versions. Go sends `{"": ""}` for none."""
    if not isinstance(value, dict):
        return bag(value, limits.MODULES, "modules", notes)
    named = {name: version for name, version in value.items() if name and isinstance(version, str)}
    return bag(named, limits.MODULES, "modules", notes)


def debug_meta_of(value: Any, notes: Notes) -> JsonObject:
    return bag(value, limits.DEBUG_META, "debug_meta", notes)


def note_errors(value: Any, notes: Notes) -> None:
    """Note what the SDK, or we at an earlier reading, could not use."""
    for _, item in elements(value, "errors", notes)[: limits.NOTES]:
        length = item.get("original_length")
        reason = item.get("reason") or item.get("type") or "unknown"
        notes.add(str(item.get("name") or ""), str(reason), length if isinstance(length, int) else None)


def note_remarks(meta: Any, notes: Notes) -> None:
    """Note what `_meta`, a tree parallel to the event, says: what the SDK trimmed or filtered before it sent."""
    for path, remark in islice(_remarks(meta, (), _META_DEPTH), limits.NOTES):
        length = remark.get("len")
        for reason in _reasons(remark):
            notes.add(".".join(path), reason, length if isinstance(length, int) else None)


def _remarks(tree: Any, path: tuple[str, ...], depth: int) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    if not isinstance(tree, dict) or depth == 0:
        return
    for key, branch in tree.items():
        if key == "" and isinstance(branch, dict):
            yield path, branch
        elif key:
            yield from _remarks(branch, (*path, key), depth - 1)


def _reasons(remark: dict[str, Any]) -> list[str]:
    rules = remark.get("rem")
    reasons = [
        f"{_DEEDS.get(str(rule[1]), 'changed')} by the SDK ({str(rule[0])[: limits.NAME]})"
        for rule in (rules if isinstance(rules, list) else [])
        if isinstance(rule, list) and len(rule) >= 2
    ]
    return reasons or (["shortened by the SDK"] if remark.get("len") else [])
