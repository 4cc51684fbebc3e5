"""What source maps did to a frame, in words: from where it was mapped, or why it was not and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bugwatch.domain.stacktrace import Frame
from bugwatch.domain.symbolication import Origin, Verdict
from bugwatch.server.dashboard import source
from bugwatch.templates import gettext as _
from bugwatch.templates import ngettext


@dataclass(frozen=True, slots=True)
class RawFrame:
    """The frame as it arrived: the place in the file that the browser ran."""

    place: str
    full_path: str
    function: str
    lines: tuple[source.Line, ...]


@dataclass(frozen=True, slots=True)
class OriginView:
    """`reason` and `advice` are sentences; empty where the frame was mapped and its source is there. `label` is the
    reason in a word or two."""

    is_mapped: bool
    label: str
    reason: str
    advice: str
    raw: RawFrame | None


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that keeps frames from being mapped: how many, why, and what to do."""

    sentence: str
    advice: str
    needs_upload: bool


# Where something has to be uploaded, rather than waited for or built anew.
_UPLOADS = (Verdict.NO_ARTIFACT, Verdict.OTHER_PROJECT, Verdict.NO_MAP, Verdict.NO_DEBUG_ID, Verdict.SOURCE_MISSING)


def origin_of(frame: Frame) -> OriginView | None:
    """None where source maps have nothing to do with the frame."""
    origin = frame.origin
    if origin is None:
        return None
    label, reason, advice = _words(origin, frame)
    return OriginView(origin.verdict.is_mapped, label, reason, advice, _raw(origin.raw) if origin.raw else None)


def gaps_of(frames: Iterable[Frame]) -> tuple[Gap, ...]:
    """Why frames of the app's own code are not shown as they were written, the most frequent reason first."""
    origins = [f.origin for f in frames if f.in_app and f.origin and f.origin.verdict is not Verdict.MAPPED]
    counts = Counter(origin.verdict for origin in origins)
    return tuple(
        Gap(_sentence(verdict, count), _advice(verdict), verdict in _UPLOADS) for verdict, count in counts.most_common()
    )


def _raw(frame: Frame) -> RawFrame:
    path = frame.abs_path or frame.filename
    name = path.partition("?")[0].rstrip("/").rpartition("/")[2] or path
    numbers = [str(number) for number in (frame.lineno, frame.colno) if number is not None]
    text = (frame.context_line,) if frame.context_line else ()
    lines = source.lines(text, frame.lineno or 1, frame.lineno or 1, "", "", column=frame.colno) if text else ()
    return RawFrame(":".join([name, *numbers]), path, frame.function, lines)


def _words(origin: Origin, frame: Frame) -> tuple[str, str, str]:
    """Label, reason and advice."""
    reasons = {
        Verdict.SOURCE_MISSING: ("", _("The source map does not hold the text of this file, and nobody uploaded it.")),
        Verdict.NO_DEBUG_ID: (
            _("no debug id"),
            _("The event names neither a debug id for this file nor a release, so no source map can be found for it."),
        ),
        Verdict.NO_ARTIFACT: (_("no source map"), _not_uploaded(origin)),
        Verdict.OTHER_PROJECT: (_("other project"), _("Its source map was uploaded, but for another project.")),
        Verdict.NO_MAP: (_("no source map"), _("The minified file was uploaded, but its source map was not.")),
        Verdict.NO_POSITION: (
            _("not in the map"),
            _(
                "The source map says nothing about line %(line)s, column %(column)s.",
                line=frame.lineno or "?",
                column=frame.colno or "?",
            ),
        ),
        Verdict.MAP_BROKEN: (_("broken map"), _("The source map cannot be read.")),
        Verdict.TOO_LARGE: (_("map too large"), _("The source map needs more memory or time than one may take.")),
        Verdict.WAITING: (_("waiting"), _("The source map is still being read.")),
    }
    label, reason = reasons.get(origin.verdict, ("", ""))
    return label, reason, _advice(origin.verdict)


def _not_uploaded(origin: Origin) -> str:
    if origin.debug_id:
        return _("Nothing was uploaded for this project with the debug id %(id)s.", id=origin.debug_id)
    return _("Nothing was uploaded for this file in release %(release)s.", release=origin.release)


def _advice(verdict: Verdict) -> str:
    advice = {
        Verdict.SOURCE_MISSING: _("Let the bundler write sourcesContent, or upload the sources as well."),
        Verdict.NO_DEBUG_ID: _("Let a bundler plugin or sentry-cli put debug ids into the build, or set a release."),
        Verdict.NO_ARTIFACT: _("Upload the source maps of this build; this event is mapped as soon as they are here."),
        Verdict.OTHER_PROJECT: _("Upload it again, and name this project."),
        Verdict.NO_MAP: _("Upload the .map file together with it."),
        Verdict.NO_POSITION: _("It is probably the map of another build: upload the one of the build that runs."),
        Verdict.MAP_BROKEN: _("Build it anew, and upload it again."),
        Verdict.TOO_LARGE: _("Split the bundle into smaller files."),
        Verdict.WAITING: _("Load the page again in a moment."),
    }
    return advice.get(verdict, "")


def _sentence(verdict: Verdict, count: int) -> str:
    if verdict is Verdict.NO_DEBUG_ID:
        return ngettext("%(num)s frame names no debug id.", "%(num)s frames name no debug id.", count)
    if verdict is Verdict.OTHER_PROJECT:
        return ngettext(
            "The source map of %(num)s frame was uploaded for another project.",
            "The source maps of %(num)s frames were uploaded for another project.",
            count,
        )
    if verdict is Verdict.NO_POSITION:
        return ngettext(
            "The source map does not know the place of %(num)s frame.",
            "The source maps do not know the places of %(num)s frames.",
            count,
        )
    if verdict in (Verdict.MAP_BROKEN, Verdict.TOO_LARGE):
        return ngettext(
            "The source map of %(num)s frame cannot be used.",
            "The source maps of %(num)s frames cannot be used.",
            count,
        )
    if verdict is Verdict.WAITING:
        return ngettext(
            "The source map of %(num)s frame is still being read.",
            "The source maps of %(num)s frames are still being read.",
            count,
        )
    if verdict is Verdict.SOURCE_MISSING:
        return ngettext(
            "The source code of %(num)s frame is missing.", "The source code of %(num)s frames is missing.", count
        )
    return ngettext("The source map of %(num)s frame is missing.", "Source maps are missing for %(num)s frames.", count)
