"""Looks for what is wrong, or soon will be, and says what to do about it."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bugwatch.domain.clock import DAY, MINUTE, Clock, to_iso
from bugwatch.domain.errors import BugwatchError, Unavailable
from bugwatch.domain.ids import EPOCH_2026, time_of
from bugwatch.domain.site import Site
from bugwatch.storage import doctor, events, spool
from bugwatch.storage.data_dir import NETWORK_FILE_SYSTEMS, DataDir, file_system_of
from bugwatch.storage.database import Database
from bugwatch.storage.migrate import Migration, applied, missing

ENOUGH_FILES = 1024
LISTED = 5  # offenders that a sentence names


class Grade(StrEnum):
    OK = "ok"
    NOTE = "note"  # worth knowing
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about one thing; where the grade is not `ok`, it says what to do."""

    subject: str
    grade: Grade
    sentence: str


class Doctor:
    """`host` is where the server listens, `disk_floor` in bytes."""

    def __init__(
        self,
        db: Database,
        data_dir: DataDir,
        clock: Clock,
        site: Site,
        migrations: Sequence[Migration],
        *,
        host: str,
        disk_floor: int,
    ) -> None:
        self._db = db
        self._data_dir = data_dir
        self._clock = clock
        self._site = site
        self._migrations = migrations
        self._host = host
        self._disk_floor = disk_floor

    async def examine(self) -> list[Finding]:
        """All findings. Nothing is changed."""
        return [
            of_file_system(self._data_dir.path, file_system_of(self._data_dir.path)),
            of_permissions(self._data_dir.path),
            of_disk(self._data_dir.free_bytes(), self._disk_floor),
            of_open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
            of_addresses(self._site, self._host),
            await self._engine(),
            *await self._data(),
        ]

    async def _engine(self) -> Finding:
        name, wrong = await self._db.check_up()
        return _found("database", f"{name}, set up as it should be.", wrong)

    async def _data(self) -> list[Finding]:
        schema = await self._schema()
        if schema.grade is not Grade.OK:
            return [schema]  # what follows asks for tables that may not be there
        return [schema, await self._time(), await self._ledger(), await self._references(), await self._spool()]

    async def _schema(self) -> Finding:
        try:
            async with self._db.read() as tx:
                done = await applied(tx)
        except Unavailable:
            return Finding("schema", Grade.NOTE, "There is no data yet: the first start makes it.")
        try:
            todo = missing(done, self._migrations)
        except Unavailable as error:
            return Finding("schema", Grade.WRONG, str(error))
        if todo:
            sentence = f"The next start brings the data from schema {max(done)} to {todo[-1].number}, after a backup."
            return Finding("schema", Grade.NOTE, sentence)
        return Finding("schema", Grade.OK, f"Schema {max(done)}, the newest.")

    async def _time(self) -> Finding:
        async with self._db.read() as tx:
            newest = await events.newest_id(tx)
        return of_clock(self._clock(), time_of(newest) if newest else None)

    async def _ledger(self) -> Finding:
        async with self._db.read() as tx:
            unbalanced = await doctor.unbalanced(tx)
            uncounted = await doctor.uncounted(tx)
        wrong = [
            f"Project {row['project_id']}, {row['category']}, hour {to_iso(row['hour'])}: received differs from what "
            f"became of it by {row['difference']}. Please report it."
            for row in unbalanced
        ]
        wrong += [
            f"Project {row['project_id']}: {row['difference']} more were stored than are here. Please report it."
            for row in uncounted
        ]
        return _found("ledger", "What was received and what became of it add up.", wrong)

    async def _references(self) -> Finding:
        wrong = []
        for reference in doctor.REFERENCES:
            async with self._db.read() as tx:
                try:
                    count = await doctor.orphans(tx, reference)
                except BugwatchError:
                    return Finding("references", Grade.NOTE, f"There is too much in {reference.table} to check it now.")
            if count:
                wrong.append(
                    f"{count} rows of {reference.table} name {reference.parent} that are not there. Please report it."
                )
        return _found("references", "No row names another that is not there.", wrong)

    async def _spool(self) -> Finding:
        async with self._db.read() as tx:
            waiting = await spool.waiting(tx)
        if waiting.failed_count:
            sentence = f"{waiting.failed_count} items could not be read. They are kept, and tried again at each start."
            return Finding("spool", Grade.WRONG, f"{sentence} Update Bugwatch, or report it with the log.")
        return Finding("spool", Grade.OK, f"{waiting.count} items wait to be stored.")


def of_file_system(path: Path, kind: str) -> Finding:
    if kind in NETWORK_FILE_SYSTEMS:
        return Finding(
            "file system",
            Grade.WRONG,
            f"{path} is on a network file system ({kind}), where SQLite can lose data. Move it to a local disk.",
        )
    return Finding("file system", Grade.OK, f"{path} is on a local disk{f' ({kind})' if kind else ''}.")


def of_permissions(folder: Path) -> Finding:
    """What others may read or write in the data folder. A closed folder protects all that is in it."""
    if not folder.stat().st_mode & 0o077:
        return Finding("permissions", Grade.OK, "Only its owner may enter the data folder.")
    open_files = sorted(path.name for path in folder.iterdir() if path.lstat().st_mode & 0o077)
    wrong = [f"Others may enter {folder}, and reach {_listed(open_files)} in it. Run: chmod -R go-rwx {folder}"]
    return _found(
        "permissions", "Others may enter the data folder, but reach no file in it.", wrong if open_files else []
    )


def of_disk(free: int, floor: int) -> Finding:
    """`free` and `floor` in bytes."""
    megabytes = f"{free // 2**20:,} MB are free for the data folder"
    if free < floor:
        sentence = f"Only {megabytes}, under the floor of {floor // 2**20:,} MB: events are refused. Make room."
        return Finding("disk", Grade.WRONG, sentence)
    if free < 4 * floor:
        return Finding(
            "disk", Grade.NOTE, f"{megabytes}. Under {floor // 2**20:,} MB, events are refused. Make room soon."
        )
    return Finding("disk", Grade.OK, f"{megabytes}.")


def of_open_files(limit: int) -> Finding:
    if 0 <= limit < ENOUGH_FILES:
        return Finding(
            "open files",
            Grade.WRONG,
            f"Only {limit} files and connections may be open at once; {ENOUGH_FILES} is the least for many clients. "
            "Raise it: ulimit -n, or LimitNOFILE in a service.",
        )
    return Finding("open files", Grade.OK, "Enough files and connections may be open at once.")


def of_addresses(site: Site, host: str) -> Finding:
    """Whether the address that we hand out can be the one that people reach."""
    is_open = host in ("0.0.0.0", "::", "")  # noqa: S104 - compared, not bound
    if is_open and site.url.startswith(("http://localhost:", "http://127.")):
        return Finding(
            "addresses",
            Grade.NOTE,
            f"It listens to the network, but DSNs and links say {site.url}, which works on this machine only. "
            "Set BUGWATCH_BASE_URL to the address that others use.",
        )
    if site.is_https and not site.trusted_proxies:
        return Finding(
            "addresses",
            Grade.NOTE,
            f"{site.url} is reached through a proxy that is not trusted: all clients seem to have its address. "
            "Set BUGWATCH_TRUSTED_PROXIES to it.",
        )
    return Finding("addresses", Grade.OK, f"DSNs and links say {site.url}.")


def of_clock(now: int, newest: int | None) -> Finding:
    """`newest` is when the newest thing arrived that is stored."""
    if now < EPOCH_2026:
        sentence = f"This machine's clock says {to_iso(now)}, which is over. Set it; a time service keeps it right."
        return Finding("clock", Grade.WRONG, sentence)
    if newest is not None and newest > now + MINUTE:
        ahead = "days" if newest - now > 2 * DAY else "minutes"
        count = (newest - now) // (DAY if ahead == "days" else MINUTE)
        sentence = (
            f"The newest event arrived {count} {ahead} in the future: the clock was wrong then, or is now. Check it."
        )
        return Finding("clock", Grade.WRONG, sentence)
    return Finding("clock", Grade.OK, f"The clock says {to_iso(now)}.")


def _found(subject: str, good: str, wrong: Sequence[str]) -> Finding:
    if not wrong:
        return Finding(subject, Grade.OK, good)
    more = f" And {len(wrong) - LISTED} more like this." if len(wrong) > LISTED else ""
    return Finding(subject, Grade.WRONG, " ".join(wrong[:LISTED]) + more)


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:LISTED]) + (" and more" if len(names) > LISTED else "")
