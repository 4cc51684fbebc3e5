"""What of a frame says where the bug is: its place and its function, without what a build, a deployment or a compiler
changes. Never lines, columns, hashes, versions or addresses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from bugwatch.domain.frame_function import clean_function, is_later
from bugwatch.domain.frame_place import PAGE, clean_module, is_page, method_of_state_machine, path_tail
from bugwatch.domain.in_app import is_library, is_noise
from bugwatch.domain.stacktrace import Frame

FAMILIES = {
    "python": "python",
    "javascript": "javascript",
    "node": "javascript",
    "java": "jvm",
    "kotlin": "jvm",
    "groovy": "jvm",
    "scala": "jvm",
    "go": "go",
    "php": "php",
    "ruby": "ruby",
    "csharp": "dotnet",
    "c": "native",
    "cocoa": "native",
    "native": "native",
    "objc": "native",
    "rust": "native",
    "swift": "native",
    "elixir": "elixir",
    "dart": "dart",
}
# Where the platform says nothing, the file's ending may.
_ENDINGS = {
    "cs": "dotnet", "dart": "dart", "ex": "elixir", "exs": "elixir", "go": "go", "java": "jvm", "js": "javascript",
    "kt": "jvm", "php": "php", "py": "python", "rb": "ruby", "rs": "native", "swift": "native", "ts": "javascript",
}  # fmt: skip
# Where a module is named by the language; elsewhere it is the SDK's guess from the path, and the path is surer.
_NAMED_MODULES = frozenset({"python", "jvm", "go", "dotnet", "elixir", "other"})

# What ProGuard and R8 leave of `com.shop.Cart`: `a.b.c`.
_SHORT_NAMES = re.compile(r"(?:\w{1,2}\.){1,20}\w{1,2}(?:\$\w{1,2}){0,20}")
_OBFUSCATED = "<obfuscated>"

_SOURCE_FILES = (".ts", ".tsx", ".jsx", ".vue", ".svelte", ".mts", ".cts", ".coffee")
# A column beyond this is in a line that nobody wrote by hand; and one that few write.
_WIDE_LINE = 500
_LONG_LINE = 120
# Names and paths beyond this are made to be slow.
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class FrameKey:
    """`text` stands for the frame in a grouping, as `shop.cart in total`; `function` is empty where it is unknown."""

    family: str
    place: str
    function: str
    text: str
    is_noise: bool  # the SDK's, the engine's or a proxy's: never counted
    is_bundle: bool  # written by a bundler or an obfuscator, as its name shows
    has_short_name: bool  # one or two letters, as minifiers call functions, and some people
    is_later: bool  # an async caller, which some engines show and others do not

    @property
    def is_browser_like(self) -> bool:
        return self.family == "javascript"


def key_of(frame: Frame, platform: str) -> FrameKey:
    """The frame's key; `platform` is the event's, for frames that do not name their own."""
    return _key(frame.platform or platform, frame.module, frame.package, frame.filename, frame.abs_path, frame.function)


def is_in_app(frame: Frame, key: FrameKey) -> bool:
    """The SDK's word, where it gave one that can be trusted; else the rules'."""
    if frame.in_app is None or (frame.in_app and key.family == "javascript" and not frame.is_ruled):
        return not _is_library(key.family, frame.module, frame.function, frame.filename, frame.abs_path, frame.package)
    return frame.in_app


def is_the_apps(frame: Frame, platform: str) -> bool:
    """Whether the frame is the app's own code: neither a library's nor the SDK's nor the engine's."""
    key = key_of(frame, platform)
    return not key.is_noise and is_in_app(frame, key)


def is_minified(frame: Frame, key: FrameKey) -> bool:
    """Is it a place in generated code that no source map has resolved? The next build will name its function anew."""
    if key.is_bundle or not key.is_browser_like:
        return key.is_bundle
    return (key.has_short_name and (frame.colno or _WIDE_LINE) > _LONG_LINE) or (frame.colno or 0) > _WIDE_LINE


# Apps repeat their frames: what was found out about one is kept. Of hostile frames, 6 kB each, these hold 50 MB.
@lru_cache(maxsize=4_096)
def _is_library(family: str, module: str, function: str, *paths: str) -> bool:
    return is_library(family, module[:_LONGEST], function[:_LONGEST], *map(_ends, paths))


@lru_cache(maxsize=4_096)
def _key(platform: str, module: str, package: str, filename: str, abs_path: str, function: str) -> FrameKey:
    module, function = module[:_LONGEST], function[:_LONGEST]
    filename, abs_path = _ends(filename), _ends(abs_path)
    path = filename or abs_path
    family = FAMILIES.get(platform) or _ENDINGS.get(path.rpartition(".")[2], "other")
    is_javascript = family == "javascript"
    is_script = is_javascript and not path.endswith(_SOURCE_FILES)
    name = clean_function(function, family)
    if family == "dotnet" and name in ("MoveNext", ""):
        name = method_of_state_machine(module) or name
    place, is_hashed = _place(family, module, package, path, abs_path)
    return FrameKey(
        family=family,
        place=place,
        function=name,
        text=f"{place} in {name}" if name else place,
        is_noise=is_noise(family, module, function, filename, abs_path),
        is_bundle=place == _OBFUSCATED or (is_script and (is_hashed or ".min." in path)),
        has_short_name=is_script and 0 < len(name) <= 2,
        is_later=platform == "javascript" and is_later(function),
    )


def _ends(path: str) -> str:
    """The beginning and the end of a path that is longer than paths are: all that rules ask about."""
    return path if len(path) <= _LONGEST else path[: _LONGEST // 2] + path[-_LONGEST // 2 :]


def _place(family: str, module: str, package: str, path: str, abs_path: str) -> tuple[str, bool]:
    if family == "jvm" and _SHORT_NAMES.fullmatch(module):
        return _OBFUSCATED, False
    if family in _NAMED_MODULES and module and module != "__main__":
        return clean_module(module, family), False
    if family == "javascript" and abs_path.startswith(("http:", "https:", "file:")) and is_page(path):
        return PAGE, False
    tail, is_hashed = path_tail(path)
    return tail or module or path_tail(package)[0], is_hashed


def name_of(frame: Frame, platform: str) -> str:
    """Where the frame is, for people: `shop.cart in total`, by module or path, without what a compiler added."""
    key = key_of(frame, platform)
    module = clean_module(frame.module, key.family) if key.family == "dotnet" else frame.module
    path = frame.filename or frame.abs_path
    place = module or path.partition("/./")[2] or path or frame.package
    function = frame.function if key.is_browser_like else key.function or frame.function
    return f"{place} in {function}" if place and function else place or function
