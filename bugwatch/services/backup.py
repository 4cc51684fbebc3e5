"""Copies of the data that are known to be good: each is opened, checked and counted before it gets its name."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bugwatch.domain.clock import HOUR, Clock, to_iso
from bugwatch.domain.errors import BugwatchError, Conflict, Invalid, NotFound, Unavailable
from bugwatch.storage import copies
from bugwatch.storage.data_dir import DataDir
from bugwatch.storage.database import Database, Reader
from bugwatch.storage.migrate import Migration, applied, missing
from bugwatch.storage.sqlite import open_alone

PARTIAL = ".partial"
MAGIC = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Copy:
    """A verified copy: where it is, its size in bytes, its schema, and the rows of each table."""

    path: Path
    size: int
    schema: int
    counts: dict[str, int]


class Backups:
    def __init__(self, db: Database, data_dir: DataDir, clock: Clock) -> None:
        self._db = db
        self._data_dir = data_dir
        self._clock = clock
        self._turn = asyncio.Lock()

    async def take(self, to: Path | None = None) -> Copy:
        """A verified copy of everything, taken online: in the data folder, in the folder `to`, or as the file `to`.

        It gets its name only when it is known to be good, so there is never half a backup.
        """
        async with self._turn:
            target = self._target(to)
            partial = target.with_name(target.name + PARTIAL)
            _remove(partial)  # what a backup left that was killed
            try:
                counts = await self._db.copy_to(partial, copies.counts)
                found = await verify(partial)
                if found.counts != counts:
                    raise Unavailable(f"The copy {target} does not hold what was copied. Nothing was kept; try again.")
                await asyncio.to_thread(_settle, partial, target)
            except OSError as error:
                raise Unavailable(f"A backup cannot be written to {target}: {error.strerror}.") from None
            finally:
                _remove(partial)
        return Copy(target, found.size, found.schema, counts)

    def _target(self, to: Path | None) -> Path:
        folder = to or self._data_dir.backups
        try:
            if to is None:
                folder.mkdir(mode=0o700, exist_ok=True)
            if not folder.is_dir():
                return self._writable(folder)
            return self._writable(folder / f"bugwatch-{_stamp(self._clock())}.db")
        except OSError as error:
            raise Unavailable(f"A backup cannot be written to {folder}: {error.strerror}.") from None

    def _writable(self, target: Path) -> Path:
        """`target`, if it can be written: not there yet, and in a folder of ours with enough space."""
        if target.exists():
            raise Conflict(f"{target} is there already. Name another file, or a folder.")
        if not target.parent.is_dir() or not os.access(target.parent, os.W_OK):
            raise Unavailable(f"A backup cannot be written to {target.parent}: no such folder, or not ours to write.")
        _sweep(target.parent, self._clock())
        needed, free = _size(self._data_dir.database), shutil.disk_usage(target.parent).free
        if free < needed:
            raise Unavailable(
                f"A backup needs {needed // 2**20 + 1} MB in {target.parent}, where {free // 2**20} MB are free. "
                "Make room, or name another folder."
            )
        return target


async def verify(path: Path) -> Copy:
    """What the copy at `path` holds. Raises Invalid if it is damaged or not ours. It must be nobody's live database."""
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise Invalid("it is no SQLite database")
        return await open_alone(path, lambda tx: _inspect(tx, path))
    except Invalid as error:
        raise Invalid(f"{path} is not a good backup: {error}.") from None
    except Unavailable as error:
        raise Invalid(f"{path} is not a good backup: {error.__cause__ or error}.") from None
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.") from None


async def _inspect(tx: Reader, path: Path) -> Copy:
    if not await copies.is_ours(tx):
        raise Invalid("it is a database, but not one of Bugwatch")
    damage = await copies.damage(tx)
    if damage:
        raise Invalid(f"it is damaged ({damage})")
    return Copy(path, _size(path), max(await applied(tx), default=0), await copies.counts(tx))


async def stage(data_dir: DataDir, source: Path, migrations: Sequence[Migration]) -> Copy:
    """A verified copy of the backup `source` beside the database, ready for `put_in_place`. Nothing else is touched.

    Raises Invalid if it is damaged, not ours, or from a newer Bugwatch. The data folder is held, and no server runs.
    """
    _check_source(data_dir, source)
    staged = data_dir.path / f"restoring.db{PARTIAL}"
    try:
        await asyncio.to_thread(shutil.copyfile, source, staged)
        staged.chmod(0o600)
        try:
            found = await verify(staged)
            missing(await open_alone(staged, applied), migrations)
        except BugwatchError as error:
            raise Invalid(str(error).replace(str(staged), str(source))) from None
    except OSError as error:
        _remove(staged)
        raise Unavailable(f"{source} cannot be copied into {data_dir.path}: {error.strerror}.") from None
    except BaseException:
        _remove(staged)
        raise
    return found


async def put_in_place(data_dir: DataDir, staged: Copy, clock: Clock) -> Path | None:
    """Let the staged copy be the database; where the one that was there is kept, or None if there was none."""
    kept = None
    if data_dir.database.exists():
        data_dir.backups.mkdir(mode=0o700, exist_ok=True)
        kept = data_dir.backups / f"before-restore-{_stamp(clock())}.db"
        try:
            await open_alone(data_dir.database, applied)  # folds its WAL in: one file, one rename
        except Unavailable:
            pass  # it is damaged, perhaps that is why we are here: keep it as it is, with its WAL
        for suffix in ("-wal", "-shm"):
            beside = data_dir.path / (data_dir.database.name + suffix)
            if beside.exists():
                beside.rename(kept.with_name(kept.name + suffix))
        try:
            kept.hardlink_to(data_dir.database)  # so that there is a database at every instant
        except OSError:
            data_dir.database.rename(kept)  # a file system without hard links
    await asyncio.to_thread(_settle, staged.path, data_dir.database)
    return kept


def _check_source(data_dir: DataDir, source: Path) -> None:
    if not source.is_file():
        raise NotFound(f"There is no file {source}.")
    if data_dir.database.exists() and source.samefile(data_dir.database):
        raise Invalid(f"{source} is the database itself, not a backup of it.")
    if _size(source.with_name(source.name + "-wal")):
        raise Invalid(
            f"{source} is a live database: its latest changes are in the -wal beside it. Use “bugwatch backup”."
        )


def discard(staged: Copy) -> None:
    """Forget a staged copy that was not put in place."""
    _remove(staged.path)


def _settle(partial: Path, target: Path) -> None:
    """Give `partial` its name, durably and at once."""
    partial.chmod(0o600)
    _sync(partial)
    partial.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(partial: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        partial.with_name(partial.name + suffix).unlink(missing_ok=True)


def _sweep(folder: Path, now: int) -> None:
    """Remove what a backup left that was killed: nobody has written to it for an hour."""
    for partial in folder.glob(f"*.db{PARTIAL}"):
        if partial.stat().st_mtime * 1000 < now - HOUR:
            _remove(partial)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _stamp(instant: int) -> str:
    return to_iso(instant).replace(":", "-")
