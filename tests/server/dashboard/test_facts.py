"""Facts, request and contexts of an event."""

from __future__ import annotations

import shlex

from bugwatch.domain.event import Event, ExceptionValue, Mechanism, Note, Request, Sdk, User
from bugwatch.server.dashboard.facts import contexts_of, facts_of, notes_of, request_of, user_in_short


def test_only_what_the_event_says_is_a_fact() -> None:
    names = [fact.name for fact in facts_of(Event(environment="production", release="1.2"))]

    assert names == ["Environment", "Release"]


def test_the_facts_people_ask_for() -> None:
    event = Event(
        release="1.2",
        dist="77",
        environment="staging",
        exceptions=(ExceptionValue(mechanism=Mechanism(is_handled=False)),),
        request=Request(url="https://shop.test/cart?id=1", method="POST"),
        user=User(id="7", email="a@b.test"),
        contexts={
            "runtime": {"name": "CPython", "version": "3.13"},
            "browser": {"name": "Firefox 140", "version": "140"},
            "trace": {"trace_id": "4bf9"},
            "os": "Linux",  # wrong-typed
        },
    )
    facts = {fact.name: fact.value for fact in facts_of(event)}

    assert facts == {
        "Handled": "No",
        "Environment": "staging",
        "Release": "1.2 (77)",
        "Request": "POST /cart",
        "User": "id 7 · a@b.test",
        "Browser": "Firefox 140",
        "Runtime": "CPython 3.13",
        "Trace": "4bf9",
    }
    assert facts_of(event)[0].is_bad


def test_a_user_is_named_by_whatever_there_is() -> None:
    assert user_in_short(None) == ""
    assert user_in_short(User(ip_address="::1")) == "::1"
    assert user_in_short(User(username="mara", name="Mara")) == "mara"


def test_a_request_can_be_sent_again_from_a_shell_without_what_was_filtered() -> None:
    request = Request(
        url="https://shop.test/cart",
        method="PUT",
        query_string=(("q", "a b"), ("x", "'; rm -rf /")),
        headers=(("Accept", "*/*"), ("Authorization", "[Filtered]"), ("Host", "shop.test"), ("X-Q", "it's")),
        data={"a": 1},
    )
    view = request_of(Event(request=request))

    assert view
    assert shlex.split(view.curl) == [
        "curl", "-X", "PUT", "https://shop.test/cart?q=a+b&x=%27%3B+rm+-rf+%2F",
        "-H", "Accept: */*", "-H", "X-Q: it's", "--data-raw", '{"a":1}',
    ]  # fmt: skip
    assert (view.origin, view.tail) == ("https://shop.test", "/cart")
    assert view.body == '{\n  "a": 1\n}'
    assert [pair.is_filtered for pair in view.sections[1].pairs] == [False, True, False, False]


def test_a_request_without_anything_is_shown_all_the_same() -> None:
    view = request_of(Event(request=Request()))

    assert view
    assert (view.method, view.tail, view.sections, view.body, view.curl) == ("", "/", (), "", "")
    assert request_of(Event()) is None


def test_a_broken_address_does_not_break_the_page() -> None:
    event = Event(request=Request(url="http://[::1"))

    assert request_of(event)
    assert facts_of(event) is not None


def test_contexts_become_sections_and_empty_ones_vanish() -> None:
    event = Event(
        user=User(id="7", data={"tier": "gold"}),
        extra={"cart": {"items": 3}},
        contexts={"runtime": {"type": "runtime", "name": "CPython"}, "odd": [1], "nothing": None, "void": {}},
        sdk=Sdk("sentry.python", "2.0"),
        platform="python",
    )
    sections = {section.title: {pair.name: pair.value for pair in section.pairs} for section in contexts_of(event)}

    assert sections == {
        "User": {"id": "7", "tier": "gold"},
        "Additional data": {"cart": '{"items":3}'},
        "Runtime": {"name": "CPython"},
        "odd": {"odd": "[1]"},
        "SDK": {"name": "sentry.python 2.0", "platform": "python"},
    }


def test_notes_say_what_was_cut() -> None:
    event = Event(notes=(Note("extra.blob", "cut", 9_000), Note("tags.0", "not a pair")))

    assert notes_of(event) == ("extra.blob: cut, 9000 before.", "tags.0: not a pair.")
