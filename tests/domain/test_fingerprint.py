"""Labelled pairs: events that are the same bug, and events that are not."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.event import Event, ExceptionValue, Level, Mechanism
from bugwatch.domain.fingerprint import VERSION, Grouping, group
from bugwatch.domain.stacktrace import Frame, Thread


def frames(*lines: str, **shared: Any) -> tuple[Frame, ...]:
    """Frames from `place function` lines; `-` before a line says that it is not the app's own, `?` that nobody said."""
    found = []
    for line in lines:
        place, _, function = line.lstrip("-?").partition(" ")
        in_app = False if line[0] == "-" else None if line[0] == "?" else True
        is_path = re.search(r"\.(?:js|py|php|rb|erb|rs)\b", place)
        where: dict[str, Any] = {"filename": place, "abs_path": place} if is_path else {"module": place}
        found.append(Frame(function=function, in_app=in_app, **where, **shared))
    return tuple(found)


def error(
    *lines: str, type_: str = "ValueError", value: str = "bad value", context_line: str | None = None, **fields: Any
) -> ExceptionValue:
    return ExceptionValue(type=type_, value=value, frames=frames(*lines, context_line=context_line), **fields)


def event(*exceptions: ExceptionValue, platform: str = "python", **fields: Any) -> Event:
    return Event(platform=platform, exceptions=exceptions, **fields)


def of(platform: str, *lines: str, **fields: Any) -> Event:
    return event(error(*lines, **fields), platform=platform)


DJANGO = ("-django.core.handlers.exception inner", "shop.views checkout", "shop.cart total", "-decimal __new__")

SAME = {
    "other lines and columns": (
        event(ExceptionValue("E", "x", frames=frames("shop.a f", "shop.b g", lineno=1, colno=2))),
        event(ExceptionValue("E", "x", frames=frames("shop.a f", "shop.b g", lineno=9, colno=7))),
    ),
    "another value, two frames of the app": (of("python", *DJANGO, value="id 1"), of("python", *DJANGO, value="name")),
    "another route, release, level": (
        replace(of("python", *DJANGO), transaction="/a", release="1", level=Level.ERROR),
        replace(of("python", *DJANGO), transaction="/b", release="2", level=Level.FATAL),
    ),
    "other library frames": (
        of("python", "-django.core base", "shop.a f", "-django.db save", "shop.b g"),
        of("python", "-flask.app run", "shop.a f", "shop.b g", "-json loads"),
    ),
    "deeper recursion": (
        of("python", "a.m f", *["a.m g"] * 3, "a.m h"),
        of("python", "a.m f", *["a.m g"] * 200, "a.m h"),
    ),
    "deeper mutual recursion": (
        of("python", "a.m f", *["a.m g", "a.m h"] * 3, "a.m i"),
        of("python", "a.m f", *["a.m g", "a.m h"] * 90, "a.m i"),
    ),
    "deeper recursion of three": (
        of("python", "a.m f", *["a.m g", "a.m h", "a.m i"] * 2, "a.m j"),
        of("python", "a.m f", *["a.m g", "a.m h", "a.m i"] * 50, "a.m j"),
    ),
    "one frame, numbers in the message": (
        of("python", "shop.cart total", value="cart 17 has no price"),
        of("python", "shop.cart total", value="cart 4,150,908 has no price"),
    ),
    "script in another folder": (
        of("python", "/srv/releases/20260101/jobs/run.py main", "/srv/releases/20260101/jobs/mail.py send"),
        of("python", "/srv/releases/20260214/jobs/run.py main", "/srv/releases/20260214/jobs/mail.py send"),
    ),
    "python in_app unknown": (
        of("python", "?/usr/lib/python3.11/threading.py run", "?/app/shop/a.py f", "?/app/shop/b.py g"),
        of(
            "python",
            "?/app/shop/a.py f",
            "?/app/shop/b.py g",
            "?/venv/lib/python3.12/site-packages/requests/api.py get",
        ),
    ),
    "a value at the same line of source": (
        of("python", *DJANGO, value="id 1", context_line="  raise ValueError(text)"),
        of("python", *DJANGO, value="name", context_line="raise  ValueError(text)"),
    ),
    "an error that strikes at any line": (
        of("python", *DJANGO, type_="MemoryError", context_line="a = load(b)"),
        of("python", *DJANGO, type_="MemoryError", context_line="c = sort(a)"),
    ),
    "evaluated text": (
        event(ExceptionValue("E", "x", frames=(Frame("f", module="a.b", filename="<string>", context_line="one"),))),
        event(ExceptionValue("E", "x", frames=(Frame("f", module="a.b", filename="<string>", context_line="two"),))),
    ),
    "a line that nobody wrote by hand": (
        of("python", *DJANGO, context_line="x" * 121),
        of("python", *DJANGO, context_line="y" * 121),
    ),
    "js: Chrome and Firefox": (
        of("javascript", "/js/app.js async Cart.checkout [as run]", "/js/app.js Cart.total", "/js/app.js Array.map"),
        of("javascript", "/js/app.js async*checkout", "/js/app.js Cart/this.total", "/js/app.js map"),
    ),
    "js: Firefox and Safari": (
        of("javascript", "/js/app.js checkout", "/js/app.js total", "/js/app.js total/<", "/js/app.js add"),
        of("javascript", "/js/app.js global code", "/js/app.js checkout", "/js/app.js total", "/js/app.js add"),
    ),
    "js: messages of three engines": (
        of(
            "javascript",
            "/js/app.js total",
            type_="TypeError",
            value="Cannot read properties of undefined (reading 'price')",
        ),
        of(
            "javascript",
            "/js/app.js total",
            type_="TypeError",
            value="undefined is not an object (evaluating 'item.price')",
        ),
    ),
    "js: messages of Firefox": (
        of(
            "javascript",
            "/js/app.js total",
            type_="TypeError",
            value="Cannot read properties of undefined (reading 'price')",
        ),
        of(
            "javascript",
            "/js/app.js total",
            type_="TypeError",
            value='can\'t access property "price", item is undefined',
        ),
    ),
    "js: hashed bundle": (
        of("javascript", "/static/js/main.3f2a9c1b.js a", "/static/js/main.3f2a9c1b.js b", value="boom 1"),
        of("javascript", "/static/js/main.77aa01ff.js xe", "/static/js/main.77aa01ff.js yq", value="boom 2"),
    ),
    "js: vite bundle": (
        of("javascript", "/assets/index-BxY3kZ9a.js ue", value="boom"),
        of("javascript", "/assets/index-DhKzPqRs.js fe", value="boom"),
    ),
    "js: minified, also the type": (
        of("javascript", "/static/main.3f2a9c1b.js t", type_="e", value="boom"),
        of("javascript", "/static/main.77aa01ff.js n", type_="t", value="boom"),
    ),
    "php: a class without a name": (
        of("php", "/src/a.php f", type_="E@anonymous\ufffd/var/www/a.php:12$0"),
        of("php", "/src/a.php f", type_="E@anonymous\ufffd/srv/a.php:19$3"),
    ),
    "js: minified names, same file": (
        of("javascript", "/app.js t", "/app.js n", value="boom"),
        of("javascript", "/app.js r", "/app.js e", value="boom"),
    ),
    "js: cache buster": (
        of("javascript", "https://a.example/js/app.js?v=1 checkout", "https://a.example/js/app.js?v=1 total"),
        of("javascript", "https://b.example/js/app.js?v=2 checkout", "https://b.example/js/app.js?v=2 total"),
    ),
    "js: node_modules is not the app's, whatever the SDK says": (
        of(
            "javascript",
            "webpack:///./src/a.js load",
            "webpack:///./src/b.js parse",
            "webpack:///./node_modules/x/a.js see",
        ),
        of(
            "javascript",
            "webpack:///./node_modules/y/b.js run",
            "webpack:///./src/a.js load",
            "webpack:///./src/b.js parse",
        ),
    ),
    "js: unnamed functions of a script, by their source": (
        of("node", "/srv/a.js Object.<anonymous>", context_line="  start( port )"),
        of("node", "/app/a.js ?", context_line="start( port )  "),
    ),
    "java: lambdas, proxies, accessors": (
        of(
            "java",
            "?com.shop.Cart$$Lambda$14/0x00000008000c1 lambda$total$0",
            "?com.shop.Api$$EnhancerBySpringCGLIB$$1a2b run",
        ),
        of(
            "java",
            "?com.shop.Cart$$Lambda$99/0x0000000800aff lambda$total$3",
            "?com.shop.Api$$EnhancerBySpringCGLIB$$77ff run",
        ),
    ),
    "java: frameworks are not the app's": (
        of(
            "java",
            "?java.lang.Thread run",
            "?org.springframework.web.X doIt",
            "?com.shop.Api run",
            "?com.shop.Cart total",
        ),
        of(
            "java",
            "?java.lang.Thread run",
            "?io.netty.Y loop",
            "?com.shop.Api run",
            "?com.shop.Cart total",
            "?java.util.List get",
        ),
    ),
    "go: closures and versions": (
        of("go", "?runtime goexit", "?shop.example/cart/v2@v2.1.0 (*Cart).Total.func1", "?main main.func2"),
        of("go", "?net/http (*conn).serve", "?shop.example/cart/v2@v2.4.9 (*Cart).Total.func3.1", "?main main.func1"),
    ),
    "php: anonymous classes and releases": (
        of(
            "php",
            "/var/www/releases/41/public/index.php App\\Kernel::run",
            "/var/www/releases/41/src/Cart.php class@anonymous\0/var/www/a.php:12$0::total",
        ),
        of(
            "php",
            "/var/www/current/public/index.php App\\Kernel::run",
            "/var/www/current/src/Cart.php class@anonymous\0/srv/b.php:19$3::total",
        ),
    ),
    "php: closures, old and new": (
        of("php", "/src/a.php App\\{closure}", "/src/b.php f"),
        of("php", "/src/a.php App\\{closure:App\\Cart::total():12}", "/src/b.php f"),
    ),
    "ruby: blocks, before and after 3.4": (
        of("ruby", "app/models/cart.rb block (2 levels) in total", "app/models/cart.rb add"),
        of("ruby", "app/models/cart.rb Shop::Cart#total", "app/models/cart.rb Shop::Cart#add"),
    ),
    "ruby: compiled templates": (
        of("ruby", "app/views/a.erb _app_views_a_html_erb___123_456", "app/models/a.rb x"),
        of("ruby", "app/views/a.erb _app_views_a_html_erb__987_654", "app/models/a.rb x"),
    ),
    ".net: async state machines": (
        of("csharp", "?Shop.Cart <Total>d__3.MoveNext", "?Shop.Api Run"),
        of("csharp", "?Shop.Cart <Total>d__7.MoveNext", "?Shop.Api Run"),
    ),
    "rust: hashes": (
        of(
            "native",
            "/app/src/main.rs shop::main::h0123456789abcdef",
            "/app/src/cart.rs shop::cart::total::h0123456789abcdef",
        ),
        of(
            "native",
            "/app/src/main.rs shop::main::hfedcba9876543210",
            "/app/src/cart.rs shop::cart::total::hfedcba9876543210",
        ),
    ),
    "template, other parameters": (
        Event(message="User 1 failed", message_template="User %s failed", logger="shop"),
        Event(message="User ann failed", message_template="User %s failed", logger="shop"),
    ),
    "message, other numbers": (Event(message="Took 12ms"), Event(message="Took 1.5s")),
    "message, other third line": (Event(message="a\n\nb\nc"), Event(message="a\nb\nd")),
    "message with and without the stack": (
        Event(message="hello", threads=(Thread(is_current=True, frames=frames("a.b c")),)),
        Event(message="hello"),
    ),
    "exception with and without a log message": (
        replace(of("python", *DJANGO), message="checkout failed", message_template="checkout failed"),
        of("python", *DJANGO),
    ),
    "fingerprint of the client": (
        replace(of("python", "a.b c"), fingerprint=("payment",)),
        replace(of("python", "x.y z"), fingerprint=("payment",)),
    ),
    "fingerprint with numbers that came with the message": (
        Event(message="order 1 lost", fingerprint=("order 1 lost",)),
        Event(message="order 2 lost", fingerprint=("order 2 lost",)),
    ),
    "fingerprint {{ default }} is no fingerprint": (
        replace(of("python", *DJANGO), fingerprint=("{{ default }}",)),
        of("python", *DJANGO),
    ),
    "empty fingerprint": (replace(of("python", *DJANGO), fingerprint=("", " ")), of("python", *DJANGO)),
    "policy": (
        Event(csp_directive="script-src", csp_blocked="evil.example", message="one"),
        Event(csp_directive="script-src", csp_blocked="evil.example", message="two"),
    ),
}

OTHER = {
    "another type": (of("python", *DJANGO), of("python", *DJANGO, type_="KeyError")),
    "another place": (of("python", *DJANGO), of("python", "shop.views checkout", "shop.tax total")),
    "another function": (of("python", *DJANGO), of("python", "shop.views checkout", "shop.cart add")),
    "another caller": (of("python", *DJANGO), of("python", "shop.views preview", "shop.cart total")),
    "another cause": (
        event(error("a.m f", "a.m g", type_="OSError"), error(*DJANGO)),
        event(error("a.m f", "a.m g", type_="KeyError"), error(*DJANGO)),
    ),
    "another line of the same function": (
        of("python", *DJANGO, context_line='raise ValueError("no price")'),
        of("python", *DJANGO, context_line='raise ValueError("no customer")'),
    ),
    "another name is missing, no source": (
        of("python", *DJANGO, type_="KeyError", value="'id'"),
        of("python", *DJANGO, type_="KeyError", value="'name'"),
    ),
    "go: another text, reported at one place": (
        of("go", "?main run", "?main report", type_="*errors.errorString", value="disk full"),
        of("go", "?main run", "?main report", type_="*errors.errorString", value="no such order"),
    ),
    "one frame, another message": (
        of("python", "shop.cart total", value="no price"),
        of("python", "shop.cart total", value="no customer"),
    ),
    "a wrapper at the crash, another message": (
        of("python", "shop.views a", "shop.client b", "shop.client raise_for_status", value="not found"),
        of("python", "shop.views a", "shop.client b", "shop.client raise_for_status", value="no access"),
    ),
    "no stack, another message": (of("python", value="a"), of("python", value="b")),
    "message, another text": (Event(message="disk full"), Event(message="disk slow")),
    "message, another logger": (Event(message="disk full", logger="a"), Event(message="disk full", logger="b")),
    "js captureMessage, another text, same stack": (
        replace(
            of("javascript", "/app.js send", type_="", value="a", mechanism=Mechanism(is_synthetic=True)), message="a"
        ),
        replace(
            of("javascript", "/app.js send", type_="", value="b", mechanism=Mechanism(is_synthetic=True)), message="b"
        ),
    ),
    "js: another text thrown, caught at the same place": (
        of("javascript", "/app.js run", "/app.js call", value="a", mechanism=Mechanism(is_synthetic=True)),
        of("javascript", "/app.js run", "/app.js call", value="b", mechanism=Mechanism(is_synthetic=True)),
    ),
    "js: minified, another message": (
        of("javascript", "/app.js t", value="boom"),
        of("javascript", "/app.js t", value="bang"),
    ),
    "js: minified, another bundle": (
        of("javascript", "/static/main.3f2a9c1b.js t", value="boom"),
        of("javascript", "/static/admin.3f2a9c1b.js t", value="boom"),
    ),
    "js: two settings": (
        of("javascript", "/src/user-settings.js load", "/src/a.js parse"),
        of("javascript", "/src/site-settings.js load", "/src/a.js parse"),
    ),
    "fingerprints": (Event(message="a", fingerprint=("x", "1")), Event(message="a", fingerprint=("x", "2"))),
    "fingerprint and default": (
        replace(of("python", *DJANGO), fingerprint=("{{ default }}", "eu")),
        replace(of("python", "other.place f", "other.place g"), fingerprint=("{{default}}", "eu")),
    ),
    "fingerprint by variable": (
        replace(of("python", *DJANGO), fingerprint=("db", "{{ transaction }}"), transaction="/a"),
        replace(of("python", *DJANGO), fingerprint=("db", "{{ transaction }}"), transaction="/b"),
    ),
    "policy, another host": (
        Event(csp_directive="script-src", csp_blocked="evil.example"),
        Event(csp_directive="script-src", csp_blocked="good.example"),
    ),
}


@pytest.mark.parametrize(("one", "two"), SAME.values(), ids=SAME)
def test_the_same_bug_is_one_issue(one: Event, two: Event) -> None:
    assert told(group(one)) == told(group(two))
    assert group(one).hash == group(two).hash


@pytest.mark.parametrize(("one", "two"), OTHER.values(), ids=OTHER)
def test_different_bugs_are_different_issues(one: Event, two: Event) -> None:
    assert group(one).hash != group(two).hash


def told(grouping: Grouping) -> list[tuple[str, str]]:
    """What was hashed, for a failure that explains itself."""
    return [(c.name, c.value) for c in grouping.components if c.contributes]


# --- exception groups ---


def grouped(*members: ExceptionValue, **root: Any) -> tuple[ExceptionValue, ...]:
    """The members, numbered from 1 under a group that is number 0 and comes last."""
    inside = [
        replace(e, mechanism=Mechanism(exception_id=n, parent_id=0, source=f"exceptions[{n - 1}]"))
        for n, e in enumerate(members, start=1)
    ]
    group_ = error(
        "a.m main",
        type_="ExceptionGroup",
        value="2 errors",
        mechanism=Mechanism(exception_id=0, is_exception_group=True),
    )
    return (*reversed(inside), replace(group_, **root))


def test_a_group_of_equal_errors_is_that_error() -> None:
    one = error("a.m f", "a.m g", value="id 1")
    grouping = group(event(*grouped(one, replace(one, value="id 2"))))

    assert grouping.hash == group(event(one)).hash
    assert grouping.title == "ValueError: id 1"


def test_errors_that_were_never_raised_are_equal_by_their_message() -> None:
    assert group(event(*grouped(error(value="id 1"), error(value="id 2")))).title == "ValueError: id 1"
    assert group(event(*grouped(error(value="a"), error(value="b")))).title == "ExceptionGroup: 2 errors"


def test_a_group_of_different_errors_is_a_group() -> None:
    grouping = group(event(*grouped(error("a.m f", "a.m g"), error("b.m f", "b.m g", type_="KeyError"))))

    assert grouping.title == "ExceptionGroup: 2 errors"
    assert (
        grouping.hash != group(event(*grouped(error("a.m f", "a.m g"), error("c.m f", "c.m g", type_="OSError")))).hash
    )


def test_the_order_in_which_tasks_failed_makes_no_difference() -> None:
    one, two = error("a.m load", "a.m read"), error(type_="KeyError", value="x")

    assert group(event(*grouped(one, two))).hash == group(event(*grouped(two, one))).hash


@pytest.mark.parametrize(
    "ids",
    [
        [(1, 1), (0, None)],  # its own parent
        [(1, 2), (2, 1), (0, None)],  # a cycle beside the root
        [(0, None), (0, None)],  # two of one number
        [(1, 0), (0, 1)],  # no root
        [(1, 7), (0, None)],  # an unknown parent
        [(None, None), (0, None)],  # one without number
    ],
)
def test_a_broken_tree_is_read_as_a_list(ids: list[tuple[int | None, int | None]]) -> None:
    links = [
        error(
            "a.m f", "a.m g", type_=f"E{n}", mechanism=Mechanism(exception_id=i, parent_id=p, is_exception_group=True)
        )
        for n, (i, p) in enumerate(ids)
    ]
    plain = [replace(link, mechanism=None) for link in links]

    assert group(event(*links)).hash == group(event(*plain)).hash
    assert group(event(*links)).title == f"E{len(ids) - 1}: bad value"


def test_a_wrapper_counts_where_only_it_leads_into_the_apps_own_code() -> None:
    def saved(*own: str) -> Event:
        cause = error("-Npgsql.Connector read", type_="PostgresException", value="23505: duplicate key")
        return event(cause, error(*own, type_="TargetInvocationException", value="y"), platform="csharp")

    one, other = group(saved("Shop.Users add", "Shop.Db save")), group(saved("Shop.Orders add", "Shop.Db save"))

    assert one.hash != other.hash
    assert (one.title, one.culprit) == ("PostgresException: 23505: duplicate key", "Shop.Db in save")


# --- titles and culprits ---


@pytest.mark.parametrize(
    ("given", "title", "culprit"),
    [
        (of("python", *DJANGO), "ValueError: bad value", "shop.cart in total"),
        (replace(of("python", *DJANGO), transaction="/checkout"), "ValueError: bad value", "/checkout"),
        (of("javascript", "/js/app.js Cart.total"), "ValueError: bad value", "/js/app.js in Cart.total"),
        (of("python", "-lib.a f", "-lib.b g"), "ValueError: bad value", "lib.b in g"),
        (of("python", "a.b c", value="first\nsecond"), "ValueError: first", "a.b in c"),
        (of("python", "a.b c", value="\n  \n first \r\nsecond"), "ValueError: first", "a.b in c"),
        (of("python", "a.b c", value=""), "ValueError", "a.b in c"),
        (of("python", "a.b c", type_=""), "bad value", "a.b in c"),
        (of("python", "a.b c", type_="", value=""), "c", "a.b in c"),
        (event(error(type_="KeyError"), error(type_="Outer", value="x")), "Outer: x", ""),
        (Event(message="hello\nworld", logger="a"), "hello", ""),
        (Event(message="", message_template="hello %s"), "hello %s", ""),
        (Event(), "(no message)", ""),
        (Event(culprit="said by the SDK"), "(no message)", "said by the SDK"),
        (Event(csp_directive="script-src", csp_blocked="evil.example"), "Blocked 'script-src' from 'evil.example'", ""),
        (of("python", value="é" * 500), "ValueError: " + "é" * 187 + "…", ""),
        (Event(message="x" * 200), "x" * 200, ""),
        (Event(message="x" * 201), "x" * 199 + "…", ""),
        (
            replace(
                of("javascript", "/app.js send", type_="", value="", mechanism=Mechanism(is_synthetic=True)),
                message="hi",
            ),
            "hi",
            "/app.js in send",
        ),
        (
            of("javascript", type_="Error", value="thrown text", mechanism=Mechanism(is_synthetic=True)),
            "Error: thrown text",
            "",
        ),
        (replace(of("python", *DJANGO), message="log text"), "ValueError: bad value", "shop.cart in total"),
    ],
)
def test_title_and_culprit(given: Event, title: str, culprit: str) -> None:
    grouping = group(given)

    assert (grouping.title, grouping.culprit) == (title, culprit)
    assert {grouping.title_type, grouping.title_value} & {title, *title.split(": ", 1), ""}


# --- why is this here ---


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (of("python", *DJANGO), "Grouped by the type and 2 frames of the app's own code."),
        (
            of("python", "a.b c"),
            "Grouped by the type, 1 frame of the app's own code and the message, "
            "because only one frame is in the app's own code.",
        ),
        (of("python"), "Grouped by the type and the message: there is no stack trace."),
        (Event(message="a"), "Grouped by the message, without its varying parts, and its logger."),
        (Event(message="a b", message_template="a %s"), "Grouped by the message's template and its logger."),
        (Event(fingerprint=("x",)), "Grouped by the fingerprint that the SDK sent."),
    ],
)
def test_the_reason_is_a_sentence(given: Event, reason: str) -> None:
    assert group(given).reason == reason


def test_components_say_what_counted_and_what_did_not() -> None:
    components = {c.name: c for c in group(of("python", *DJANGO)).components}

    assert components["type"].contributes
    assert components["stack trace"].value == "shop.views in checkout\nshop.cart in total"
    assert components["stack trace"].reason == "2 of 4 frames, the app's own"
    assert not components["message"].contributes
    assert components["message"].reason == "the stack trace says enough"


def test_the_fingerprint_of_the_client_shows_what_would_have_counted() -> None:
    components = group(replace(of("python", *DJANGO), fingerprint=("pay",))).components

    assert [c.contributes for c in components] == [True, False, False, False]


# --- the hash is for ever ---


def test_a_hash_does_not_change_with_the_release_of_bugwatch() -> None:
    """Issues live by these. Whoever has to change one raises VERSION and keeps the old ones findable."""
    assert VERSION == 1
    assert group(of("python", *DJANGO)).hash.hex() == "b08d10ed1a5aa85d3944164d1cfdc855"
    assert group(Event(message="User 42 not found", logger="shop")).hash.hex() == "662b7dd9e7b1fccd78bcb7204d049c2d"


def test_a_hash_is_the_same_in_another_process() -> None:
    code = "from tests.domain.test_fingerprint import *; print(group(of('python', *DJANGO)).hash.hex())"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
    )

    assert other.stdout.strip() == group(of("python", *DJANGO)).hash.hex()


# --- hostile input ---

_TEXT = st.text(max_size=20) | st.sampled_from(
    ["\ud800", "?", "<anonymous>", "a" * 3000, "\0", "{{ default }}", "$$Lambda$"]
)
_FRAME = st.builds(
    Frame,
    function=_TEXT,
    module=_TEXT,
    package=_TEXT,
    filename=_TEXT,
    abs_path=_TEXT,
    platform=st.sampled_from(["", "python", "javascript", "java", "go", "php", "ruby", "csharp", "native", "x"]),
    colno=st.none() | st.integers(),
    in_app=st.none() | st.booleans(),
    context_line=st.none() | _TEXT,
)
_MECHANISM = st.builds(
    Mechanism,
    is_synthetic=st.booleans(),
    is_exception_group=st.booleans(),
    exception_id=st.none() | st.integers(0, 3),
    parent_id=st.none() | st.integers(0, 3),
    source=st.sampled_from(["", "exceptions[0]", "__cause__"]),
)
_FRAMES = st.lists(_FRAME, max_size=5).map(tuple)
_EXCEPTION = st.builds(ExceptionValue, type=_TEXT, value=_TEXT, mechanism=st.none() | _MECHANISM, frames=_FRAMES)
_EVENT = st.builds(
    Event,
    platform=st.sampled_from(["python", "javascript", "java", "other"]),
    message=_TEXT,
    message_template=_TEXT,
    logger=_TEXT,
    transaction=_TEXT,
    culprit=_TEXT,
    exceptions=st.lists(_EXCEPTION, max_size=4).map(tuple),
    fingerprint=st.lists(_TEXT, max_size=3).map(tuple),
    threads=st.lists(
        st.builds(Thread, is_crashed=st.booleans(), is_current=st.booleans(), frames=_FRAMES), max_size=2
    ).map(tuple),
    csp_directive=st.just("") | _TEXT,
    csp_blocked=_TEXT,
)


@given(_EVENT)
def test_any_event_is_grouped(given: Event) -> None:
    grouping = group(given)

    assert len(grouping.hash) == 16
    assert grouping.title
    assert len(grouping.title) <= 200
    assert len(grouping.culprit) <= 200
    assert grouping.reason.endswith(".")
    assert any(c.contributes for c in grouping.components)
    assert group(given) == grouping


@pytest.mark.parametrize(
    "function", ["<" * 50_000, "(" * 50_000, "block in " * 9_000, "a/" * 40_000, "$1" * 40_000, "::" * 9_000]
)
@pytest.mark.parametrize("platform", ["javascript", "java", "go", "php", "ruby", "csharp", "native", "python"])
def test_a_hostile_name_is_cleaned_in_linear_time(function: str, platform: str) -> None:
    group(of(platform, f"/{function}/x.js {function}", f"{function} {function}"))
