"""Tags: the SDK's own, cleaned (`tags_of`), and what an index should know besides (`traits_of`, `index_tags`)."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import Any

from bugwatch.domain.event import Event
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_limits import Notes, line, spelled
from bugwatch.protocol.known_parts import KnownParts

Tags = tuple[tuple[str, str], ...]

RESERVED = frozenset({"release", "dist", "user", "filename", "function"})  # they have fields of their own
# Which key of a context names it. A device's own name would be its owner's ("Ada's phone").
_NAMED_BY = {"browser": "name", "os": "name", "runtime": "name", "device": "model"}
_FOREIGN = re.compile(r"[^A-Za-z0-9_.:-]")
_USER_AGENT_LIMIT = 400


def tags_of(value: Any, notes: Notes) -> Tags:
    """The SDK's tags from an object or a list of pairs: text on one line, at most 200 characters, each key once."""
    if not value:
        return ()
    if isinstance(value, dict):
        pairs = [*value.items()]
    elif isinstance(value, list):
        pairs = [(item[0], item[1]) for item in value if isinstance(item, list) and len(item) == 2]
    else:
        notes.add("tags", "dropped, they are neither an object nor a list of pairs")
        return ()
    tags: dict[str, str] = {}
    for key, item in pairs[: limits.TAGS]:
        name, text = _key(key, notes), _value(item, notes, key)
        if name and text and name not in RESERVED and name not in tags:
            tags[name] = text
    if len(pairs) > limits.TAGS:
        notes.add("tags", f"cut to the first {limits.TAGS}", len(pairs))
    return tuple(tags.items())


def _key(key: Any, notes: Notes) -> str:
    name = line(key, limits.TAG, "tags", notes).replace(" ", "-")
    return _FOREIGN.sub("_", name) if _FOREIGN.search(name) else name


def _value(value: Any, notes: Notes, key: Any) -> str:
    return line(spelled(value) if isinstance(value, dict | list) else value, limits.TAG, f"tags.{key}", notes)


def traits_of(contexts: dict[str, Any], request: dict[str, Any], platform: str, notes: Notes) -> Tags:
    """`browser: Firefox 140.0`, `browser.name: Firefox` and the like, and for browsers the page's URL.

    Of `contexts` it needs browser, os, runtime and device, of `request` url and headers: browsers send no contexts, but
    their User-Agent.
    """
    found: dict[str, str] = {}
    for kind, traits in _TRAITS.items():
        if kind in contexts:
            found.update(traits.of(contexts[kind], f"contexts.{kind}", notes))
    if platform == "javascript":
        for kind, name, version in _told_by(_user_agent(request.get("headers"))):
            if kind not in found:
                found.update(_trait(kind, name, version, f"contexts.{kind}", notes))
        if page := line(request.get("url"), limits.URL, "request.url", notes).partition("#")[0].partition("?")[0]:
            found["url"] = page[: limits.TAG]
    return tuple(found.items())


def _trait(kind: str, name: Any, version: Any, path: str, notes: Notes) -> dict[str, str]:
    name = line(name, limits.TAG // 2, f"{path}.name", notes)
    if not name:
        return {}
    version = line(version, limits.TAG // 2 - 1, f"{path}.version", notes)
    return {kind: f"{name} {version}".rstrip(), f"{kind}.name": name}


def _traits_of_context(kind: str, context: Any, path: str, notes: Notes) -> dict[str, str]:
    if not isinstance(context, dict):
        return {}
    name = context.get(_NAMED_BY[kind]) or context.get("raw_description")
    return _trait(kind, name, context.get("version"), path, notes)


_TRAITS = {kind: KnownParts(partial(_traits_of_context, kind)) for kind in _NAMED_BY}


def _user_agent(headers: Any) -> str:
    pairs = headers.items() if isinstance(headers, dict) else headers if isinstance(headers, list) else ()
    for pair in pairs:
        if isinstance(pair, list | tuple) and len(pair) == 2 and str(pair[0]).lower() == "user-agent":
            value = pair[1][0] if isinstance(pair[1], list) and pair[1] else pair[1]
            return value[:_USER_AGENT_LIMIT] if isinstance(value, str) else ""
    return ""


@lru_cache(maxsize=4096)  # looking through all known browsers takes 2 ms, and the same few come again and again
def _told_by(user_agent: str) -> tuple[tuple[str, str, str], ...]:
    """(kind, name, version) for as many of browser, os and device as a User-Agent tells."""
    if not user_agent:
        return ()
    from ua_parser import parse  # its tables take 0.2 s to load, and many an instance never needs them

    told = parse(user_agent)
    browser, os, device = told.user_agent, told.os, told.device
    return (
        *([("browser", browser.family, _version(browser.major, browser.minor))] if browser else []),
        *([("os", os.family, _version(os.major, os.minor))] if os else []),
        *([("device", device.family, "")] if device else []),
    )


def _version(*parts: str | None) -> str:
    return ".".join(part for part in parts if part)


def index_tags(event: Event) -> Tags:
    """All that an index should know of a skimmed event: its tags, then what else one would filter by, each key once."""
    tags = dict(event.tags)
    for key, text in (*_derived(event), *event.traits):
        if text and key not in tags:
            tags[key] = text[: limits.TAG]
    return tuple(tags.items())


def _derived(event: Event) -> Tags:
    mechanisms = [item.mechanism for item in event.exceptions if item.mechanism]
    mechanism = mechanisms[-1] if mechanisms else None
    is_handled = mechanism.is_handled if mechanism else None
    return (
        ("environment", event.environment),
        ("level", event.level),
        ("release", event.release),
        ("dist", event.dist),
        ("logger", event.logger),
        ("server_name", event.server_name),
        ("transaction", event.transaction),
        ("sdk", event.sdk.name),
        ("mechanism", mechanism.type if mechanism else ""),
        ("handled", "" if is_handled is None else "yes" if is_handled else "no"),
    )
