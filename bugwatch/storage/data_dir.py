"""The data folder: one instance at a time, on a disk of this machine, readable by its owner only."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from bugwatch.domain.clock import now_ms
from bugwatch.domain.errors import Unavailable

# SQLite's locks cannot be relied on there: two machines would corrupt the file.
NETWORK_FILE_SYSTEMS = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "ncpfs", "davfs"),
        *("fuse.sshfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.davfs2"),
    )
)


class InUse(Unavailable):
    """Another process holds the data folder."""


class DataDir:
    """Enter it to hold it: a second instance is refused until it is left, also by kill -9."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self._lock: int | None = None

    @property
    def database(self) -> Path:
        return self.path / "bugwatch.db"

    @property
    def backups(self) -> Path:
        return self.path / "backups"

    def new_snapshot(self, schema: int) -> Path:
        """Where to keep a copy from before an upgrade."""
        self.backups.mkdir(mode=0o700, exist_ok=True)
        return self.backups / f"before-upgrade-from-schema-{schema:04}-{now_ms()}.db"

    def secret_key(self) -> str:
        """The key of this instance, made at first use and kept in a file that only its owner can read."""
        path = self.path / "secret.key"
        key = path.read_text("ascii").strip() if path.exists() else ""
        if key:
            return key
        key = secrets.token_urlsafe(48)
        partial = path.with_name("secret.key.partial")  # an empty key would be one that everybody knows
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(handle)
        partial.replace(path)
        return key

    def free_bytes(self) -> int:
        """What is left on its disk for us."""
        stat = os.statvfs(self.path)
        return stat.f_bavail * stat.f_frsize

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            kind = file_system_of(self.path)
            if kind in NETWORK_FILE_SYSTEMS:
                raise Unavailable(
                    f"The data folder {self.path} is on a network file system ({kind}), where SQLite can lose data. "
                    "Choose a folder on a local disk with BUGWATCH_DATA_DIR."
                )
            self._lock = os.open(self.path / "bugwatch.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(
                f"The data folder {self.path} cannot be written: {error.strerror}. "
                "Check its owner, or choose another with BUGWATCH_DATA_DIR."
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.pread(self._lock, 20, 0).decode("ascii", "replace").strip()
            os.close(self._lock)
            self._lock = None
            raise InUse(
                f"Another Bugwatch{f' (process {other})' if other else ''} uses the data folder {self.path}. "
                "Stop it, or choose another folder with BUGWATCH_DATA_DIR."
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def file_system_of(path: Path, mounts: str | None = None) -> str:
    """The type of the file system that `path` lies on (`ext4`, `nfs4` …), from Linux's mount table; empty elsewhere."""
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text("utf-8", "replace")
        except OSError:
            return ""
    resolved = path.resolve()
    best, kind = -1, ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if len(fields) < 5 or not rest:
            continue
        mount = Path(fields[4].replace("\\040", " "))
        if resolved.is_relative_to(mount) and len(mount.parts) >= best:  # the last mount on a place hides the others
            best, kind = len(mount.parts), rest[0]
    return kind
