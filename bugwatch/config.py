"""What an operator can set. Every field is `BUGWATCH_<NAME>` or `BUGWATCH_<NAME>_FILE` (a file that holds the value).

Precedence: flag > environment > file (`bugwatch.toml` in the data folder) > settings page. The descriptions below are
the manual: `.env.example`, `bugwatch config` and the in-app page are made from them. Only `main` and `cli` read this.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticUndefined

from bugwatch.domain.errors import Invalid
from bugwatch.domain.setting import Setting

PREFIX = "BUGWATCH_"
FILE_NAME = "bugwatch.toml"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


def _(text: str) -> str:
    """Marks a text for the catalogue of what people read."""
    return text


def default_data_dir() -> Path:
    """Where this platform keeps a user's data: XDG on Linux, Application Support on macOS, LOCALAPPDATA on Windows."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Bugwatch"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Bugwatch"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "bugwatch"


class Config(BaseModel):
    """See the module. Make it with `load`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description=_("Folder for the database, keys and backups. Made with mode 0700 if it is not there."),
    )
    host: str = Field("127.0.0.1", description=_("Address to listen on. 0.0.0.0 opens it to the network."))
    port: int = Field(8470, ge=0, le=65535, description=_("Port to listen on. 0 takes any free one."))
    base_url: str = Field(
        "",
        description=_(
            "The address that people and SDKs use, such as https://bugs.example.com or with a path behind it. "
            "Empty: http://HOST:PORT."
        ),
    )
    database_url: str = Field(
        "",
        description=_(
            "postgresql://user:password@host/database for Postgres. Empty: a SQLite file in the data folder."
        ),
    )
    database_pool_size: int = Field(10, ge=2, le=500, description=_("Connections to Postgres that are kept at most."))
    secret_key: str = Field(
        "",
        description=_(
            "Signs logins and links, encrypts stored secrets: 32 characters or more, the same on every "
            "instance. Empty: a file in the data folder, made at first start."
        ),
    )
    rate_limit: int = Field(
        6_000,
        ge=0,
        description=_(
            "Events a minute that a project may send unless it says otherwise; a minute's worth may come at "
            "once. 0: no limit."
        ),
    )
    trusted_proxies: str = Field(
        "",
        description=_(
            "Addresses or networks, separated by commas, of reverse proxies whose X-Forwarded-For and "
            "X-Forwarded-Proto are believed, such as 127.0.0.1,10.0.0.0/8."
        ),
    )
    open_registration: bool = Field(False, description=_("Whether anybody who can reach the page may make an account."))
    smtp_url: str = Field(
        "",
        description=_(
            "smtp://user:password@host:587 (STARTTLS) or smtps://…:465 to send mail. Empty: no mail is sent."
        ),
    )
    mail_from: str = Field("", description=_("The sender of mails. Empty: bugwatch@ and the host of the base URL."))
    spool_limit_mb: int = Field(512, ge=1, description=_("MB of events that may wait before new ones are refused."))
    disk_floor_mb: int = Field(
        256, ge=0, description=_("MB that must stay free on the disk; below, new events are refused.")
    )
    attachment_limit_mb: int = Field(20, ge=0, description=_("MB of the largest attachment that is kept. 0: none is."))
    log_level: LogLevel = Field(LogLevel.INFO, description=_("debug, info, warning or error."))
    log_format: LogFormat = Field(LogFormat.TEXT, description=_("text for people, json for machines."))

    @field_validator("base_url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must look like https://bugs.example.com or https://example.com/bugwatch")
        return value.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: str) -> str:
        if value and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("must begin with postgresql://, or be empty for SQLite")
        return value

    @field_validator("secret_key")
    @classmethod
    def _is_long(cls, value: str) -> str:
        if value and len(value) < 32:
            raise ValueError("must have at least 32 characters")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for network in _listed(value):
            try:
                ip_network(network, strict=False)
            except ValueError:
                raise ValueError(f"“{network}” is no address or network") from None
        return value

    @property
    def proxies(self) -> list[IPv4Network | IPv6Network]:
        """`trusted_proxies` as networks."""
        return [ip_network(network, strict=False) for network in _listed(self.trusted_proxies)]

    @property
    def url(self) -> str:
        """Where people reach us: the base URL, else HOST:PORT, with 0.0.0.0 shown as localhost. Without a slash."""
        if self.base_url:
            return self.base_url
        host = "localhost" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def load(
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[Config, dict[str, str]]:
    """The configuration, and for each field that was set where it came from (`flag`, `environment`, a file's path).

    Raises Invalid with one sentence that names the setting, its source and what it may be.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}

    def take(name: str, value: Any, source: str) -> None:
        values[name] = value
        sources[name] = source

    given = _from_environment(environment)
    flags = {name: value for name, value in (flags or {}).items() if value is not None}
    data_dir = flags.get("data_dir") or given.get("data_dir", ("", ""))[0] or default_data_dir()
    for name, value in _from_file(Path(data_dir) / FILE_NAME).items():
        take(name, value, str(Path(data_dir) / FILE_NAME))
    for name, (value, source) in given.items():
        take(name, value, source)
    for name, value in flags.items():
        take(name, value, "flag")
    try:
        return Config(**values), sources
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            raise Invalid(f"{sources.get(name, 'The configuration')} sets “{name}”, which is not a setting.") from None
        raise Invalid(f"{PREFIX}{name.upper()} ({sources.get(name, 'default')}): {reason}.", name) from None


def manual() -> tuple[Setting, ...]:
    """Every setting, in the order of the manual."""
    return tuple(
        Setting(PREFIX + name.upper(), _written(field.default), field.description or "")
        for name, field in Config.model_fields.items()
    )


def _written(default: object) -> str:
    """A default as one would write it; empty where the platform decides."""
    if default is PydanticUndefined:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _listed(text: str) -> list[str]:
    return [part for part in text.replace(",", " ").split() if part]


def _from_environment(environment: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for name in Config.model_fields:
        variable = PREFIX + name.upper()
        path = environment.get(variable + "_FILE")
        if path:
            try:
                found[name] = (Path(path).read_text("utf-8").strip(), f"{variable}_FILE")
            except (OSError, UnicodeDecodeError) as error:
                raise Invalid(f"{variable}_FILE names {path}, which cannot be read: {error}.", name) from None
        if environment.get(variable):
            found[name] = (environment[variable], variable)
    return found


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid(f"{path} cannot be read: {error}.") from None
