"""An issue as pages show it: in the list, and at the head of its own page."""

from __future__ import annotations

from dataclasses import dataclass

from bugwatch.domain.clock import DAY
from bugwatch.server.dashboard.charts import Spark
from bugwatch.templates import gettext as _
from bugwatch.templates import ngettext

HUES = 6


@dataclass(frozen=True, slots=True)
class Badge:
    """`kind` is new, regressed, bad, ok or empty."""

    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class IssueRow:
    """A line of the list. `type` may be empty: then `message` is the title."""

    id: int
    short_id: str
    project_name: str
    project_hue: int
    level: str
    type: str
    message: str
    culprit: str
    badges: tuple[Badge, ...]
    event_count: int
    user_count: int
    first_seen_at: int
    last_seen_at: int
    trend: Spark


def hue_of(project_id: int) -> int:
    """1 to 6: the class of a project's coloured mark."""
    return project_id % HUES + 1


def message_of(title: str, type_: str) -> str:
    """The title without its type, which stands before it in bold."""
    return title.removeprefix(type_).removeprefix(": ") if type_ else title


def badges_of(
    status: str,
    first_seen_at: int,
    now: int,
    *,
    is_regressed: bool,
    is_unhandled: bool = False,
    member_count: int = 0,
) -> tuple[Badge, ...]:
    """What changed, in a word."""
    badges = []
    if status == "resolved":
        badges.append(Badge(_("Resolved"), "ok"))
    elif status == "ignored":
        badges.append(Badge(_("Muted")))
    elif is_regressed:
        badges.append(Badge(_("Regressed"), "regressed"))
    elif now - first_seen_at < DAY:
        badges.append(Badge(_("New"), "new"))
    if is_unhandled:
        badges.append(Badge(_("Unhandled"), "bad"))
    if member_count:
        badges.append(Badge(ngettext("%(num)s merged", "%(num)s merged", member_count)))
    return tuple(badges)


def status_text(status: str) -> str:
    return {"resolved": _("Resolved"), "ignored": _("Muted")}.get(status) or _("Unresolved")


def level_text(level: str) -> str:
    return {
        "debug": _("Debug"),
        "info": _("Info"),
        "warning": _("Warning"),
        "error": _("Error"),
        "fatal": _("Fatal"),
    }[level]
