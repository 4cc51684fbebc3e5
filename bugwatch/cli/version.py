"""`bugwatch version`."""

from __future__ import annotations

import platform
from argparse import Namespace

from bugwatch import __version__
from bugwatch.cli.command import Answer, Command


class Version(Command):
    kind = "version"
    help = "print the version"

    def run(self, args: Namespace) -> Answer:
        python = platform.python_version()
        return Answer(f"Bugwatch {__version__}", {"version": __version__, "python": python})
