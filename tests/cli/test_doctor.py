from __future__ import annotations

from tests.cli.conftest import Operator


def test_the_healthy_exit_with_zero(either: Operator) -> None:
    either.json("project", "create", "--name", "Shop")

    found = either.json("doctor")

    assert found["is_healthy"]
    assert {finding["grade"] for finding in found["findings"]} == {"ok"}


def test_what_is_wrong_is_told_and_exits_with_one(either: Operator) -> None:
    either.run("project", "list")
    (either.home / "secret.key").chmod(0o644)
    either.home.chmod(0o755)

    said = either.run("doctor")

    assert said.code == 1
    assert "wrong  permissions" in said.out
    assert "secret.key" in said.out


def test_where_nothing_can_start_the_reason_is_a_finding(bugwatch: Operator) -> None:
    said = bugwatch.run("doctor", "--json", "--data-dir", "/proc/bugwatch")

    assert said.code == 1
    [finding] = said.data["findings"]
    assert "cannot be written" in finding["sentence"]


def test_a_look_changes_no_schema(bugwatch: Operator) -> None:
    before = bugwatch.run("doctor")

    assert before.code == 0
    assert "There is no data yet" in before.out
    assert bugwatch.json("migrate")["applied"] != []


def test_migrating_twice_is_nothing_the_second_time(either: Operator) -> None:
    first = either.json("migrate")

    second = either.json("migrate")

    assert second == {"schema": first["schema"], "applied": []}
