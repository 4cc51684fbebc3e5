from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.errors import Invalid
from bugwatch.domain.password import LONGEST, SHORTEST, check, common, is_common, normal


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "kettle-lamp-otter",
        "日本語のパスワードです",
        "          x         y",
        "zq7fw2mk9x",
        "Trail of cold tea",
        "🦊🦝🐻🐼🐨🐯🦁🐮🐷🐸",
    ],
)
def test_length_is_enough(password: str) -> None:
    check(password, "alice@example.com")


def test_the_limits_are_ten_and_256_characters() -> None:
    check("zq7fw2mk9x"[:SHORTEST])
    check("zq7fw2mk9x " * 23 + "abc")
    with pytest.raises(Invalid, match="at least 10"):
        check("zq7fw2mk9")
    with pytest.raises(Invalid, match="at most 256"):
        check("zq7fw2mk9x " * 23 + "abcd")
    assert len("zq7fw2mk9x " * 23 + "abc") == LONGEST


@pytest.mark.parametrize(
    "password",
    [
        "basketball",
        "BASKETBALL",
        "password123",
        "Password2026!",
        "P4ssw0rd123",
        "p@$$w0rd!!",
        "!!monkey!!",
        "dragon12345678",
        "1234567890",
        "0987654321",
        "abcdefghijkl",
        "qwertyuiop",
        "1q2w3e4r5t",
        "aaaaaaaaaa",
        "abcabcabcabc",
        "passwordpassword",
        "bugwatch2026",
        "correcthorsebatterystaple",
        "ｐａｓｓｗｏｒｄ１２",  # the same in full-width letters
    ],
)
def test_what_people_try_first_is_refused(password: str) -> None:
    with pytest.raises(Invalid, match="first that people try"):
        check(password)


@pytest.mark.parametrize("password", ["alice@example.com", "ALICE@example.com", "example.com"])
def test_the_email_is_no_password(password: str) -> None:
    with pytest.raises(Invalid, match="email"):
        check(password, "alice@example.com")


def test_a_common_word_among_others_is_fine() -> None:
    assert not is_common("dragon fruit on toast")
    assert not is_common("dragon-lamp-otter")


def test_the_list_is_worth_its_place() -> None:
    assert len([word for word in common() if len(word) >= SHORTEST]) >= 1_000
    assert all(word == word.lower() and len(word) >= 4 for word in common())


def test_the_same_password_typed_on_two_keyboards_is_the_same() -> None:
    assert normal("cafe\u0301 au lait") == normal("caf\u00e9 au lait")


@given(st.text(max_size=300))
def test_any_text_is_judged(password: str) -> None:
    assert is_common(password) in (True, False)
