from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.scrub import DEFAULT, Scrubber, ScrubRules

SECRET = "hunter2-horse-battery"

EVENT: dict[str, Any] = {
    "event_id": "fc6d8c0c43fc4630ad850ee518f1b9d0",
    "timestamp": 1767225600.123,
    "message": "User 42 has no password and the token is missing",
    "modules": {"cookies": "2.2", "secretstorage": "3.3"},
    "sdk": {"name": "sentry.python", "integrations": ["session", "token"]},
    "contexts": {"trace": {"trace_id": "4111111111111111", "span_id": "b9a51816164dc052"}},
    "tags": {"session_started": "yes"},
    "exception": {
        "values": [
            {
                "type": "InvalidTokenError",
                "value": "Unexpected token: function",
                "stacktrace": {
                    "frames": [
                        {
                            "function": "password=check",
                            "filename": "shop/token.py",
                            "module": "shop.token",
                            "context_line": '    password = "in the source"',
                            "pre_context": ['token = "abc"'],
                            "vars": {"max_tokens": "512", "author": "'ann'", "password": "None"},
                        }
                    ]
                },
            }
        ]
    },
    "request": {"headers": {"Host": "shop.example"}, "cookies": {}, "url": "https://shop.example/reset"},
    "extra": {"prompt_tokens": 120, "has_password": True, "created": 1767225600123},
}


def put(event: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of `event` with `value` at the path."""
    event = copy.deepcopy(event)
    *above, name = path.split("/")
    place: Any = event
    for step in above:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    place[name] = value
    return event


FRAME = "exception/values/0/stacktrace/frames/0"


# --- what goes ---


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("request/headers/Authorization", f"Bearer {SECRET}"),
        ("request/headers/X-Api-Key", SECRET),
        ("request/headers/Cookie", f"sessionid={SECRET}; theme=dark"),
        ("request/headers/Set-Cookie", [f"a={SECRET}", "b=2"]),
        ("request/headers/Proxy-Authorization", [SECRET]),
        ("request/headers", [["Host", "a"], ["Cookie", SECRET]]),
        ("request/headers", [["'authorization'", f"'{SECRET}'"]]),
        ("request/cookies", {"theme": SECRET}),
        ("request/cookies", [["theme", SECRET]]),
        ("request/cookies", f"theme={SECRET}"),
        ("request/query_string", f"a=1&access_token={SECRET}&b=2"),
        ("request/query_string", [["a", "1"], ["token", SECRET]]),
        ("request/query_string", {"api_key": SECRET}),
        ("request/url", f"https://ann:{SECRET}@shop.example/"),
        ("request/data", {"user": {"new_password1": SECRET}}),
        ("request/data", json.dumps({"login": "ann", "password": SECRET})),
        ("request/data", json.dumps({"body": json.dumps({"password": SECRET})})),
        ("request/data", f"login=ann&password={SECRET}"),
        ("request/data", f"user%5Bpassword%5D={SECRET}"),
        ("request/data", f"<login><password>{SECRET}</password></login>"),
        ("request/env/HTTP_COOKIE", SECRET),
        ("request/env/DB_PASS", SECRET),
        ("user/data", {"jwt": SECRET}),
        ("extra/environ", {"HOME": SECRET}),
        ("extra/environ", [f"HOME={SECRET}"]),
        ("extra/sys.argv", ["app", "--db-password", SECRET]),
        ("extra/sys.argv", ["app", f"--db-password={SECRET}"]),
        ("extra/command", f"mysql --password {SECRET} -h db"),
        ("extra/settings", {"DATABASES": {"default": {"PASSWORD": SECRET}}}),
        ("extra/pass_word", {"passWord": SECRET}),
        ("extra/deep", {"a": [{"b": [[{"secret": {"inner": {"deeper": SECRET}}}]]}]}),
        ("contexts/app", {"signing_key": SECRET}),
        ("tags/auth", SECRET),
        ("tags", [["csrf_token", SECRET]]),
        ("message", f"login failed with password={SECRET}"),
        ("message", f"redis://:{SECRET}@cache:6379/0 is away"),
        ("logentry", {"formatted": f"X-Auth-Token: {SECRET}", "params": [f"password: {SECRET}"]}),
        ("logentry", {"message": "token=%s", "formatted": f"token={SECRET}", "params": [1, SECRET]}),
        ("logentry", {"message": "token=%(t)s", "formatted": f"token={SECRET}", "params": {"t": SECRET}}),
        ("breadcrumbs", {"values": [{"message": f"GET /?token={SECRET}", "data": {"url": "x"}}]}),
        ("breadcrumbs", [{"data": {"url": f"https://a.b/?x=1&password={SECRET}"}}]),
        ("exception/values/0/value", f"could not connect: {{'password': '{SECRET}'}}"),
        (f"{FRAME}/vars/password", f"'{SECRET}'"),
        (f"{FRAME}/vars/config", f"Config(host='db', password='{SECRET}')"),
        (f"{FRAME}/vars/scope", f"{{'headers': [(b'host', b'x'), (b'authorization', b'{SECRET}')]}}"),
        (f"{FRAME}/vars/options", f"{{ retries: 3, secret: '{SECRET}' }}"),
        (f"{FRAME}/abs_path", f"https://cdn.example/app.js?token={SECRET}"),
        ("threads", {"values": [{"stacktrace": {"frames": [{"vars": {"pwd": SECRET}}]}}]}),
    ],
)
def test_a_secret_is_gone_wherever_it_stands(path: str, value: Any) -> None:
    event = put(EVENT, path, value)
    before = copy.deepcopy(event)

    clean = DEFAULT.scrub_json(event)

    assert SECRET not in json.dumps(clean)
    assert "[Filtered]" in json.dumps(clean)
    assert event == before, "the caller's own object was changed"
    assert DEFAULT.scrub_json(clean) is clean, "scrubbing twice changes nothing more"
    assert DEFAULT.may_hold_secrets(json.dumps(event).encode())


def test_a_secret_in_a_name_is_gone_and_its_value_stays() -> None:
    event: Any = {"extra": {f"postgres://u:{SECRET}@db/x": "up", "b": 1}}

    assert DEFAULT.scrub_json(event) == {"extra": {"postgres://u:[Filtered]@db/x": "up", "b": 1}}


def test_secrets_in_names_within_names_are_gone() -> None:
    event: Any = {"a": {f"x://u:{SECRET}@db": [{f"y://u:{SECRET}@db": {"password": SECRET}}], f"z://u:{SECRET}@db": 1}}

    assert DEFAULT.scrub_json(event) == {
        "a": {"x://u:[Filtered]@db": [{"y://u:[Filtered]@db": {"password": "[Filtered]"}}], "z://u:[Filtered]@db": 1}
    }


@pytest.mark.parametrize(
    "shape",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "ghp_" + "a1B2" * 9,
        "glpat-" + "a1B2" * 6,
        "xoxb-1234567890-abcdefghij",
        "sk_live_" + "a1B2" * 6,
        "sk-ant-" + "a1B2" * 6,
        "AIza" + "a1B2c" * 7,
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\\nMIIEow\\ncut off here",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111111111111111",
        "378282246310005",
        "3782 822463 10005",
        "5555555555554444",
    ],
)
def test_what_is_known_by_its_shape_goes_from_any_text(shape: str) -> None:
    clean = DEFAULT.scrub_json({"message": f"it was ({shape}) today"})

    assert clean["message"].startswith("it was ([Filtered]")  # type: ignore[index, call-overload, union-attr]
    assert DEFAULT.may_hold_secrets(json.dumps({"message": shape}).encode())


def test_names_stay_where_values_go() -> None:
    event: Any = {"request": {"cookies": {"theme": "dark", "sid": "x"}, "headers": {"Authorization": ["a", "b"]}}}

    assert DEFAULT.scrub_json(event) == {
        "request": {
            "cookies": {"theme": "[Filtered]", "sid": "[Filtered]"},
            "headers": {"Authorization": ["[Filtered]", "[Filtered]"]},
        }
    }


# --- what stays ---


def test_an_event_without_secrets_comes_back_as_it_is() -> None:
    assert DEFAULT.scrub_json(EVENT) is EVENT


@pytest.mark.parametrize(
    "text",
    [
        "Unexpected token < in JSON at position 0",
        "Unexpected token: function",
        "Invalid token: expected identifier",
        "KeyError: 'password'",
        "got an unexpected keyword argument 'token'",
        "Missing required fields: password, email",
        "fields ['password', 'email', 'name'] are required",
        "max_tokens=512, prompt_tokens: 12",
        "session_started: true",
        "SecretNotFound: default/shop-db",
        "InvalidTokenException: expired at noon",
        "if password == confirm: token > 5",
        "password=None, token=null, secret=[Filtered], api_key=%s, pwd={pwd}",
        "Bearer authentication is required, Basic authentication failed",
        "https://localhost:3000/node_modules/@sentry/browser/index.js",
        "https://shop.example:8443/@ann?page=2",
        "order 1767225600123 took 1767225600123456 and then 1767225600123456789",
        "4111111111111112 adds up to nothing",
        "7564cdf4-2fbf-4221-9856-395d971cff23 and 411111111111111141111111111111111",
        "0.4111111111111111",
        "the author of monkey.keyboard passed the compass",
    ],
)
def test_words_of_a_sentence_stay(text: str) -> None:
    assert DEFAULT.scrub_text(text) == text
    assert DEFAULT.scrub_json({"message": text})["message"] == text  # type: ignore[index, call-overload]


@pytest.mark.parametrize("value", [None, True, False, "", "None", "''", "[Filtered]", {}, []])
def test_nothing_is_hidden_where_there_is_nothing(value: Any) -> None:
    event = {"extra": {"password": value}}

    assert DEFAULT.scrub_json(event) is event


def test_a_number_under_a_secret_name_goes_and_a_count_of_tokens_stays() -> None:
    event: Any = {
        "extra": {
            "password": 1234,
            "max_tokens": 512,
            "card": {"number": 4111111111111111},
            "order_id": 4111111111111111,
        }
    }

    assert DEFAULT.scrub_json(event) == {
        "extra": {
            "password": "[Filtered]",
            "max_tokens": 512,
            "card": {"number": "[Filtered]"},
            "order_id": 4111111111111111,
        }
    }


# --- a project's own rules ---


def test_a_project_adds_names_and_lets_others_through() -> None:
    scrubber = Scrubber(ScrubRules(secret_names=("iban", "PIN code"), safe_names=("csrf_token",)))
    event = {
        "customerIBAN": "DE89",
        "pin-code": "1234",
        "csrfToken": "abc",
        "shipping": "x",
        "text": "iban=DE89 csrf_token=abc",
    }

    assert scrubber.scrub_json(event) == {
        "customerIBAN": "[Filtered]",
        "pin-code": "[Filtered]",
        "csrfToken": "abc",
        "shipping": "x",
        "text": "iban=[Filtered] csrf_token=abc",
    }


def test_scrubbing_can_be_switched_off() -> None:
    scrubber = Scrubber(ScrubRules(is_enabled=False))
    event = {"password": "x"}

    assert scrubber.scrub_json(event) is event
    assert scrubber.scrub_text("password=x") == "password=x"
    assert not scrubber.may_hold_secrets(b'{"password":"x"}')


# --- hostile input ---


def test_depth_is_no_obstacle() -> None:
    event: Any = {"password": SECRET}
    for _ in range(20_000):
        event = {"a": [event]}

    clean: Any = DEFAULT.scrub_json(event)

    while "a" in clean:
        clean = clean["a"][0]
    assert clean == {"password": "[Filtered]"}


@pytest.mark.parametrize(
    "text",
    [
        "password" * 50_000,
        "password=" * 50_000,
        'password="' * 50_000,
        "password" + " " * 500_000,
        "token:" * 80_000,
        "://" * 100_000 + "@",
        "://a:" * 100_000 + "@",
        "eyJ" * 100_000,
        "eyJaaaaaaaa." * 40_000,
        "-----BEGIN PRIVATE KEY-----" * 10_000,
        "4111 " * 100_000,
        "1" * 500_000,
        "bearer " * 80_000,
        "basic " + "a" * 500_000,
        "secret=(" * 50_000,
        "".join("token" + "\\" * n + '"=' + "\\" * n + '"' for n in range(600)),
        "\ud800password=\ud800",
    ],
)
def test_a_hostile_text_is_read_in_linear_time(text: str) -> None:
    """Half a megabyte each: anything quadratic would be noticed as a suite that does not end."""
    DEFAULT.scrub_text(text)
    DEFAULT.scrub_json({"message": text, text: 1})


@pytest.mark.parametrize(
    "value", [None, 1, "password=x", [], ["password=x"], [[]], {}, {"": ""}, [["a"], ["b", "c", "d"]]]
)
def test_any_json_will_do(value: Any) -> None:
    DEFAULT.scrub_json(value)


# --- the quick look ---

_WORDS = r"""
password token Authorization cookie secret api_key max_tokens session_id card_number environ extra stacktrace frames
vars context_line = : => & " ' \ / @ :// user Bearer Basic abc123def456 hunter2 4111111111111111 4111 1111 ? ; , (
4111-1111-1111-1111 378282246310005 eyJhbGciOiJI . AKIAIOSFODNN7EXAMPLE -----BEGIN PRIVATE KEY----- ) [ ] { } None é
null € K --password X-Sentry-Auth jwt pwd DB_PASS url modules 1767225600123
"""
_PIECES = st.sampled_from([*_WORDS.split(), " ", "\n", "\t"])
_TEXTS = st.lists(_PIECES, max_size=8).map("".join) | st.text(max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([4111111111111111, 1.5]) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.booleans())
def test_the_quick_look_never_misses_what_scrubbing_finds(value: Any, is_ascii: bool) -> None:
    value = json.loads(json.dumps(value))
    clean = DEFAULT.scrub_json(value)

    if clean is not value:
        raw = json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
        assert DEFAULT.may_hold_secrets(raw)
        assert DEFAULT.may_hold_secrets(raw.replace(b"/", b"\\/"))


@given(VALUES)
def test_scrubbing_twice_is_scrubbing_once(value: Any) -> None:
    once = DEFAULT.scrub_json(value)

    assert DEFAULT.scrub_json(once) == once


@given(VALUES)
def test_what_is_remembered_changes_no_answer(value: Any) -> None:
    assert DEFAULT.scrub_json(value) == Scrubber().scrub_json(value)


def test_an_escaped_letter_hides_no_name() -> None:
    assert DEFAULT.may_hold_secrets(rb'{"p\u0061ssword": "x"}')


def test_an_ordinary_event_passes_the_quick_look() -> None:
    assert not DEFAULT.may_hold_secrets(b'{"message":"division by zero","level":"error","timestamp":1767225600.123}')
