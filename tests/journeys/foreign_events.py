"""Event payloads that no client of ours sends: a table of odd and hostile ones, and a strategy for all others."""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import strategies as st

MANY = 1_000
LONG = "x" * 100_000
FIELDS = (
    *("_meta", "breadcrumbs", "checksum", "contexts", "csp", "culprit", "debug_meta", "dist", "environment", "errors"),
    *("event_id", "exception", "extra", "fingerprint", "level", "logentry", "logger", "measurements", "message"),
    *("modules", "platform", "release", "request", "sdk", "server_name", "spans", "stacktrace", "tags", "template"),
    *("threads", "timestamp", "transaction", "transaction_info", "user"),
)
FRAME = {"filename": "app.py", "function": "pay", "lineno": 3, "in_app": True}


def error(*frames: Any, **exception: Any) -> dict[str, Any]:
    """An event with one exception."""
    return {"exception": {"values": [{"type": "E", "value": "v", "stacktrace": {"frames": list(frames)}} | exception]}}


def nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = {"in": [value]}
    return value


def chain(*mechanisms: dict[str, Any]) -> dict[str, Any]:
    """Exceptions with these mechanisms."""
    return {
        "exception": {"values": [{"type": f"E{n}", "value": "v", "mechanism": how} for n, how in enumerate(mechanisms)]}
    }


# What each is about, and the title where it is plain what that should be.
ODD: dict[str, tuple[Any, str | None]] = {
    # --- the root ---
    "nothing at all": ({}, "(no message)"),
    "only unknown fields": ({"foo": 1, "bar": {"baz": []}}, "(no message)"),
    "every field null": (dict.fromkeys(FIELDS), "(no message)"),
    "every field a number": (dict.fromkeys(FIELDS, 7), "7"),
    "every field true": (dict.fromkeys(FIELDS, True), "True"),
    "every field text": (dict.fromkeys(FIELDS, "text"), "text"),
    "every field a list of lists": ({name: [[]] for name in FIELDS}, None),
    "every field an empty object": ({name: {} for name in FIELDS}, None),
    "an unknown platform": ({"platform": "COBOL-85", "message": "m"}, "m"),
    "an unknown type": ({"type": "quantum", "message": "m"}, "m"),
    "an unknown level": ({"level": "warn!", "message": "m"}, "m"),
    "a level as a number": ({"level": 30, "message": "m"}, "m"),
    "names with NUL, newlines and colours": (
        {"message": "m", "release": "a\nb\x00c", "environment": "\x1b[31mprod", "logger": "a\tb", "dist": " 1 "},
        "m",
    ),
    "text in every script": (
        {"message": "Ошибка 错误 エラー 🐛 \u202edesrever"},
        "Ошибка 错误 エラー 🐛 \u202edesrever",
    ),
    "half a surrogate pair": ({"message": "half \ud83d", "tags": {"\udc00": "\ud800"}}, "half \ufffd"),
    "everything very long": (
        dict.fromkeys(("release", "environment", "dist", "logger", "transaction", "server_name"), LONG)
        | {"message": "m"},
        "m",
    ),
    "a hyphenated id": ({"event_id": str(uuid.uuid4()), "message": "m"}, "m"),
    "an id that is none": ({"event_id": "not an id", "message": "m"}, "m"),
    "an id of zeros": ({"event_id": "0" * 32, "message": "m"}, "m"),
    # --- time ---
    **{
        f"a timestamp {name}": ({"timestamp": value, "message": "m"}, "m")
        for name, value in {
            "in 1970": 0,
            "before Christ": -(10**12),
            "in the year 30000": 10**12,
            "that is no number": "nan",
            "beyond all numbers": 1e308,
            "as text": "1795271467.1",
            "with nanoseconds": "2026-11-21T14:31:07.123456789+02:00",
            "without a zone": "2026-11-21T14:31:07",
            "on the 30th of February": "2026-02-30T00:00:00Z",
            "that is true": True,
        }.items()
    },
    # --- messages ---
    "a message as an object": ({"message": {"formatted": "f", "message": "m %s"}}, "f"),
    "a message as a number": ({"message": 42}, "42"),
    "a message of blank lines": ({"message": "\n \r\n\t\n"}, "(no message)"),
    "a message whose first line is blank": ({"message": "\n\nsecond\nthird"}, "second"),
    "a logentry as text": ({"logentry": "plain"}, "plain"),
    "a template with too few parameters": ({"logentry": {"message": "%s and %s", "params": ["a"]}}, "a and %s"),
    "a template that asks for a billion spaces": ({"logentry": {"message": "%999999999d", "params": [1]}}, None),
    "a template that reads attributes": ({"logentry": {"message": "{0.__class__}", "params": ["a"]}}, "{0.__class__}"),
    "a template with names": ({"logentry": {"message": "%(a)s %(b)s", "params": {"a": 1, "b": None}}}, "1 None"),
    "params as text": ({"logentry": {"message": "%s", "params": "a"}}, "%s"),
    "params a million deep": ({"logentry": {"message": "%s", "params": [nested(300)]}}, None),
    # --- exceptions ---
    "exceptions as a bare list": ({"exception": [{"type": "E", "value": "v"}]}, "E: v"),
    "a single exception": ({"exception": {"type": "E", "value": "v"}}, "E: v"),
    "null exceptions": ({"exception": {"values": [None, None, {"type": "E", "value": "v"}, None]}}, "E: v"),
    "exceptions that are text": ({"exception": {"values": ["ValueError", 5, []]}}, "(no message)"),
    "values that are no list": ({"exception": {"values": "x"}, "message": "m"}, "m"),
    "an exception without a type": ({"exception": {"values": [{"value": "Word: rest"}]}}, "Word: rest"),
    "an exception with neither": ({"exception": {"values": [{"module": "m"}]}, "message": "m"}, "m"),
    "a value that is an object": ({"exception": {"values": [{"type": "E", "value": {"code": 42}}]}}, 'E: {"code":42}'),
    "a type that is a number": ({"exception": {"values": [{"type": 500, "value": 0}]}}, "500: 0"),
    "a thousand exceptions": ({"exception": {"values": [{"type": f"E{n}", "value": "v"} for n in range(MANY)]}}, None),
    "a very long value": ({"exception": {"values": [{"type": LONG, "value": LONG}]}}, None),
    "markup in every name": (
        {"tags": {"<b>": "<script>alert(1)</script>"}, "transaction": '"><img src=x onerror=alert(1)>'}
        | error({"function": "<script>", "filename": "javascript:alert(1)", "context_line": "</pre><script>"}),
        "E: v",
    ),
    # --- mechanisms ---
    "a mechanism that is text": (error(mechanism="generic"), "E: v"),
    "a mechanism of nulls": (error(mechanism={"type": None, "handled": None, "data": None, "meta": None}), "E: v"),
    "handled as text": (error(mechanism={"type": "x", "handled": "no"}), "E: v"),
    "a cycle of causes": (chain({"exception_id": 0, "parent_id": 1}, {"exception_id": 1, "parent_id": 0}), None),
    "its own parent": (chain({"exception_id": 0, "parent_id": 0}), "E0: v"),
    "the same id twice": (chain({"exception_id": 1, "parent_id": 0}, {"exception_id": 1}, {"exception_id": 0}), None),
    "no root": (chain({"exception_id": 5, "parent_id": 9}, {"exception_id": 6, "parent_id": 8}), None),
    "a group of nothing": (chain({"exception_id": 0, "is_exception_group": True}), "E0: v"),
    "a group in a group": (
        chain(
            {"exception_id": 2, "parent_id": 1},
            {"exception_id": 1, "parent_id": 0, "is_exception_group": True},
            {"exception_id": 0, "is_exception_group": True},
        ),
        "E0: v",
    ),
    "ids beyond 64 bits": (chain({"exception_id": 2**70, "parent_id": -1}), "E0: v"),
    # --- stacks ---
    "frames null": (error(stacktrace={"frames": None}), "E: v"),
    "a stack null": (error(stacktrace=None), "E: v"),
    "a stack that is a list": (error(stacktrace=[FRAME]), "E: v"),
    "null frames": (error(None, FRAME, None), "E: v"),
    "frames that are text": (error("at pay (app.js:1:2)", 5), "E: v"),
    "an empty frame": (error({}), "E: v"),
    "a line in quotes": (error(FRAME | {"lineno": "17", "colno": "x"}), "E: v"),
    "a line below zero": (error(FRAME | {"lineno": -2, "colno": 0}), "E: v"),
    "a line beyond 64 bits": (error(FRAME | {"lineno": 2**70}), "E: v"),
    "a line with a fraction": (error(FRAME | {"lineno": 1.5}), "E: v"),
    "in_app as text": (error(FRAME | {"in_app": "yes"}), "E: v"),
    "context with nulls": (
        error(FRAME | {"pre_context": [None, "a", 5], "context_line": 5, "post_context": "x"}),
        None,
    ),
    "variables as a list": (error(FRAME | {"vars": [1, {"a": None}]}), "E: v"),
    "variables with odd keys": (error(FRAME | {"vars": {"": "", "a b": 1, "ü": [], "\x00": {}}}), "E: v"),
    "deep variables": (error(FRAME | {"vars": nested(300)}), "E: v"),
    "a URL that is none": (error({"filename": "http://[", "function": "f"}), "E: v"),
    "a file that is code": (error({"filename": "data:text/javascript,alert(1)", "function": "f"}), "E: v"),
    "a thousand frames": (error(*[FRAME | {"lineno": n} for n in range(MANY)]), "E: v"),
    "endless recursion": (error(*[FRAME] * MANY), "E: v"),
    "unknown functions": (error({"function": "?", "filename": "a.js"}, {"function": "<anonymous>"}), "E: v"),
    "addresses only": (error({"instruction_addr": "0xffffffffffffffffff", "package": "libfoo.so"}), "E: v"),
    "a platform per frame": (
        {"platform": "node"} | error(FRAME | {"platform": "native"}, FRAME | {"platform": 5}),
        "E: v",
    ),
    "a stack at the root": ({"stacktrace": {"frames": [FRAME]}, "message": "m"}, "m"),
    "a stack at the root of an exception": ({"stacktrace": [FRAME], "exception": {"type": "E", "value": "v"}}, "E: v"),
    # --- threads ---
    "threads as a list": ({"threads": [{"id": 1, "crashed": True, "stacktrace": {"frames": [FRAME]}}]}, None),
    "threads without stacks": ({"threads": {"values": [{"id": None, "name": None}, None, 5]}, "message": "m"}, "m"),
    "a thousand threads": ({"threads": {"values": [{"id": n} for n in range(MANY)]}, "message": "m"}, "m"),
    # --- breadcrumbs ---
    "breadcrumbs as a list": ({"breadcrumbs": [{"message": "b", "level": "log"}, None, "x"], "message": "m"}, "m"),
    "breadcrumbs of any time": (
        {"breadcrumbs": {"values": [{"timestamp": t} for t in (None, "x", -1, 1e300, True, [])]}, "message": "m"},
        "m",
    ),
    "breadcrumbs with any data": (
        {
            "breadcrumbs": [{"data": d, "type": {}, "category": 5} for d in (None, "x", [1], nested(300))],
            "message": "m",
        },
        "m",
    ),
    "a thousand breadcrumbs": ({"breadcrumbs": [{"message": f"{n}"} for n in range(MANY)], "message": "m"}, "m"),
    # --- tags ---
    "tags as pairs": (
        {"tags": [["a", "b"], ["t2", 5], ["t3", None], ["x"], "y", None, [1, 2, 3]], "message": "m"},
        "m",
    ),
    "tags of every kind": (
        {
            "tags": {"n": 1.5, "t": True, "l": [1], "o": {"a": 1}, "e": "", "nl": "a\nb", "": "x", "a b": "c"},
            "message": "m",
        },
        "m",
    ),
    "reserved tags": ({"tags": {"release": "r", "user": "u", "environment": "qa", "level": "x"}, "message": "m"}, "m"),
    "a thousand tags": ({"tags": {f"tag{n}": "v" for n in range(MANY)}, "message": "m"}, "m"),
    # --- users ---
    "a user who is text": ({"user": "ada", "message": "m"}, "m"),
    "a user with every kind of id": (
        {"user": {"id": 2**70, "email": [], "username": {}, "name": True}, "message": "m"},
        "m",
    ),
    "a user without an address": (
        {"user": {"ip_address": "not an address", "geo": {}, "segment": 5}, "message": "m"},
        "m",
    ),
    "a user at the connection's address": ({"user": {"ip_address": "{{auto}}"}, "message": "m"}, "m"),
    "a user at a zoned address": ({"user": {"ip_address": "fe80::1%eth0"}, "message": "m"}, "m"),
    # --- requests ---
    "a request that is text": ({"request": "GET /", "message": "m"}, "m"),
    "a request in lists": (
        {
            "request": {
                "url": "http://[::1]:x/a?b=c#d",
                "method": ["GET"],
                "query_string": [["a", "b"], ["c"], None],
                "headers": [["Host", "x"], ["A", ["1", "2"]], None],
                "cookies": [["a", None]],
                "env": [],
                "data": "{broken",
            },
            "message": "m",
        },
        "m",
    ),
    "a request in objects": (
        {
            "request": {
                "query_string": {"a": ["b", {"c": 1}]},
                "headers": {"Cookie": "a=b; c", "X": None, "Y": ["1", 2], "User-Agent": ["x"]},
                "cookies": {"a": {"b": 1}},
                "env": {"REMOTE_ADDR": 5},
                "data": [1, {"password": "hunter2"}, None],
            },
            "message": "m",
        },
        "m",
    ),
    "a query of ampersands": ({"request": {"url": "/?" + "&" * 10_000, "query_string": "=&=&&"}, "message": "m"}, "m"),
    "a body that is deep JSON in text": ({"request": {"data": "[" * 5_000}, "message": "m"}, "m"),
    # --- the rest ---
    "contexts that are no objects": (
        {"contexts": {"os": "Linux", "device": [1], "trace": None, "x": {}}, "message": "m"},
        "m",
    ),
    "a context of every kind": (
        {"contexts": {"browser": {"name": 5, "version": []}, "os": {"name": None}}, "message": "m"},
        "m",
    ),
    "modules of every kind": ({"modules": {"": "", "a": None, "b": 5}, "message": "m"}, "m"),
    "an sdk of every kind": (
        {"sdk": {"name": 5, "version": None, "settings": [], "packages": "x"}, "message": "m"},
        "m",
    ),
    "images of every kind": (
        {"debug_meta": {"images": [None, 5, {"type": "elf", "image_addr": -1}]}, "message": "m"},
        "m",
    ),
    "numbers of every size": ({"extra": {"n": [2**70, -(2**70), 1e308, 1e-308, -0.0, 0.1 + 0.2]}, "message": "m"}, "m"),
    "deep extra": ({"extra": nested(300), "message": "m"}, "m"),
    "wide extra": ({"extra": {f"k{n}": n for n in range(20_000)}, "message": "m"}, "m"),
    "remarks of every kind": (
        {"_meta": {"": 5, "a": {"": {"rem": [None, [], ["!x", "s", "a"]], "len": "x"}}, "b": []}, "message": "m"},
        "m",
    ),
    "errors of every kind": ({"errors": [None, 5, {"type": 5}, {"name": [], "value": {}}], "message": "m"}, "m"),
    "fingerprints of every kind": ({"fingerprint": [1, True, None, [], {}, "", "{{ default }}"], "message": "m"}, "m"),
    "a fingerprint that is text": ({"fingerprint": "one", "message": "m"}, "m"),
    "a fingerprint of nothing": ({"fingerprint": [], "message": "m"}, "m"),
    "a long fingerprint": ({"fingerprint": ["x" * 2_000] * 100, "message": "m"}, "m"),
    "variables in a fingerprint": (
        {"fingerprint": ["{{ transaction }}", "{{ nonsense }}", "{{{{}}"], "message": "m"},
        "m",
    ),
    "a policy report": ({"csp": {"effective_directive": "img-src", "blocked_uri": "http://["}}, None),
    "a policy of every kind": ({"csp": {"effective_directive": 5, "blocked_uri": []}}, None),
    "a template": ({"template": {"filename": "a.html", "lineno": 3, "context_line": "{% if %}"}, "message": "m"}, "m"),
    "names of old": (
        {
            "sentry.interfaces.Exception": {"values": [{"type": "E", "value": "v"}]},
            "sentry.interfaces.Http": {"url": "http://x/", "headers": {"A": "b"}},
            "sentry.interfaces.User": {"id": 3},
        },
        "E: v",
    ),
}

RAW: dict[str, bytes] = {
    "a byte order mark": b'\xef\xbb\xbf{"message": "m"}',
    "bare NaN": b'{"message": "m", "extra": {"a": NaN, "b": -Infinity}}',
    "the same key twice": b'{"message": "first", "message": "m"}',
    "bytes that are not UTF-8": b'{"message": "m", "extra": {"a": "\xff\xfe\xc3"}}',
    "raw control characters": b'{"message": "m", "extra": {"a": "\x01\x02\t"}}',
    "a number of five thousand digits": b'{"message": "m", "extra": {"n": ' + b"9" * 5_000 + b"}}",
    "an exponent": b'{"message": "m", "extra": {"n": 1e999999}}',
    "a hundred thousand brackets": b'{"message": "m", "extra": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "blanks around it": b' \r\t {"message": "m"} \r\t ',
}
NO_EVENT: dict[str, bytes] = {
    "nothing": b"",
    "a list": b"[]",
    "a number": b"5",
    "null": b"null",
    "text": b'"message"',
    "an open end": b'{"message": "m"',
    "UTF-16": '{"message": "m"}'.encode("utf-16"),
    "a picture": b"\x89PNG\r\x1a\x00\x00",
}


# --- whatever the published schema allows, and what it does not ---

_TEXTS = st.sampled_from(["", " ", "?", "a\nb", "\x00", "[Filtered]", "{{auto}}", "http://[", "7", "<b>"]) | st.text(
    max_size=12
)
_NUMBERS = st.sampled_from([0, -1, 2**31, 2**53, 2**63, 2**64, 1e300, 1.5]) | st.integers(-10, 1_000)
_LEAVES = st.none() | st.booleans() | _NUMBERS | _TEXTS
_ANYTHING = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3), max_leaves=6
)


def _object(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with some of the fields, each as it should be or as anything; seldom anything else."""
    right = st.fixed_dictionaries({}, optional={name: field | _ANYTHING for name, field in fields.items()})
    return right | right | right | _ANYTHING


def _values(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(of, max_size=3)
    return some | st.builds(lambda values: {"values": values}, some) | of


_names = (
    st.sampled_from(["pay", "a.b", "/app/shop.py", "C:\\shop.cs", "https://shop.example/a.js?x#y", "ValueError"])
    | _TEXTS
)
_lines = st.lists(_names | st.none(), max_size=3)
_frame = _object(
    filename=_names,
    abs_path=_names,
    function=_names,
    raw_function=_names,
    module=_names,
    package=_names,
    platform=st.sampled_from(["python", "native", "javascript"]),
    lineno=_NUMBERS,
    colno=_NUMBERS,
    in_app=st.booleans(),
    context_line=_names,
    pre_context=_lines,
    post_context=_lines,
    vars=st.dictionaries(_names, _ANYTHING, max_size=3),
    instruction_addr=_names,
    data=_ANYTHING,
    lock=_ANYTHING,
)
_stack = _object(frames=st.lists(_frame, max_size=4), registers=_ANYTHING)
_mechanism = _object(
    type=_names,
    handled=st.booleans(),
    synthetic=st.booleans(),
    is_exception_group=st.booleans(),
    exception_id=st.integers(0, 3),
    parent_id=st.integers(0, 3),
    source=_names,
    data=_ANYTHING,
    meta=_ANYTHING,
    help_link=_names,
    description=_names,
)
_exception = _object(
    type=_names,
    value=_names,
    module=_names,
    thread_id=_LEAVES,
    mechanism=_mechanism,
    stacktrace=_stack,
    raw_stacktrace=_stack,
)
events = st.fixed_dictionaries(
    {},
    optional={
        "breadcrumbs": _values(
            _object(timestamp=_LEAVES, type=_names, category=_names, level=_names, message=_names, data=_ANYTHING)
        ),
        "contexts": st.dictionaries(
            st.sampled_from(["os", "browser", "device", "runtime", "trace", "feedback", "x"]),
            _object(name=_names, version=_names, type=_names),
            max_size=3,
        ),
        "csp": _object(effective_directive=_names, blocked_uri=_names),
        "culprit": _names | _ANYTHING,
        "debug_meta": _object(images=st.lists(_ANYTHING, max_size=2)),
        "environment": _names | _ANYTHING,
        "errors": st.lists(_object(type=_names, name=_names, value=_ANYTHING), max_size=2),
        "exception": _values(_exception),
        "extra": _ANYTHING,
        "fingerprint": st.lists(_LEAVES, max_size=3) | _ANYTHING,
        "level": st.sampled_from(["debug", "warning", "critical", 30]) | _ANYTHING,
        "logentry": _object(message=_names, formatted=_names, params=_ANYTHING),
        "logger": _names | _ANYTHING,
        "message": _names | _ANYTHING,
        "modules": _ANYTHING,
        "platform": st.sampled_from(["python", "javascript", "java", "php", "cocoa"]) | _ANYTHING,
        "release": _names | _ANYTHING,
        "request": _object(
            url=_names,
            method=_names,
            data=_ANYTHING,
            query_string=_ANYTHING,
            cookies=_ANYTHING,
            headers=_ANYTHING,
            env=_ANYTHING,
        ),
        "sdk": _object(name=_names, version=_names, settings=_ANYTHING),
        "server_name": _names | _ANYTHING,
        "stacktrace": _stack,
        "tags": _ANYTHING | st.lists(st.lists(_LEAVES, min_size=2, max_size=2), max_size=3),
        "threads": _values(
            _object(id=_LEAVES, name=_names, crashed=st.booleans(), current=st.booleans(), stacktrace=_stack)
        ),
        "timestamp": _LEAVES,
        "transaction": _names | _ANYTHING,
        "type": st.sampled_from(["error", "csp", "default"]) | _ANYTHING,
        "user": _object(id=_LEAVES, email=_names, username=_names, ip_address=_names, data=_ANYTHING, geo=_ANYTHING),
        "_meta": _ANYTHING,
    },
)
