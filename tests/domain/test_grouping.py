"""Grouping under a project's policy: its rules and its version of the algorithm."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from bugwatch.domain import fingerprint
from bugwatch.domain.event import Event, ExceptionValue
from bugwatch.domain.grouping import ALGORITHMS, Policy, group, older_hashes, source_of
from bugwatch.domain.stacktrace import Frame
from tests.domain.shop_event import CRASH, EVENT, MAIN


def grouped(text: str, event: Event = EVENT) -> fingerprint.Grouping:
    return group(event, Policy(text))


def test_the_first_rule_that_matches_decides_and_says_so() -> None:
    text = "type:ValueError -> no\n\n# a comment\ntype:Database* -> database-down, {{ tags.region }}\ntype:* -> late"
    found = grouped(text)

    assert found.hash == fingerprint.group(replace(EVENT, fingerprint=("database-down", "eu-1"))).hash
    assert found.reason == "Grouped by the fingerprint that the project's rule on line 4 sets."
    assert found.components[0].reason == "set by the project's rule on line 4"
    assert found.components[-1].value == "type:Database* -> database-down, {{ tags.region }}"
    assert source_of(found) == ("rule", found.components[-1].value)
    assert found.title == "DatabaseError: connection refused"


def test_a_rule_beats_the_fingerprint_of_the_sdk_and_default_stands_for_ours() -> None:
    sent = replace(EVENT, fingerprint=("mine",))

    assert grouped("type:* -> a", sent).hash == grouped("type:* -> a").hash
    assert grouped("type:* -> {{ default }}", sent).hash == fingerprint.group(EVENT).hash
    assert source_of(grouped("type:* -> {{ default }}", sent)) == ("algorithm", "")
    assert grouped("type:* -> {{ default }} {{ level }}").hash != fingerprint.group(EVENT).hash
    assert source_of(grouped("type:X -> a", sent)) == ("fingerprint", "")
    assert grouped("type:* -> {{type}},{{ function }}").hash == grouped('type:* -> "DatabaseError" "connect"').hash


def test_a_title_is_a_template_and_goes_without_a_fingerprint_too() -> None:
    both = grouped('type:* -> db title="Database in {{ tags.region }}: {{ value }}"')
    only = grouped('type:* -> title="{{ function }} failed"')

    assert (both.title, both.title_type) == ("Database in eu-1: connection refused", "")
    assert (only.title, only.hash) == ("connect failed", fingerprint.group(EVENT).hash)
    assert source_of(only) == ("algorithm", "")
    assert grouped('type:* -> x title="{{ logger }}"', replace(EVENT, logger="")).title == EVENT_TITLE


EVENT_TITLE = "DatabaseError: connection refused"


def test_a_rule_for_frames_changes_the_grouping_and_is_told() -> None:
    found = grouped("path:**/vendor/** -app")
    elsewhere = Frame(function="other", module="tenacity", filename="vendor/tenacity.py", in_app=True)
    moved = replace(EVENT.exceptions[-1], frames=(MAIN, elsewhere, CRASH))

    assert found.hash != fingerprint.group(EVENT).hash
    assert found.hash == grouped("path:**/vendor/** -app", replace(EVENT, exceptions=(EVENT.exceptions[0], moved))).hash
    assert found.components[-1].reason == "line 1 of the project's rules says which frames count"
    assert not found.components[-1].contributes


def test_what_a_rule_calls_the_apps_is_the_apps_even_where_browsers_are_not_believed() -> None:
    library = Frame(
        function="render", filename="/node_modules/kit/x.js", abs_path="https://a.b/node_modules/kit/x.js", in_app=True
    )
    event = Event(platform="javascript", exceptions=(ExceptionValue("Error", "x", frames=(library,)),))

    assert "none of them the app's own" in fingerprint.group(event).components[1].reason
    assert "1 of 1 frames, the app's own" in grouped("path:**/kit/** +app", event).components[1].reason


def test_a_newer_algorithm_brings_the_hash_of_the_one_before_by_the_same_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    def second(event: Event) -> fingerprint.Grouping:
        found = fingerprint.group(event)
        return replace(found, hash=bytes(reversed(found.hash)), version=2)

    monkeypatch.setitem(ALGORITHMS, 2, second)
    old, new = Policy("type:* -> one"), Policy("type:* -> one", 2, 1)

    assert group(EVENT, new).hash != group(EVENT, old).hash
    assert older_hashes(EVENT, new) == (group(EVENT, old).hash,)
    assert older_hashes(EVENT, old) == older_hashes(EVENT, Policy("", 2)) == older_hashes(EVENT, Policy("", 1, 1)) == ()
    assert group(EVENT, Policy("", sys.maxsize)).hash == second(EVENT).hash
