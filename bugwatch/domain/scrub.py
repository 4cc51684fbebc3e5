"""Secrets leave an event before it is stored, and stay visible as `[Filtered]`.

What is under a telling name goes (`secret_name`), and what looks like a secret inside a text (`secret_text`). Names
stay, and so does what debugging needs: source lines, functions, modules, words in sentences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TypeGuard, cast

from bugwatch.domain.json import Json
from bugwatch.domain.secret_name import NameKind, Names
from bugwatch.domain.secret_text import (
    ALL_STEMS,
    FILTERED,
    is_card_number,
    is_nothing,
    may_hold_cards,
    scrub_cards,
    scrub_text,
    suspects,
)

# Bound once: looking up an enum's member costs as much as the rest of the inner loop.
_PLAIN, _SECRET, _COUNT, _ID = NameKind

_MEMORY = 4_096
_LONGEST_REMEMBERED = 128


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A part of an event: what is under `code` is passed over, under `secrets` filtered; `inside` are its parts."""

    code: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    inside: Mapping[str, Place] = field(default_factory=dict)
    elements: Place | None = None


FRAME = Place(
    code=frozenset(
        (
            *("function", "raw_function", "module", "package", "platform", "lang", "symbol"),
            *("context_line", "pre_context", "post_context"),
            *("addr_mode", "image_addr", "instruction_addr", "symbol_addr"),
        )
    )
)
_STACKTRACE = Place(inside={"frames": Place(elements=FRAME)})
DATA = Place(inside={"stacktrace": _STACKTRACE, "raw_stacktrace": _STACKTRACE})
EVENT = Place(
    code=frozenset(("modules", "sdk", "debug_meta", "_meta", "event_id", "platform", "timestamp", "received")),
    inside={
        "extra": Place(secrets=frozenset(("environ",))),  # sentry-cli sends the caller's whole environment here
        "stacktrace": _STACKTRACE,
    },
)


@dataclass(frozen=True, slots=True)
class ScrubRules:
    """What a project asks for beside the defaults: further names whose values go, and names that are no secret here."""

    is_enabled: bool = True
    secret_names: tuple[str, ...] = ()
    safe_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scrubber:
    """Scrubs by the defaults and by `rules`. Make one for each set of rules and keep it: it remembers what is clean."""

    rules: ScrubRules = ScrubRules()

    def may_hold_secrets(self, raw: bytes) -> bool:
        """A quick look at JSON before it is decoded: never no where `scrub_json` would find something."""
        if not self.rules.is_enabled:
            return False
        low = raw.lower()
        return any(sign in low for sign in self.signs) or b"environ" in low or may_hold_cards(raw)

    def is_secret_name(self, name: str) -> bool:
        """Whether what stands under `name` goes for its name alone."""
        return self._names.kind_of(name) in (_SECRET, _COUNT)

    def is_secret_text(self, text: str) -> bool:
        """Whether there is a secret in `text`; card numbers aside."""
        return scrub_text(text, self._names, self._suspects(text)) != text

    def scrub_json(self, value: Json, place: Place = EVENT) -> Json:
        """An event (or its part at `place`) with its secrets replaced; `value` itself, untouched, if there are none.

        Any depth.
        """
        if not self.rules.is_enabled:
            return value
        search = _Search(self._names, value, place)
        search.look_through()
        self._read_texts(search)
        for container, name in search.odd_names:
            if (clean := self.scrub_text(name)) != name:
                search.rename(container, name, clean)
        return search.result()

    def scrub_text(self, text: str) -> str:
        """`text` with its secrets replaced; for what cannot be read as JSON."""
        if not self.rules.is_enabled:
            return text
        return scrub_cards(scrub_text(text, self._names, self._suspects(text)))

    def _read_texts(self, search: _Search) -> None:
        """Adds an edit for every text with a secret. Most texts come with every event of an app: known as clean."""
        known = self._clean
        fresh = [entry for entry in search.texts if entry[2] not in known]
        if not fresh:
            return
        # What to look for is asked of all texts at once.
        together = "\n".join([entry[2] for entry in fresh])
        stems = self._suspects(together)
        has_digits = may_hold_cards(together.encode("utf-8", "replace"))
        for container, name, text, kind in fresh:
            clean = scrub_text(text, self._names, stems) if stems else text
            if has_digits and kind is not _ID:
                clean = scrub_cards(clean)
            if clean != text:
                search.edit(container, name, clean)
                search.filter_parameters(container, text, clean)
            elif len(text) <= _LONGEST_REMEMBERED and kind is not _ID:
                self._remember(text)

    def _remember(self, text: str) -> None:
        if len(self._clean) >= _MEMORY:
            self._clean.clear()
        self._clean.add(text)

    def _suspects(self, text: str) -> tuple[str, ...]:
        low = text.lower()
        return suspects(low) + tuple(stem for stem in self._names.added_stems if stem in low)

    @cached_property
    def _names(self) -> Names:
        return Names(self.rules.secret_names, self.rules.safe_names)

    @cached_property
    def signs(self) -> tuple[bytes, ...]:
        """JSON with none of these (in small letters), no `may_hold_cards` and no place of secrets has no secret."""
        stems = tuple(stem.encode() for stem in (*ALL_STEMS, *self._names.added_stems))
        return (*stems, b"\\u00")  # an escaped letter or digit could hide a name

    @cached_property
    def _clean(self) -> set[str]:
        return set()


DEFAULT = Scrubber()


_Container = dict[str, Json] | list[Json]


class _Search:
    """Looks through JSON without recursion, for hostile events are deep: names decide, texts are listed for reading.

    Edits are made on copies of the containers concerned and of those around them; the rest is shared.
    """

    def __init__(self, names: Names, root: Json, place: Place) -> None:
        self.texts: list[tuple[_Container, str | int, str, NameKind]] = []
        self.odd_names: list[tuple[dict[str, Json], str]] = []
        self._names = names
        self._root: list[Json] = [root]
        self._waiting: list[tuple[_Container, Place]] = [(self._root, _list_of(place))]
        # By the identity of a container: what it stands in, and its copy once it has one.
        self._around: dict[int, tuple[_Container, str | int]] = {}
        self._copies: dict[int, _Container] = {}
        self._renames: list[tuple[dict[str, Json], str, str]] = []

    def edit(self, container: _Container, name: str | int, new: Json) -> None:
        _put(self._copy(container), name, new)

    def rename(self, container: dict[str, Json], name: str, new: str) -> None:
        self._renames.append((container, name, new))

    def filter_parameters(self, container: _Container, text: str, clean: str) -> None:
        """`token=%s` brings its secret twice: in the formatted message, and in `params` beside it."""
        params = container.get("params") if isinstance(container, dict) else None
        if isinstance(params, (dict, list)):
            for name, item in params.items() if isinstance(params, dict) else enumerate(params):
                if isinstance(item, str) and item in text and item not in clean:
                    self.edit(params, name, FILTERED)

    def result(self) -> Json:
        """The whole with the edits made; the very object that was searched if there were none."""
        # Names last, and all copies before: containers are found by their old names.
        renamed = [(cast(dict[str, Json], self._copy(container)), name, new) for container, name, new in self._renames]
        for copy, name, new in renamed:
            entries = [(new if key == name else key, value) for key, value in copy.items()]
            copy.clear()
            copy.update(entries)
        root = self._copies.get(id(self._root), self._root)
        return cast(list[Json], root)[0]

    def _copy(self, container: _Container) -> _Container:
        around: list[tuple[_Container, str | int, _Container]] = []
        inner = container
        while id(inner) not in self._copies:
            self._copies[id(inner)] = inner.copy()
            if inner is self._root:
                break
            outer, name = self._around[id(inner)]
            around.append((outer, name, self._copies[id(inner)]))
            inner = outer
        for outer, name, copy in around:
            _put(self._copies[id(outer)], name, copy)
        return self._copies[id(container)]

    def look_through(self) -> None:
        while self._waiting:
            container, place = self._waiting.pop()
            if isinstance(container, dict):
                self._look_at_object(container, place)
            else:
                self._look_at_list(container, place)

    def _look_at_object(self, container: dict[str, Json], place: Place) -> None:
        known, code, inside, texts = self._names.known, place.code, place.inside, self.texts
        for name, item in container.items():
            if item is None or name in code:
                continue
            kind = known.get(name) or self._unknown(container, name)
            if kind is _SECRET or kind is _COUNT or name in place.secrets:
                self._filter(container, name, item, kind)
            elif type(item) is str:
                texts.append((container, name, item, kind))
            else:
                self._look_at(container, name, item, kind, inside.get(name, DATA))

    def _unknown(self, container: dict[str, Json], name: str) -> NameKind:
        kind = self._names.kind_of(name)
        if name not in self._names.known:
            self.odd_names.append((container, name))
        return kind

    def _look_at_list(self, container: list[Json], place: Place) -> None:
        option: Json = None
        for index, item in enumerate(container):
            previous, option = option, item
            if isinstance(previous, str) and previous.startswith("-") and self._is_secret(previous):
                self._filter(container, index, item, _SECRET)  # ["--password", "hunter2"]
                continue
            if _is_pair(item) and self._is_secret(name := str(item[0])):
                self._around[id(item)] = container, index
                self._filter(item, 1, item[1], self._names.kind_of(name))
                continue
            self._look_at(container, index, item, _PLAIN, place.elements or DATA)

    def _look_at(self, container: _Container, name: str | int, item: Json, kind: NameKind, place: Place) -> None:
        if isinstance(item, str):
            self.texts.append((container, name, item, kind))
        elif isinstance(item, (dict, list)):
            self._around[id(item)] = container, name
            self._waiting.append((item, place))
        elif isinstance(item, int) and item >= 10**12 and kind is not _ID and is_card_number(str(item)):
            self.edit(container, name, FILTERED)

    def _is_secret(self, name: str) -> bool:
        return self._names.kind_of(name) in (_SECRET, _COUNT)

    def _filter(self, container: _Container, name: str | int, item: Json, kind: NameKind) -> None:
        filtered = _filtered(item, kind)
        if filtered != item:
            self.edit(container, name, filtered)


@cache  # there are a handful of places, and a search begins with one for each event
def _list_of(place: Place) -> Place:
    return Place(elements=place)


def _filtered(item: Json, kind: NameKind, *, is_inner: bool = False) -> Json:
    """What is shown in place of a secret: the names in it stay, to one level, and nothing that they hold."""
    if item is None or isinstance(item, bool) or (isinstance(item, str) and is_nothing(item)):
        return item
    if kind is _COUNT and (isinstance(item, (int, float)) or (isinstance(item, str) and item.isdecimal())):
        return item
    if is_inner or not isinstance(item, (dict, list)):
        return FILTERED
    if isinstance(item, dict):
        return {name: _filtered(value, kind, is_inner=True) for name, value in item.items()}
    return [_filtered_element(value, kind) for value in item]


def _filtered_element(item: Json, kind: NameKind) -> Json:
    """`["theme", "dark"]` among cookies keeps its name."""
    if isinstance(item, list) and len(item) == 2:
        return [item[0], _filtered(item[1], kind, is_inner=True)]
    return _filtered(item, kind, is_inner=True)


def _is_pair(item: Json) -> TypeGuard[list[Json]]:
    """`["Cookie", "a=b"]`, as lists of headers, cookies and tags have them; the second may be anything."""
    return type(item) is list and len(item) == 2 and type(item[0]) is str


def _put(container: _Container, name: str | int, new: Json) -> None:
    if isinstance(container, dict):
        container[cast(str, name)] = new
    else:
        container[cast(int, name)] = new
