from __future__ import annotations

import re

from tests.cli.conftest import Operator


def test_a_project_is_made_with_its_keys(anywhere: Operator) -> None:
    made = anywhere.json("project", "create", "--name", "Web Shop", "--platform", "python")

    assert set(made) == {"id", "slug", "dsn", "api_key"}
    assert made["slug"] == "web-shop"
    assert re.fullmatch(rf"http://[0-9a-f]{{32}}@127\.0\.0\.1:{anywhere.port}/{made['id']}", made["dsn"])
    assert made["api_key"].startswith("bw_live_")
    listed = anywhere.json("project", "list")
    assert listed == [
        {"id": made["id"], "slug": "web-shop", "name": "Web Shop", "platform": "python", "dsn": made["dsn"]}
    ]


def test_a_name_that_is_taken_is_refused(either: Operator) -> None:
    either.json("project", "create", "--name", "Shop")

    assert either.run("project", "create", "--name", "shop").sentence == "There is a project “shop” already."


def test_an_unknown_organization_is_refused(bugwatch: Operator) -> None:
    bugwatch.json("project", "create", "--name", "Shop")

    said = bugwatch.run("project", "create", "--name", "Till", "--organization", "acme")

    assert said.sentence == "There is no organization “acme”. There is: default."


def test_no_project_is_no_error(bugwatch: Operator) -> None:
    assert bugwatch.run("project", "list").code == 0
    assert bugwatch.json("project", "list") == []
