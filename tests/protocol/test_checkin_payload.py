from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.checkin import CheckIn, CheckInStatus, Crontab, Interval, IntervalUnit, MonitorConfig
from bugwatch.domain.errors import Invalid
from bugwatch.protocol.checkin_payload import parse, parse_query
from tests.protocol.hostile import JUNK, NOT_OBJECTS, documents

ID = "83a7c03ed0a04e1b97e2e3b18d38f244"
CONFIG: dict[str, Any] = {
    "schedule": {"type": "crontab", "value": "*/5 * * * *"},
    "checkin_margin": 5,
    "max_runtime": 30,
    "timezone": "Europe/Vienna",
    "failure_issue_threshold": 2,
    "recovery_threshold": 1,
    "owner": "team:ops",
}
CHECK_IN: dict[str, Any] = {
    "type": "check_in",
    "event_id": "f" * 32,
    "check_in_id": ID,
    "monitor_slug": "nightly-backup",
    "status": "ok",
    "duration": 12.5,
    "environment": "staging",
    "release": "shop@1.0",
    "contexts": {"trace": {"trace_id": "a" * 32}},
    "monitor_config": CONFIG,
    "timestamp": "2026-09-21T14:13:10Z",
}


def check_in(**changes: Any) -> CheckIn:
    return parse(json.dumps({**CHECK_IN, **changes}).encode())


def test_a_check_in_as_python_sends_it() -> None:
    assert check_in() == CheckIn(
        check_in_id=ID,
        monitor_slug="nightly-backup",
        status=CheckInStatus.OK,
        duration_ms=12_500,
        environment="staging",
        release="shop@1.0",
        trace_id="a" * 32,
        config=MonitorConfig(Crontab("*/5 * * * *"), "Europe/Vienna", 300_000, 1_800_000, 2, 1),
    )


def test_the_least_that_a_check_in_needs() -> None:
    assert parse(b'{"monitor_slug":"a","status":"in_progress"}') == CheckIn(None, "a", CheckInStatus.IN_PROGRESS)


@pytest.mark.parametrize("check_in_id", ["0" * 32, "00000000-0000-0000-0000-000000000000", None, "", "x", 7])
def test_the_latest_in_progress_is_meant_where_no_id_is_given(check_in_id: Any) -> None:
    assert check_in(check_in_id=check_in_id).check_in_id is None


@pytest.mark.parametrize("status", ["missed", "timeout", "OK", "", None, 7, []])
def test_a_status_that_jobs_may_not_claim_is_unknown(status: Any) -> None:
    assert check_in(status=status).status is CheckInStatus.UNKNOWN


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("My Job", "my-job"),
        ("  Täglich: Backup!  ", "taglich-backup"),
        ("a--b  c - d", "a-b-c-d"),
        ("-_under_score_-", "under_score"),
        ("x" * 80, "x" * 50),
        ("x" * 49 + " y", "x" * 49),
        (42, "42"),
    ],
)
def test_slugs_are_made_as_sentry_makes_them(name: Any, slug: str) -> None:
    assert check_in(monitor_slug=name).monitor_slug == slug


@pytest.mark.parametrize("name", [None, "", "  ", "---", "日本語", "!!!", [], {}, True])
def test_a_check_in_without_a_monitor_is_refused(name: Any) -> None:
    with pytest.raises(Invalid) as refused:
        check_in(monitor_slug=name)

    assert refused.value.field == "monitor_slug"


def test_the_environment_has_a_limit() -> None:
    assert check_in(environment="e" * 64).environment == "e" * 64
    assert check_in(environment="").environment == "production"
    with pytest.raises(Invalid) as refused:
        check_in(environment="e" * 65)
    assert refused.value.field == "environment"


@pytest.mark.parametrize("unit", list(IntervalUnit))
def test_intervals(unit: IntervalUnit) -> None:
    config = check_in(monitor_config={"schedule": {"type": "interval", "value": 10, "unit": unit}}).config

    assert config == MonitorConfig(Interval(10, unit))


@pytest.mark.parametrize(
    "schedule",
    [
        None,
        {},
        "*/5 * * * *",
        {"type": "crontab"},
        {"type": "crontab", "value": ""},
        {"type": "interval", "value": 0, "unit": "hour"},
        {"type": "interval", "value": 1, "unit": "fortnight"},
        {"type": "interval", "value": "1", "unit": "hour"},
        {"type": "interval", "value": 1},
        {"type": "whenever", "value": 1, "unit": "hour"},
    ],
)
def test_a_config_without_a_usable_schedule_is_none_and_the_check_in_lives(schedule: Any) -> None:
    found = check_in(monitor_config={**CONFIG, "schedule": schedule})

    assert found.config is None
    assert found.status is CheckInStatus.OK


def test_a_check_in_from_a_url() -> None:
    assert parse_query(
        "My Job", {"status": "ok", "duration": "12.5", "environment": "dev", "check_in_id": ID}
    ) == CheckIn(ID, "my-job", CheckInStatus.OK, 12_500, "dev")


@pytest.mark.parametrize("duration", ["", "soon", "nan", "-1", "1e999", "9" * 5_000])
def test_an_odd_duration_in_a_url_does_not_cost_the_check_in(duration: str) -> None:
    assert parse_query("a", {"status": "ok", "duration": duration}).status is CheckInStatus.OK


@pytest.mark.parametrize("raw", NOT_OBJECTS)
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        parse(raw)


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("key", sorted(CHECK_IN.keys() - {"monitor_slug", "environment"}))
def test_junk_costs_only_itself(key: str, junk: Any) -> None:
    assert check_in(**{key: junk}).monitor_slug == "nightly-backup"


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("key", sorted(CONFIG.keys() - {"schedule"}))
def test_junk_in_the_config_costs_only_itself(key: str, junk: Any) -> None:
    config = check_in(monitor_config={**CONFIG, key: junk}).config

    assert config is not None
    assert config.schedule == Crontab("*/5 * * * *")


@given(documents(*CHECK_IN), documents(*CONFIG), documents("type", "value", "unit"))
def test_any_document_is_read_or_refused(
    document: dict[str, Any], config: dict[str, Any], schedule: dict[str, Any]
) -> None:
    with suppress(Invalid):
        parse(
            json.dumps({"monitor_slug": "a", **document, "monitor_config": {**config, "schedule": schedule}}).encode()
        )


@given(
    st.binary(max_size=200), st.text(max_size=60), st.dictionaries(st.sampled_from(["status", "duration"]), st.text())
)
def test_any_bytes_and_any_url_are_read_or_refused(raw: bytes, slug: str, query: dict[str, str]) -> None:
    with suppress(Invalid):
        parse(raw)
    with suppress(Invalid):
        parse_query(slug, query)
