"""The words for what an issue is."""

from __future__ import annotations

import pytest

from bugwatch.domain.issue import Status


def test_muted_is_another_word_for_ignored() -> None:
    assert Status("muted") is Status.IGNORED
    assert str(Status("muted")) == "ignored"


@pytest.mark.parametrize("word", ["", "closed", "RESOLVED", None, 0])
def test_other_words_are_none(word: object) -> None:
    with pytest.raises(ValueError, match="Status"):
        Status(word)
