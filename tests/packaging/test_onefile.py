"""The one-file executable's manners; test_binary.py shows them on the real thing."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "packaging" / "pyinstaller" / "onefile.py"
spec = importlib.util.spec_from_file_location("onefile", SOURCE)
assert spec
assert spec.loader
onefile = importlib.util.module_from_spec(spec)
spec.loader.exec_module(onefile)


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    folder = tmp_path / "_MEI00000001abcdef"
    (folder / "web").mkdir(parents=True)
    return folder


def test_a_folder_whose_process_is_gone_is_swept(unpacked: Path) -> None:
    os.close(onefile.hold(unpacked))

    onefile.sweep(unpacked.parent)

    assert not unpacked.exists()


def test_a_folder_in_use_stays(unpacked: Path) -> None:
    mark = onefile.hold(unpacked)

    onefile.sweep(unpacked.parent)

    assert unpacked.exists()
    os.close(mark)


def test_folders_of_other_programs_stay(unpacked: Path) -> None:
    onefile.sweep(unpacked.parent)

    assert unpacked.exists()


def test_a_planted_link_is_not_followed(unpacked: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / onefile.MARK).touch()
    (tmp_path / "_MEI00000002abcdef").symlink_to(precious)

    onefile.sweep(tmp_path)

    assert precious.exists()
