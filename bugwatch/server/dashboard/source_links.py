"""What the settings of a project say about links to its source code: the choices, and an example that is real."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bugwatch.domain import source_link
from bugwatch.domain.errors import Invalid
from bugwatch.domain.project import Project
from bugwatch.domain.source_link import TEMPLATE, SourceLink
from bugwatch.domain.stacktrace import Frame
from bugwatch.server.dashboard.traces import newest_own_frame
from bugwatch.services.house import House
from bugwatch.storage import events, issue_lists, source_links
from bugwatch.storage.issue_lists import Search
from bugwatch.templates import gettext as _

# How many of the latest issues are asked for a frame of the app's own.
LOOKED_AT = 3
_INVENTED = Frame(filename="shop/cart.py", abs_path="/app/shop/cart.py", function="total", lineno=48)


@dataclass(frozen=True, slots=True)
class Example:
    """What a link would be for `path`, `line`; `url` is empty if it would not be one, and `problem` may say why."""

    path: str
    line: int | None
    url: str
    problem: str
    is_real: bool


def hosts() -> list[tuple[str, str]]:
    return [
        ("", _("No links")),
        ("github", "GitHub"),
        ("gitlab", "GitLab"),
        ("gitea", "Gitea, Forgejo"),
        ("bitbucket", "Bitbucket"),
        (TEMPLATE, _("Another, by a template")),
    ]


async def example(house: House, project: Project, link: SourceLink) -> Example:
    """The link of the frame that failed last in the app's own code; of an invented one before the first event."""
    frame, platform, release = await _last_frame(house, project) or (_INVENTED, "python", "")
    async with house.db.read() as tx:
        announced = (await source_links.of_release(tx, project.id, release)).commit
    path = frame.abs_path or frame.filename or frame.module
    try:
        url, problem = (
            source_link.url_of(replace(source_link.clean(link), commit=announced), frame, platform, release),
            "",
        )
    except Invalid as error:
        url, problem = "", str(error)
    return Example(path, frame.lineno, url, problem, frame is not _INVENTED)


async def _last_frame(house: House, project: Project) -> tuple[Frame, str, str] | None:
    async with house.db.read() as tx:
        latest = await issue_lists.find(tx, Search((project.id,)), "last_seen", LOOKED_AT)
        stored = await events.among(tx, [issue.last_event_id for issue in latest])
    for row in stored:
        event = (await house.events.open(project, row)).event
        frame = newest_own_frame(event)
        if frame:
            return frame, event.platform, event.release
    return None
