"""An event: one report from an SDK, in its normal form.

`Event` has two depths. *Skimmed* (`protocol.event_payload.skim`) it holds only what grouping and the indexes need, and
the rest stands at its default; *read* (`protocol.event_payload.read`) it is complete, for pages and the API. Both agree
on every field that skimming fills.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bugwatch.domain.json import Json, JsonObject
from bugwatch.domain.record import record
from bugwatch.domain.stacktrace import Frame, Thread, nothing


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    FATAL = "fatal"


@record
class Mechanism:
    """How an exception reached the SDK. `is_handled` None means that the SDK did not say."""

    type: str = ""
    is_handled: bool | None = None
    is_synthetic: bool = False
    is_exception_group: bool = False
    exception_id: int | None = None
    parent_id: int | None = None
    source: str = ""
    description: str = ""
    help_link: str = ""
    data: JsonObject = field(default_factory=nothing)
    meta: JsonObject = field(default_factory=nothing)


@record
class ExceptionValue:
    """One link of the chain. In `Event.exceptions` the oldest cause comes first, as on the wire."""

    type: str = ""
    value: str = ""
    module: str = ""
    thread_id: str = ""
    mechanism: Mechanism | None = None
    frames: tuple[Frame, ...] = ()


@record
class User:
    """Whom it happened to. All may be empty; `data` holds what else the SDK said of them."""

    id: str = ""
    email: str = ""
    username: str = ""
    name: str = ""
    ip_address: str = ""
    data: JsonObject = field(default_factory=nothing)

    @property
    def identity(self) -> str:
        """What makes this user distinct: the first of id, username, email, address; empty for nobody."""
        return self.id or self.username or self.email or self.ip_address


@dataclass(frozen=True, slots=True)
class Breadcrumb:
    """Something that happened before; `timestamp` in ms since 1970, or None."""

    timestamp: int | None = None
    type: str = "default"
    category: str = ""
    level: str = "info"
    message: str = ""
    data: JsonObject = field(default_factory=nothing)


@dataclass(frozen=True, slots=True)
class Request:
    url: str = ""
    method: str = ""
    query_string: tuple[tuple[str, str], ...] = ()
    fragment: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[tuple[str, str], ...] = ()
    env: JsonObject = field(default_factory=nothing)
    data: Json = None


@record
class Sdk:
    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that normalization changed or could not use: `path` such as `exception.values.0.value`, and why."""

    path: str
    reason: str
    original_length: int | None = None


@record
class Event:
    """See the module. Instants are ms since 1970 (UTC)."""

    # --- skimmed: what grouping and the indexes need ---
    event_id: str = ""  # 32 lowercase hex digits
    type: str = "error"  # or `feedback`, `csp`, `transaction` …: what the SDK calls this kind of event
    happened_at: int = 0
    platform: str = "other"
    level: Level = Level.ERROR
    logger: str = ""
    transaction: str = ""
    culprit: str = ""  # as sent; the shown one is `Grouping.culprit`
    server_name: str = ""
    release: str = ""
    dist: str = ""
    environment: str = "production"
    message: str = ""  # formatted
    message_template: str = ""  # unformatted, where the SDK gave one
    exceptions: tuple[ExceptionValue, ...] = ()
    threads: tuple[Thread, ...] = ()  # skimmed: frames only of the crashed and the current one
    fingerprint: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    user: User | None = None
    # Whether the user's address is the connection's, and the payload does not tell it.
    is_address_lent: bool = field(default=False, compare=False)
    sdk: Sdk = Sdk()
    # What contexts, request and User-Agent say of the surroundings, ready to be tags: browser, os, runtime, url …
    traits: tuple[tuple[str, str], ...] = ()
    # Set for security (CSP) reports: effective directive and blocked host.
    csp_directive: str = ""
    csp_blocked: str = ""
    # --- read: the rest, for people ---
    request: Request | None = None
    breadcrumbs: tuple[Breadcrumb, ...] = ()
    contexts: JsonObject = field(default_factory=nothing)
    extra: JsonObject = field(default_factory=nothing)
    modules: JsonObject = field(default_factory=nothing)
    debug_meta: JsonObject = field(default_factory=nothing)
    message_params: Json = None
    notes: tuple[Note, ...] = ()

    def tag(self, key: str) -> str:
        """The tag's value, or an empty string."""
        return next((v for k, v in self.tags if k == key), "")
