"""Manners of the one-file executable, run before anything of ours is imported.

It is two processes: a parent, which unpacks the program into a temporary folder, and the program itself. Left alone, a
killed parent leaves behind a server that nobody supervises, and a folder that nobody removes; an executable in a crash
loop fills the disk with such folders. So the program ends when its parent does, and sweeps what earlier ones left.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import signal
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
MARK = ".in-use"
PARSING = "parse-artifacts"  # bugwatch/symbolicators/child.py
UNPACKED_WITHIN_S = 60


def end_with_the_parent() -> None:
    """Have the kernel send us SIGTERM, our orderly end, when the parent dies in whatever way."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    try:
        is_orphan = not os.path.samefile("/proc/self/exe", f"/proc/{os.getppid()}/exe")
    except OSError:
        return  # no /proc, or no right to look: then only the death that comes before this line goes unseen
    if is_orphan:
        sys.exit("Bugwatch was stopped while it started.")


def hold(folder: Path) -> int:
    """Mark `folder` as in use for as long as this process lives, however it ends."""
    mark = os.open(folder / MARK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(mark, fcntl.LOCK_EX)
    return mark


def sweep(unpacked: Path) -> None:
    """Remove the folders beside `unpacked` that earlier starts left: their process is gone, or never was."""
    for folder in unpacked.parent.glob("_MEI*"):
        try:
            lock = os.open(folder / MARK, os.O_RDWR)
        except FileNotFoundError:
            if _was_interrupted(folder, unpacked):
                shutil.rmtree(folder, ignore_errors=True)
            continue
        except OSError:
            continue  # another user's, or just gone
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass  # in use
        finally:
            os.close(lock)


def _was_interrupted(folder: Path, unpacked: Path) -> bool:
    """Whether `folder` is one of ours that never got as far as its mark: old enough, and nothing in it that we lack."""
    try:
        is_old = time.time() - folder.stat().st_mtime > UNPACKED_WITHIN_S
        return is_old and all((unpacked / path.relative_to(folder)).exists() for path in folder.rglob("*"))
    except OSError:
        return False


def main() -> None:
    unpacked = Path(sys._MEIPASS)  # type: ignore[attr-defined]
    if unpacked.parent == Path(sys.executable).parent:
        return  # the one-dir build: one process, nothing unpacked
    if PARSING in sys.argv[1:2]:
        return  # a child of the program, in the folder that its parent holds
    end_with_the_parent()
    hold(unpacked)
    sweep(unpacked)


if __name__ == "__main__":
    main()
