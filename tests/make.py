"""Builders: what a test needs, with only what it is about spelled out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import count

from bugwatch.domain.account import Caller, Role
from bugwatch.domain.artifact import ArtifactKind, NewArtifact, Upload
from bugwatch.domain.batch import Arrival, NewEvent
from bugwatch.domain.event import Level
from bugwatch.domain.ids import first_id_at
from bugwatch.domain.outcome import Category
from bugwatch.storage import accounts, artifact_bundles, contents
from bugwatch.storage.artifacts import packed
from bugwatch.storage.database import Database, Tx
from bugwatch.storage.event_keys import key_of
from bugwatch.storage.projects import add, add_organization, get

SECRET = b"s" * 32
_numbers = count(1)


async def project(db: Database, slug: str = "shop", *, beside: int = 0) -> int:
    """A project's id: in an organization of its own, or in that of another project."""

    async def work(tx):  # type: ignore[no-untyped-def]
        sql = "SELECT organization_id FROM projects WHERE id = :id"
        home = await tx.value(sql, id=beside) or await add_organization(tx, f"home-{slug}", "Home")
        return (await add(tx, home, slug, slug.title(), "python")).id

    return await db.write(work)


async def owner(db: Database, project_id: int) -> Caller:
    """Alice, who owns the organization of the project."""

    async def work(tx: Tx) -> Caller:
        account = await accounts.add(tx, "alice@example.com", "Alice", "")
        found = await get(tx, project_id)
        assert found
        await accounts.join(tx, found.organization_id, account.id, Role.OWNER)
        return Caller(account, {found.organization_id: Role.OWNER})

    return await db.write(work)


def arrival(project_id: int, at: int, **given: object) -> Arrival:
    """One item that arrived at `at` (ms since 1970)."""
    number = next(_numbers)
    defaults: dict[str, object] = {
        "id": first_id_at(at) + number * 8,
        "category": Category.ERROR,
        "item_type": "event",
        "payload": b"{}",
        "received_at": at,
        "event_id": f"{number:032x}",
    }
    return Arrival(project_id=project_id, **{**defaults, **given})  # type: ignore[arg-type]


def event(project_id: int, at: int, *, event_id: str | None = None, issue: str = "one", **given: object) -> NewEvent:
    """An event that is ready to be stored; those with the same `issue` are grouped together."""
    came = arrival(project_id, at, **({"event_id": event_id} if event_id else {}))
    environment = str(given.pop("environment", "production"))
    release = str(given.pop("release", ""))
    tags = (("environment", environment), *([("release", release)] if release else []), *given.pop("tags", ()))  # type: ignore[misc]
    user = given.pop("user", None)
    defaults: dict[str, object] = {
        "key": key_of(SECRET, project_id, bytes.fromhex(came.event_id)),
        "event_id": bytes.fromhex(came.event_id),
        "issue_hashes": (issue_hash(project_id, issue),),
        "hash_version": 1,
        "happened_at": at,
        "level": Level.ERROR,
        "title": f"ValueError: {issue}",
        "title_type": "ValueError",
        "culprit": "app.py in main",
        "platform": "python",
        "is_unhandled": False,
        "environment": environment,
        "release": release,
        "tags": tags,
        "user_id": hash(user) % 2**40 if user else None,
        "user_label": str(user or ""),
        "dictionary_id": 0,
        "data": b"x",
    }
    return NewEvent(arrival=came, **{**defaults, **given})  # type: ignore[arg-type]


def issue_hash(project_id: int, issue: str) -> bytes:
    """The hash of the events that `event` makes with this `issue`."""
    return f"{project_id}-{issue}".encode().ljust(16)[:16]


def artifact(number: int, data: bytes, **given: object) -> NewArtifact:
    """A file of a bundle, ready to be stored: a source map at `~/<number>.js.map` unless told."""
    stored = packed([data], len(data))
    defaults: dict[str, object] = {
        "kind": ArtifactKind.SOURCE_MAP,
        "debug_id": "",
        "url": f"~/{number}.js.map",
        "source_map_ref": "",
    }
    return NewArtifact(
        number=number,
        sha256=hashlib.sha256(stored).digest(),
        size=len(data),
        data=stored,
        **{**defaults, **given},  # type: ignore[arg-type]
    )


async def bundle(
    db: Database, *project_ids: int, files: Sequence[NewArtifact], release: str = "", dist: str = ""
) -> int:
    """The id of a bundle that was uploaded for these projects, whole, with these files."""
    sha1 = hashlib.sha1(b"".join(file.sha256 for file in files) + str(next(_numbers)).encode()).digest()

    async def work(tx):  # type: ignore[no-untyped-def]
        announced = await artifact_bundles.announce(tx, Upload(sha1, (sha1,), 1, project_ids, release, dist))
        pieces = [piece for file in files for piece in contents.pieces(file.sha256, file.data)]
        await artifact_bundles.add_files(tx, announced.id, files, pieces)
        await artifact_bundles.finish(tx, announced.id, debug_id="", size=1)
        return announced.id

    return await db.write(work)
