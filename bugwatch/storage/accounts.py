"""Accounts, and what they belong to: organizations with a role, projects that name their members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bugwatch.domain.account import Account, Member, Role
from bugwatch.storage.database import Reader, Row, Topic, Tx


@dataclass(frozen=True, slots=True)
class Credentials:
    account: Account
    password_hash: str


async def add(tx: Tx, email: str, name: str, password_hash: str) -> Account:
    """The new account. Raises Conflict if the email is taken."""
    row = await tx.one(
        """
        INSERT INTO accounts (email, name, password_hash, created_at)
        VALUES (:email, :name, :password_hash, :now)
        RETURNING *""",
        email=email,
        name=name,
        password_hash=password_hash,
        now=tx.now,
    )
    assert row is not None
    return account_of(row)


async def is_any(tx: Reader) -> bool:
    return bool(await tx.value("SELECT EXISTS (SELECT 1 FROM accounts)"))


async def get(tx: Reader, account_id: int) -> Account | None:
    row = await tx.one("SELECT * FROM accounts WHERE id = :id", id=account_id)
    return account_of(row) if row else None


async def by_email(tx: Reader, email: str) -> Credentials | None:
    row = await tx.one("SELECT * FROM accounts WHERE email = :email", email=email)
    return Credentials(account_of(row), row["password_hash"]) if row else None


async def all_accounts(tx: Reader) -> list[Account]:
    """Oldest first."""
    return [account_of(row) for row in await tx.all("SELECT * FROM accounts ORDER BY id")]


async def set_password(tx: Tx, account_id: int, password_hash: str) -> None:
    await tx.run("UPDATE accounts SET password_hash = :hash WHERE id = :id", id=account_id, hash=password_hash)


async def rename(tx: Tx, account_id: int, name: str) -> None:
    await tx.run("UPDATE accounts SET name = :name WHERE id = :id", id=account_id, name=name)


async def touch(tx: Tx, account_id: int) -> None:
    await tx.run("UPDATE accounts SET seen_at = :now WHERE id = :id", id=account_id, now=tx.now)


async def disable(tx: Tx, account_id: int) -> None:
    await tx.run("UPDATE accounts SET disabled_at = :now WHERE id = :id", id=account_id, now=tx.now)


async def enable(tx: Tx, account_id: int) -> None:
    await tx.run("UPDATE accounts SET disabled_at = NULL WHERE id = :id", id=account_id)


async def join(tx: Tx, organization_id: int, account_id: int, role: Role) -> None:
    """Raises Conflict if the account belongs to the organization already."""
    await tx.run(
        """
        INSERT INTO memberships (organization_id, account_id, role, created_at)
        VALUES (:organization_id, :account_id, :role, :now)""",
        organization_id=organization_id,
        account_id=account_id,
        role=role,
        now=tx.now,
    )


async def set_role(tx: Tx, organization_id: int, account_id: int, role: Role) -> None:
    await tx.run(
        """
        UPDATE memberships SET role = :role
        WHERE organization_id = :organization_id AND account_id = :account_id""",
        organization_id=organization_id,
        account_id=account_id,
        role=role,
    )


async def leave(tx: Tx, organization_id: int, account_id: int) -> None:
    """No longer a member of the organization, nor of its projects."""
    await tx.run(
        """
        DELETE FROM project_members
        WHERE account_id = :account_id
            AND project_id IN (SELECT id FROM projects WHERE organization_id = :organization_id)""",
        organization_id=organization_id,
        account_id=account_id,
    )
    await tx.run(
        "DELETE FROM memberships WHERE organization_id = :organization_id AND account_id = :account_id",
        organization_id=organization_id,
        account_id=account_id,
    )


async def roles(tx: Reader, account_id: int) -> dict[int, Role]:
    """The account's role by organization id, oldest organization first."""
    rows = await tx.all(
        "SELECT organization_id, role FROM memberships WHERE account_id = :id ORDER BY organization_id", id=account_id
    )
    return {row["organization_id"]: Role(row["role"]) for row in rows}


async def with_roles(tx: Reader, account_id: int) -> tuple[Account, dict[int, Role]] | None:
    """`get` and `roles` in one question: it is asked for every request."""
    rows = await tx.all(
        """
        SELECT accounts.*, memberships.organization_id, memberships.role
        FROM accounts
        LEFT JOIN memberships ON memberships.account_id = accounts.id
        WHERE accounts.id = :id
        ORDER BY memberships.organization_id""",
        id=account_id,
    )
    if not rows:
        return None
    return account_of(rows[0]), {row["organization_id"]: Role(row["role"]) for row in rows if row["role"] is not None}


async def members(tx: Reader, organization_id: int) -> list[Member]:
    """Everybody who belongs to the organization, by email."""
    rows = await tx.all(
        """
        SELECT accounts.*, memberships.role
        FROM memberships
        JOIN accounts ON accounts.id = memberships.account_id
        WHERE memberships.organization_id = :organization_id
        ORDER BY accounts.email""",
        organization_id=organization_id,
    )
    return [Member(account_of(row), Role(row["role"])) for row in rows]


async def hold_organization(tx: Tx, organization_id: int) -> None:
    """Let nobody else change who belongs to it until this transaction ends."""
    await tx.run("UPDATE organizations SET name = name WHERE id = :id", id=organization_id)


async def has_other_owner(tx: Reader, organization_id: int, account_id: int) -> bool:
    """Whether somebody else owns the organization, and can sign in."""
    return bool(
        await tx.value(
            """
            SELECT EXISTS (
                SELECT 1 FROM memberships
                JOIN accounts ON accounts.id = memberships.account_id
                WHERE memberships.organization_id = :organization_id
                    AND memberships.role = :owner
                    AND memberships.account_id <> :account_id
                    AND accounts.disabled_at IS NULL)""",
            organization_id=organization_id,
            account_id=account_id,
            owner=Role.OWNER,
        )
    )


async def project_members(tx: Reader, project_id: int) -> list[int]:
    """Account ids on the project's list, which counts if the project is restricted."""
    rows = await tx.all(
        "SELECT account_id FROM project_members WHERE project_id = :id ORDER BY account_id", id=project_id
    )
    return [row["account_id"] for row in rows]


async def set_project_members(tx: Tx, project_id: int, account_ids: Sequence[int] | None) -> None:
    """Exactly these; None opens the project to its organization."""
    await tx.run(
        "UPDATE projects SET is_restricted = :is_restricted WHERE id = :id",
        id=project_id,
        is_restricted=int(account_ids is not None),
    )
    await tx.announce(Topic.PROJECTS)
    await tx.run("DELETE FROM project_members WHERE project_id = :id", id=project_id)
    for account_id in sorted(set(account_ids or ())):
        await tx.run(
            "INSERT INTO project_members (project_id, account_id) VALUES (:project_id, :account_id)",
            project_id=project_id,
            account_id=account_id,
        )


def account_of(row: Row) -> Account:
    return Account(
        id=row["id"],
        email=row["email"],
        name=row["name"],
        created_at=row["created_at"],
        seen_at=row["seen_at"],
        disabled_at=row["disabled_at"],
    )
