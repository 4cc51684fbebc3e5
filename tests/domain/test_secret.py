from __future__ import annotations

from bugwatch.domain.secret import Secret, hash_of


def test_each_purpose_has_its_own_key() -> None:
    secret = Secret("x" * 32)

    assert len({secret.key("jwt"), secret.key("csrf"), Secret("y" * 32).key("jwt")}) == 3
    assert secret.mark("a", "text") != secret.mark("b", "text")


def test_a_secret_does_not_show_itself() -> None:
    assert "hunter2" not in repr(Secret("hunter2"))


def test_any_text_has_a_hash() -> None:
    assert len(hash_of("\ud800\x00")) == 32
