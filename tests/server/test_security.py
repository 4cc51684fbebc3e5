from __future__ import annotations

import pytest

from bugwatch.server.security import form_token, own_path


@pytest.mark.parametrize("path", ["/", "/issues", "/issues?query=a%20b", "/projects/1#keys", "/a//b"])
def test_our_own_pages_may_come_next(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "issues",
        "//evil",
        "/\\evil",
        "https://evil",
        "/\n/evil",
        "/\x00",
        "\\/evil",
        " /issues",
        "/\u2028",
        "/\u202e",
    ],
)
def test_anything_else_leads_to_the_front_page(path: str) -> None:
    assert own_path(path) == "/"


def test_a_form_token_is_new_each_time() -> None:
    assert len({form_token(b"key") for _ in range(100)}) == 100
