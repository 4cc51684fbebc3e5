"""What source maps did to a frame, in words: each verdict says why, and what to do about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bugwatch.domain.event import Event, ExceptionValue
from bugwatch.domain.stacktrace import Frame
from bugwatch.domain.symbolication import Origin, Verdict
from bugwatch.server.dashboard.frames import FrameView
from bugwatch.server.dashboard.origins import gaps_of, origin_of
from bugwatch.server.dashboard.traces import trace_of

MINIFIED = Frame(
    function="t",
    filename="/assets/app.min.js",
    abs_path="https://shop.example/assets/app.min.js?v=3",
    lineno=1,
    colno=5312,
    in_app=True,
    context_line="x" * 9_000,
)


def with_verdict(verdict: Verdict, **given: str) -> Frame:
    return replace(MINIFIED, origin=Origin(verdict, **given))  # type: ignore[arg-type]


def test_a_frame_without_source_maps_says_nothing() -> None:
    assert origin_of(MINIFIED) is None
    assert gaps_of([MINIFIED]) == ()


def test_a_mapped_frame_says_from_where_and_keeps_the_raw_one() -> None:
    frame = Frame(
        function="total", filename="src/cart.ts", lineno=14, in_app=True, origin=Origin(Verdict.MAPPED, MINIFIED)
    )

    view = origin_of(frame)

    assert view
    assert (view.is_mapped, view.label, view.reason, view.advice) == (True, "", "", "")
    assert view.raw
    assert view.raw.place == "app.min.js:1:5312"
    assert view.raw.full_path == MINIFIED.abs_path
    assert view.raw.function == "t"
    assert len(view.raw.lines[0].words[0][1]) < 300
    assert gaps_of([frame]) == ()


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.MAPPED])
def test_every_other_verdict_says_why_and_what_to_do(verdict: Verdict) -> None:
    view = origin_of(with_verdict(verdict, debug_id="0f4ad2b2-0000-4000-8000-000000000000"))

    assert view
    assert view.reason.endswith(".")
    assert view.advice.endswith(".")
    assert bool(view.label) is not verdict.is_mapped
    (gap,) = gaps_of([with_verdict(verdict), with_verdict(verdict)])
    assert "2 frames" in gap.sentence
    assert gap.advice == view.advice


def test_what_was_looked_for_is_named() -> None:
    by_id = origin_of(with_verdict(Verdict.NO_ARTIFACT, debug_id="0f4ad2b2"))
    by_name = origin_of(with_verdict(Verdict.NO_ARTIFACT, release="shop@1.0"))
    place = origin_of(with_verdict(Verdict.NO_POSITION))

    assert by_id and "debug id 0f4ad2b2" in by_id.reason  # noqa: PT018
    assert by_name and "release shop@1.0" in by_name.reason  # noqa: PT018
    assert place and "line 1, column 5312" in place.reason  # noqa: PT018


def test_the_notice_counts_the_apps_own_frames_most_frequent_reason_first() -> None:
    frames = [
        with_verdict(Verdict.NO_POSITION),
        *[with_verdict(Verdict.NO_ARTIFACT)] * 12,
        *[replace(with_verdict(Verdict.NO_DEBUG_ID), in_app=False)] * 40,
        with_verdict(Verdict.MAPPED),
    ]

    gaps = gaps_of(frames)

    assert [gap.sentence for gap in gaps] == [
        "Source maps are missing for 12 frames.",
        "The source map does not know the place of 1 frame.",
    ]
    assert [gap.needs_upload for gap in gaps] == [True, False]


def test_an_unmapped_frame_is_opened_for_its_reason_and_has_no_link() -> None:
    frame = replace(with_verdict(Verdict.NO_MAP), context_line=None)
    trace = trace_of(Event(platform="javascript", exceptions=(ExceptionValue("E", "v", frames=(frame,)),)))

    assert trace
    (part,) = trace.stacks[0].parts
    assert isinstance(part, FrameView)
    assert part.has_body
    assert part.is_open
    assert part.origin
    assert part.source_url == ""
