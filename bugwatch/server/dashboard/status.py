"""How the house is doing, in a sentence on top of every page: only when there is something that people should know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bugwatch.domain.limits import MIB
from bugwatch.services.ingest import Gear, Ingest
from bugwatch.storage import spool
from bugwatch.storage.database import Reader
from bugwatch.templates import gettext as _
from bugwatch.templates import ngettext, number


@dataclass(frozen=True, slots=True)
class Notice:
    """`is_bad` where events are lost meanwhile; `has_help` where the help on counting says more."""

    text: str
    is_bad: bool = False
    has_help: bool = False


async def notices(tx: Reader, ingest: Ingest, run_projects: Sequence[int]) -> tuple[Notice, ...]:
    """What there is to know; of `run_projects`, which the reader runs, also what could not be digested."""
    found = [notice] if (notice := _of_gear(ingest)) else []
    if ingest.failed_count and (count := await spool.failed_count(tx, run_projects)):
        sentence = ngettext(
            "%(num)s item could not be read. It is kept, the log says why, and the next start tries it again.",
            "%(num)s items could not be read. They are kept, the log says why, and the next start tries them again.",
            count,
        )
        found.append(Notice(sentence, has_help=True))
    return tuple(found)


def _of_gear(ingest: Ingest) -> Notice | None:
    if ingest.gear is Gear.DIRECT:
        return None
    if ingest.gear is Gear.SPOOL:
        return Notice(_("Events are stored at once and digested a moment later: much is arriving."))
    if ingest.is_disk_low:
        floor = number(ingest.room.disk_floor // MIB)
        return Notice(
            _("New events are refused: the disk has less than %(floor)s MB left. Free some space.", floor=floor),
            is_bad=True,
            has_help=True,
        )
    limit = number(ingest.room.spool_bytes // MIB)
    return Notice(
        _("New events are refused: %(limit)s MB of them wait to be digested, and those come first.", limit=limit),
        is_bad=True,
        has_help=True,
    )
