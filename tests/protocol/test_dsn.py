from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.errors import Invalid
from bugwatch.protocol.dsn import Dsn, format_dsn, parse

KEY = "9ec79c33ec9942ab8353589fcb2e04dc"


@pytest.mark.parametrize(
    ("text", "dsn"),
    [
        (f"https://{KEY}@bugs.example/1", Dsn("https", KEY, "bugs.example", None, "", 1)),
        (f"http://{KEY}@localhost:8470/42", Dsn("http", KEY, "localhost", 8470, "", 42)),
        (f"https://{KEY}:0ldsecret@bugs.example/1", Dsn("https", KEY, "bugs.example", None, "", 1)),
        (f"https://{KEY}@bugs.example/base/path/7", Dsn("https", KEY, "bugs.example", None, "/base/path", 7)),
        (f"https://{KEY}@bugs.example//7", Dsn("https", KEY, "bugs.example", None, "", 7)),
        (f"https://{KEY}@bugs.example/7/", Dsn("https", KEY, "bugs.example", None, "", 7)),
        (f"https://{KEY}@bugs.example:443/7", Dsn("https", KEY, "bugs.example", None, "", 7)),
        (f"http://{KEY}@[::1]:8470/7", Dsn("http", KEY, "[::1]", 8470, "", 7)),
        (f"  HTTPS://{KEY}@Bugs.Example/1\n", Dsn("https", KEY, "bugs.example", None, "", 1)),
    ],
)
def test_a_dsn_is_taken_apart(text: str, dsn: Dsn) -> None:
    assert parse(text) == dsn


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        KEY,
        "https://bugs.example/1",
        f"https://{KEY}@/1",
        f"https://{KEY}@bugs.example",
        f"https://{KEY}@bugs.example/",
        f"https://{KEY}@bugs.example/shop",
        f"https://{KEY}@bugs.example/1x",
        f"https://{KEY}@bugs.example/١",
        f"https://{KEY}@bugs.example/" + "9" * 19,
        f"{KEY}@bugs.example/1",
        "https://@bugs.example/1",
        "https://a@b@c/1",
        f"https://{KEY}@bugs.example:port/1",
        f"https://{KEY}@bugs example/1",
        "https://k@h" + "/a" * 100_000 + "/1",
    ],
)
def test_what_is_no_dsn_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse(text)


@pytest.mark.parametrize(
    "base_url",
    ["http://localhost:8470", "https://bugs.example", "https://bugs.example/base", "https://bugs.example/base/"],
)
def test_what_we_hand_out_is_read_back(base_url: str) -> None:
    text = format_dsn(base_url, KEY, 12)

    assert str(parse(text)) == text == base_url.rstrip("/").replace("://", f"://{KEY}@") + "/12"


@given(st.text(max_size=200))
def test_any_text_is_a_dsn_or_refused(text: str) -> None:
    for candidate in (text, f"https://{text}@host/1", f"https://{KEY}@{text}/1"):
        try:
            parse(candidate)
        except Invalid as refused:
            assert refused.field == "dsn"  # noqa: PT017
