"""The trace as the page shows it."""

from __future__ import annotations

import pytest

from bugwatch.domain.event import Event, ExceptionValue, Mechanism, Note
from bugwatch.domain.source_link import SourceLink
from bugwatch.domain.stacktrace import Frame, Thread
from bugwatch.domain.symbolication import Origin, Verdict
from bugwatch.server.dashboard import traces
from bugwatch.server.dashboard.frames import LONGEST_VALUE, FrameView
from bugwatch.server.dashboard.traces import ALL, RAW, WHOLE_FRAMES, LeftOut, Library, Repeat, TraceView, frame_of


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


def trace_of(event: Event, *given: object) -> TraceView:
    trace = traces.trace_of(event, *given)  # type: ignore[arg-type]
    assert trace
    return trace


def names(parts: tuple[object, ...]) -> list[object]:
    """Functions; those of a library in a list; how often something repeats, and how much is left out."""
    told: list[object] = []
    for part in parts:
        if isinstance(part, FrameView):
            told.append(part.function)
        elif isinstance(part, Library):
            told.append(names(part.frames))
        elif isinstance(part, Repeat):
            told.append((part.span, part.times))
        elif isinstance(part, LeftOut):
            told.append(part.frame_count)
    return told


def test_frames_come_crash_first_with_library_frames_in_counted_groups() -> None:
    trace = trace_of(event(library("a"), library("b", "werkzeug"), own("c"), library("d"), own("e")))

    assert names(trace.stacks[0].parts) == ["e", ["d"], "c", ["b", "a"]]
    assert trace.stacks[0].parts[3].packages == "werkzeug, flask"  # type: ignore[union-attr]
    assert trace.frame_count == 5


def test_the_own_frame_next_to_the_crash_stands_open_though_a_library_raised() -> None:
    line = {"context_line": "total()", "lineno": 4}
    parts = trace_of(event(own("main", **line), own("pay", **line), library("raise_it"))).stacks[0].parts

    assert isinstance(parts[0], Library)
    assert parts[0].frames[0].is_crash  # type: ignore[union-attr]
    assert [part.is_open for part in parts[1:] if isinstance(part, FrameView)] == [True, False]


def test_library_frames_bring_their_code_only_when_asked() -> None:
    shown = event(library("a"), own("b", context_line="x", lineno=1))
    (group,) = [part for part in trace_of(shown).stacks[0].parts if isinstance(part, Library)]

    (folded,) = group.frames
    assert isinstance(folded, FrameView)
    assert folded.has_body
    assert folded.is_later
    assert not folded.lines
    asked = frame_of(shown, 0, folded.index)
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
    assert len(part.variables[0].full) == LONGEST_VALUE + 1


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
    assert stacks[0].mechanism == "excepthook"


@pytest.mark.parametrize(
    ("value", "short"),
    [
        ("no", "no"),
        ("x" * 600, "x" * 600),
        ("x" * 601, "x" * 600 + "…"),
        ("a\n" * 4 + "b", "a\n" * 4 + "b"),
        ("a\n" * 9, "a\n" * 4 + "a…"),
    ],
)
def test_a_long_message_is_cut_in_the_headline_and_stands_below(value: str, short: str) -> None:
    (stack,) = trace_of(Event(platform="python", exceptions=(ExceptionValue("E", value, frames=(own("f"),)),))).stacks

    assert stack.value == short
    assert stack.whole_value == ("" if value == short else value)


def test_of_a_mapped_trace_the_raw_one_is_kept() -> None:
    raw = Frame(function="t", abs_path="https://x.test/app.min.js", lineno=1, colno=5312)
    mapped = Frame(function="total", abs_path="src/cart.ts", lineno=14, in_app=True, origin=Origin(Verdict.MAPPED, raw))
    shown = Event(platform="javascript", exceptions=(ExceptionValue("E", "v", frames=(mapped,)),))

    trace = trace_of(shown, RAW)

    assert trace.raw == "E: v\n    at total (src/cart.ts:14)"
    assert trace.unmapped == "E: v\n    at t (https://x.test/app.min.js:1:5312)"
    assert trace_of(event(own("f")), RAW).unmapped == ""
    assert trace_of(shown).unmapped == ""


def test_of_a_long_chain_the_newest_and_the_root_stand_open() -> None:
    def is_open(length: int) -> list[bool]:
        chain = tuple(ExceptionValue(f"E{n}", "v", frames=(own("f"),)) for n in range(length))
        return [stack.is_open for stack in trace_of(Event(platform="java", exceptions=chain)).stacks]

    assert is_open(4) == [True] * 4
    assert is_open(6) == [True, False, False, False, False, True]


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


def test_other_threads_follow_the_exceptions_closed() -> None:
    shown = Event(
        platform="java",
        exceptions=(ExceptionValue("E", "v", thread_id="1", frames=(own("a"),)),),
        threads=(
            Thread(id="1", name="main", is_crashed=True, frames=(own("a"),)),
            Thread(id="2", name="idle"),
            Thread(id="3", name="pool", state="WAITING", frames=(own("b"), own("c"))),
        ),
    )
    trace = trace_of(shown)

    assert [(stack.type, stack.relation, stack.is_open) for stack in trace.stacks] == [
        ("E", "", True),
        ("Thread pool", "other threads", False),
    ]
    (top, _below) = trace.stacks[1].parts
    assert isinstance(top, FrameView)
    assert not top.is_crash
    assert trace.frame_count == 3
    found = frame_of(shown, trace.stacks[1].index, top.index)
    assert found
    assert found.function == "c"
    assert "Thread pool:" in trace_of(shown, RAW).raw
    assert "Thread main" not in trace_of(shown, RAW).raw


def test_an_event_without_anything_has_no_trace() -> None:
    assert traces.trace_of(Event()) is None
    assert traces.trace_of(Event(threads=(Thread(id="1"),))) is None


def test_a_frame_of_which_nothing_is_known_still_has_a_name() -> None:
    (part,) = trace_of(event(Frame())).stacks[0].parts

    assert isinstance(part, FrameView)
    assert (part.path, part.function, part.has_body) == ("unknown place", "anonymous", False)


def test_the_modes_show_the_same_frames_or_the_platforms_own_text() -> None:
    shown = event(library("a"), own("b"))

    assert names(trace_of(shown, ALL).stacks[0].parts) == ["b", ["a"]]
    raw = trace_of(shown, RAW)
    assert raw.stacks == ()
    assert raw.raw.startswith("Traceback (most recent call last):")
    assert raw.frame_count == 2
    assert raw.has_library_frames


@pytest.mark.parametrize(
    ("functions", "shown"),
    [
        ("m" + "f" * 998, ["f", (1, 997), "m"]),
        ("m" + "fg" * 200, ["g", "f", (2, 199), "m"]),
        ("m" + "fgh" * 9 + "x", ["x", "h", "g", "f", (3, 8), "m"]),
        ("fff", ["f", "f", "f"]),
        ("ffff", ["f", (1, 3)]),
        ("fgfgfg", ["g", "f", "g", "f", "g", "f"]),
        ("abcabdabcabd", list("dbacbadbacba")),
        ("ffffgggg", ["g", (1, 3), "f", (1, 3)]),
    ],
)
def test_recursion_is_shown_once_and_counted(functions: str, shown: list[object]) -> None:
    assert names(trace_of(event(*(own(name, lineno=1) for name in functions))).stacks[0].parts) == shown


def test_calls_from_other_lines_are_no_recursion() -> None:
    parts = trace_of(event(*(own("f", lineno=line) for line in range(6)))).stacks[0].parts

    assert names(parts) == ["f"] * 6


def test_native_frames_without_names_are_no_recursion() -> None:
    frames = (Frame(package="libc.so.6", rest={"instruction_addr": hex(n)}) for n in range(6))

    assert len(trace_of(event(*frames)).stacks[0].parts) == 6


def test_recursion_through_a_library_is_told_beside_the_apps_own_frame() -> None:
    turns = [own("visit", lineno=1), library("encode")] * 20

    assert names(trace_of(event(*turns)).stacks[0].parts) == [["encode"], "visit", (2, 19)]
    assert names(trace_of(event(*turns, own("end"))).stacks[0].parts) == ["end", ["encode"], "visit", (2, 19)]
    assert names(trace_of(event(library("first"), *turns[1:])).stacks[0].parts)[:2] == [["encode"], "visit"]


def test_recursion_in_a_library_is_counted_in_its_group() -> None:
    (_own, group) = trace_of(event(*(library("encode") for _ in range(9)), own("save"))).stacks[0].parts

    assert isinstance(group, Library)
    assert names(group.frames) == ["encode", (1, 8)]
    assert group.frame_count == 9


def test_frames_that_were_not_kept_are_told() -> None:
    note = Note("exception.values.0.stacktrace.frames", "cut", 1_000)
    turns = event(own("main"), *(own("f", lineno=1) for _ in range(249)), notes=(note,))
    steps = event(*(own(f"f{n}") for n in range(250)), notes=(note,))

    assert names(trace_of(turns).stacks[0].parts) == ["f", (1, 998), "main"]
    shown = names(trace_of(steps).stacks[0].parts)
    assert shown[199:202] == ["f50", 750, "f49"]
    assert len(shown) == 251


def test_a_chain_of_thousands_of_frames_is_not_listed_in_full() -> None:
    frames = tuple(own(f"f{n}") for n in range(250))
    chain = tuple(ExceptionValue("E", "v", frames=frames) for _ in range(5))
    trace = trace_of(Event(platform="python", exceptions=chain))

    shown = [names(stack.parts) for stack in trace.stacks]
    assert [len(parts) for parts in shown] == [250, 250, 101, 1, 1]
    assert [parts[-1] for parts in shown] == ["f0", "f0", 150, 250, 250]
    assert trace.frame_count == 1_250
    assert trace_of(Event(platform="python", exceptions=chain), RAW).raw.count("File ") == 1_250


def test_only_the_first_frames_are_whole() -> None:
    shown = event(*(own(f"f{n}", context_line="x", lineno=1, vars={"a": "1"}) for n in range(40)))
    parts = [part for part in trace_of(shown).stacks[0].parts if isinstance(part, FrameView)]

    assert [part.is_later for part in parts] == [False] * WHOLE_FRAMES + [True] * (40 - WHOLE_FRAMES)
    assert all(part.has_body for part in parts)
    found = frame_of(shown, 0, 0)
    assert found
    assert found.lines


def test_long_values_are_folded_and_nested_ones_are_laid_out() -> None:
    held = {"short": [1, 2], "long": {"key": "v" * 150}, "lines": "a\nb", "text": "t" * 121}
    (part,) = trace_of(event(own("f", context_line="x", lineno=1, vars=held))).stacks[0].parts

    assert isinstance(part, FrameView)
    values = {variable.name: (variable.value, variable.full) for variable in part.variables}
    assert values["short"] == ("[1,2]", "")
    assert values["long"][1] == '{\n  "key": "' + "v" * 150 + '"\n}'
    assert values["long"][0].endswith("…")
    assert len(values["long"][0]) == 120
    assert values["lines"] == ("a b…", "a\nb")
    assert values["text"][1] == "t" * 121


def test_frames_of_the_app_are_linked_to_their_source() -> None:
    link = SourceLink("github", "acme/shop", strip="/app")
    group, part = trace_of(event(own("f", lineno=7), library("g"), release="1.0"), ALL, link).stacks[0].parts

    assert isinstance(part, FrameView)
    assert part.source_url == "https://github.com/acme/shop/blob/main/shop/cart.py#L7"
    assert isinstance(group, Library)
    assert [frame.source_url for frame in group.frames if isinstance(frame, FrameView)] == [""]
    found = frame_of(event(own("f", lineno=7)), 0, 0, link)
    assert found
    assert found.source_url == part.source_url


@pytest.mark.parametrize(
    ("platform", "frame", "path"),
    [
        ("java", Frame(filename="Cart.java", module="com.acme.Cart"), "com.acme.Cart"),
        ("go", Frame(filename="orders.go", module="example.com/shop/orders"), "orders/orders.go"),
        ("go", Frame(filename="orders/orders.go", module="example.com/shop/orders"), "orders/orders.go"),
        ("javascript", Frame(filename="/./src/cart.ts"), "src/cart.ts"),
        ("csharp", Frame(module="Shop.Cart"), "Shop.Cart"),
        ("native", Frame(package="/usr/lib/libc.so.6"), "/usr/lib/libc.so.6"),
    ],
)
def test_a_frame_is_named_as_people_know_it(platform: str, frame: Frame, path: str) -> None:
    (part,) = (
        trace_of(Event(platform=platform, exceptions=(ExceptionValue("E", "v", frames=(frame,)),))).stacks[0].parts
    )

    assert isinstance(part, FrameView)
    assert part.path == path


@pytest.mark.parametrize(
    ("frame", "package"),
    [
        (Frame(abs_path="/w/node_modules/@sentry/node/x.js"), "@sentry/node"),
        (Frame(abs_path="/w/node_modules/.pnpm/react@19.0.0/node_modules/react/x.js"), "react"),
        (Frame(abs_path="/usr/lib/ruby/gems/3.4.0/gems/rack-3.1.2/lib/rack.rb"), "rack"),
        (Frame(abs_path="/app/vendor/symfony/http-kernel/Kernel.php"), "symfony/http-kernel"),
        (Frame(abs_path="/w/node_modules/a/node_modules/b/x.js"), "b"),
        (Frame(abs_path="C:\\x\\site-packages\\six.py"), "six"),
        (Frame(module="org.springframework.web.Filter"), "org.springframework"),
        (Frame(module="github.com/gin-gonic/gin"), "gin"),
        (Frame(module="django.core.handlers.base"), "django"),
        (Frame(package="/usr/lib/libc.so.6"), "libc.so.6"),
        (Frame(), ""),
    ],
)
def test_a_library_is_named_as_people_know_it(frame: Frame, package: str) -> None:
    (_own, group) = trace_of(event(frame, own("f"))).stacks[0].parts

    assert isinstance(group, Library)
    assert group.packages == package
