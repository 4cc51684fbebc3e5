"""What the server says when it starts, and how it refuses to."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
from pathlib import Path

import pytest

from bugwatch.cli.serve import is_loopback
from bugwatch.domain.errors import Unavailable
from bugwatch.storage import data_dir
from bugwatch.storage.data_dir import NETWORK_FILE_SYSTEMS, file_system_of
from tests.cli.conftest import Operator


def said_by(bugwatch: Operator, *argv: str, **settings: str) -> str:
    """What a server printed on stdout from its start to its end."""
    server = bugwatch.serve(*argv, **settings)
    server.send_signal(signal.SIGTERM)
    out, _ = server.communicate(timeout=30)
    assert server.returncode == 0
    return out


def test_the_first_start_says_what_to_do(bugwatch: Operator) -> None:
    out = said_by(bugwatch)

    assert re.search(rf"http://127\.0\.0\.1:{bugwatch.port}/setup\?token=[\w-]{{20,}}", out)
    assert str(bugwatch.home) in out
    assert "BUGWATCH_HOST=0.0.0.0" in out


def test_the_link_follows_the_address_that_people_use(bugwatch: Operator) -> None:
    out = said_by(bugwatch, "--host", "0.0.0.0", BASE_URL="https://example.com/bugs/")

    assert "https://example.com/bugs/setup?token=" in out
    assert "BUGWATCH_HOST" not in out


def test_nothing_is_said_once_there_is_an_account(bugwatch: Operator) -> None:
    bugwatch.run("user", "create", "--email", "alice@example.com", "--password-file", "-", stdin="horse battery staple")

    assert said_by(bugwatch) == ""


@pytest.mark.parametrize(("host", "is_it"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("::", False)])
def test_what_only_this_machine_reaches(host: str, is_it: bool) -> None:
    assert is_loopback(host) == is_it


def test_it_serves_without_a_verb(bugwatch: Operator) -> None:
    server = bugwatch.start()
    assert server.stdout
    assert "Welcome" in "".join(server.stdout.readline() for _ in range(2))


def test_a_second_server_on_the_same_data_is_refused(bugwatch: Operator) -> None:
    first = bugwatch.serve()

    sentence = bugwatch.spawn("serve").sentence

    assert f"Another Bugwatch (process {first.pid}) uses the data folder {bugwatch.home}" in sentence


def test_a_busy_port_is_named(bugwatch: Operator) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", bugwatch.port))
        other.listen()

        sentence = bugwatch.spawn("serve").sentence

    assert f"Cannot listen on 127.0.0.1:{bugwatch.port}" in sentence
    assert "BUGWATCH_PORT" in sentence


def test_a_host_that_is_not_ours_is_named(bugwatch: Operator) -> None:
    assert "Cannot listen on 192.0.2.1" in bugwatch.spawn("serve", "--host", "192.0.2.1").sentence
    assert "Cannot listen on no such host" in bugwatch.spawn("serve", "--host", "no such host").sentence


@pytest.mark.parametrize("place", ["file/data", "proc"])
def test_a_data_folder_that_cannot_be_written_is_named(bugwatch: Operator, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    home = Path("/proc/bugwatch") if place == "proc" else tmp_path / place

    sentence = bugwatch.spawn("serve", "--data-dir", str(home)).sentence

    assert f"The data folder {home} cannot be written" in sentence
    assert "BUGWATCH_DATA_DIR" in sentence


def test_a_database_from_a_newer_version_is_refused(bugwatch: Operator) -> None:
    bugwatch.run("project", "list")
    with sqlite3.connect(bugwatch.home / "bugwatch.db") as database:
        database.execute("INSERT INTO migrations (number, name, checksum, applied_at) VALUES (9999, 'x', 'x', 0)")
    database.close()

    assert "newer Bugwatch (its schema is 9999" in bugwatch.spawn("serve").sentence
    assert "newer Bugwatch" in bugwatch.run("project", "list").sentence


def test_a_file_that_is_no_database_is_refused(bugwatch: Operator) -> None:
    bugwatch.home.mkdir()
    (bugwatch.home / "bugwatch.db").write_bytes(b"hello" * 1000)

    assert "restore a backup" in bugwatch.spawn("serve").sentence


def test_what_is_written_is_for_its_owner_only(bugwatch: Operator) -> None:
    bugwatch.serve()

    assert bugwatch.home.stat().st_mode & 0o777 == 0o700
    for path in bugwatch.home.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


MOUNTS = """\
22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/nas rw shared:1 - nfs4 nas:/vol rw
31 30 0:41 / /mnt/nas/local rw - xfs /dev/sdb1 rw
32 22 0:42 / /mnt/with\\040space rw - cifs //nas/share rw
33 22 0:43 / /mnt/over rw - ext4 /dev/sdc1 rw
34 33 0:44 / /mnt/over rw - fuse.sshfs host:/ rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/data", "ext4"),
        ("/mnt/nas", "nfs4"),
        ("/mnt/nas/bugwatch", "nfs4"),
        ("/mnt/nas/local/bugwatch", "xfs"),
        ("/mnt/nasty", "ext4"),
        ("/mnt/with space/data", "cifs"),
        ("/mnt/over/data", "fuse.sshfs"),
    ],
)
def test_the_file_system_of_a_folder_is_that_of_its_nearest_mount(path: str, kind: str) -> None:
    assert file_system_of(Path(path), MOUNTS) == kind
    assert (kind in NETWORK_FILE_SYSTEMS) == (kind in ("nfs4", "cifs", "fuse.sshfs"))


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_dir, "file_system_of", lambda path: "nfs4")

    with pytest.raises(Unavailable, match=r"network file system \(nfs4\).*BUGWATCH_DATA_DIR"):
        data_dir.DataDir(tmp_path).__enter__()


def test_a_server_that_was_killed_does_not_stand_in_the_way(bugwatch: Operator) -> None:
    server = bugwatch.serve()
    server.send_signal(signal.SIGKILL)
    server.wait()
    assert (bugwatch.home / "bugwatch.sock").exists()

    assert bugwatch.run("project", "list").code == 0
    bugwatch.serve()
    assert bugwatch.run("project", "list").code == 0


def test_ctrl_c_is_a_clean_end(bugwatch: Operator) -> None:
    server = bugwatch.serve()
    server.send_signal(signal.SIGINT)
    _, err = server.communicate(timeout=30)

    assert server.returncode == 0
    assert "Traceback" not in err
    assert not os.path.lexists(bugwatch.home / "bugwatch.sock")
