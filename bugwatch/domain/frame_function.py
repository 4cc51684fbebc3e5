"""The name of a function as it was written, without what a compiler, an engine or a proxy made of it.

One small function a family of platforms; a new one is a function and a line in `CLEANERS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# --- JavaScript: Chrome, Firefox, Safari, Hermes and Node ---

# A call that only goes on after a wait. Chrome marks the whole of the rest, Firefox where it begins, Safari shows none.
_JS_LATER = re.compile(r"async |(?:async|promise callback|setTimeout handler|setInterval handler|[\w.]{1,60})\*")
_JS_PREFIX = re.compile(r"^(?:async\*?\s*|new\s+|get\s+|set\s+|[\w.]+(?: (?:callback|handler))?\*)+")
_JS_MEMBER = re.compile(r"(?:.*[/.]|^)(?:get |set )?#?([^/.]*)$", re.DOTALL)
_JS_UNKNOWN = frozenset(
    (
        "",
        "?",
        "<anonymous>",
        "<computed>",
        "<eval>",
        "<global>",
        "<instance_members_initializer>",
        "<static_initializer>",
        "<unknown>",
        "(anonymous function)",
        "(anonymous)",
        "Anonymous function",
        "Global code",
        "anonymous function",
        "anonymous",
        "eval code",
        "eval",
        "global code",
        "global",
        "module code",
        "{anonymous}",
    )
)
# Firefox's unnamed function inside a named one, evaluated text, and a bundler's wrapper around a whole file.
_JS_UNNAMED = re.compile(r"<$|^eval at |\.(?:[cm]?[jt]sx?|vue|svelte)$")
# Babel's generators, Hermes' unnamed functions, Angular's listeners, a minifier's second of a name.
_JS_NUMBER = re.compile(r"^\?anon_\d+_|(?<=_)\d+_(?=listener$)|(?<=_callee)\d*\$?|\$\d+$")


def is_later(function: str) -> bool:
    """Does the engine show this call, and all older ones, only because it remembers what was waited for?"""
    return _JS_LATER.match(function) is not None


def _javascript(function: str) -> str:
    """`total`, for Chrome's `async Cart.total [as run]`, Firefox's `async*total` and `Cart/this.total`."""
    name = _JS_PREFIX.sub("", function).partition(" [as ")[0].partition(" (")[0]
    if _JS_UNNAMED.search(name):
        return ""
    if member := _JS_MEMBER.match(name):
        name = member[1]
    return "" if name in _JS_UNKNOWN else _JS_NUMBER.sub("", name)


# --- the JVM: Java, Kotlin, Scala, Groovy, Clojure ---

_JVM_NUMBER = re.compile(
    r"(?<=\$r8\$lambda)\$[\w-]{8,}|(?<=lambda)\$(\w+)\$\d+|(?<=\$lambda)\$?-?\d+|(?<=access)\$\d+"
    r"|(?<=fn)__\d+|(?<=eval)\d+|(?<=closure)\d+|\$adapted$|\$\d+"
)


def _jvm(function: str) -> str:
    if "$" in function or "__" in function or "eval" in function or "closure" in function:
        return _JVM_NUMBER.sub(lambda m: f"${m[1]}" if m[1] else "", function)
    return function


# --- Go ---

_GO_GENERATED = re.compile(r"\.(?:func|gowrap|deferwrap)\d+(?:\.\d+)*|-range\d+|-fm$|\[[^\]]*\]|(?<=init)\.\d+")


# A closure of an inlined function is named after both, as `total.total.func1`.
_GO_TWICE = re.compile(r"(?<![\w.)])(\w{1,200})(?:\.\1)+(?![\w.])")


def _go(function: str) -> str:
    return _GO_TWICE.sub(r"\1", _GO_GENERATED.sub("", function))


# --- PHP ---

_PHP_GENERATED = re.compile(
    r"(@anonymous)[\0\uFFFD/\\][^:]*?(?:\.php(?:\(\d+\) : eval\(\)'d code)?:\d+\$[0-9a-f]+|(?=::)|$)"
    r"|\{closure[^{}]*\}|(?<=__TwigTemplate)(_)[0-9a-f]{32,64}|(?<=Ghost)[0-9a-f]{7}|\\__CG__"
)


def _php(function: str) -> str:
    return _PHP_GENERATED.sub(lambda m: m[1] or ("{closure}" if m[0].startswith("{") else ""), function)


# --- Ruby ---

_RUBY_BLOCK = re.compile(r"^(?:(?:block|rescue|ensure|else)(?: \(\d+ levels\))? in )+")
_RUBY_TEMPLATE = re.compile(r"(_(?:erb|haml|slim|builder|jbuilder|rb|arb|axlsx))__+\d+_\d+$|(?<=__tilt)_\d+$")


def _ruby(function: str) -> str:
    """`block (2 levels) in Shop::Cart#total`, as Ruby 3.4 says, and `total`, as it said before, are the same."""
    name = _RUBY_BLOCK.sub("", function)
    name = name if name.startswith("<") else name.rpartition("#")[2].rpartition("::")[2].rpartition(".")[2]
    return _RUBY_TEMPLATE.sub(lambda m: m[1] or "", name)


# --- Python ---


def _python(function: str) -> str:
    return function.rpartition("<locals>.")[2]


# --- .NET ---

_DOTNET_STATE = re.compile(
    r"<<Main>\$>g__(?=\w)|(?<=\w)\|\d+_\d+$|<(\w*)>[bdg]__[\w|]+(?:\.MoveNext)?|<>c(?:__DisplayClass[\d_]+)?[.+]?|`\d+|@\d+(?:-\d+)*|\[\[.*?\]\]"
    r"|^async (?=\w)| \{ <lambda> \}$"
)


def _dotnet(function: str) -> str:
    """The method that was written, for async state machines, lambdas and generics."""
    return _DOTNET_STATE.sub(lambda m: m[1] or "", function).partition("(")[0]


# --- what a compiler named: C, C++, Objective-C, Swift, Rust ---

_RUST_GENERATED = re.compile(
    r"::h[0-9a-f]{16}$|::\{\{closure\}\}|::\{(?:closure|closure_env|async_fn|async_fn_env|async_block|async_block_env)#\d+\}"
    r"|(?<=\{impl)#\d+"
)
_CLANG_GENERATED = re.compile(
    r"^__\d+(?=[-+]\[)|(?:\.(?:isra|constprop|part|cold|llvm|resume|destroy|lto_priv)(?:\.\d+)?)+$"
    r"|_block_invoke(?:[_.]?\d+)?$| ?\[clone [^\]]*\]|\[abi:\w+\]"
)
_SWIFT_PREFIX = re.compile(
    r"^(?:(?:partial apply(?: forwarder)? for|specialized|merged|@objc|@nonobjc|static|outlined"
    r"|(?:generic|function signature) specialization <.*?> of"
    r"|(?:implicit )?closure #\d+(?: \(.*?\))?(?: (?:async )?(?:throws )?->.*?)? in"
    r"|protocol witness for|reabstraction thunk helper.*? (?:from|to)"
    r"|\(\d+\) (?:await resume|suspend resume) partial function for"
    r"|default argument \d+ of|variable initialization expression of|defer #\d+ \(.*?\) in) )+"
)
_SWIFT_RESULT = re.compile(r"\)? ?(?:async )?(?:throws )?-> .*$| in conformance .*$")
_QUALIFIER = re.compile(r"(?: ?(?:const|volatile|noexcept|async|throws|&{1,2}))+$")
_ANONYMOUS = "(anonymous namespace)::"


_CPP_LAMBDA = re.compile(r"(?: (?:const|mutable))?::(?:\{lambda(?:#\d+)?\}|\$_\d+|'lambda\d*')(?:::operator)?.*$")
_CPP_OPERATOR = re.compile(r"(?:::|^)operator(?:\(\)|\[\]| ?(?:new|delete)(?:\[\])?|[-+*/%^&|~!=<>,]{1,3}| [\w:]+)")


def _native(function: str) -> str:
    """Without template arguments, parameters, and what optimizers and Rust add."""
    name = _CLANG_GENERATED.sub("", _RUST_GENERATED.sub("", function)).replace(_ANONYMOUS, "")
    if name.startswith(("-[", "+[")):
        return name
    if "operator" in name and "lambda" not in name and "$_" not in name and (match := _CPP_OPERATOR.search(name)):
        return _declared(name[: match.start()]) + match[0]
    if "::" not in name:
        name = _SWIFT_RESULT.sub("", _SWIFT_PREFIX.sub("", name))
    return _declared(name)


def _declared(name: str) -> str:
    """`shop::Cart::total`, for `int shop::Cart<int>::total(int) const`."""
    name = _CPP_LAMBDA.sub("", _outside_brackets(_of_its_type(name.replace("->", ""))).strip())
    return _QUALIFIER.sub("", name).rpartition(" ")[2].strip(":") or name


def _of_its_type(name: str) -> str:
    """`shop::Cart::drop`, for Rust's `<shop::Cart as core::ops::Drop>::drop`."""
    if not name.startswith("<"):
        return name
    inside, closed, rest = name[1:].partition(">::")
    while closed and inside.count("<") > inside.count(">"):
        more, closed, rest = rest.partition(">::")
        inside += f">::{more}"
    own = inside.partition(" as ")[0].lstrip("&*").removeprefix("mut ").removeprefix("dyn ")
    return f"{own}::{rest}" if closed else name


def _outside_brackets(name: str) -> str:
    """The characters that stand in no `<…>` and no `(…)`."""
    if "<" not in name and "(" not in name:
        return name
    depth, kept = 0, []
    for char in name:
        if char in "<(":
            depth += 1
        elif char in ">)":
            depth = max(0, depth - 1)
        elif not depth:
            kept.append(char)
    return "".join(kept)


# --- Elixir and Erlang ---

_ELIXIR_ANONYMOUS = re.compile(r"^(?:anonymous fn(?:/\d+)? in )+")
_ELIXIR_GENERATED = re.compile(r"(?:\.|^)\"?-(.+?)/(\d+)-(?:fun|lc|lbc|inlined|lists\^)[^\"]*\"?(?:/\d+)?$")


def _elixir(function: str) -> str:
    """`total/2`, for `anonymous fn/1 in Shop.Cart.total/2` and `Shop.Cart."-total/2-fun-0-"/1`."""
    name = _ELIXIR_GENERATED.sub(r".\1/\2", _ELIXIR_ANONYMOUS.sub("", function))
    return name.rpartition(".")[2]


# --- Dart ---

_DART_CLOSURE = re.compile(r"(?:\.?<(?:anonymous closure|fn)>)+|(?:new |get:|set:)")


def _dart(function: str) -> str:
    return "" if function == "<asynchronous suspension>" else _DART_CLOSURE.sub("", function)


def _as_it_is(function: str) -> str:
    return function


CLEANERS: dict[str, Callable[[str], str]] = {
    "python": _python,
    "javascript": _javascript,
    "jvm": _jvm,
    "go": _go,
    "php": _php,
    "ruby": _ruby,
    "dotnet": _dotnet,
    "native": _native,
    "elixir": _elixir,
    "dart": _dart,
}


def clean_function(function: str, family: str) -> str:
    """The function's own name; empty where the engine had none. `family` is one of `frame_key.FAMILIES`."""
    return CLEANERS.get(family, _as_it_is)(function)
