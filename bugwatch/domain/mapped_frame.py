"""A frame of minified code, and what it becomes where its source map is known."""

from __future__ import annotations

import re
from functools import lru_cache

from bugwatch.domain.frame_key import FAMILIES
from bugwatch.domain.stacktrace import Frame
from bugwatch.domain.symbolication import Origin, Position

# Longer lines are minified. The SDK for Node sends the source around a frame, also of code that was never minified.
_LONGEST_LINE = 300
_NOT_OURS = re.compile(
    r"<|\[|native\b|node:|internal/|wasm:|about:|blob:|debugger\b|[a-z-]+-extension:|webkit-masked-url:"
    r"|webpack(?:-internal)?:|turbopack:"  # a bundler at development: the file is the source's already
)
# What bundlers put before a file's path: `webpack://shop/./src/a.ts`, `webpack-internal:///(rsc)/./src/a.ts`,
# `turbopack://[project]/src/a.ts`, `file:///home/me/src/a.ts`.
_BUNDLER = re.compile(r"^(?:webpack|webpack-internal|turbopack|rollup|vite|ng|rsc|parcel|metro)://[^/]*/")
_LAYER = re.compile(r"^\([\w -]+\)/")
_UPWARD = re.compile(r"^(?:(?:\.{1,2}|~)/)+")


def is_mappable(frame: Frame, platform: str) -> bool:
    """Whether a source map could say anything about the frame; `platform` is the event's."""
    return bool(frame.lineno) and _is_ours(frame.platform or platform, frame.abs_path)


@lru_cache(maxsize=4_096)
def _is_ours(platform: str, path: str) -> bool:
    return FAMILIES.get(platform) == "javascript" and bool(path) and not _NOT_OURS.match(path)


def is_source(frame: Frame) -> bool:
    """Whether the frame shows readable code already: then nobody misses a map."""
    return frame.context_line is not None and len(frame.context_line) <= _LONGEST_LINE


def mapped(frame: Frame, position: Position, origin: Origin) -> Frame:
    """The frame as its source map says. Names of minified functions say nothing, so none is kept."""
    return Frame(
        function=position.function,
        package=frame.package,
        platform=frame.platform,
        vars=frame.vars,
        rest=frame.rest,
        origin=origin,
        filename=shown_file(position.file),
        abs_path=position.file,
        lineno=position.line or None,
        colno=position.column or None,
        in_app=False if "node_modules/" in position.file else frame.in_app,
        context_line=position.context_line,
        pre_context=position.pre_context,
        post_context=position.post_context,
    )


@lru_cache(maxsize=4_096)
def shown_file(file: str) -> str:
    """A source's path without what its bundler put before it: `webpack://shop/./src/a.ts?4f2a` is `src/a.ts`."""
    path = file.replace("\\", "/")
    if path.startswith("file://"):
        path = path.removeprefix("file://")
    elif match := _BUNDLER.match(path):
        path = path[match.end() :].partition("?")[0]
    path = _LAYER.sub("", path.removeprefix("[project]/"))
    return _UPWARD.sub("", path) or file
