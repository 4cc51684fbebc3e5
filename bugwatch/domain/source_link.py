"""From a frame to its line on the project's code host: GitHub, GitLab, Gitea, Bitbucket, or any address by a template.

What comes from an event can fill in a path, a version and a line, each percent-encoded; it never chooses the host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from posixpath import normpath
from urllib.parse import quote

from bugwatch.domain.errors import Invalid
from bugwatch.domain.frame_key import FAMILIES
from bugwatch.domain.stacktrace import Frame

TEMPLATE = "template"
# For each host where it is unless the repository says otherwise, and what follows the repository's address.
HOSTS: Mapping[str, tuple[str, str]] = {
    "github": ("https://github.com", "/blob/{commit}/{path}#L{line}"),
    "gitlab": ("https://gitlab.com", "/-/blob/{commit}/{path}#L{line}"),
    "gitea": ("https://codeberg.org", "/src/{kind}/{commit}/{path}#L{line}"),
    "bitbucket": ("https://bitbucket.org", "/src/{commit}/{path}#lines-{line}"),
}
PLACEHOLDERS = ("commit", "branch", "path", "line", "release", "version")

_LENGTH = 500
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_REPOSITORY = re.compile(r"(?:https?://[\w.-]+(?::\d{1,5})?/)?[\w.-]+(?:/[\w.~-]+)+")
_ADDRESS = re.compile(r"https?://[\w.-]+(?::\d{1,5})?/[^\s\\]*")
_BRANCH = re.compile(r"[^\s~^:?*\[\\\x00-\x1f\x7f]{1,200}")
_COMMIT = re.compile(r"(?:^|.*[@+])([0-9a-f]{40}|(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{7,39})")


@dataclass(frozen=True, slots=True)
class SourceLink:
    """`host` is one of `HOSTS`, `TEMPLATE`, or empty for no links. `repository` is `owner/name` or an address; of a
    template the template. `branch`, which may hold `{version}`, is shown where nobody knows the release's commit.
    `strip` is taken from the beginning of a path, and `prefix` put there. `commit` is what was announced with the
    event's release, and not stored here."""

    host: str = ""
    repository: str = ""
    branch: str = "main"
    strip: str = ""
    prefix: str = ""
    commit: str = ""


NOWHERE = SourceLink()


def clean(link: SourceLink) -> SourceLink:
    """The link as it is stored. Raises Invalid."""
    if not link.host:
        return NOWHERE
    repository = link.repository.strip()
    branch, strip, prefix = link.branch.strip() or "main", link.strip.strip(), link.prefix.strip().lstrip("/")
    if link.host == TEMPLATE:
        _check_template(repository)
    elif link.host in HOSTS:
        repository = repository.rstrip("/").removesuffix(".git")
        if len(repository) > _LENGTH or not _REPOSITORY.fullmatch(repository):
            raise Invalid("Write owner/name, or the address of the repository with https://.", "repository")
    else:
        raise Invalid("Choose one of the listed hosts.", "host")
    if not _BRANCH.fullmatch(branch):
        raise Invalid("That is not the name of a branch or a tag.", "branch")
    for field, path in (("strip", strip), ("prefix", prefix)):
        if len(path) > _LENGTH or not path.isprintable():
            raise Invalid(f"A path has at most {_LENGTH} characters, all of them visible.", field)
    return replace(link, repository=repository, branch=branch, strip=strip, prefix=prefix)


def _check_template(template: str) -> None:
    names = _PLACEHOLDER.findall(template)
    unknown = [name for name in names if name not in PLACEHOLDERS]
    if unknown:
        raise Invalid(f"There is no {{{unknown[0]}}}: use {', '.join(f'{{{p}}}' for p in PLACEHOLDERS)}.", "template")
    if len(template) > _LENGTH or not template.isprintable() or not _ADDRESS.fullmatch(template):
        raise Invalid("A template begins with https:// and a host that is spelled out.", "template")
    if "path" not in names:
        raise Invalid("A template holds {path}.", "template")


def url_of(link: SourceLink, frame: Frame, platform: str, release: str) -> str:
    """Where the frame's line can be read, or an empty string."""
    path = path_of(link, frame, platform) if link.host else ""
    if not path:
        return ""
    commit = link.commit or commit_of(release)
    version = release.rpartition("@")[2].partition("+")[0]
    given = {"release": release, "version": version}
    branch = _PLACEHOLDER.sub(lambda m: given.get(m[1], m[0]), link.branch)
    values = {
        **given,
        "branch": branch,
        "commit": commit or branch,
        "kind": "commit" if commit else "tag" if branch != link.branch else "branch",
        "path": path,
        "line": str(frame.lineno or 1),
    }
    encoded = {name: quote(value, safe="/", errors="replace") for name, value in values.items()}
    return _PLACEHOLDER.sub(lambda m: encoded.get(m[1], m[0]), _template_of(link))


def _template_of(link: SourceLink) -> str:
    if link.host == TEMPLATE:
        return link.repository
    home, rest = HOSTS[link.host]
    is_address = link.repository.startswith(("https://", "http://"))
    return (link.repository if is_address else f"{home}/{link.repository}") + rest


def commit_of(release: str) -> str:
    """The commit that a release names: `9fceb02d…`, `shop@9fceb02` or `shop@1.4.0+9fceb02`; else an empty string."""
    found = _COMMIT.fullmatch(release)
    return found[1] if found else ""


def path_of(link: SourceLink, frame: Frame, platform: str) -> str:
    """The frame's file as the repository knows it; empty where nothing says which that is."""
    family = FAMILIES.get(frame.platform or platform, "other")
    if family == "jvm" and frame.filename and "/" not in frame.filename and "." in frame.module:
        package = frame.module.rpartition(".")[0].replace(".", "/")
        return _joined(link.prefix, f"{package}/{frame.filename}")
    paths = [_without_scheme(path) for path in (frame.abs_path, frame.filename) if path]
    strip = link.strip.replace("\\", "/").rstrip("/")
    if link.strip:
        for path in paths:
            if path.startswith(f"{strip}/"):
                return _joined(link.prefix, path[len(strip) :])
    relative = [path for path in paths if not re.match(r"/|[A-Za-z]:/|<|\[", path)]
    if relative:
        return _joined(link.prefix, relative[-1])
    return "" if link.strip or not paths or paths[0][0] in "<[" else _joined(link.prefix, paths[0])


def _without_scheme(path: str) -> str:
    """`src/cart.ts`, for `webpack:///./src/cart.ts`, `webpack://shop/./src/cart.ts?3f2a` and `app:///src/cart.ts`."""
    path = path.replace("\\", "/")
    scheme, colon, rest = path.partition("://")
    if not colon:
        return path.removeprefix("/./")
    if scheme == "file":
        return rest
    rest = rest.partition("?")[0].partition("#")[0]
    if "/./" in rest:
        return rest.partition("/./")[2]
    return rest.partition("/")[2] if scheme in ("http", "https", "webpack") else rest.lstrip("/")


def _joined(prefix: str, path: str) -> str:
    """The whole path without detours: nothing in it leads out of the repository."""
    return normpath(f"/{prefix}/{path}").lstrip("/")
