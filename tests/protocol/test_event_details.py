from __future__ import annotations

from typing import Any

import pytest

from bugwatch.domain.event import Breadcrumb, Note
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_details import breadcrumbs_of, contexts_of, extra_of, modules_of, note_errors
from bugwatch.protocol.event_limits import Notes


@pytest.mark.parametrize(
    "shape",
    [{"values": [{"message": "m"}]}, [{"message": "m"}], [None, {"message": "m"}], {"values": ["x", {"message": "m"}]}],
)
def test_breadcrumbs_in_every_shape(shape: Any) -> None:
    assert breadcrumbs_of(shape, 0, Notes()) == (Breadcrumb(message="m"),)


def test_a_breadcrumb_in_full() -> None:
    sent = {
        "timestamp": 1_795_271_467.5,
        "type": "http",
        "category": "fetch",
        "level": "log",
        "message": "GET /",
        "data": {"status_code": 200},
    }

    assert breadcrumbs_of([sent], 1, Notes()) == (
        Breadcrumb(1_795_271_467_501, "http", "fetch", "info", "GET /", {"status_code": 200}),
    )


@pytest.mark.parametrize(
    "odd", [{"timestamp": "x"}, {"type": None}, {"level": ""}, {"data": "x"}, {"data": None}, {"message": None}]
)
def test_odd_parts_of_a_breadcrumb_are_as_good_as_absent(odd: dict[str, Any]) -> None:
    assert breadcrumbs_of([odd], 0, Notes()) == (Breadcrumb(),)


def test_of_too_many_breadcrumbs_the_newest_stay() -> None:
    found = breadcrumbs_of([{"message": str(n)} for n in range(limits.BREADCRUMBS + 1)], 0, Notes())

    assert (len(found), found[0].message) == (limits.BREADCRUMBS, "1")


def test_contexts_that_say_nothing_are_dropped() -> None:
    sent = {"os": {"version": "12.11\n"}, "cloud_resource": {}, "app": None, "odd": "text"}
    notes = Notes()

    assert contexts_of(sent, None, notes) == {"os": {"version": "12.11"}}
    assert [note.path for note in notes] == ["contexts.odd"]


def test_a_template_is_shown_among_the_contexts() -> None:
    assert contexts_of(None, {"filename": "cart.html", "lineno": 3}, Notes()) == {
        "template": {"filename": "cart.html", "lineno": 3}
    }


@pytest.mark.parametrize(
    ("sent", "kept"), [({"": ""}, {}), ({"flask": "3.1", "odd": 7}, {"flask": "3.1"}), (None, {}), ([], {}), ("x", {})]
)
def test_modules(sent: Any, kept: dict[str, str]) -> None:
    assert modules_of(sent, Notes()) == kept


@pytest.mark.parametrize(("sent", "kept"), [({"a": [1]}, {"a": [1]}), (["a"], {"0": "a"}), ("x", {}), (None, {})])
def test_extra(sent: Any, kept: dict[str, Any]) -> None:
    assert extra_of(sent, Notes()) == kept


def test_deep_and_long_extra_is_cut_with_one_note() -> None:
    deep: Any = "core"
    for _ in range(limits.EXTRA.depth + 1):
        deep = [deep]
    notes = Notes()

    kept = extra_of({"deep": deep, "long": "x" * limits.EXTRA.characters, "last": 1}, notes)

    assert "core" not in str(kept)
    assert list(kept) == ["deep", "long"]
    assert [note.path for note in notes] == ["extra"]


def test_the_sdks_errors_become_notes() -> None:
    notes = Notes()

    note_errors([{"type": "invalid_data", "name": "user.id", "value": 1}, None, {}], notes)

    assert notes == [Note("user.id", "invalid_data"), Note("", "unknown")]
