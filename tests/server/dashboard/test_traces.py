"""The trace as the page shows it."""

from __future__ import annotations

from bugwatch.domain.event import Event, ExceptionValue, Mechanism
from bugwatch.domain.stacktrace import Frame, Thread
from bugwatch.server.dashboard.traces import LONGEST_VALUE, FrameView, Library, frame_of, trace_of


def own(function: str, **given: object) -> Frame:
    return Frame(function=function, filename="shop/cart.py", abs_path="/app/shop/cart.py", in_app=True, **given)  # type: ignore[arg-type]


def library(function: str, package: str = "flask") -> Frame:
    path = f"/venv/lib/python3.12/site-packages/{package}/app.py"
    return Frame(
        function=function,
        filename=f"{package}/app.py",
        abs_path=path,
        in_app=False,
        context_line="return self.call()",
        lineno=9,
        vars={"self": "<App>"},
    )


def event(*frames: Frame, **given: object) -> Event:
    return Event(platform="python", exceptions=(ExceptionValue("ValueError", "no", frames=frames),), **given)  # type: ignore[arg-type]


def names(parts: tuple[FrameView | Library, ...]) -> list[object]:
    return [part.function if isinstance(part, FrameView) else [f.function for f in part.frames] for part in parts]


def test_frames_come_crash_first_with_library_frames_in_counted_groups() -> None:
    trace = trace_of(event(library("a"), library("b", "werkzeug"), own("c"), library("d"), own("e")))

    assert names(trace.stacks[0].parts) == ["e", ["d"], "c", ["b", "a"]]
    assert trace.stacks[0].parts[3].packages == "werkzeug, flask"  # type: ignore[union-attr]
    assert trace.frame_count == 5


def test_the_own_frame_next_to_the_crash_stands_open_though_a_library_raised() -> None:
    line = {"context_line": "total()", "lineno": 4}
    parts = trace_of(event(own("main", **line), own("pay", **line), library("raise_it"))).stacks[0].parts

    assert isinstance(parts[0], Library)
    assert parts[0].frames[0].is_crash
    assert [part.is_open for part in parts[1:] if isinstance(part, FrameView)] == [True, False]


def test_library_frames_bring_their_code_only_when_asked() -> None:
    shown = event(library("a"), own("b", context_line="x", lineno=1))
    (group,) = [part for part in trace_of(shown).stacks[0].parts if isinstance(part, Library)]

    assert group.frames[0].has_body
    assert not group.frames[0].lines
    asked = frame_of(shown, 0, group.frames[0].index)
    assert asked
    assert asked.lines[0].number == 9
    assert asked.variables[0].name == "self"


def test_without_own_frames_nothing_is_folded_and_the_crash_is_open() -> None:
    trace = trace_of(event(library("a"), library("b")))

    assert names(trace.stacks[0].parts) == ["b", "a"]
    assert trace.stacks[0].parts[0].is_open  # type: ignore[union-attr]
    assert not trace.has_library_frames


def test_a_frame_that_does_not_exist_is_none() -> None:
    shown = event(own("a"))

    assert [frame_of(shown, stack, index) for stack, index in ((0, 1), (1, 0), (0, -1))] == [None] * 3


def test_lines_are_numbered_around_the_one_that_failed() -> None:
    frame = own("f", lineno=48, pre_context=("a", "b"), context_line="c", post_context=("d",))
    (part,) = trace_of(event(frame)).stacks[0].parts

    assert isinstance(part, FrameView)
    assert [(line.number, line.is_hit) for line in part.lines] == [(46, False), (47, False), (48, True), (49, False)]


def test_a_variable_is_suspicious_if_it_is_empty_and_the_line_uses_it() -> None:
    frame = own("f", context_line="x = best.id", lineno=1, vars={"cart": "None", "best": "None", "rules": []})
    (part,) = trace_of(event(frame)).stacks[0].parts

    assert isinstance(part, FrameView)
    assert [(v.name, v.value, v.is_suspicious) for v in part.variables] == [
        ("best", "None", True),
        ("cart", "None", False),
        ("rules", "[]", False),
    ]


def test_a_huge_value_is_cut_on_the_page() -> None:
    (part,) = trace_of(event(own("f", context_line="x", lineno=1, vars={"blob": "y" * 100_000}))).stacks[0].parts

    assert isinstance(part, FrameView)
    assert len(part.variables[0].value) == LONGEST_VALUE + 1


def test_chained_exceptions_come_newest_first_and_say_how_they_belong_together() -> None:
    chain = (
        ExceptionValue("OSError", "disk", mechanism=Mechanism(source="__cause__")),
        ExceptionValue("KeyError", "k", mechanism=Mechanism(source="__context__")),
        ExceptionValue("ValueError", "in it", mechanism=Mechanism(source="exceptions[0]")),
        ExceptionValue("RuntimeError", "top", mechanism=Mechanism(is_handled=False, type="excepthook")),
    )
    stacks = trace_of(Event(platform="python", exceptions=chain)).stacks

    assert [stack.type for stack in stacks] == ["RuntimeError", "ValueError", "KeyError", "OSError"]
    assert [stack.relation for stack in stacks] == ["", "part of the group", "raised while handling", "caused by"]
    assert stacks[0].is_unhandled
    assert stacks[0].mechanism == "excepthook"


def test_an_event_without_exceptions_shows_its_threads_the_crashed_one_first() -> None:
    threads = (
        Thread(id="1", name="main", frames=(own("a"),)),
        Thread(id="2", name="worker", is_crashed=True, frames=(own("b"),)),
        Thread(id="3", name="idle"),
    )
    trace = trace_of(Event(platform="cocoa", threads=threads))

    assert [stack.type for stack in trace.stacks] == ["Thread worker", "Thread main"]
    found = frame_of(Event(platform="cocoa", threads=threads), trace.stacks[0].index, 0)
    assert found
    assert found.function == "b"


def test_an_event_without_anything_has_no_trace() -> None:
    trace = trace_of(Event())

    assert (trace.stacks, trace.frame_count, trace.raw) == ((), 0, "")


def test_a_frame_of_which_nothing_is_known_still_has_a_name() -> None:
    (part,) = trace_of(event(Frame())).stacks[0].parts

    assert isinstance(part, FrameView)
    assert (part.path, part.function, part.has_body) == ("unknown place", "anonymous", False)
