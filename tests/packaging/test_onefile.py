"""The one-file executable's manners; test_binary.py shows them on the real thing."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bugwatch.symbolicators.child import VERB

SOURCE = Path(__file__).parents[2] / "packaging" / "pyinstaller" / "onefile.py"
spec = importlib.util.spec_from_file_location("onefile", SOURCE)
assert spec
assert spec.loader
onefile = importlib.util.module_from_spec(spec)
spec.loader.exec_module(onefile)


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Path]:
    """The folder that this process runs from."""
    folder = unpack(tmp_path, "_MEI00000001abcdef")
    mark = onefile.hold(folder)
    yield folder
    os.close(mark)


def unpack(tmp_path: Path, name: str, *files: str) -> Path:
    folder = tmp_path / name
    for file in ("web/css/base.css", *files):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    return folder


def age(folder: Path) -> None:
    an_hour_ago = time.time() - 3600
    os.utime(folder, (an_hour_ago, an_hour_ago))


def test_the_child_that_reads_artifacts_is_known_by_its_verb() -> None:
    assert onefile.PARSING == VERB


def test_a_folder_whose_process_is_gone_is_swept(ours: Path, tmp_path: Path) -> None:
    left = unpack(tmp_path, "_MEI00000002abcdef")
    os.close(onefile.hold(left))

    onefile.sweep(ours)

    assert not left.exists()
    assert ours.exists()


def test_a_folder_in_use_stays(ours: Path, tmp_path: Path) -> None:
    used = unpack(tmp_path, "_MEI00000002abcdef")
    mark = onefile.hold(used)

    onefile.sweep(ours)

    assert used.exists()
    os.close(mark)


def test_a_half_unpacked_folder_is_swept_when_nobody_can_be_unpacking_it_any_more(ours: Path, tmp_path: Path) -> None:
    half = unpack(tmp_path, "_MEI00000002abcdef")

    onefile.sweep(ours)
    assert half.exists()

    age(half)
    onefile.sweep(ours)
    assert not half.exists()


def test_folders_of_other_programs_stay(ours: Path, tmp_path: Path) -> None:
    other = unpack(tmp_path, "_MEI00000002abcdef", "other/program.so")
    age(other)

    onefile.sweep(ours)

    assert other.exists()


def test_a_planted_link_is_not_followed(ours: Path, tmp_path: Path) -> None:
    precious = unpack(tmp_path, "precious")
    os.close(onefile.hold(precious))
    (tmp_path / "_MEI00000002abcdef").symlink_to(precious)

    onefile.sweep(ours)

    assert precious.exists()
