"""The socket by which a command reaches a running server: `bugwatch.sock` in the data folder, for its owner and root.

One connection is one command. A line of JSON goes in (`version`, `verb`, `arguments`), a line comes back: the answer
(`text`, `data`, `status`), or the sentence of an `error`. The server runs the same code that the command would have
run itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "bugwatch.sock"
LONGEST_ADDRESS = 107  # bytes; what a sockaddr_un holds
# How long a command waits while another one holds the data folder, or while a server starts and does not listen yet;
# and how long a server that stops waits for the commands that it is running.
PATIENCE_S = 10.0


@contextmanager
def address(data_dir: Path) -> Iterator[str]:
    """A name for the socket that fits: a folder that is too deep is reached through an open handle on it."""
    path = str(data_dir / NAME)
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        yield path
        return
    handle = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{NAME}"
    finally:
        os.close(handle)
