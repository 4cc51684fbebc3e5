"""What build tools say of uploads, releases and deploys. What is of the wrong type is absent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bugwatch.domain.errors import Invalid
from bugwatch.domain.release import COMMITS, ENVIRONMENT_LENGTH, TEXT_LENGTH, VERSION_LENGTH, Commit, NewDeploy
from bugwatch.protocol.chunk_upload import sha1_of
from bugwatch.protocol.json_fields import object_of, objects, text
from bugwatch.protocol.timestamps import instant_of

_PROJECTS = 100
_MESSAGE_LENGTH = 4_000


@dataclass(frozen=True, slots=True)
class AnnouncedUpload:
    """`projects` are slugs, or ids as text."""

    sha1: bytes
    chunks: tuple[bytes, ...]
    projects: tuple[str, ...]
    version: str
    dist: str


@dataclass(frozen=True, slots=True)
class AnnouncedRelease:
    """None: nothing is said of it."""

    version: str
    projects: tuple[str, ...]
    url: str | None
    ref: str | None
    released_at: int | None
    commits: tuple[Commit, ...] | None


def upload_of(raw: bytes) -> AnnouncedUpload:
    """Raises Invalid."""
    told = object_of(raw, "request")
    sha1 = _sha1(told.get("checksum"), "checksum")
    chunks = told.get("chunks")
    if not isinstance(chunks, list):
        raise Invalid("“chunks” is the list of the SHA-1 of each chunk.", "chunks")
    return AnnouncedUpload(
        sha1=sha1,
        chunks=tuple(_sha1(chunk, "chunks") for chunk in chunks),
        projects=_projects(told),
        version=_whole(told, "version"),
        dist=_whole(told, "dist"),
    )


def release_of(raw: bytes) -> AnnouncedRelease:
    """Raises Invalid."""
    told = object_of(raw, "request")
    commits = None
    if isinstance(told.get("commits"), list):
        commits = tuple(_commit(each) for each in objects(told, "commits", COMMITS))
    elif isinstance(told.get("refs"), list):
        commits = tuple(
            Commit(text(each, "commit", 100), text(each, "repository", TEXT_LENGTH), "", "", "", None)
            for each in objects(told, "refs", COMMITS)
        )
    return AnnouncedRelease(
        version=_whole(told, "version"),
        projects=_projects(told),
        url=text(told, "url", TEXT_LENGTH) or None,
        ref=text(told, "ref", TEXT_LENGTH) or None,
        released_at=instant_of(told.get("dateReleased")),
        commits=commits,
    )


def deploy_of(raw: bytes) -> NewDeploy:
    """Raises Invalid."""
    told = object_of(raw, "request")
    environment = text(told, "environment", ENVIRONMENT_LENGTH)
    if not environment:
        raise Invalid("“environment” is missing: where was it deployed?", "environment")
    return NewDeploy(
        environment=environment,
        name=text(told, "name", TEXT_LENGTH),
        url=text(told, "url", TEXT_LENGTH),
        started_at=instant_of(told.get("dateStarted")),
        finished_at=instant_of(told.get("dateFinished")),
    )


def _sha1(value: object, field: str) -> bytes:
    sha1 = sha1_of(value) if isinstance(value, str) else None
    if sha1 is None:
        raise Invalid(f"“{field}” must hold SHA-1 sums, in hex.", field)
    return sha1


def _projects(told: dict[str, Any]) -> tuple[str, ...]:
    value = told.get("projects")
    named = value if isinstance(value, list) else []
    if len(named) > _PROJECTS:
        raise Invalid(f"Name at most {_PROJECTS} projects.", "projects")
    return tuple(dict.fromkeys(str(name) for name in named if type(name) in (str, int)))


def _whole(told: dict[str, Any], name: str) -> str:
    """As it is: what is too long for a name must not become another one."""
    return text(told, name, VERSION_LENGTH + 1)


def _commit(told: dict[str, Any]) -> Commit:
    return Commit(
        id=text(told, "id", 100),
        repository=text(told, "repository", TEXT_LENGTH),
        author_name=text(told, "author_name", TEXT_LENGTH),
        author_email=text(told, "author_email", TEXT_LENGTH),
        message=text(told, "message", _MESSAGE_LENGTH),
        committed_at=instant_of(told.get("timestamp")),
    )
