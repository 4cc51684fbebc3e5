"""What of a frame says where the bug is: its module or the end of its path, and its function, without what a build,
a deployment or a compiler changes. Never lines, columns, hashes, versions or addresses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from bugwatch.domain.in_app import is_library, is_sdk
from bugwatch.domain.stacktrace import Frame

FAMILIES = {
    "python": "python",
    "javascript": "javascript",
    "node": "javascript",
    "java": "jvm",
    "kotlin": "jvm",
    "groovy": "jvm",
    "go": "go",
    "php": "php",
    "ruby": "ruby",
    "csharp": "dotnet",
    "c": "native",
    "cocoa": "native",
    "native": "native",
    "objc": "native",
    "rust": "native",
}
# Where a module is named by the language; elsewhere it is the SDK's guess from the path, and the path is surer.
_NAMED_MODULES = frozenset({"python", "jvm", "go", "dotnet", "other"})

# A column beyond this is in a line that nobody wrote by hand.
_WIDE_LINE = 500


@dataclass(frozen=True, slots=True)
class FrameKey:
    """`text` stands for the frame in a grouping, as `shop.cart in total`; `function` is empty where it is unknown."""

    place: str
    function: str
    text: str
    is_library: bool
    is_noise: bool  # the SDK's or the engine's own: never counted
    is_browser_like: bool
    is_bundle: bool  # written by a bundler, as its name or its functions show


def key_of(frame: Frame, platform: str) -> FrameKey:
    """The frame's key; `platform` is the event's, for frames that do not name their own."""
    return _key(frame.platform or platform, frame.module, frame.package, frame.filename, frame.abs_path, frame.function)


def is_in_app(frame: Frame, key: FrameKey) -> bool:
    """The SDK's word, where it gave one that can be trusted; else the rules'."""
    if frame.in_app is None or (frame.in_app and key.is_browser_like and not frame.is_ruled):
        return not key.is_library
    return frame.in_app


def is_the_apps(frame: Frame, platform: str) -> bool:
    """Whether the frame is the app's own code: neither a library's nor the SDK's nor the engine's."""
    key = key_of(frame, platform)
    return not key.is_noise and is_in_app(frame, key)


def is_minified(frame: Frame, key: FrameKey) -> bool:
    """Is it a place in generated code that no source map has resolved? The next build will name its function anew."""
    return key.is_bundle or (key.is_browser_like and (frame.colno or 0) > _WIDE_LINE)


@lru_cache(maxsize=16_384)
def _key(platform: str, module: str, package: str, filename: str, abs_path: str, function: str) -> FrameKey:
    family = FAMILIES.get(platform, "other")
    is_javascript = family == "javascript"
    name = _CLEANERS.get(family, _as_it_is)(function)
    tail, is_hashed = path_tail(filename or abs_path)
    if family in _NAMED_MODULES and module and module != "__main__":
        place = _clean_module(module, family)
    else:
        place = tail or module or path_tail(package)[0]
    return FrameKey(
        place=place,
        function=name,
        text=f"{place} in {name}" if name else place,
        is_library=is_library(family, module, filename, abs_path, package),
        is_noise=is_sdk(module, filename, abs_path) or (is_javascript and filename in _ENGINE_FILES),
        is_browser_like=is_javascript,
        is_bundle=is_javascript and _is_bundle(filename, name, is_hashed),
    )


# --- places ---

_HASHED = re.compile(r"[.~_-](?:[0-9a-f]{6,64}|[\w-]{8})(?=\.)")
_HEX = re.compile(r"[0-9a-f]+")
_BARE_HASH = re.compile(r"(?=[a-f]*\d)[0-9a-f]{8,64}")
_VERSION = re.compile(r"[@.-]v?\d{1,4}(?:\.\d{1,5}){1,3}(?:-(?:alpha|beta|rc)[.\w]{0,10})?(?=[./]|$)")
# Folders that say where an app was put, or by which build, rather than what it is.
_PLACING_FOLDER = re.compile(
    r"\d{4,}|v?\d+(?:\.\d+)+|(?=[a-f]*\d)[0-9a-f]{7,64}|[0-9a-f]{8}-[0-9a-f-]{27}|\.{0,2}|~|_N_E|\[project\]"
    r"|app|code|current|home|html|opt|releases|root|srv|usr|workspace|www"
)
_SOURCE_FILES = (".ts", ".tsx", ".jsx", ".vue", ".svelte", ".mts", ".cts", ".coffee")
_ENGINE_FILES = frozenset({"<anonymous>", "[native code]", "native", "native code", "<unknown>"})


def path_tail(path: str) -> tuple[str, bool]:
    """The last two telling segments of a path or URL, as `js/app.js`, and whether its file name carried a hash."""
    path = path.replace("\\", "/").partition("?")[0].partition("#")[0]
    if "://" in path:
        path = path.partition("://")[2].partition("/")[2]
    *segments, name = path.split("/")
    stripped = _strip_hash(name)
    telling = [_VERSION.sub("", s) for s in segments[-6:] if not _PLACING_FOLDER.fullmatch(s)]
    return "/".join([*telling[-1:], _VERSION.sub("", stripped)]), stripped != name


def _strip_hash(name: str) -> str:
    """`main.3f2a9c1b.js` and `index-BxY3kZ9a.js` without their hashes; a file that has no other name becomes `*`."""
    stem, dot, extension = name.partition(".")
    if len(stem) >= 8 and _BARE_HASH.fullmatch(stem):
        return f"*{dot}{extension}"
    return _HASHED.sub(_drop_if_hash, name)


def _drop_if_hash(match: re.Match[str]) -> str:
    """Hex digits are a hash; eight other characters only if they look drawn by lot: `-BxY3kZ9a`, not `-settings`."""
    text = match[0][1:]
    has_digit = any(char.isdigit() for char in text)
    if has_digit and _HEX.fullmatch(text):
        return ""
    capital_count = sum(char.isupper() for char in text[1:])
    is_drawn = capital_count > 0 if has_digit else capital_count > 1 and not text.isupper()
    return "" if is_drawn else match[0]


def _is_bundle(filename: str, function: str, is_hashed: bool) -> bool:
    if filename.endswith(_SOURCE_FILES):
        return False
    return is_hashed or ".min." in filename or 0 < len(function) <= 2


_JVM_GENERATED = re.compile(
    r"\$\$(EnhancerBy\w+|FastClassBy\w+|SpringCGLIB|Lambda)\$*[\w/]*|_\$\$_jvst\w+|(\$Proxy|Accessor)\d+"
)
_JVM_NUMBER = re.compile(r"\$\d+")


def _clean_module(module: str, family: str) -> str:
    if family == "jvm" and ("$" in module or "Accessor" in module):
        module = _JVM_GENERATED.sub(lambda m: f"$${m[1]}" if m[1] else m[2] or "", module)
        return _JVM_NUMBER.sub("$", module)
    return _VERSION.sub("", module) if family == "go" else module


# --- functions ---

_JS_PREFIX = re.compile(
    r"^(?:async\*?\s*|new\s+|get\s+|set\s+|promise callback\*|setTimeout handler\*|EventListener\.handleEvent\*)+"
)
_JS_UNKNOWN = frozenset(
    (
        "?",
        "<anonymous>",
        "<computed>",
        "<instance_members_initializer>",
        "<static_initializer>",
        "<unknown>",
        "(anonymous)",
        "Anonymous function",
        "anonymous function",
        "anonymous",
        "eval code",
        "eval",
        "global code",
        "module code",
        "{anonymous}",
    )
)
_JS_NUMBER = re.compile(r"(?<=_callee)\d+\$?|\$\d+$")


def _javascript(function: str) -> str:
    """`total`, for Chrome's `async Cart.total [as run]`, Firefox's `async*total` and `Cart/this.total`."""
    name = _JS_PREFIX.sub("", function).partition(" [as ")[0].partition(" (")[0]
    if name.endswith("<"):
        return ""  # Firefox: an unnamed function inside a named one
    name = name.rpartition("/")[2].rpartition(".")[2].lstrip("#")
    return "" if name in _JS_UNKNOWN else _JS_NUMBER.sub("", name)


_JVM_LAMBDA = re.compile(r"(?<=lambda)\$(\w+)\$\d+|(?<=access)\$\d+|(?<=fn)__\d+|\$\d+")


def _jvm(function: str) -> str:
    return (
        _JVM_LAMBDA.sub(lambda m: f"${m[1]}" if m[1] else "", function)
        if "$" in function or "__" in function
        else function
    )


_GO_GENERATED = re.compile(r"\.(?:func|gowrap|deferwrap)\d+(?:\.\d+)*|-fm$|\[[^\]]*\]")


def _go(function: str) -> str:
    return _GO_GENERATED.sub("", function)


_PHP_ANONYMOUS = re.compile(r"(@anonymous)[\0/\\][^:]*?(?:\.php:\d+\$[0-9a-f]+|(?=::)|$)|\{closure[^{}]*\}")


def _php(function: str) -> str:
    return _PHP_ANONYMOUS.sub(lambda m: m[1] or "{closure}", function)


_RUBY_BLOCK = re.compile(r"^(?:(?:block|rescue|ensure)(?: \(\d+ levels\))? in )+")
_RUBY_TEMPLATE = re.compile(r"(_(?:erb|haml|slim|builder))__+\d+_\d+$")


def _ruby(function: str) -> str:
    """`block (2 levels) in Shop::Cart#total`, as Ruby 3.4 says, and `total`, as it said before, are the same."""
    name = _RUBY_BLOCK.sub("", function)
    name = name if name.startswith("<") else name.rpartition("#")[2].rpartition("::")[2].rpartition(".")[2]
    return _RUBY_TEMPLATE.sub(r"\1", name)


def _python(function: str) -> str:
    return function.rpartition("<locals>.")[2]


_DOTNET_STATE = re.compile(r"<(\w+)>[bdg]__[\w|]+(?:\.MoveNext)?|<>c(?:__DisplayClass[\d_]+)?\.?|`\d+")


def _dotnet(function: str) -> str:
    """The method that was written, for async state machines, lambdas and generics."""
    return _DOTNET_STATE.sub(lambda m: m[1] or "", function).partition("(")[0]


_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
_CLANG_NUMBER = re.compile(
    r"^__\d+(?=[-+]\[)|(?:\.(?:isra|constprop|part|cold|llvm)(?:\.\d+)?)+$|_block_invoke(?:_?\d+)?$"
)


def _native(function: str) -> str:
    """Without template arguments, parameters, and what optimizers and Rust add."""
    name = _CLANG_NUMBER.sub("", _RUST_HASH.sub("", function))
    if name.startswith(("-[", "+[", "operator")) or "::operator" in name:
        return name
    return _outside_brackets(name).strip().rpartition(" ")[2] or name


def _outside_brackets(name: str) -> str:
    """The characters that stand in no `<…>` and no `(…)`; Rust's `<T as Trait>::call` keeps what follows."""
    depth, kept = 0, []
    for char in name:
        if char in "<(":
            depth += 1
        elif char in ">)":
            depth = max(0, depth - 1)
        elif not depth:
            kept.append(char)
    return "".join(kept).removeprefix("::")


def _as_it_is(function: str) -> str:
    return function


_CLEANERS: dict[str, Callable[[str], str]] = {
    "python": _python,
    "javascript": _javascript,
    "jvm": _jvm,
    "go": _go,
    "php": _php,
    "ruby": _ruby,
    "dotnet": _dotnet,
    "native": _native,
}
