"""What a browser fetches beside pages: one stylesheet, one script, images, fonts; all in memory.

There is no build step: at start the files of `web/css` become one stylesheet and the modules of `web/js` one script.
All stand under one name that is made of their content (`/static/<digest>/…`), so that a browser may keep them for good.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2s
from pathlib import Path

import brotli

# Layers are declared in the first; what follows the four may come in any order.
_FIRST_STYLES = ("tokens.css", "base.css", "shell.css", "components.css")
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True)
class Asset:
    """A file; compressed, where that is of use, when somebody first asks for it: all of them would delay the start."""

    content_type: str
    plain: bytes
    is_compressible: bool

    def encoded(self, accept_encoding: str) -> tuple[bytes, str | None]:
        """The smallest form that the client takes, and its Content-Encoding."""
        if self.is_compressible and "br" in accept_encoding:
            return self._br, "br"
        if self.is_compressible and "gzip" in accept_encoding:
            return self._gzip, "gzip"
        return self.plain, None

    @cached_property
    def _br(self) -> bytes:
        packed: bytes = brotli.compress(self.plain, quality=9)
        return packed

    @cached_property
    def _gzip(self) -> bytes:
        return gzip.compress(self.plain, 9, mtime=0)


class Assets:
    """`files` by path (`css/bugwatch.css`, `js/bugwatch.js`, `img/icons.svg` …), in a folder `digest`."""

    def __init__(self, web: Path) -> None:
        found = dict(_collect(web))
        self.digest = blake2s(b"".join(found[path] for path in sorted(found)), digest_size=6).hexdigest()
        self.files = {path: _asset(path, content) for path, content in found.items()}


@cache
def kept(web: Path) -> Assets:
    """The assets of a folder that does not change: collected once in a process."""
    return Assets(web)


def _collect(web: Path) -> Iterator[tuple[str, bytes]]:
    yield "css/bugwatch.css", stylesheet(web / "css").encode()
    yield "js/bugwatch.js", script(web / "js").encode()
    for folder in ("fonts", "img"):
        for file in sorted((web / folder).iterdir()):
            if file.suffix in _TYPES:
                yield f"{folder}/{file.name}", file.read_bytes()


def _asset(path: str, content: bytes) -> Asset:
    suffix = Path(path).suffix
    return Asset(_TYPES[suffix], content, is_compressible=suffix not in (".woff2", ".png"))


def stylesheet(folder: Path) -> str:
    """Every `*.css` of the folder in one text, without comments and needless space."""
    names = [*_FIRST_STYLES, *sorted(file.name for file in folder.glob("*.css") if file.name not in _FIRST_STYLES)]
    text = "".join((folder / name).read_text("utf-8") for name in names)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    return re.sub(r" ?([{};]) ?", r"\1", text).strip()


def script(folder: Path) -> str:
    """htmx, then `app.js` with whatever it imports, each module once and after those it needs.

    The modules share one scope afterwards, so their top-level names must differ; a test holds them to it.
    """
    return (folder / "vendor/htmx.min.js").read_text("utf-8") + "\n" + "\n".join(_modules(folder, "app.js", set()))


_IMPORT = re.compile(r'^import .* from "\./(\w+\.js)";\n', re.MULTILINE)


def _modules(folder: Path, name: str, seen: set[str]) -> Iterator[str]:
    seen.add(name)
    text = (folder / name).read_text("utf-8")
    for needed in _IMPORT.findall(text):
        if needed not in seen:
            yield from _modules(folder, needed, seen)
    text = _IMPORT.sub("", text)
    text = re.sub(r"^export ", "", text, flags=re.MULTILINE)
    yield re.sub(r"^\s*//.*\n", "", text, flags=re.MULTILINE)
