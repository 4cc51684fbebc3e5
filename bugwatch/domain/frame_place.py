"""Where a frame stands in the source: its module or the end of its path, wherever an app was put and built."""

from __future__ import annotations

import re

# --- paths ---

# The root of an app, by where containers, platforms and deployments put it.
_ROOT = re.compile(
    r"^(?:[A-Za-z]:)?(?:"
    r"/(?:usr/src/app|usr/app|var/task|var/www/html|var/www|var/app/(?:current|staging)|srv/www|srv|opt/app"
    r"|opt/render/project/src|layers/[\w.-]+|workspace|workspaces/[^/]+|home/site/wwwroot|home/vcap/app"
    r"|home/runner/_?work/[^/]+/[^/]+|builds/[^/]+/[^/]+|nix/store/[^/]+|(?:private/)?tmp(?:/[^/]+)?"
    r"|var/folders/[^/]+/[^/]+/T(?:/[^/]+)?|app|code|root|data/app|cnb/process|rails|node_app)"
    r"|/(?:home|Users|export/home)/[^/]+"
    r")(?=/)"
)
# Folders that say where an app was put, or by which build, rather than what it is.
_PLACING_FOLDER = re.compile(
    r"\d{4,}|v?\d+(?:\.\d+)+|(?=[a-f]*\d)[0-9a-f]{7,64}|[0-9a-f]{8}-[0-9a-f-]{27}|\.{0,2}|~|_N_E|\[project\]"
    r"|\((?:app-pages-browser|pages-dir-browser|rsc|ssr|action-browser|api|client|server)\)|app\.asar|ipykernel_\d+|.*=="
    r"|current|html|opt|releases|release|root|srv|usr|var|task|workspace|www|wwwroot|htdocs|public_html"
)
_HASHED = re.compile(r"[.~_-](?:[0-9a-f]{6,64}|[\w-]{6,8})(?=\.|~)")
_HEX = re.compile(r"[0-9a-f]+")
_BARE_HASH = re.compile(r"(?:(?=[a-f]*\d)[0-9a-f]{8,64}|\d{1,6})")
_VERSION = re.compile(r"[@.-]v?\d{1,4}(?:\.\d{1,5}){1,3}(?:-(?:alpha|beta|rc|next|canary)[.\w]{0,10})?(?=[./]|$)")
_EVALUATED = re.compile(r"\(\d+\) : (?:eval\(\)'d code|runtime-created function).*$|(?<=<ipython-input)-[\w-]*")
_SHARD = re.compile(r"[0-9a-f]{2}")  # files named by a hash are spread over such folders
# Of a page's own scripts only the page is known, and that is the route, not the place.
_PAGE = re.compile(r"(?:^|/)[^/.]*$|\.(?:html?|php|aspx?|jsp)$")
PAGE = "<page>"


def path_tail(path: str) -> tuple[str, bool]:
    """The last two telling segments of a path or URL, as `js/app.js`, and whether its file name carried a hash."""
    path = path.replace("\\", "/").partition("?")[0].partition("#")[0]
    if "://" in path:
        path = path.partition("://")[2].partition("/")[2]
    elif path.startswith("/") or path[1:2] == ":":
        path = _ROOT.sub("", path)
    *segments, name = _EVALUATED.sub("", path).split("/")
    stripped = _strip_hash(name)
    telling = [_VERSION.sub("", s) for s in segments[-6:] if not _PLACING_FOLDER.fullmatch(s) and not _is_build_id(s)]
    if stripped.startswith("*") and telling and _SHARD.fullmatch(telling[-1]):
        del telling[-1]
    return "/".join([*telling[-1:], _VERSION.sub("", stripped)]), stripped != name


def is_page(path: str) -> bool:
    """Is it the address of a page, rather than of a script?"""
    return _PAGE.search(path) is not None


def _is_build_id(segment: str) -> bool:
    """Next.js puts each build into a folder such as `k9Mtd2gDcgG-x1Yz_3abQ`."""
    return len(segment) == 21 and any(c.isdigit() for c in segment) and any(c.isupper() for c in segment)


def _strip_hash(name: str) -> str:
    """`main.3f2a9c1b.js` and `index-BxY3kZ9a.js` without their hashes; a file that has no other name becomes `*`."""
    stem, dot, extension = name.partition(".")
    if dot and _BARE_HASH.fullmatch(stem):
        return f"*{dot}{_HASHED.sub(_drop_if_hash, dot + extension)[1:]}"
    return _HASHED.sub(_drop_if_hash, name)


def _drop_if_hash(match: re.Match[str]) -> str:
    """Hex digits are a hash; six to eight others only if they look drawn by lot: `-BxY3kZ9a`, not `-settings`."""
    text = match[0][1:]
    has_digit = any(char.isdigit() for char in text)
    if has_digit and _HEX.fullmatch(text):
        return ""
    capital_count = sum(char.isupper() for char in text[1:])
    is_drawn = capital_count > 0 if has_digit else capital_count > 1 and not text.isupper()
    return "" if is_drawn else match[0]


# --- modules ---

_JVM_GENERATED = re.compile(
    r"\$\$(EnhancerBy\w+|FastClassBy\w+|SpringCGLIB|ExternalSyntheticLambda|InternalSyntheticLambda|Lambda)\$*[\w/]*"
    r"|_\$\$_jvst\w+|(\$Proxy|Accessor|\$HibernateProxy\$|\$ByteBuddy\$|\$MockitoMock\$|\$\$anonfun)\w*"
)
_JVM_NUMBER = re.compile(r"\$\d+|(?<=closure)\d+")
_DOTNET_GENERATED = re.compile(
    r"[+.]<(?:>c(?:__DisplayClass[\d_]+)?|\w+>d__\d+|\w+>\w__[\w|]+)|`\d+|\[\[.*|@\d+(?:-\d+)*"
)


def clean_module(module: str, family: str) -> str:
    """The module without what a compiler, a proxy or a version adds. `family` is one of `frame_key.FAMILIES`."""
    if family == "jvm" and ("$" in module or "Accessor" in module or "closure" in module):
        module = _JVM_GENERATED.sub(lambda m: f"$${m[1]}" if m[1] else m[2] or "", module)
        return _JVM_NUMBER.sub("$", module)
    if family == "dotnet":
        return _DOTNET_GENERATED.sub("", module)
    if family == "elixir":
        return module.removeprefix("Elixir.")
    return _VERSION.sub("", module) if family == "go" else module


_STATE_MACHINE = re.compile(r"[+.]<(\w+)>(?:d__\d+|\w__[\w|]+)")


def method_of_state_machine(module: str) -> str:
    """`Total`, for .NET's `Shop.Cart+<Total>d__3`, whose own function is `MoveNext`; else nothing."""
    match = _STATE_MACHINE.search(module)
    return match[1] if match else ""
