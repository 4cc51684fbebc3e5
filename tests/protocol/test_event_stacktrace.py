from __future__ import annotations

from typing import Any

import pytest

from bugwatch.domain.stacktrace import Frame, Thread
from bugwatch.protocol import event_limits as limits
from bugwatch.protocol.event_limits import Notes
from bugwatch.protocol.event_shapes import LeanFrame
from bugwatch.protocol.event_stacktrace import _Remembered, frames_of, places, threads_of


def frame(**fields: Any) -> Frame:
    (found,) = frames_of({"frames": [fields]}, "stacktrace", Notes())
    return found


def test_a_frame_in_full() -> None:
    sent = {
        "function": "total",
        "raw_function": "total()",
        "module": "shop.cart",
        "package": "shop",
        "filename": "cart.py",
        "abs_path": "/srv/shop/cart.py",
        "platform": "python",
        "lineno": 12,
        "colno": 3,
        "in_app": True,
        "context_line": "    return n\r\n",
        "pre_context": ["def total(n):\n", None],
        "post_context": [],
        "vars": {"n": "1"},
        "instruction_addr": "0x1",
        "data": {"orig_in_app": 1},
        "lock": None,
    }

    assert frame(**sent) == Frame(
        function="total",
        raw_function="total()",
        module="shop.cart",
        package="shop",
        filename="cart.py",
        abs_path="/srv/shop/cart.py",
        platform="python",
        lineno=12,
        colno=3,
        in_app=True,
        context_line="    return n",
        pre_context=("def total(n):", ""),
        vars={"n": "1"},
        rest={"instruction_addr": "0x1", "data": {"orig_in_app": 1}},
    )


@pytest.mark.parametrize("stacktrace", [None, {}, [], {"frames": None}, {"frames": []}, {"frames": "x"}, "x", 7])
def test_no_frames(stacktrace: Any) -> None:
    assert frames_of(stacktrace, "stacktrace", Notes()) == ()


def test_what_is_no_frame_is_dropped_and_only_then_noted() -> None:
    notes = Notes()

    assert frames_of({"frames": [None, {"function": "f"}]}, "stacktrace", notes) == (Frame(function="f"),)
    assert notes == []
    assert frames_of({"frames": ["f", {"function": "f"}, 7]}, "stacktrace", notes) == (Frame(function="f"),)
    assert [note.path for note in notes] == ["stacktrace.frames"]


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        (12, 12),
        ("12", 12),
        (12.0, 12),
        (0, None),
        (-2, None),
        ("x", None),
        (1.5, None),
        (True, None),
        (2**31, None),
        ([], None),
    ],
)
def test_line_numbers(sent: Any, line: int | None) -> None:
    assert frame(lineno=sent, colno=sent) == Frame(lineno=line, colno=line)


@pytest.mark.parametrize("sent", ["yes", 1, 0, None, {}])
def test_in_app_is_unknown_unless_it_is_a_boolean(sent: Any) -> None:
    assert frame(in_app=sent).in_app is None


@pytest.mark.parametrize(("sent", "function"), [("?", ""), (None, ""), ("f", "f"), (7, "7"), ({}, "")])
def test_functions(sent: Any, function: str) -> None:
    assert frame(function=sent).function == function


@pytest.mark.parametrize(
    ("filename", "abs_path", "expected"),
    [
        ("cart.py", "", ("cart.py", "cart.py")),
        ("", "/srv/cart.py", ("/srv/cart.py", "/srv/cart.py")),
        ("", "", ("", "")),
        ("https://x.example/a/b.js?v=1", "", ("/a/b.js", "https://x.example/a/b.js?v=1")),
        ("app:///b.js", "/srv/b.js", ("/b.js", "/srv/b.js")),
        ("https://x.example", "", ("https://x.example", "https://x.example")),
        ("http://[", "", ("http://[", "http://[")),
    ],
)
def test_filename_and_path_stand_in_for_each_other(filename: str, abs_path: str, expected: tuple[str, str]) -> None:
    assert places(filename, abs_path) == expected


def test_of_too_many_frames_the_oldest_and_the_newest_stay() -> None:
    most = limits.FRAMES_OLDEST + limits.FRAMES_NEWEST
    sent = [{"function": str(n)} for n in range(most + 1)]
    notes = Notes()

    kept = [found.function for found in frames_of({"frames": sent}, "stacktrace", notes)]

    assert kept == [str(n) for n in range(most + 1) if n != limits.FRAMES_OLDEST]
    assert [(note.path, note.original_length) for note in notes] == [("stacktrace.frames", most + 1)]
    assert len(frames_of({"frames": sent[:most]}, "stacktrace", Notes())) == most


def test_large_variables_are_cut_but_the_first_ones_stay() -> None:
    notes = Notes()

    (found,) = frames_of(
        {"frames": [{"vars": {"a": 1, "b": "x" * limits.VARS.characters, "c": 3}}]}, "stacktrace", notes
    )

    assert found.vars["a"] == 1
    assert len(str(found.vars)) <= limits.VARS.characters
    assert [note.path for note in notes] == ["stacktrace.frames.0.vars"]


def test_the_source_nearest_to_the_line_is_kept() -> None:
    lines = [str(n) for n in range(limits.CONTEXT_LINES + 10)]

    found = frame(pre_context=lines, post_context=lines)

    assert found.pre_context == tuple(lines[10:])
    assert found.post_context == tuple(lines[:-10])


@pytest.mark.parametrize("shape", [[{"id": 1}], {"values": [{"id": 1}]}, {"values": [None, {"id": "1"}]}, {"id": 1}])
def test_threads_in_every_shape(shape: Any) -> None:
    assert threads_of(shape, "threads.values", Notes()) == (Thread(id="1"),)


def test_a_thread_in_full() -> None:
    sent = {
        "id": 7,
        "name": "main",
        "crashed": True,
        "current": True,
        "state": "RUNNABLE",
        "stacktrace": {"frames": [{}]},
    }

    assert threads_of([sent], "threads.values", Notes()) == (
        Thread(id="7", name="main", is_crashed=True, is_current=True, state="RUNNABLE", frames=(Frame(),)),
    )


def test_too_many_threads_are_cut() -> None:
    assert len(threads_of([{"id": n} for n in range(limits.THREADS + 1)], "threads.values", Notes())) == limits.THREADS


def lean_stack(*functions: str) -> tuple[LeanFrame | None, ...]:
    return tuple(LeanFrame(function=function) for function in functions)


def test_a_stack_trace_that_came_before_is_handed_out_again() -> None:
    remembered = _Remembered(most=1_000)

    first = remembered.frames(lean_stack("f", "g"), "frames", Notes())

    assert remembered.frames(lean_stack("f", "g"), "frames", Notes()) is first
    assert [frame.function for frame in first] == ["f", "g"]


def test_what_is_remembered_of_stack_traces_has_a_bound() -> None:
    remembered = _Remembered(most=10_000)

    for number in range(1_000):
        remembered.frames(lean_stack(f"{number:0100}"), "frames", Notes())
        assert len(remembered._stacks) * 200 <= 10_000


def test_each_event_is_told_that_its_stack_trace_was_cut() -> None:
    remembered = _Remembered(most=10**6)
    lean = lean_stack(*(["f"] * 300))

    for _ in range(2):
        notes = Notes()
        assert len(remembered.frames(lean, "frames", notes)) == 250
        assert notes
