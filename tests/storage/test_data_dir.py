"""One instance at a time, on a disk of this machine."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bugwatch.domain.errors import Unavailable
from bugwatch.storage import data_dir
from bugwatch.storage.data_dir import DataDir, file_system_of


def test_it_is_made_for_its_owner_only(tmp_path: Path) -> None:
    with DataDir(tmp_path / "a" / "b") as held:
        assert stat.S_IMODE(held.path.stat().st_mode) == 0o700


def test_a_second_instance_is_refused_by_name_and_let_in_afterwards(tmp_path: Path) -> None:
    with DataDir(tmp_path), pytest.raises(Unavailable, match=f"process {os.getpid()}"), DataDir(tmp_path):
        pass
    with DataDir(tmp_path):
        pass


def test_a_process_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import os, pathlib; from bugwatch.storage.data_dir import DataDir; "
        f"DataDir(pathlib.Path({str(tmp_path)!r})).__enter__(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)

    with DataDir(tmp_path):
        pass


def test_a_network_file_system_is_refused_by_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_dir, "file_system_of", lambda _: "nfs4")
    with pytest.raises(Unavailable, match="network file system \\(nfs4\\)"), DataDir(tmp_path):
        pass


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be written"), DataDir(tmp_path / "file" / "data"):
        pass


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/data", "ext4"),
        ("/mnt/nas/bugwatch", "nfs4"),
        ("/mnt/nas2", "ext4"),
        ("/mnt/with space/x", "cifs"),
        ("/home/ada/cloud", "fuse.sshfs"),
    ],
)
def test_the_mount_that_a_path_lies_on_is_the_longest(path: str, kind: str) -> None:
    mounts = "\n".join(
        (
            "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
            "40 22 0:44 / /mnt/nas rw - nfs4 nas:/export rw",
            "41 22 0:45 / /mnt/with\\040space rw - cifs //nas/x rw",
            "42 22 0:46 / /home/ada/cloud rw shared:9 master:1 - fuse.sshfs ada@host: rw",
            "garbage",
        )
    )
    assert file_system_of(Path(path), mounts) == kind


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    with DataDir(tmp_path) as held:
        first = held.secret_key()
        assert held.secret_key() == first
        assert len(first) >= 32
        assert stat.S_IMODE((held.path / "secret.key").stat().st_mode) == 0o600


def test_a_key_that_was_never_written_to_its_end_is_no_key(tmp_path: Path) -> None:
    with DataDir(tmp_path) as data_dir:
        (tmp_path / "secret.key").touch(0o600)  # the disk was full, or the power went
        key = data_dir.secret_key()

        assert len(key) >= 48
        assert data_dir.secret_key() == key
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
