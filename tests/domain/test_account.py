from __future__ import annotations

from pathlib import Path

import pytest

from bugwatch.domain.account import (
    ROLES,
    Account,
    Caller,
    Role,
    Verb,
    clean_email,
    clean_name,
    may,
    scopes_of,
    verb_over,
)
from bugwatch.domain.errors import Invalid

# The table of role × verb, written out once more: changing it is a decision, not an accident.
TABLE = {
    "project:read": "owner admin member",
    "project:write": "owner admin",
    "project:admin": "owner admin",
    "sourcemaps": "owner admin member",
    "event:read": "owner admin member",
    "event:write": "owner admin member",
    "event:admin": "owner admin",
    "member:read": "owner admin member",
    "member:write": "owner admin",
    "member:admin": "owner",
}


def caller(role: Role, *scopes: str) -> Caller:
    return Caller(Account(1, "a@example.com", "", 0), {1: role}, scopes_of(scopes) if scopes else None)


def test_the_table_of_roles_and_verbs_is_complete() -> None:
    assert {verb.value: " ".join(role for role in Role if may(role, verb)) for verb in Verb} == TABLE
    assert set(ROLES) == set(Verb)


def test_each_role_may_do_all_that_the_next_one_may() -> None:
    for verb in Verb:
        assert [may(role, verb) for role in Role] == sorted((may(role, verb) for role in Role), reverse=True)


def test_a_role_counts_in_its_own_organization_only() -> None:
    assert caller(Role.OWNER).may(Verb.PROJECT_WRITE, 1)
    assert not caller(Role.OWNER).may(Verb.PROJECT_WRITE, 2)


def test_a_token_never_exceeds_its_owner() -> None:
    assert not caller(Role.MEMBER, "admin").may(Verb.EVENT_ADMIN, 1)
    assert not caller(Role.MEMBER, "member:admin").may(Verb.MEMBER_WRITE, 1)
    assert caller(Role.OWNER, "admin").may(Verb.MEMBER_ADMIN, 1)


def test_a_scope_brings_the_weaker_ones_of_its_group_and_no_other() -> None:
    assert scopes_of(["event:write"]) == {Verb.EVENT_READ, Verb.EVENT_WRITE}
    assert not caller(Role.OWNER, "event:admin").may(Verb.PROJECT_READ, 1)


@pytest.mark.parametrize("names", [[], [""], ["everything"], ["event:read", "x"], ["admin", "x"], ["EVENT:READ"]])
def test_an_unknown_scope_is_refused_with_the_list(names: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        scopes_of(names)
    assert refused.value.field == "scopes"


def test_only_owners_change_owners() -> None:
    assert verb_over(Role.OWNER) is Verb.MEMBER_ADMIN
    assert verb_over(Role.ADMIN) is verb_over(Role.MEMBER) is Verb.MEMBER_WRITE


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("Alice@Example.COM", "alice@example.com"),
        ("  a@b.c \n", "a@b.c"),
        ("admin@localhost", "admin@localhost"),
        ("o'neil+tag@example.co.uk", "o'neil+tag@example.co.uk"),
        ("jürgen@müller.example", "jürgen@müller.example"),
    ],
)
def test_an_email_is_kept_in_small_letters(given: str, clean: str) -> None:
    assert clean_email(given) == clean


@pytest.mark.parametrize(
    "given",
    [
        "",
        "@",
        "a@",
        "@b.c",
        "a b@c.d",
        "a@b@c",
        "a@b.c, d@e.f",
        "a@b.c;d@e.f",
        "<a@b.c>",
        '"a"@b.c',
        "a@b.c\r\nBcc: d@e.f",
        "a\x00@b.c",
        "a" * 251 + "@b.c",
    ],
)
def test_what_could_be_more_than_one_mailbox_is_no_email(given: str) -> None:
    with pytest.raises(Invalid):
        clean_email(given)


@pytest.mark.parametrize("given", ["x" * 101, "a\x00b", "a\u202eb", "\ud800"])
def test_a_name_that_cannot_be_read_is_refused(given: str) -> None:
    with pytest.raises(Invalid):
        clean_name(given)


def test_a_name_is_one_line() -> None:
    assert clean_name(" Mara \r\n  Keller ") == "Mara Keller"


def test_the_documentation_shows_the_same_table() -> None:
    paper = (Path(__file__).parents[2] / "web/docs/accounts.md").read_text("utf-8")

    for verb, (who, sentence) in ROLES.items():
        answers = " | ".join("yes" if role in who else "no" for role in Role)
        assert f"| `{verb.value}` | {sentence} | {answers} |" in paper
