"""Invitations to an organization that nobody has accepted yet."""

from __future__ import annotations

from dataclasses import dataclass

from bugwatch.domain.account import Role
from bugwatch.storage.database import Reader, Row, Tx


@dataclass(frozen=True, slots=True)
class Invitation:
    """`email` is empty if the link is for whoever has it."""

    id: int
    organization_id: int
    organization_name: str
    email: str
    role: Role
    invited_by: int
    created_at: int
    expires_at: int


async def add(
    tx: Tx, organization_id: int, email: str, role: Role, token_hash: bytes, invited_by: int, expires_at: int
) -> None:
    """One invitation for each email: an older one ends."""
    await tx.run(
        "DELETE FROM invitations WHERE organization_id = :organization_id AND email = :email AND email <> ''",
        organization_id=organization_id,
        email=email,
    )
    await tx.run(
        """
        INSERT INTO invitations (organization_id, email, role, token_hash, invited_by, created_at, expires_at)
        VALUES (:organization_id, :email, :role, :token_hash, :invited_by, :now, :expires_at)""",
        organization_id=organization_id,
        email=email,
        role=role,
        token_hash=token_hash,
        invited_by=invited_by,
        expires_at=expires_at,
        now=tx.now,
    )


async def by_token(tx: Reader, token_hash: bytes) -> Invitation | None:
    """The invitation, if it has not run out."""
    row = await tx.one(
        """
        SELECT invitations.*, organizations.name AS organization_name
        FROM invitations
        JOIN organizations ON organizations.id = invitations.organization_id
        WHERE token_hash = :token_hash AND expires_at > :now""",
        token_hash=token_hash,
        now=tx.now,
    )
    return invitation_of(row) if row else None


async def of_organization(tx: Reader, organization_id: int) -> list[Invitation]:
    """Those that have not run out, newest first."""
    rows = await tx.all(
        """
        SELECT invitations.*, organizations.name AS organization_name
        FROM invitations
        JOIN organizations ON organizations.id = invitations.organization_id
        WHERE organization_id = :organization_id AND expires_at > :now
        ORDER BY invitations.id DESC""",
        organization_id=organization_id,
        now=tx.now,
    )
    return [invitation_of(row) for row in rows]


async def take(tx: Tx, invitation_id: int) -> bool:
    """Use it up. Whether nobody else had."""
    return await tx.run("DELETE FROM invitations WHERE id = :id", id=invitation_id) == 1


async def forget(tx: Tx, organization_id: int) -> None:
    """Remove those that have run out."""
    await tx.run(
        "DELETE FROM invitations WHERE organization_id = :organization_id AND expires_at <= :now",
        organization_id=organization_id,
        now=tx.now,
    )


def invitation_of(row: Row) -> Invitation:
    return Invitation(
        id=row["id"],
        organization_id=row["organization_id"],
        organization_name=row["organization_name"],
        email=row["email"],
        role=Role(row["role"]),
        invited_by=row["invited_by"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )
