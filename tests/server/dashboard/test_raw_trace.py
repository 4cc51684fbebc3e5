"""The raw trace: what the platform itself would have printed."""

from __future__ import annotations

import pytest

from bugwatch.domain.event import Event, ExceptionValue, Mechanism
from bugwatch.domain.stacktrace import Frame, Thread
from bugwatch.server.dashboard.raw_trace import raw_trace

OUTER = Frame(
    function="main", module="app", filename="app.py", abs_path="/srv/app.py", lineno=3, context_line="  run()"
)
INNER = Frame(function="run", module="app.run", filename="run.py", abs_path="/srv/run.py", lineno=8, colno=5)


def printed(platform: str, *exceptions: ExceptionValue) -> str:
    return raw_trace(Event(platform=platform, exceptions=exceptions))


def error(type_: str = "ValueError", value: str = "no", **given: object) -> ExceptionValue:
    return ExceptionValue(type_, value, frames=(OUTER, INNER), **given)  # type: ignore[arg-type]


def test_python() -> None:
    assert printed("python", error(module="shop.errors")) == (
        "Traceback (most recent call last):\n"
        '  File "/srv/app.py", line 3, in main\n'
        "    run()\n"
        '  File "/srv/run.py", line 8, in run\n'
        "shop.errors.ValueError: no"
    )


@pytest.mark.parametrize(
    ("source", "joint"),
    [
        ("__cause__", "The above exception was the direct cause of the following exception:"),
        ("__context__", "During handling of the above exception, another exception occurred:"),
        ("", "During handling of the above exception, another exception occurred:"),
        ("exceptions[0]", "The above exception is part of the following group:"),
    ],
)
def test_python_joins_a_chain_as_it_came_about(source: str, joint: str) -> None:
    first = ExceptionValue("KeyError", "'k'", mechanism=Mechanism(source=source))
    second = ExceptionValue("ValueError", "no")

    assert printed("python", first, second) == f"KeyError: 'k'\n\n{joint}\n\nValueError: no"


@pytest.mark.parametrize(
    ("turns", "last"), [(3, "in f"), (4, "repeated 1 more time]"), (998, "repeated 995 more times]")]
)
def test_python_says_once_what_repeats(turns: int, last: str) -> None:
    lines = printed(
        "python", ExceptionValue("E", "v", frames=(OUTER, *[Frame(function="f", lineno=1)] * turns))
    ).splitlines()

    assert [line for line in lines if "in f" in line] == ['  File "<unknown>", line 1, in f'] * 3
    assert lines[-2].endswith(last)


def test_python_builtins_carry_no_module() -> None:
    assert printed("python", ExceptionValue("KeyError", "'k'", module="builtins")) == "KeyError: 'k'"


@pytest.mark.parametrize("platform", ["javascript", "node"])
def test_javascript(platform: str) -> None:
    cause = ExceptionValue("RangeError", "inner", frames=(Frame(abs_path="https://x.test/a.js", lineno=1, colno=2),))

    assert printed(platform, cause, error("TypeError", "no")) == (
        "TypeError: no\n"
        "    at run (/srv/run.py:8:5)\n"
        "    at main (/srv/app.py:3)\n"
        "  [cause]: RangeError: inner\n"
        "    at https://x.test/a.js:1:2"
    )


def test_java() -> None:
    frames = (
        Frame(function="main", module="shop.Main", filename="Main.java", lineno=7),
        Frame(function="get", module="shop.Cart"),
    )
    outer = ExceptionValue("IllegalStateException", "no", module="java.lang", frames=frames)
    cause = ExceptionValue("IOException", "disk", module="java.io")

    assert printed("java", cause, outer) == (
        "java.lang.IllegalStateException: no\n"
        "\tat shop.Cart.get(Native Method)\n"
        "\tat shop.Main.main(Main.java:7)\n"
        "Caused by: java.io.IOException: disk"
    )


def test_go() -> None:
    assert printed("go", error("*errors.errorString", "boom")) == (
        "panic: boom [*errors.errorString]\n\ngoroutine [running]:\n"
        "app.run.run(...)\n\t/srv/run.py:8:5\napp.main(...)\n\t/srv/app.py:3"
    )


def test_php() -> None:
    assert printed("php", error("RuntimeException")) == (
        "PHP Fatal error:  Uncaught RuntimeException: no in /srv/run.py:8\n"
        "Stack trace:\n#0 /srv/app.py(3): run()\n#1 {main}\n  thrown in /srv/run.py on line 8"
    )


def test_ruby() -> None:
    assert printed("ruby", error("NoMethodError")) == (
        "/srv/run.py:8:5:in 'run': no (NoMethodError)\n\tfrom /srv/app.py:3:in 'main'"
    )


def test_csharp() -> None:
    frames = "   at app.run.run() in /srv/run.py:line 8\n   at app.main() in /srv/app.py:line 3"
    outer = error("Exception", module="System")

    assert printed("csharp", outer) == f"System.Exception: no\n{frames}"
    assert printed("csharp", error("IOException", "disk"), outer) == (
        f"System.Exception: no\n ---> IOException: disk\n{frames}\n"
        f"   --- End of inner exception stack trace ---\n{frames}"
    )
    assert printed("csharp", ExceptionValue("E", "v")) == "E: v"


def test_native() -> None:
    library = Frame(package="/usr/lib/libc.so.6", rest={"instruction_addr": "0x7f3a"})

    assert printed("native", ExceptionValue("SIGSEGV", "bad address", frames=(OUTER, library))) == (
        "SIGSEGV: bad address\n#0   0x7f3a in ?? () from /usr/lib/libc.so.6\n#1   main () at /srv/app.py:3"
    )


def test_dart_and_elixir() -> None:
    assert printed("dart", error("StateError")) == (
        "Unhandled exception:\nStateError: no\n#0      run (/srv/run.py:8:5)\n#1      main (/srv/app.py:3)"
    )
    assert printed("elixir", error("KeyError")) == ("** (KeyError) no\n    run.py:8:5: run\n    app.py:3: main")


def test_any_other_platform() -> None:
    assert printed("perl", error("SIGSEGV", "bad address")) == (
        "SIGSEGV: bad address\n    at run (/srv/run.py:8:5)\n    at main (/srv/app.py:3)"
    )


def test_threads_where_there_is_no_exception() -> None:
    event = Event(platform="cocoa", threads=(Thread(id="7", frames=(OUTER,)), Thread(id="8")))

    assert raw_trace(event) == "Thread 7:\n    at main (/srv/app.py:3)"


@pytest.mark.parametrize(
    "platform",
    ["python", "javascript", "java", "go", "php", "ruby", "csharp", "native", "dart", "elixir", "", "martian"],
)
def test_every_platform_prints_every_frame_and_survives_empty_ones(platform: str) -> None:
    frames = tuple(Frame(function=f"f{n}", filename="a", lineno=n) for n in range(60))

    text = printed(platform, ExceptionValue(frames=(Frame(),)), ExceptionValue("E", "v", frames=frames))

    assert all(f"f{n}" in text for n in range(1, 60))
