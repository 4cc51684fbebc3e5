from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.parameterize import MAX_LENGTH, RULES, parameterize

EXAMPLES = [(rule.name, example) for rule in RULES for example in rule.examples]


@pytest.mark.parametrize("frame", ["{}", "{} failed", "failed: {}", "failed for {}.", "({})", "'{}'", 'x={}, y="{}"'])
@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_every_example_of_a_rule_is_replaced_as_a_whole(name: str, example: str, frame: str) -> None:
    named = "<str>" if frame.endswith('"') else f"<{name}>"

    assert parameterize(frame.format(example, example)) == frame.format(f"<{name}>", "\0").replace('"\0"', named)


@pytest.mark.parametrize(
    ("message", "key"),
    [
        ("User 42 not found", "User <int> not found"),
        ("Fetched 4,150,908 rows in 1.5s", "Fetched <int> rows in <duration>"),
        ("order-12345 is late", "order-<int> is late"),
        ("item_42 and item_7", "item_<int> and item_7"),
        ("GET /api/users/123/orders/9f86d081884c7d65", "GET /api/users/<int>/orders/<hash>"),
        ("Connection to 10.0.0.1:5432 refused", "Connection to <ip> refused"),
        ("getaddrinfo ENOTFOUND api.example.com", "getaddrinfo ENOTFOUND <host>"),
        ("500 Server Error: for url: https://x.y/z?q=1", "<int> Server Error: for url: <url>"),
        ("Key (email)=(ann@example.com) already exists", "Key (email)=(<email>) already exists"),
        ('{"id": 5, "name": "bob", "ok": true}', '{"id": <int>, "name": <str>, "ok": <bool>}'),
        ("{'id': 5, 'name': 'bob', 'ok': True}", "{'id': <int>, 'name': <str>, 'ok': <bool>}"),
        ("a=True b='x y' c=\"q\" d=7", "a=<bool> b=<str> c=<str> d=<int>"),
        ("invalid literal for int() with base 10: 'abc'", "invalid literal for int() with base <int>: 'abc'"),
        ("object at 0x7f8d1cbb9c90", "object at <hex>"),
        ("commit 3f2a9c1 by k9Mtd2gDcgG", "commit <hash> by <token>"),
        ("id 01ARZ3NDEKTSV4RRFFQ69G5FAV", "id <token>"),
        ("id cjld2cjxh0000qzrmn831i7rn", "id <token>"),
        ("id 507f1f77bcf86cd799439011", "id <hash>"),
        ("/tmp/tmpab3x9k2_/x.sock", "/tmp/<token>/x.sock"),
        ("took 30 seconds, 50% of -5", "took <int> seconds, <int>% of <int>"),
        ("index 3-1 out of 7", "index <int>-<int> out of <int>"),
        ("listening on tcp://0.0.0.0:80", "listening on <url>"),
    ],
)
def test_what_varies_is_named(message: str, key: str) -> None:
    assert parameterize(message) == key


@pytest.mark.parametrize(
    "message",
    [
        "'utf-8' codec: invalid start byte",
        "ISO-8859-1, latin-1, sha-256 and x86_64",
        "Fee::add() failed, A::b, dead::beef and std::vector<int>",
        "Request failed with status code 404",
        "HTTP/1.1 404 Not Found and HTTP 500",
        "Minified React error #418",
        "[Errno 111] refused, error code: 1045, ORA-00942, exit code=137",
        "log4j, h264, python3, md5, base64 and func1",
        "java.net.ConnectException: refused",
        "com.example.shop.Cart is missing",
        "Module not found: socket.io",
        "convertUtf8ToUtf16 and getUserById",
        "Object.<anonymous> of module.exports",
        "no such column: users.name",
        "",
        "-----",
        "%s of %(total)d and {count}",
    ],
)
def test_words_that_belong_to_the_message_stay(message: str) -> None:
    assert parameterize(message) == message


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a@",
            "1:",
            "a.",
            "1.",
            "f",
            "0-",
            '="',
            "1 ",
            ":",
            "9",
            "ab-",
            "http://",
            "1,000",
            '":"',
            "Mon ",
            "A1",
            "[:",
        ),
        *(
            "a:b:",
            "Jan 1 ",
            "1" * 80 + "a",
            "::1",
            "2026-11-21T",
            "datetime.datetime(1,",
            "1.1.1.",
            "x" * 63 + ".",
            "e1",
        ),
    ],
)
def test_no_text_is_read_beyond_the_limit(piece: str) -> None:
    """What comes after the limit cannot cost anything: ten megabytes of the worst are as quick as one kilobyte."""
    long = piece * (10_000_000 // len(piece))

    assert parameterize(long) == parameterize(long[:MAX_LENGTH])


@given(st.text(max_size=300))
def test_any_text_will_do(text: str) -> None:
    parameterize(text)
