from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.token import is_token, token_from


@given(st.integers(min_value=0, max_value=2**192 - 1))
def test_a_token_is_recognized_and_no_project_key(random: int) -> None:
    token = token_from(random)

    assert is_token(token)
    assert token.startswith("bw_")
    assert not token.startswith("bw_live_")
    assert len(token) == 39


@given(st.integers(min_value=0, max_value=2**178), st.integers(min_value=3, max_value=38))
def test_a_typo_is_noticed(random: int, place: int) -> None:
    token = token_from(random)
    other = "x" if token[place] != "x" else "y"

    assert not is_token(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize("text", ["", "bw_", "bw_" + "A" * 36, "bw_" + "é" * 36, "BW_" + token_from(7)[3:]])
def test_other_texts_are_no_tokens(text: str) -> None:
    assert not is_token(text)


def test_different_numbers_are_different_tokens() -> None:
    assert len({token_from(1 << bit) for bit in range(178)}) == 178
