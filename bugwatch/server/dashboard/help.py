"""Help: short pages on what people ask. Each topic is a template in `help/`; what the code knows is handed in."""

from __future__ import annotations

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.errors import NotFound
from bugwatch.domain.grouping import newest
from bugwatch.domain.grouping_rule import EXAMPLES
from bugwatch.domain.limits import MIB
from bugwatch.domain.secret_text import FILTERED
from bugwatch.server.auth import caller
from bugwatch.server.context import house
from bugwatch.server.dashboard.members import role_names, role_table
from bugwatch.server.limits import PER_MINUTE
from bugwatch.server.render import page
from bugwatch.server.timing import SLOW_S
from bugwatch.services.artifacts import BUNDLE_BYTES, TOTAL_BYTES
from bugwatch.services.ingest import SHED_S
from bugwatch.symbolicators.child import CPU_S, MEMORY_BYTES
from bugwatch.templates import gettext as _

bp = Blueprint("help", url_prefix="/help")


def topics() -> dict[str, tuple[str, str]]:
    """Title and icon of each page, in reading order."""
    return {
        "connect": (_("Connect an app"), "rocket"),
        "counting": (_("What is counted, and why"), "activity"),
        "secrets": (_("Secrets and scrubbing"), "lock"),
        "traces": (_("Reading a stack trace"), "terminal"),
        "grouping": (_("How issues are grouped"), "inbox"),
        "source_maps": (_("Source maps"), "file-text"),
        "roles": (_("Roles"), "users"),
        "configuration": (_("Configuration"), "settings"),
        "metrics": (_("Metrics and the log"), "zap"),
        "backup": (_("Backup and restore"), "hard-drive"),
        "api": (_("API"), "braces"),
    }


@bp.get("", name="index")
async def index(request: Request) -> HTTPResponse:
    return await page(request, "help/index.html", topics=topics())


@bp.get("/<topic:str>", name="show")
async def show(request: Request, topic: str) -> HTTPResponse:
    titles = topics()
    if topic not in titles:
        raise NotFound("There is no help page of this name.")
    here = house(request)
    return await page(
        request,
        f"help/{topic}.html",
        title=titles[topic][0],
        following=_after(topic, titles),
        projects=await here.permissions.projects(caller(request)),
        site=here.site,
        room=here.ingest.room,
        shed_s=SHED_S,
        upload_mib=BUNDLE_BYTES // MIB,
        uploads_gib=TOTAL_BYTES // (1024 * MIB),
        item_mib=here.limits.item_bytes["event"] // MIB,
        body_mib=here.limits.compressed_bytes // MIB,
        attachment_mib=here.limits.item_bytes["attachment"] // MIB,
        mib=MIB,
        filtered=FILTERED,
        grouping_version=newest(),
        map_mib=MEMORY_BYTES // MIB,
        map_s=CPU_S,
        grouping_examples=EXAMPLES,
        role_names=role_names(),
        table=role_table(),
        manual=[(setting.name, setting.default, _(setting.description)) for setting in here.manual],
        calls_a_minute=PER_MINUTE,
        slow_s=SLOW_S,
    )


def _after(topic: str, titles: dict[str, tuple[str, str]]) -> tuple[str, str] | None:
    """Name and title of the topic that comes after this one; None after the last."""
    names = list(titles)
    following = names[names.index(topic) + 1 :][:1]
    return (following[0], titles[following[0]][0]) if following else None
