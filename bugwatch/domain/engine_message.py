"""The same mistake in the words of Chrome (V8), Firefox (SpiderMonkey) and Safari (JavaScriptCore), in one spelling."""

from __future__ import annotations

import re

_NAME = r"[^'\"\n]{1,100}"
_RULES = (
    (
        rf"Cannot (?:read|set) propert(?:y|ies) (?:'(?P<a>{_NAME})' )?of (?P<n>undefined|null)"
        rf"(?: \((?:reading|setting) '(?P<b>{_NAME})'\))?",
        "{n} has no {name}",
    ),
    (
        rf"can't access property (?:\"(?P<a>{_NAME})\"|\w{{1,100}}), .{{1,200}}? is (?P<n>undefined|null)",
        "{n} has no {name}",
    ),
    (
        r"(?P<n>undefined|null) is not an object \(evaluating '(?P<a>[\w$.]{1,200})(?:[ =(\[][^'\n]{0,200})?'\)",
        "{n} has no {name}",
    ),
    (r"Can't find variable: (?P<a>[\w$]{1,100})", "{name} is not defined"),
    (r"(?P<a>[\w$.]{1,200}) is not a function(?:\. \(In .{0,300})?", "{name} is not a function"),
    (r"Failed to fetch(?: \(.{1,100}\))?|NetworkError when attempting to fetch resource\.?", "fetch failed"),
    (r"Load failed(?: \(.{1,100}\))?", "fetch failed"),
    (r"Maximum call stack size exceeded\.?|too much recursion", "too much recursion"),
    (r"(?:Failed to fetch|error loading) dynamically imported module.{0,500}", "import failed"),
    (r"Importing a module script failed.{0,500}", "import failed"),
)
_COMPILED = tuple((re.compile(pattern), spelling) for pattern, spelling in _RULES)


def common_spelling(message: str) -> str:
    """One spelling for what the engines say differently; any other message as it is."""
    for pattern, spelling in _COMPILED:
        if match := pattern.fullmatch(message):
            groups = match.groupdict()
            name = groups.get("a") or groups.get("b") or "property"
            return spelling.format(n=groups.get("n") or "", name=name.rpartition(".")[2])
    return message
