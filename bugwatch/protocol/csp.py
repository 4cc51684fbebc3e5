"""Reports of the Content Security Policy, made into events (PROTOCOL §1.18).

Browsers send `{"csp-report": {…}}` with hyphenated keys, or the Reporting API's list of `{"type", "body"}` with keys in
camel case. Each becomes the JSON of one Sentry event with a `csp` interface, and takes the same road as any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bugwatch.domain.errors import Invalid
from bugwatch.protocol.json_fields import child, json_of, text, whole

REPORTS = 100  # of one request; browsers gather a few
_TEXT_LENGTH = 8_192
_TAG_LENGTH = 200
_MAX_NUMBER = 2**31 - 1

# Our name, and what browsers call it: the first that is there counts.
_TEXTS = {
    "effective_directive": ("effective-directive", "effectiveDirective"),
    "violated_directive": ("violated-directive", "violatedDirective"),
    "blocked_uri": ("blocked-uri", "blockedURL", "blockedURI"),
    "document_uri": ("document-uri", "documentURL", "documentURI"),
    "referrer": ("referrer",),
    "original_policy": ("original-policy", "originalPolicy"),
    "disposition": ("disposition",),
    "source_file": ("source-file", "sourceFile"),
    "script_sample": ("script-sample", "sample"),
}
_NUMBERS = {
    "status_code": ("status-code", "statusCode"),
    "line_number": ("line-number", "lineNumber"),
    "column_number": ("column-number", "columnNumber"),
}
# What a visitor's browser adds to a page by itself. Nobody who runs the site can mend it.
_NOISE = frozenset(
    {"chrome-extension", "moz-extension", "safari-extension", "safari-web-extension", "ms-browser-extension"}
    | {"webkit-masked-url", "about", "data"}
)


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One violation as an event's JSON. `is_noise` says that a browser extension or the like caused it."""

    payload: bytes
    is_noise: bool


@dataclass(frozen=True, slots=True)
class SecurityReports:
    """What a request brought. Reports of other kinds (expect-ct, deprecation …) are in neither."""

    events: tuple[SecurityEvent, ...]
    malformed_count: int


def parse(body: bytes, *, release: str = "", environment: str = "", user_agent: str = "") -> SecurityReports:
    """The violations in `body`, the first 100 of a list. Raises `Invalid` for what is no JSON object or list.

    `release` and `environment` come from the query (`sentry_release`, `sentry_environment`), `user_agent` from the
    request's headers.
    """
    told = {"release": _tamed(release), "environment": _tamed(environment)}
    found = [_csp(report) for report in _reports(json_of(body, "report"))]
    events = tuple(_event(csp, told, _tamed(user_agent)) for csp in found if csp is not None)
    return SecurityReports(events, len(found) - len(events))


def _tamed(words: str) -> str:
    """What stands in a URL or a header need not be UTF-8, and then arrives with halves of characters."""
    return words[:_TEXT_LENGTH].encode("utf-8", "replace").decode()


def _reports(document: Any) -> Iterator[dict[str, Any]]:
    """The bodies of the CSP reports."""
    if isinstance(document, dict):
        if "csp-report" in document:
            yield child(document, "csp-report")
    elif isinstance(document, list):
        for report in document[:REPORTS]:
            if isinstance(report, dict) and report.get("type") == "csp-violation":
                yield child(report, "body")
    else:
        raise Invalid("The report is neither a JSON object nor a list.")


def _csp(report: Mapping[str, Any]) -> dict[str, str | int] | None:
    """The report under the names of Sentry's `csp` interface, and `blocked_host`. None if it names no directive."""
    csp: dict[str, str | int] = {}
    for name, spellings in _TEXTS.items():
        csp[name] = next(filter(None, (text(report, key, _TEXT_LENGTH) for key in spellings)), "")
    for name, spellings in _NUMBERS.items():
        csp[name] = next(filter(None, (whole(report, key, _MAX_NUMBER) for key in spellings)), 0)
    # Old browsers name only the violated directive, with its sources behind it.
    directive = str(csp["effective_directive"] or csp["violated_directive"]).partition(" ")[0].lower()
    csp["effective_directive"] = directive
    csp["blocked_host"] = _host(str(csp["blocked_uri"]), str(csp["document_uri"]))
    return {name: value for name, value in csp.items() if value} if directive else None


def _host(blocked_uri: str, document_uri: str) -> str:
    """`cdn.example:8443` of a URL; `self` for the page's own; else the word that stands there (`inline`, `data` …)."""
    host = _netloc(blocked_uri)
    if not blocked_uri or (host and host == _netloc(document_uri)):
        return "self"
    return host or _scheme(blocked_uri)


def _netloc(uri: str) -> str:
    try:
        return urlsplit(uri).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def _scheme(uri: str) -> str:
    return uri.partition(":")[0].lower()


def _event(csp: Mapping[str, str | int], told: Mapping[str, str], user_agent: str) -> SecurityEvent:
    directive, host = str(csp["effective_directive"]), str(csp["blocked_host"])
    headers = {"User-Agent": user_agent, "Referer": csp.get("referrer")}
    event = {
        "type": "csp",
        "platform": "other",
        "logger": "csp",
        "logentry": {"formatted": f"Blocked '{_resource(directive)}' from '{host}'"},
        "csp": csp,
        "culprit": csp.get("violated_directive") or directive,
        "tags": [["effective-directive", directive[:_TAG_LENGTH]], ["blocked-host", host[:_TAG_LENGTH]]],
        "request": {
            "url": csp.get("document_uri"),
            "headers": [[name, value] for name, value in headers.items() if value],
        },
        **{name: value for name, value in told.items() if value},
    }
    return SecurityEvent(msgspec.json.encode(event), _is_noise(csp))


def _resource(directive: str) -> str:
    """`script` of `script-src-elem`; directives that name no kind of resource stay as they are."""
    return directive.partition("-src")[0]


def _is_noise(csp: Mapping[str, str | int]) -> bool:
    return any(_scheme(str(csp.get(name, ""))) in _NOISE for name in ("blocked_uri", "source_file"))
