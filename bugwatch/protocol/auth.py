"""With which key does a request come? SDKs have six ways to say it (PROTOCOL §1.3)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from bugwatch.domain.errors import Invalid, Unauthenticated
from bugwatch.domain.record import record
from bugwatch.protocol import dsn

PROTOCOL_VERSION = 7

_SENTRY = re.compile(r"\s*sentry\s+", re.IGNORECASE)
_BASIC = re.compile(r"\s*basic\s+", re.IGNORECASE)
_KEY = re.compile(r"[0-9a-f]{32}")
_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4})?", re.ASCII)
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
_HEADER_LENGTH = 8_192
_CLIENT_LENGTH = 200
_SHOWN_KEY_LENGTH = 64


@record
class Credentials:
    """What a request says of itself; whether the key exists is for the project's keys to tell.

    `public_key` is 32 lowercase hex digits, `client` such as `sentry.python/2.75.0` or empty, `project_id` from the
    path, else from the envelope's DSN, else None; `source` says where the key stood.
    """

    public_key: str
    version: int
    client: str
    project_id: int | None
    source: str


@record
class _Claim:
    source: str
    key: str
    version: str = ""
    client: str = ""
    project_id: int | None = None


def credentials(
    headers: Mapping[str, str],
    query: Mapping[str, str],
    *,
    path_key: str | None = None,
    envelope_dsn: str | None = None,
    project_id: int | None = None,
    base_url: str = "",
) -> Credentials:
    """Who sends this? `headers` answers to lower-case names; `project_id` is the one in the path; `base_url` is ours.

    The first source that names a key wins. Raises `Unauthenticated` if none does, if two name different keys, or if
    the key is no key; `Invalid` for a protocol version that we do not speak, and for an envelope whose DSN names
    another project. The texts show the DSN as we understood it.
    """
    said = (
        headers.get("x-sentry-auth") or "",
        headers.get("authorization") or "",
        query.get("sentry_key") or "",
        query.get("sentry_version") or "",
        query.get("sentry_client") or "",
    )
    return _credentials(said, path_key or "", envelope_dsn or "", project_id, base_url)


@lru_cache(maxsize=128)  # an SDK says the same each time
def _credentials(
    said: tuple[str, str, str, str, str], path_key: str, envelope_dsn: str, project_id: int | None, base_url: str
) -> Credentials:
    claims = [*_claims(*said, path_key), *_from_envelope(envelope_dsn)]
    project_id = _project(project_id, claims)
    if not claims:
        raise Unauthenticated(
            "No key came with this request; SDKs send it in X-Sentry-Auth or as ?sentry_key=. "
            + understood(base_url, "<no-key>", project_id)
        )
    first = claims[0]
    key = _clean_key(first.key)
    if key is None:
        raise Unauthenticated(f"The key is not 32 hexadecimal digits. {understood(base_url, first.key, project_id)}")
    for other in claims[1:]:
        if _clean_key(other.key) != key:
            raise Unauthenticated(
                f"The {first.source} and the {other.source} name different keys. "
                + understood(base_url, first.key, project_id)
            )
    return Credentials(key, _version(first.version), _shown(first.client, _CLIENT_LENGTH), project_id, first.source)


def understood(base_url: str, public_key: str, project_id: int | None) -> str:
    """The sentence that helps to find a wrong DSN."""
    return f"The DSN as understood: {dsn.format_dsn(base_url, _shown(public_key, _SHOWN_KEY_LENGTH), project_id)}"


def _shown(text: str, length: int) -> str:
    """A stranger's words, fit for logs and answers."""
    return _UNPRINTABLE.sub("?", text[:length])


def _claims(
    sentry_auth: str, authorization: str, key: str, version: str, client: str, path_key: str
) -> Iterator[_Claim]:
    """Every source that names a key, in the order in which they count."""
    yield from _from_header("X-Sentry-Auth header", sentry_auth)
    if _SENTRY.match(authorization):
        yield from _from_header("Authorization header", authorization)
    yield from _from_basic(authorization)
    if key:
        yield _Claim("query", key, version, client)
    if path_key:
        yield _Claim("path", path_key)


def _from_header(source: str, text: str) -> Iterator[_Claim]:
    """`Sentry k=v, k="v"`: any order, any case, with or without spaces."""
    fields: dict[str, str] = {}
    for part in _SENTRY.sub("", text[:_HEADER_LENGTH], count=1).split(","):
        name, _, value = part.partition("=")
        fields.setdefault(name.strip().lower(), value.strip(' \t"'))
    if key := fields.get("sentry_key"):
        yield _Claim(source, key, fields.get("sentry_version", ""), fields.get("sentry_client", ""))


def _from_basic(authorization: str) -> Iterator[_Claim]:
    """The key as the user's name. Another name is none of ours: it is meant for a proxy on the way."""
    found = _BASIC.match(authorization)
    if found is None:
        return
    try:
        pair = base64.b64decode(authorization[found.end() : _HEADER_LENGTH])
    except ValueError:
        return
    if key := _clean_key(pair.decode("utf-8", "replace").partition(":")[0]):
        yield _Claim("Authorization header", key)


def _from_envelope(envelope_dsn: str) -> Iterator[_Claim]:
    """What the envelope says of its home. Only key and project count: hosts differ behind tunnels and proxies."""
    try:
        home = dsn.parse(envelope_dsn)
    except Invalid:
        return
    yield _Claim("envelope", home.public_key, project_id=home.project_id)


def _project(in_path: int | None, claims: list[_Claim]) -> int | None:
    named = next((claim.project_id for claim in claims if claim.project_id is not None), None)
    if in_path is not None and named is not None and named != in_path:
        raise Invalid(f"The envelope's DSN names project {named}, the request's address project {in_path}.", "dsn")
    return in_path if in_path is not None else named


def _clean_key(text: str) -> str | None:
    key = text.strip().replace("-", "").lower()
    return key if _KEY.fullmatch(key) else None


def _version(text: str) -> int:
    """The protocol's version; what is not said is today's."""
    if not text:
        return PROTOCOL_VERSION
    if not _VERSION.fullmatch(text) or int(text.partition(".")[0]) > PROTOCOL_VERSION:
        raise Invalid(f"We speak the protocol's versions up to {PROTOCOL_VERSION}, not {text!r:.50}.", "sentry_version")
    return int(text.partition(".")[0])
