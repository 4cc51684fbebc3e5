"""The same mistake in the words of Chrome (V8), Firefox (SpiderMonkey) and Safari (JavaScriptCore), in one spelling."""

from __future__ import annotations

import re
from functools import lru_cache

_NAME = r"[^'\"\n]{1,100}"
_MAX_LENGTH = 1_000

# What must be in the message for the pattern to be tried; the pattern; and the spelling for it: {n} is undefined or
# null, {name} the last name in group a or b.
_RULES = (
    (
        ("Cannot read", "Cannot set"),
        rf"Cannot (?:read|set) propert(?:y|ies) (?:'(?P<a>{_NAME})' )?of (?P<n>undefined|null)"
        rf"(?: \((?:reading|setting) '(?P<b>{_NAME})'\))?",
        "{n} has no {name}",
    ),
    (
        ("can't access property",),
        rf"can't access property (?:\"(?P<a>{_NAME})\"|\w{{1,100}}), .{{1,300}}? is (?P<n>undefined|null)",
        "{n} has no {name}",
    ),
    (
        ("; can't access its",),
        rf"[^;]{{1,300}} is (?P<n>undefined|null); can't access its \"(?P<a>{_NAME})\" property",
        "{n} has no {name}",
    ),
    (
        ("Cannot destructure",),
        rf"Cannot destructure property '(?P<a>{_NAME})' of '[^\n]{{1,300}}?' as it is (?P<n>undefined|null)\.?",
        "{n} has no {name}",
    ),
    (
        ("is not an object (evaluating",),
        r"(?P<n>undefined|null) is not an object \(evaluating '(?P<a>[^\n]{1,300})'\)",
        "{n} has no {name}",
    ),
    (
        ("Can't find variable", "is not defined"),
        r"Can't find variable: (?P<a>[\w$]{1,100})|(?P<b>[\w$]{1,100}) is not defined",
        "{name} is not defined",
    ),
    (
        ("is not a function",),
        r"(?P<a>[^\n]{1,300}?) is not a function(?:\. \(In .{0,300}| \(near .{0,300}|\. \('.{0,300})?",
        "{name} is not a function",
    ),
    (
        ("is not a constructor",),
        r"(?P<a>[^\n]{1,300}?) is not a constructor(?: \(evaluating .{0,300})?",
        "{name} is not a constructor",
    ),
    (("iterable",), r".{1,300} is not iterable(?: \(.{1,200}\))?|Spread syntax requires .{1,300}", "not iterable"),
    (
        ("before initialization", "uninitialized variable"),
        r"Cannot access '[\w$]{1,100}' before initialization|Cannot access uninitialized variable\.?"
        r"|can't access lexical declaration '?[\w$]{1,100}'? before initialization",
        "used before initialization",
    ),
    (
        ("constant variable", "to const", "readonly property", "read only property", "read-only"),
        r"Assignment to constant variable\.?|invalid assignment to const .{1,100}|.{1,100} is read-only"
        r"|Attempted to assign to readonly property\.?|Cannot assign to read only property .{1,200}",
        "assignment to a constant",
    ),
    (
        ("etch", "Load failed", "etwork", "Internet connection", "timed out", "cancelled", "server"),
        r"Failed to fetch(?: \(.{1,100}\))?|NetworkError when attempting to fetch resource\.?(?: \(.{1,100}\))?"
        r"|Load failed(?: \(.{1,100}\))?|[Nn]etwork [Ee]rror|Network request failed|cancelled|The request timed out\.?"
        r"|The network connection was lost\.?|The Internet connection appears to be offline\.?"
        r"|A server with the specified hostname could not be found\.?|Could not connect to the server\.?",
        "fetch failed",
    ),
    (
        ("abort",),
        r"The user aborted a request\.?|(?:The operation|This operation|The request|Fetch) (?:was|is) aborted\.? ?"
        r"|signal is aborted without reason",
        "aborted",
    ),
    (("call stack", "recursion"), r"Maximum call stack size exceeded\.?|too much recursion", "too much recursion"),
    (
        ("quota", "Quota"),
        r"Failed to execute 'setItem' on 'Storage': .{0,300}exceeded the quota.{0,100}|The quota has been exceeded\.?",
        "quota exceeded",
    ),
    (
        ("imported module", "module script", "preload CSS", "MIME type"),
        r"(?:Failed to fetch|error loading) dynamically imported module.{0,500}"
        r"|Importing a module script failed.{0,500}"
        r"|Unable to preload CSS for .{0,300}|'text/html' is not a valid JavaScript MIME type.{0,100}",
        "import failed",
    ),
    (("Loading ",), r"Loading (?:CSS )?chunk .{1,600}", "chunk failed"),
    (
        ("ResizeObserver",),
        r"ResizeObserver loop (?:limit exceeded|completed with undelivered notifications)\.?",
        "ResizeObserver loop",
    ),
    (("Script error",), r"Script error\.?", "script error"),
    (
        ("JSON",),
        r"(?:Unexpected|Unterminated|Expected|Bad) .{1,400} JSON.{0,100}|JSON\.parse: .{1,200}"
        r"|JSON Parse error: .{1,200}|.{1,200} is not valid JSON",
        "invalid JSON",
    ),
    (
        ("<",),
        r"(?:Uncaught )?Unexpected token '?<'?|expected expression, got '<'",
        "unexpected <",
    ),
    (
        ("circular", "cyclic"),
        r"Converting circular structure to JSON.{0,900}|cyclic object value"
        r"|JSON\.stringify cannot serialize cyclic structures\.?",
        "circular structure",
    ),
    (
        ("array length", "Array size"),
        r"[Ii]nvalid array length|Array size is not a small enough positive integer\.?",
        "invalid array length",
    ),
    (
        ("play",),
        r"play\(\) failed because the user didn't interact.{0,200}"
        r"|The play method is not allowed by the user agent.{0,200}",
        "play not allowed",
    ),
    (("React error",), r"Minified React error #(?P<number>\d{1,4});.{0,900}", "Minified React error #{number}"),
)
_COMPILED = tuple((hints, re.compile(pattern, re.DOTALL), spelling) for hints, pattern, spelling in _RULES)
_CALL = re.compile(r"\([^()]{0,200}\)")
_ASSIGNED = re.compile(r" ?[-+*/]?=[^=].{0,300}$", re.DOTALL)
_LAST_NAME = re.compile(r"#?([A-Za-z_$][\w$]{0,99})$")

_UNCAUGHT = re.compile(r"^Uncaught (?:\(in promise\):? )?(?:Error: )?")

# Said of the whole app or of the network rather than of a place in the code: where it was noticed is chance.
PLACELESS = frozenset({"chunk failed", "import failed", "ResizeObserver loop", "script error"})
TOO_DEEP = "too much recursion"


@lru_cache(maxsize=512)
def common_spelling(message: str) -> str:
    """One spelling for what the engines say differently; any other message as it is."""
    if len(message) > _MAX_LENGTH:
        return message
    message = _UNCAUGHT.sub("", message)
    for hints, pattern, spelling in _COMPILED:
        if any(hint in message for hint in hints) and (match := pattern.fullmatch(message)):
            groups = match.groupdict(default="")
            name = _last_name(groups.get("a") or groups.get("b") or "")
            return spelling.format(n=groups.get("n"), name=name, number=groups.get("number"))
    return message


def _last_name(expression: str) -> str:
    """`price`, for `cart.items[0].price` and `cart.price = 3`; of an index only that there is one."""
    match = _LAST_NAME.search(_ASSIGNED.sub("", _CALL.sub("", expression)).strip())
    return match[1] if match else "property"
