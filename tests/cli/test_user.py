from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Operator, Said

PASSWORD = "horse battery staple"


def create(bugwatch: Operator, email: str, *more: str, password: str = PASSWORD) -> Said:
    argv = ["user", "create", "--email", email, "--password-file", "-", "--json", *more]
    return bugwatch.run(*argv, stdin=password + "\n")


def test_the_first_account_is_an_owner_and_later_ones_are_what_was_said(anywhere: Operator) -> None:
    made = [create(anywhere, "Alice@example.com", "--role", "member"), create(anywhere, "bob@example.com")]
    made.append(create(anywhere, "charlie@example.com", "--role", "admin"))

    assert [said.data["role"] for said in made] == ["owner", "member", "admin"]
    listed = anywhere.json("user", "list")
    assert [(user["email"], user["role"]) for user in listed] == [
        ("alice@example.com", "owner"),
        ("bob@example.com", "member"),
        ("charlie@example.com", "admin"),
    ]


@pytest.mark.parametrize(
    ("email", "password", "words"),
    [("alice", PASSWORD, "email"), ("alice@example.com", "short", "10"), ("alice@example.com", "", "10")],
)
def test_what_cannot_be_used_is_said_in_one_sentence(bugwatch: Operator, email: str, password: str, words: str) -> None:
    assert words in create(bugwatch, email, password=password).sentence


def test_an_email_that_is_taken_is_refused(bugwatch: Operator) -> None:
    create(bugwatch, "alice@example.com")

    assert "already" in create(bugwatch, "alice@example.com").sentence


def test_one_trailing_newline_of_the_password_is_dropped(bugwatch: Operator, tmp_path: Path) -> None:
    nine, ten = tmp_path / "nine", tmp_path / "ten"
    nine.write_text("qzxwvkjhg\n")
    ten.write_text("qzxwvkjhg\n\n")

    argv = ["user", "create", "--email", "alice@example.com", "--password-file"]
    assert "10" in bugwatch.run(*argv, str(nine)).sentence
    assert bugwatch.run(*argv, str(ten)).code == 0


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_password_file_that_cannot_be_read_is_named(
    bugwatch: Operator, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)

    said = bugwatch.run("user", "create", "--email", "alice@example.com", "--password-file", str(path))

    assert f"The file {path} cannot be read" in said.sentence


def test_an_unknown_role_is_wrong_usage(bugwatch: Operator) -> None:
    assert create(bugwatch, "alice@example.com", "--role", "king").code == 2


def test_a_password_is_reset_by_a_link_or_at_once(either: Operator) -> None:
    create(either, "alice@example.com")

    link = either.json("user", "reset-password", "--email", "alice@example.com")["link"]
    said = either.run(
        "user", "reset-password", "--email", "alice@example.com", "--password-file", "-", stdin="a whole new password"
    )

    assert link.startswith(f"http://127.0.0.1:{either.port}/reset/")
    assert said.code == 0, said
    assert "There is no account" in either.run("user", "reset-password", "--email", "eve@example.com").sentence


def test_an_account_is_disabled_and_enabled_but_never_the_last_owner(either: Operator) -> None:
    create(either, "alice@example.com")
    create(either, "bob@example.com")

    assert either.run("user", "disable", "--email", "bob@example.com").code == 0
    assert [user["is_disabled"] for user in either.json("user", "list")] == [False, True]
    assert either.run("user", "enable", "--email", "bob@example.com").code == 0
    assert [user["is_disabled"] for user in either.json("user", "list")] == [False, False]
    assert "only owner" in either.run("user", "disable", "--email", "alice@example.com").sentence


def test_a_token_is_made_for_an_account(either: Operator) -> None:
    create(either, "alice@example.com")

    made = either.json("token", "create", "--email", "alice@example.com", "--scopes", "project:read, event:write")

    assert made["token"].startswith("bw_")
    assert either.run("token", "create", "--email", "alice@example.com", "--scopes", "admin").code == 0


@pytest.mark.parametrize(
    ("email", "scopes", "words"),
    [
        ("alice@example.com", "all", "“all” is not a scope"),
        ("alice@example.com", ",", "at least one scope"),
        ("eve@example.com", "admin", "There is no account"),
    ],
)
def test_a_token_that_cannot_be_is_refused(bugwatch: Operator, email: str, scopes: str, words: str) -> None:
    create(bugwatch, "alice@example.com")

    assert words in bugwatch.run("token", "create", "--email", email, "--scopes", scopes).sentence
