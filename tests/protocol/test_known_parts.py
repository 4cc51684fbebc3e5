"""The surroundings of an app are understood once, and what is remembered of them changes no answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from bugwatch.protocol import event_exceptions, event_payload, known_parts
from bugwatch.protocol.event_limits import Notes, line
from bugwatch.protocol.event_payload import read, skim, skimmed
from bugwatch.protocol.event_shapes import NOT_LEAN
from bugwatch.protocol.known_parts import KnownParts
from tests.conftest import NOON

SURROUNDINGS: list[Any] = [
    None,
    [],
    "text",
    7,
    {},
    {"name": "Firefox", "version": "140.0", "model": "Pixel 9"},
    {"name": "n" * 500, "version": "v" * 500, "model": "m" * 500},
    {"name": {"a": 1}, "version": 2.5, "raw_description": "Windows 11"},
    {"name": "sentry.javascript.browser", "version": "10.0", "settings": {"infer_ip": "auto"}},
    {"name": "sentry.javascript.browser", "version": "10.0", "settings": {"infer_ip": "never"}},
    {"name": "a\x00b", "settings": {"infer_ip": ["auto"]}},
    {"type": "generic", "handled": False, "synthetic": True, "exception_id": 1, "parent_id": 0, "data": {"a": [1]}},
    {"type": "t" * 500, "handled": "no", "description": "d" * 40_000, "data": 7},
]


def names() -> KnownParts[str]:
    return KnownParts(lambda part, path, notes: line(part, 10, path, notes))


def test_what_came_before_is_not_understood_again() -> None:
    parts: KnownParts[object] = KnownParts(lambda part, _path, _notes: object() if part else None)

    first = parts.of(Raw(b'"a"'), "name", Notes())

    assert parts.of(Raw(b'"a"'), "name", Notes()) is first
    assert parts.of(Raw(b'"b"'), "name", Notes()) is not first
    assert parts.of("a", "name", Notes()) is not first  # decoded: there are no bytes to know it by


def test_what_leaves_notes_leaves_them_with_each_event() -> None:
    parts = names()

    for _ in range(2):
        notes = Notes()
        assert parts.of(Raw(b'"' + b"n" * 20 + b'"'), "name", notes) == "nnnnnnnnn…"
        assert [note.path for note in notes] == ["name"]


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_parts, "_MEMORY", 10)
    parts = names()

    for number in range(100):
        assert parts.of(Raw(b"%d" % number), "name", Notes()) == str(number)
        assert len(parts._known) <= 10


def test_long_parts_are_not_remembered() -> None:
    parts: KnownParts[int] = KnownParts(lambda part, _path, _notes: len(part))

    assert parts.of(Raw(b'"' + b"a" * 1_023 + b'"'), "name", Notes()) == 1_023
    assert not parts._known


@pytest.mark.parametrize("raw", [b'"\xff"', b'"\\ud800"', b"[" * 100_000 + b"]" * 100_000])
def test_a_part_that_cannot_be_decoded_is_for_the_tolerant_way(raw: bytes) -> None:
    with pytest.raises(NOT_LEAN):
        names().of(Raw(raw), "name", Notes())

    payload = b'{"sdk": {"name": %s, "version": "1"}}' % raw
    assert skim(payload, received_at=NOON) == skimmed(read(payload, received_at=NOON))


@pytest.mark.parametrize("part", SURROUNDINGS, ids=lambda part: json.dumps(part)[:40])
@pytest.mark.parametrize("kind", ["browser", "os", "runtime", "device"])
def test_an_event_is_the_same_whether_its_surroundings_are_known_or_not(
    kind: str, part: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_payload, "_SDKS", KnownParts(event_payload._sdk))
    monkeypatch.setattr(event_exceptions, "_MECHANISMS", KnownParts(event_exceptions._mechanism))
    event = {
        "sdk": part,
        "contexts": {kind: part},
        "exception": [{"type": "E", "mechanism": part}, {"type": "F", "mechanism": part}],
    }
    payload = json.dumps({"platform": "python", "user": {"id": 1}, **event}).encode()
    whole = skimmed(read(payload, received_at=NOON, remote_addr="198.51.100.4"))

    cold, warm = (skim(payload, received_at=NOON, remote_addr="198.51.100.4") for _ in range(2))

    assert cold == warm == whole
    assert cold.is_address_lent == warm.is_address_lent == whole.is_address_lent
