"""Help: every page renders, and says what the code says."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from bugwatch.config import Config
from bugwatch.domain.account import ROLES
from bugwatch.server.dashboard.help import topics
from bugwatch.server.errors import STATUSES
from tests.server.conftest import People, Serve, Server

if TYPE_CHECKING:
    from bugwatch.domain.account import Account


async def test_every_page_of_help_can_be_read_by_everybody(server: Server, people: People) -> None:
    http = await people.browser(await people.bob())
    await server.house.projects.create("Shop & <b>Co</b>")

    index = (await http.get("/help")).text

    for topic, (title, _icon) in topics().items():
        assert f'href="/help/{topic}"' in index
        page = await http.get(f"/help/{topic}")
        assert page.status_code == 200, topic
        assert f'<h1 aria-current="page">{html.escape(title)}</h1>' in page.text
        assert "<b>Co</b>" not in page.text
    assert (await http.get("/help/nothing")).status_code == 404
    assert (await http.get("/help/_topic")).status_code == 404


async def test_help_is_linked_from_every_page_and_the_palette(people: People, alice: Account) -> None:
    page = (await (await people.browser(alice)).get("/issues")).text

    assert 'class="nav-item" href="/help"' in page
    assert 'data-href="/help"' in page


async def test_help_is_for_those_who_are_signed_in(server: Server, alice: Account) -> None:
    answer = await server.client().get("/help/configuration")

    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fhelp%2Fconfiguration")


async def test_the_configuration_page_lists_every_setting_and_no_value(serve: Serve) -> None:
    server = await serve(secret_key="tell-nobody-" * 4, rate_limit=4_321)
    people = People(server)

    page = html.unescape((await (await people.browser(await people.alice())).get("/help/configuration")).text)

    for name, field in Config.model_fields.items():
        assert f"<code>BUGWATCH_{name.upper()}</code>" in page
        assert (field.description or "no description") in page
    assert "<code>6000</code>" in page, "the default"
    assert "4321" not in page
    assert "tell-nobody" not in page


async def test_the_roles_are_those_of_the_one_table(people: People, alice: Account) -> None:
    page = html.unescape((await (await people.browser(alice)).get("/help/roles")).text)

    for _roles, sentence in ROLES.values():
        assert sentence in page
    allowed = sum(len(roles) for roles, _sentence in ROLES.values())
    assert page.count('<span class="sr-only">yes</span>') == allowed


async def test_counting_tells_the_limits_that_are_in_force(serve: Serve) -> None:
    server = await serve(rate_limit=1_234, disk_floor_mb=77, spool_limit_mb=88, attachment_limit_mb=0)
    people = People(server)

    page = (await (await people.browser(await people.alice())).get("/help/counting")).text

    for said in (
        "1,234 events a minute",
        "less than 77 MB",
        "88 MB wait",
        "1 MiB for an event",
        "Attachments are not kept here",
    ):
        assert said in page


async def test_the_api_page_knows_every_status_and_the_document(people: People, alice: Account) -> None:
    http = await people.browser(alice)

    page = (await http.get("/help/api")).text

    assert all(str(status) in page for status, _code in STATUSES.values())
    link = page.partition(">openapi.json<")[0].rpartition('href="')[2].rstrip('"')
    assert (await http.get(link)).json()["openapi"] == "3.1.0"


async def test_every_metric_is_explained(server: Server, people: People, alice: Account) -> None:
    page = (await (await people.browser(alice)).get("/help/metrics")).text

    metrics = (await server.http.get("/metrics")).text
    for name in re.findall("^# TYPE (bugwatch_\\w+) ", metrics, re.MULTILINE):
        assert f"<dt>{name}</dt>" in page
