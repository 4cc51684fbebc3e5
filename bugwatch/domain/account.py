"""People and what they may do: accounts, roles, verbs, and the one table of role × verb.

An account belongs to organizations, with a role in each. Owners and admins see every project of theirs; a member sees
those that are open to all members, and those that name them. What somebody may not see does not exist for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from bugwatch.domain.errors import Invalid

EMAIL_LENGTH = 254
NAME_LENGTH = 100
# A mailbox at a host, without anything that could mean something else in a mail's header.
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+@[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+")


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class Verb(StrEnum):
    """What somebody may want to do. The values are the scopes of tokens; a scope brings those above it in its group."""

    PROJECT_READ = "project:read"
    PROJECT_WRITE = "project:write"
    PROJECT_ADMIN = "project:admin"
    SOURCEMAPS = "sourcemaps"
    EVENT_READ = "event:read"
    EVENT_WRITE = "event:write"
    EVENT_ADMIN = "event:admin"
    MEMBER_READ = "member:read"
    MEMBER_WRITE = "member:write"
    MEMBER_ADMIN = "member:admin"


# The scope of a token that may do all that its owner may.
EVERYTHING = "admin"


def _(text: str) -> str:
    """Marks a text for the catalogue of what people read."""
    return text


# The table: who may do it, and what it is.
ROLES: Mapping[Verb, tuple[frozenset[Role], str]] = MappingProxyType(
    {
        Verb.PROJECT_READ: (frozenset(Role), _("See projects, their DSN and their ledger")),
        Verb.PROJECT_WRITE: (
            frozenset({Role.OWNER, Role.ADMIN}),
            _("Create projects, change their settings, rotate their keys, see those with a list of members"),
        ),
        Verb.PROJECT_ADMIN: (frozenset({Role.OWNER, Role.ADMIN}), _("Delete projects, choose their members")),
        Verb.SOURCEMAPS: (frozenset(Role), _("Upload source maps, announce releases and deploys, with a build tool")),
        Verb.EVENT_READ: (frozenset(Role), _("See issues and events")),
        Verb.EVENT_WRITE: (frozenset(Role), _("Resolve, mute, reopen and merge issues")),
        Verb.EVENT_ADMIN: (frozenset({Role.OWNER, Role.ADMIN}), _("Delete issues")),
        Verb.MEMBER_READ: (frozenset(Role), _("See who belongs to the organization")),
        Verb.MEMBER_WRITE: (
            frozenset({Role.OWNER, Role.ADMIN}),
            _("Invite and remove members and admins, change their role, make links to reset their password"),
        ),
        Verb.MEMBER_ADMIN: (frozenset({Role.OWNER}), _("The same with owners, and the settings of the instance")),
    }
)


def may(role: Role, verb: Verb) -> bool:
    return role in ROLES[verb][0]


@dataclass(frozen=True, slots=True)
class Account:
    """`email` is in small letters. `disabled_at` is set while the account may not be used."""

    id: int
    email: str
    name: str
    created_at: int
    seen_at: int | None = None
    disabled_at: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """An account in one organization."""

    account: Account
    role: Role


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an account, its role by organization id, and what its token is limited to (None: nothing)."""

    account: Account
    roles: Mapping[int, Role]
    scopes: frozenset[Verb] | None = None

    def may(self, verb: Verb, organization_id: int) -> bool:
        role = self.roles.get(organization_id)
        return role is not None and may(role, verb) and (self.scopes is None or verb in self.scopes)


def verb_over(role: Role) -> Verb:
    """What it takes to change somebody who has this role, or to give it."""
    return Verb.MEMBER_ADMIN if role is Role.OWNER else Verb.MEMBER_WRITE


def scopes_of(names: Iterable[str]) -> frozenset[Verb] | None:
    """The verbs that a token's scopes allow; None for all. Raises Invalid, with the list, if one is not a scope."""
    verbs: set[Verb] = set()
    is_everything = False
    for name in names:
        if name == EVERYTHING:
            is_everything = True
        elif name in tuple(Verb):
            verbs |= _with_weaker(Verb(name))
        else:
            raise Invalid(f"“{name}” is not a scope. Scopes are {', '.join([EVERYTHING, *Verb])}.", "scopes")
    if not verbs and not is_everything:
        raise Invalid("A token needs at least one scope.", "scopes")
    return None if is_everything else frozenset(verbs)


def _with_weaker(verb: Verb) -> set[Verb]:
    group = [other for other in Verb if other.partition(":")[0] == verb.partition(":")[0]]
    return set(group[: group.index(verb) + 1])


def clean_email(text: str) -> str:
    """In small letters, without space around it. Raises Invalid if it is no address."""
    email = text.strip().lower()
    if len(email) > EMAIL_LENGTH or not _EMAIL.fullmatch(email):
        raise Invalid("That is not an email address.", "email")
    return email


def clean_name(text: str) -> str:
    """One line of at most 100 characters; may be empty."""
    name = " ".join(text.split())
    if len(name) > NAME_LENGTH or not name.isprintable():
        raise Invalid(f"A name has at most {NAME_LENGTH} characters, all of them readable.", "name")
    return name
