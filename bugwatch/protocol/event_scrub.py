"""Secrets leave an event's bytes: only the parts that hold one are decoded, and only then is the event written anew.

All that is not code is searched at once for the signs of secrets. Where there is one, the JSON string around it is
judged: most come with every event of their app, and are known to be harmless. The answer is that of
`Scrubber.scrub_json` on the decoded event (a property test says so), in a fifth of the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from ahocorasick_rs import BytesAhoCorasick, MatchKind
from msgspec import Meta, Raw, Struct
from msgspec.structs import FieldInfo, fields

from bugwatch.domain.scrub import DATA, EVENT, FRAME, Place, Scrubber
from bugwatch.domain.secret_text import is_nothing, scrub_cards
from bugwatch.protocol.lenient_json import NOT_JSON, parse, parse_object

_MEMORY = 8_192  # strings
_LONGEST_REMEMBERED = 512

# Capitals are as good as small letters, and any digit as good as another.
_FOLD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ123456789", b"abcdefghijklmnopqrstuvwxyz000000000")
_CARDS = (b"0" * 13, b"0000-0000-0000", b"0000 0000 0000", b"0000-000000-0000", b"0000 000000 0000")
_CARD_REACH = 24  # a card's number with all that stands between its digits, and what may not stand beside it
_ENVIRON = b"environ"  # in `extra` all of it is secret
_COOKIES = "cookies"  # of the event's own names the only one that is a secret's
_BETWEEN = b"\0"  # which JSON never holds
_AT = b"@"

_BACKSLASH = 0x5C
_STRING_END = re.compile(rb'[^"\\]*+(?>\\.[^"\\]*+)*+', re.DOTALL)
_NOTHING_UNDER = re.compile(rb'": ?(?:null|"([^"\\]{0,40})")')  # after a name

_NONE = Raw()
_Position = Annotated[int, Meta(gt=-(2**31), lt=2**31)]


class _Frame(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    filename: Raw = _NONE
    abs_path: Raw = _NONE
    vars: Raw = _NONE
    lock: Raw = _NONE
    stack_start: Raw = _NONE
    project_root: Raw = _NONE
    trust: Raw = _NONE
    data: Raw = _NONE
    # Too short for a secret.
    lineno: _Position | None = None
    colno: _Position | None = None
    in_app: bool | None = None
    native: bool | None = None
    # Code, which is never looked into.
    function: Raw = _NONE
    raw_function: Raw = _NONE
    module: Raw = _NONE
    package: Raw = _NONE
    platform: Raw = _NONE
    lang: Raw = _NONE
    symbol: Raw = _NONE
    context_line: Raw = _NONE
    pre_context: Raw = _NONE
    post_context: Raw = _NONE
    addr_mode: Raw = _NONE
    image_addr: Raw = _NONE
    instruction_addr: Raw = _NONE
    symbol_addr: Raw = _NONE


class _Stacktrace(Struct, forbid_unknown_fields=True, omit_defaults=True):
    frames: list[_Frame | None] | None = None
    registers: Raw = _NONE
    snapshot: Raw = _NONE


class _Exception(Struct, forbid_unknown_fields=True, omit_defaults=True):
    type: Raw = _NONE
    value: Raw = _NONE
    module: Raw = _NONE
    thread_id: Raw = _NONE
    mechanism: Raw = _NONE
    stacktrace: _Stacktrace | None = None
    raw_stacktrace: _Stacktrace | None = None


class _Exceptions(Struct, forbid_unknown_fields=True):
    values: list[_Exception]


class _Thread(Struct, forbid_unknown_fields=True, omit_defaults=True):
    id: Raw = _NONE
    name: Raw = _NONE
    state: Raw = _NONE
    main: Raw = _NONE
    crashed: Raw = _NONE
    current: Raw = _NONE
    daemon: Raw = _NONE
    priority: Raw = _NONE
    held_locks: Raw = _NONE
    stacktrace: _Stacktrace | None = None


class _Threads(Struct, forbid_unknown_fields=True):
    values: list[_Thread]


class _Breadcrumbs(Struct, forbid_unknown_fields=True):
    values: list[Raw]


class _Request(Struct, forbid_unknown_fields=True, omit_defaults=True):
    url: Raw = _NONE
    method: Raw = _NONE
    data: Raw = _NONE
    query_string: Raw = _NONE
    cookies: Raw = _NONE
    headers: Raw = _NONE
    env: Raw = _NONE
    fragment: Raw = _NONE
    other: Raw = _NONE
    api_target: Raw = _NONE
    inferred_content_type: Raw = _NONE
    body_size: int | None = None


class _Event(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What SDKs send. Anything else is for the tolerant way: here is no name that could be a secret's."""

    exception: list[_Exception] | _Exceptions | None = None
    threads: list[_Thread] | _Threads | None = None
    stacktrace: _Stacktrace | None = None
    breadcrumbs: list[Raw] | _Breadcrumbs | None = None
    logentry: Raw = _NONE
    message: Raw = _NONE
    level: Raw = _NONE
    logger: Raw = _NONE
    transaction: Raw = _NONE
    transaction_info: Raw = _NONE
    server_name: Raw = _NONE
    release: Raw = _NONE
    dist: Raw = _NONE
    environment: Raw = _NONE
    fingerprint: Raw = _NONE
    tags: Raw = _NONE
    user: Raw = _NONE
    request: _Request | None = None
    contexts: Raw = _NONE
    extra: Raw = _NONE
    type: Raw = _NONE
    # Never looked into.
    event_id: Raw = _NONE
    timestamp: Raw = _NONE
    platform: Raw = _NONE
    modules: Raw = _NONE
    sdk: Raw = _NONE
    debug_meta: Raw = _NONE
    meta: Raw = msgspec.field(default=_NONE, name="_meta")


_SHAPES: dict[type[Struct], frozenset[str]] = {  # with what is never looked into
    _Event: EVENT.code,
    _Frame: FRAME.code,
    **dict.fromkeys((_Stacktrace, _Exception, _Exceptions, _Thread, _Threads, _Breadcrumbs, _Request), frozenset()),
}


def _looked_into(shape: type[Struct]) -> list[FieldInfo]:
    return [field for field in fields(shape) if field.encode_name not in _SHAPES[shape]]


_RAWS = {shape: [field.name for field in _looked_into(shape) if field.type is Raw] for shape in _SHAPES}
_NAMES = frozenset(field.encode_name for shape in _SHAPES for field in _looked_into(shape))


def _getter(names: Sequence[str]) -> Callable[[Struct], tuple[Raw, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda owner: tuple(getattr(owner, name) for name in names)


_raws_of = {shape: _getter(names) for shape, names in _RAWS.items()}

_decode_event = msgspec.json.Decoder(_Event).decode
_decode_string = msgspec.json.Decoder(str).decode
_encode = msgspec.json.encode


class EventScrubber:
    """Scrubs events by `scrubber`. Make one for each set of rules and keep it: it remembers what is harmless."""

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        # Signs of two bytes and more, the leftmost first, are found many bytes at once: in a third of the time.
        signs = [*_CARDS, *(sign.translate(_FOLD) for sign in scrubber.signs if sign != _AT)]
        self._find = BytesAhoCorasick(signs, matchkind=MatchKind.LeftmostFirst).find_matches_as_indexes
        self._harmless: set[bytes] = set()
        self._secret_names: set[bytes] = set()
        # A project may call one of an event's own names a secret.
        self._is_lean = not any(scrubber.is_secret_name(name) for name in _NAMES - {_COOKIES})

    def scrub(self, payload: bytes) -> bytes:
        """A JSON object without secrets; the same bytes if it held none. Raises Invalid if it is no JSON object."""
        if not self._scrubber.rules.is_enabled:
            return payload
        if self._is_lean:
            try:
                return self._scrub_parts(payload)
            except NOT_JSON:
                pass  # or not as SDKs send it
        return self.scrub_whole(payload)

    def scrub_whole(self, payload: bytes) -> bytes:
        """As `scrub`, for JSON objects of any kind."""
        if not self._scrubber.may_hold_secrets(payload):
            return payload
        document, _ = parse_object(payload)
        clean = self._scrubber.scrub_json(document)
        return payload if clean is document else _encode(clean)

    def scrub_text(self, payload: bytes) -> bytes:
        """As `scrub`, for bytes that nobody can read: by the names and shapes in them."""
        text = payload.decode("utf-8", "surrogateescape")
        return self._scrubber.scrub_text(text).encode("utf-8", "surrogateescape")

    def _scrub_parts(self, payload: bytes) -> bytes:
        """As `scrub`; one of NOT_JSON where the event is not as SDKs send it."""
        event = _decode_event(payload)
        crumbs, owners = _values(event.breadcrumbs), _owners(event)
        parts: list[Raw] = [*crumbs]
        for owner in owners:
            parts += _raws_of[type(owner)](owner)
        text = _BETWEEN.join(parts)
        numbers = {text.count(_BETWEEN, 0, at) for at in self._suspects(text)}
        doubtful = [(crumbs, n) if n < len(crumbs) else _holder(owners, n - len(crumbs)) for n in numbers]
        if event.extra is not _NONE and _ENVIRON in bytes(event.extra).lower():
            doubtful.append((event, "extra"))
        if event.request and event.request.cookies is not _NONE:
            doubtful.append((event.request, _COOKIES))
        # Each is looked at, even if another one is changed.
        is_changed = [self._scrub_part(owner, name, EVENT if owner is event else DATA) for owner, name in doubtful]
        return _encode(event) if any(is_changed) else payload

    def _suspects(self, text: bytes) -> list[int]:
        """Where `text`, JSON of several values, may hold a secret. Never empty where `scrub_json` would find one."""
        return self._near_signs(text) + self._near_ats(text)

    def _near_signs(self, text: bytes) -> list[int]:
        found: list[int] = []
        end = 0
        for sign, at, _ in self._find(text.translate(_FOLD)):
            if sign < len(_CARDS):
                near = text[max(0, at - _CARD_REACH) : at + 2 * _CARD_REACH].decode("latin-1")
                if scrub_cards(near) != near:
                    found.append(at)
            elif at >= end:
                start, end = _string_around(text, at)
                if not self._is_harmless(text, start, end):
                    found.append(at)
        return found

    def _near_ats(self, text: bytes) -> list[int]:
        """As for the other signs: `@` ends the password in a URL."""
        found: list[int] = []
        at = text.find(_AT)
        while at >= 0:
            start, end = _string_around(text, at)
            if not self._is_harmless(text, start, end):
                found.append(at)
            at = text.find(_AT, end)
        return found

    def _is_harmless(self, text: bytes, start: int, end: int) -> bool:
        """Whether this string means no secret: `"card"`, `"author"`; or is a secret's name with nothing under it."""
        string = text[start:end]
        if string in self._harmless:
            return True
        if string not in self._secret_names:
            try:
                plain = _decode_string(b'"%s"' % string)
            except NOT_JSON:
                return False  # not a string, but what stands between two
            # Who seeks cards in the bytes does not see digits written as escapes, nor those that are a project's sign.
            if self._scrubber.is_secret_text(plain) or scrub_cards(plain) != plain:
                return False
            is_name = self._scrubber.is_secret_name(plain)
            self._remember(self._secret_names if is_name else self._harmless, string)
            if not is_name:
                return True
        if text[start - 2 : start - 1] == b":":  # the value under another name
            return True
        under = _NOTHING_UNDER.match(text, end)
        return under is not None and is_nothing((under[1] or b"").decode())

    def _scrub_part(self, owner: Any, name: str | int, place: Place) -> bool:
        """Put the part without its secrets in its place; whether it held any. `name` is an index in lists."""
        is_listed = isinstance(name, int)
        value, _ = parse(bytes(owner[name] if is_listed else getattr(owner, str(name))))
        within: Any = [value] if is_listed else {name: value}
        clean: Any = self._scrubber.scrub_json(within, place)
        if clean is within:
            return False
        scrubbed = Raw(_encode(clean[0 if is_listed else name]))
        if is_listed:
            owner[name] = scrubbed
        else:
            setattr(owner, str(name), scrubbed)
        return True

    def _remember(self, memory: set[bytes], string: bytes) -> None:
        if len(string) <= _LONGEST_REMEMBERED:
            if len(memory) >= _MEMORY:
                memory.clear()
            memory.add(string)


def _owners(event: _Event) -> list[Struct]:
    """All that has parts of its own, but for the breadcrumbs."""
    owners: list[Struct] = [event, event.request] if event.request else [event]
    stacktraces = [event.stacktrace]
    for exception in _values(event.exception):
        owners.append(exception)
        stacktraces += exception.stacktrace, exception.raw_stacktrace
    for thread in _values(event.threads):
        owners.append(thread)
        stacktraces.append(thread.stacktrace)
    for stacktrace in stacktraces:
        if stacktrace:
            owners.append(stacktrace)
            owners += filter(None, stacktrace.frames or ())
    return owners


def _values(container: Any) -> Any:
    """The list of them, in whichever of its two forms."""
    return container if isinstance(container, list) else container.values if container else []


def _holder(owners: Sequence[Struct], index: int) -> tuple[Struct, str]:
    """Whose part it is that has this number among all theirs, and under which name."""
    for owner in owners:
        names = _RAWS[type(owner)]
        if index < len(names):
            return owner, names[index]
        index -= len(names)
    raise IndexError(index)


def _string_around(text: bytes, at: int) -> tuple[int, int]:
    """Where the JSON string with `at` in it begins and ends, its quotes left out."""
    start = text.rfind(b'"', 0, at)
    while start > 0 and text[start - 1] == _BACKSLASH and _is_escaped(text, start):
        start = text.rfind(b'"', 0, start)
    end = text.find(b'"', at)
    if end < 0 or text[end - 1] == _BACKSLASH:  # perhaps not its end
        match = _STRING_END.match(text, start + 1)
        end = match.end() if match else len(text)
    return start + 1, end


def _is_escaped(text: bytes, quote: int) -> bool:
    before = quote
    while before and text[before - 1] == _BACKSLASH:
        before -= 1
    return (quote - before) % 2 == 1
