from __future__ import annotations

from typing import Any

import pytest

from bugwatch.domain.event import ExceptionValue, Mechanism
from bugwatch.domain.stacktrace import Frame, Thread
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_exceptions import exceptions_of, place_root_frames
from bugwatch.protocol.event_limits import Notes

ONE = {"type": "KeyError", "value": "'id'"}
FRAMES = (Frame(function="f"),)
CURRENT = Thread(id="1", is_current=True, frames=FRAMES)


def exceptions(value: Any, notes: Notes | None = None) -> tuple[ExceptionValue, ...]:
    return exceptions_of(value, "exception.values", Notes() if notes is None else notes)


@pytest.mark.parametrize("shape", [{"values": [ONE]}, [ONE], ONE, [None, ONE, None], {"values": [7, ONE, "x"]}])
def test_an_exception_in_every_shape(shape: Any) -> None:
    assert exceptions(shape) == (ExceptionValue(type="KeyError", value="'id'"),)


@pytest.mark.parametrize("shape", [None, [], {}, {"values": None}, {"values": []}, {"values": "x"}, "x", 7, True, [[]]])
def test_no_exception_in_every_shape(shape: Any) -> None:
    assert exceptions(shape) == ()


@pytest.mark.parametrize(
    ("sent", "type_", "value"),
    [
        ({"value": "ValueError: broken"}, "ValueError", "broken"),
        ({"type": "", "value": "ValueError:broken: twice\nmore"}, "ValueError", "broken: twice\nmore"),
        ({"type": None, "value": "just text"}, "", "just text"),
        ({"value": "two words: no type"}, "", "two words: no type"),
        ({"value": "Word:"}, "", "Word:"),
        ({"type": "E", "value": "ValueError: broken"}, "E", "ValueError: broken"),
        ({"type": "E", "value": {"code": 7}}, "E", '{"code":7}'),
        ({"type": "E", "value": 7}, "E", "7"),
        ({"type": 5, "value": None}, "5", ""),
    ],
)
def test_type_and_value(sent: dict[str, Any], type_: str, value: str) -> None:
    assert exceptions([sent]) == (ExceptionValue(type=type_, value=value),)


def test_a_synthetic_message_is_not_mistaken_for_a_type() -> None:
    sent = {"value": "Payment: refused", "mechanism": {"type": "generic", "synthetic": True}}

    assert [(found.type, found.value) for found in exceptions([sent])] == [("", "Payment: refused")]


def test_an_exception_that_says_nothing_is_dropped_with_a_note() -> None:
    notes = Notes()

    assert exceptions([{"module": "shop"}, ONE], notes) == exceptions([ONE])
    assert [note.path for note in notes] == ["exception.values.0"]


def test_a_bare_stack_is_kept() -> None:
    assert exceptions([{"stacktrace": {"frames": [{"function": "f"}]}}]) == (ExceptionValue(frames=FRAMES),)


def test_a_long_value_is_cut_with_a_note() -> None:
    notes = Notes()

    (found,) = exceptions([{"type": "E", "value": "x" * (limits.MESSAGE + 1)}], notes)

    assert len(found.value) == limits.MESSAGE
    assert found.value.endswith("x…")
    assert [(note.path, note.original_length) for note in notes] == [("exception.values.0.value", limits.MESSAGE + 1)]
    assert exceptions([{"type": "E", "value": "x" * limits.MESSAGE}])[0].value == "x" * limits.MESSAGE


def test_of_too_many_exceptions_the_outermost_stay() -> None:
    found = exceptions([{"type": f"E{n}"} for n in range(limits.EXCEPTIONS + 5)])

    assert len(found) == limits.EXCEPTIONS
    assert found[-1].type == f"E{limits.EXCEPTIONS + 4}"


def test_mechanisms() -> None:
    sent = {
        "type": "chained",
        "handled": False,
        "synthetic": True,
        "is_exception_group": True,
        "exception_id": 1,
        "parent_id": 0,
        "source": "exceptions[0]",
        "description": "why",
        "help_link": "https://docs.example",
        "data": {"code": 1},
        "meta": {"errno": {"number": 2}},
    }

    assert exceptions([{**ONE, "mechanism": sent}])[0].mechanism == Mechanism(
        type="chained",
        is_handled=False,
        is_synthetic=True,
        is_exception_group=True,
        exception_id=1,
        parent_id=0,
        source="exceptions[0]",
        description="why",
        help_link="https://docs.example",
        data={"code": 1},
        meta={"errno": {"number": 2}},
    )


@pytest.mark.parametrize("mechanism", [None, {}, [], "x", 7])
def test_no_mechanism(mechanism: Any) -> None:
    assert exceptions([{**ONE, "mechanism": mechanism}])[0].mechanism is None


@pytest.mark.parametrize(
    "odd",
    [{"handled": "no"}, {"handled": 0}, {"exception_id": "1"}, {"parent_id": -1}, {"exception_id": True}, {"type": []}],
)
def test_odd_parts_of_a_mechanism_are_dropped(odd: dict[str, Any]) -> None:
    assert exceptions([{**ONE, "mechanism": odd}])[0].mechanism == Mechanism()


def test_a_root_stack_belongs_to_the_only_exception_without_one() -> None:
    bare, full = ExceptionValue(type="A"), ExceptionValue(type="B", frames=(Frame(function="g"),))

    assert place_root_frames((bare, full), (), FRAMES) == ((ExceptionValue(type="A", frames=FRAMES), full), ())
    assert place_root_frames((full,), (), FRAMES) == ((full,), ())
    assert place_root_frames((bare, bare), (), FRAMES) == ((bare, bare), ())


def test_a_root_stack_without_exception_becomes_the_current_thread() -> None:
    assert place_root_frames((), (), FRAMES) == ((), (Thread(is_current=True, frames=FRAMES),))
    assert place_root_frames((), (CURRENT,), FRAMES)[1] == (CURRENT,)
