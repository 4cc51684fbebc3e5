"""Where the files that travel with the program are: `web/` and `migrations/`.

They stand beside the package in a checkout, inside it in a wheel, and in the unpacked folder of the frozen binary.
"""

from __future__ import annotations

import sys
from pathlib import Path


def web() -> Path:
    """Templates, styles, scripts, images, and the catalogue of texts."""
    return _root() / "web"


def migrations() -> Path:
    """Numbered SQL files."""
    return _root() / "migrations"


def _root() -> Path:
    frozen = getattr(sys, "_MEIPASS", None)
    if frozen:
        return Path(frozen)
    package = Path(__file__).parent
    installed = package / "_data"
    return installed if installed.is_dir() else package.parent
