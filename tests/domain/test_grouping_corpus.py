"""Grouping on whole events, as SDKs send them: no pair of the corpus may be judged wrongly."""

from __future__ import annotations

import pytest

from bugwatch.domain.fingerprint import group
from tests.bench.grouping import ours, report, score
from tests.grouping_corpus import AREAS, read


@pytest.mark.parametrize("name", AREAS)
def test_the_same_bug_is_one_issue_and_different_bugs_are_not(name: str) -> None:
    got = score([AREAS[name]], ours)

    assert (got.over, got.under) == ([], [])
    assert got.joined + got.split > 0


def test_how_right_it_is_beside_others() -> None:
    """Shown with `pytest -s`; the rivals are judged by their published rules."""
    table = report()
    print(f"\n{table}")

    assert "Bugwatch        100.0%  100.0%" in table


def test_every_event_of_the_corpus_has_a_title_for_people() -> None:
    for area in AREAS.values():
        for bug, payloads in area.items():
            for payload in payloads:
                grouping = group(read(payload))
                assert grouping.title != "(no message)", bug
                assert "<number>" not in grouping.title, bug
                assert "\n" not in grouping.title, bug
