"""A project's uploads: listed, deleted by who may, and how to make more, ready to paste."""

from __future__ import annotations

from bugwatch.domain.artifact import Upload
from bugwatch.storage import artifact_bundles
from tests import make
from tests.server.conftest import People, Serve, Server, submit


async def test_uploads_are_listed_newest_first_and_can_be_deleted(server: Server, people: People) -> None:
    alice = await people.browser(await people.alice())
    shop = (await server.house.projects.create("Shop")).project
    page = f"/projects/{shop.id}/source-maps"
    assert "No source maps yet" in (await alice.get(page)).text
    db = server.house.db
    await make.bundle(db, shop.id, files=[make.artifact(0, b"x", debug_id="6f4e1e80-1f4a-4c5b-9d31-0000000000a1")])
    last = await make.bundle(db, shop.id, files=[make.artifact(0, b"x")], release="<b>", dist="7")

    text = (await alice.get(page)).text
    assert "&lt;b&gt;" in text
    assert text.index("&lt;b&gt;") < text.index("by debug id")

    answer = await submit(alice, page, f"{page}/{last}/delete")
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert "&lt;b&gt;" not in (await alice.get(page)).text
    assert (await submit(alice, page, f"{page}/{last}/delete")).status_code == 404


async def test_what_was_refused_says_why_and_pages_follow_one_another(server: Server, people: People) -> None:
    bob = await people.browser(await people.bob())
    shop = (await server.house.projects.create("Shop")).project
    page, db = f"/projects/{shop.id}/source-maps", server.house.db
    for number in range(60):
        upload = Upload(bytes([number]) * 20, (b"c" * 20,), 1, (shop.id,))
        bundle = await db.write(lambda tx, upload=upload: artifact_bundles.announce(tx, upload))  # type: ignore[misc]
        await db.write(lambda tx, bundle=bundle: artifact_bundles.fail(tx, bundle, f"Reason {bundle.id}."))  # type: ignore[misc]

    first = (await bob.get(page)).text
    assert "Reason 60." in first
    assert "Reason 10." not in first
    older = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
    second = (await bob.get(older.replace("&amp;", "&"))).text
    assert "Reason 10." in second
    assert "Reason 11." not in second
    assert "delete-1" not in second  # a member may not
    assert (await submit(bob, "/account", f"{page}/1/delete")).status_code == 403
    for odd in ("x", "1-", "-1", f"{2**70}-1", "1-1-1"):
        assert (await bob.get(page, params={"before": odd})).status_code == 200


async def test_the_commands_are_ready_to_paste(server: Server, people: People) -> None:
    alice = await people.browser(await people.alice())
    shop = (await server.house.projects.create("Tea shop")).project

    text = (await alice.get(f"/projects/{shop.id}/source-maps")).text

    for line in (
        f"export SENTRY_URL={server.url}",
        "export SENTRY_ORG=default",
        "export SENTRY_PROJECT=tea-shop",
        f"--url {server.url} --project tea-shop",
    ):
        assert line in text
    assert '/account#tokens"' in text
    assert "no address with a path" not in text


async def test_an_address_with_a_path_is_warned_of(serve: Serve) -> None:
    server = await serve(base_url="http://127.0.0.1:1/bw")
    people = People(server)
    alice = await people.browser(await people.alice())
    shop = (await server.house.projects.create("Shop")).project

    assert "no address with a path" in (await alice.get(f"/projects/{shop.id}/source-maps")).text
