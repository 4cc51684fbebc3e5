"""What sentry-cli and the bundlers' plugins ask for, and what others get."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from bugwatch.domain.project import Project
from bugwatch.protocol.chunk_upload import CHUNK_BYTES, REQUEST_BYTES
from bugwatch.storage import artifacts
from tests.bundles import DEBUG_ID, bundle
from tests.server.conftest import People, Serve, Server

ORG = "/api/0/organizations/default"
SLASH_FREE = "shop%401.0"


@dataclass
class Build:
    """A build machine with a token of Alice's; `projects` are her shop and her blog."""

    server: Server
    people: People
    http: httpx.AsyncClient
    projects: Sequence[Project]

    async def send(self, raw: bytes, **fields: Any) -> httpx.Response:
        """Chunk and assemble, as tools do."""
        sha1 = hashlib.sha1(raw).hexdigest()
        await self.http.post(f"{ORG}/chunk-upload/", files={"file": (sha1, raw)})
        body = {"checksum": sha1, "chunks": [sha1], "projects": ["shop"], **fields}
        return await self.http.post(f"{ORG}/artifactbundle/assemble/", json=body)

    async def found(self, project: Project) -> bool:
        async with self.server.house.db.read() as tx:
            return bool(await artifacts.by_debug_ids(tx, project.id, [DEBUG_ID]))


async def token(server: Server, email: str, *scopes: str) -> httpx.AsyncClient:
    made = await server.house.tokens.create(email, scopes)
    return server.client(headers={"Authorization": f"Bearer {made}"})


@pytest.fixture
async def build(server: Server, people: People) -> Build:
    await people.alice()
    projects = [(await server.house.projects.create(name)).project for name in ("Shop", "Blog")]
    return Build(server, people, await token(server, "alice@example.com", "sourcemaps"), projects)


async def test_the_address_for_chunks_is_at_the_host_that_was_asked(serve: Serve) -> None:
    server = await serve(base_url="https://bugs.example.com/bw", trusted_proxies="127.0.0.1")
    await People(server).alice()
    http = await token(server, "alice@example.com", "sourcemaps")
    path = "/api/0/organizations/any/chunk-upload/"

    direct = (await http.get(path, headers={"Content-Type": "application/json"})).json()
    proxied = (await http.get(path, headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "bugs.lan:8443"})).json()

    assert direct["url"] == f"{server.url}/api/0/organizations/default/chunk-upload/".replace("http:", "https:")
    assert proxied["url"] == "https://bugs.lan:8443/bw/api/0/organizations/default/chunk-upload/"
    assert direct["chunkSize"].bit_count() == 1
    assert {"release_files", "artifact_bundles", "artifact_bundles_v2"} == set(direct["accept"])


async def test_from_chunks_to_artifacts(build: Build) -> None:
    raw, shop = bundle(), build.projects[0]
    sha1 = hashlib.sha1(raw).hexdigest()
    body = {"checksum": sha1, "chunks": [sha1], "projects": ["shop", str(build.projects[1].id)], "version": "shop@1.0"}

    asked = await build.http.post(f"{ORG}/artifactbundle/assemble/", json=body)
    assert asked.json() == {"state": "not_found", "missingChunks": [sha1], "detail": None}
    assert (await build.http.post(f"{ORG}/chunk-upload/", files={"file": (sha1, raw)})).status_code == 200
    for _ in range(2):
        done = await build.http.post(f"{ORG}/artifactbundle/assemble/", json=body)
        assert done.json() == {"state": "ok", "missingChunks": [], "detail": None}

    assert await build.found(shop)
    assert await build.found(build.projects[1])
    [release] = (await build.http.get(f"{ORG}/releases/")).json()
    assert [project["slug"] for project in release["projects"]] == ["blog", "shop"]


async def test_bad_uploads_say_what_is_wrong(build: Build) -> None:
    async def refused(path: str, status: int, **given: Any) -> str:
        answer = await build.http.post(f"{ORG}/{path}/", **given)
        assert answer.status_code == status, answer.text
        return str(answer.json()["detail"])

    wrong = {"files": {"file": ("0" * 40, b"x")}}
    assert "another SHA-1" in await refused("chunk-upload", 400, **wrong)
    assert "multipart" in await refused("chunk-upload", 400, content=b"x")
    for body in ({}, {"checksum": "x", "chunks": []}, {"checksum": "0" * 40, "chunks": ["x"]}, [], {"checksum": 5}):
        assert await refused("artifactbundle/assemble", 400, json=body)
    good = {"checksum": "0" * 40, "chunks": ["1" * 40]}
    assert "projects" in await refused("artifactbundle/assemble", 400, json=good)
    assert "“nope”" in await refused("artifactbundle/assemble", 404, json={**good, "projects": ["nope"]})
    bad_release = {**good, "projects": ["shop"], "version": "a/b"}
    assert "slashes" in await refused("artifactbundle/assemble", 400, json=bad_release)
    assert "1,024" in await refused(
        "artifactbundle/assemble", 400, json={**good, "projects": ["shop"], "chunks": ["1" * 40] * 1_025}
    )

    answer = await build.send(b"SYSB no zip")
    assert answer.json()["state"] == "error"
    assert "not a zip" in answer.json()["detail"]
    large = {"files": [("file", ("0" * 40, bytes(CHUNK_BYTES)))] * (REQUEST_BYTES // CHUNK_BYTES + 1)}
    assert "too large" in await refused("chunk-upload", 413, **large)


async def test_who_may_upload(build: Build) -> None:
    server, people = build.server, build.people
    await people.bob()
    await people.charlie()
    path = f"{ORG}/chunk-upload/"

    assert (await server.http.get(path)).status_code == 401
    assert (await server.client(headers={"Authorization": "Bearer bw_live_x"}).get(path)).status_code == 401
    without = await (await token(server, "alice@example.com", "event:admin", "project:admin")).get(path)
    assert (without.status_code, "sourcemaps" in without.json()["detail"]) == (403, True)
    for scope in ("sourcemaps", "admin"):
        assert (await (await token(server, "bob@example.com", scope)).get(path)).status_code == 200
    api = await build.http.get(f"/api/v1/projects/{build.projects[0].id}")
    assert api.status_code == 403  # the token can do nothing else

    charlie = await token(server, "charlie@example.com", "sourcemaps")
    body = {"checksum": "0" * 40, "chunks": ["1" * 40], "projects": [str(build.projects[0].id)]}
    assert (await charlie.post(f"{ORG}/artifactbundle/assemble/", json=body)).status_code == 404
    stolen = await build.send(bundle())
    assert stolen.json()["state"] == "ok"
    await build.http.post(f"{ORG}/releases/", json={"version": "shop@1.0", "projects": ["shop"]})
    assert (await charlie.get(f"{ORG}/releases/{SLASH_FREE}/")).status_code == 404
    assert (await charlie.get(f"{ORG}/releases/")).json() == []

    await server.house.projects.delete(build.projects[0])
    gone = await build.send(bundle(code=b"new"))
    assert (gone.status_code, gone.json()["detail"]) == (
        404,
        "There is no project “shop” that you may upload for. There are: blog.",
    )


async def test_releases_commits_and_deploys(build: Build) -> None:
    http = build.http
    release = f"{ORG}/releases/{SLASH_FREE}/"
    assert (await http.put(release, json={"dateReleased": "2026-01-01T00:00:00Z"})).status_code == 404
    made = await http.post(f"{ORG}/releases/", json={"version": "shop@1.0", "projects": ["shop"], "url": "https://x/1"})
    again = await http.post("/api/0/projects/default/blog/releases/", json={"version": "shop@1.0"})
    assert (made.status_code, again.status_code) == (201, 208)
    assert (await http.get(release)).json()["projects"] == again.json()["projects"]

    final = (await http.put(release, json={"dateReleased": "2026-11-20T01:02:03Z"})).json()
    assert (final["dateReleased"], final["url"]) == ("2026-11-20T01:02:03.000Z", "https://x/1")
    commits = [
        {"id": f"c{n}", "repository": "shop", "message": None, "timestamp": "2026-11-20T01:02:03Z"} for n in (2, 1)
    ]
    for put in (release, "/api/0/projects/default/shop/releases/shop@1.0/"):
        assert (await http.put(put, json={"commits": [*commits, 7]})).status_code == 200
    assert [commit["id"] for commit in (await http.get(release + "commits/")).json()] == ["c2", "c1"]
    assert (await http.get(release + "previous-with-commits/")).json() == {}
    await http.post(f"{ORG}/releases/", json={"version": "shop@2.0", "projects": ["shop"]})
    before = (await http.get(f"{ORG}/releases/shop@2.0/previous-with-commits/")).json()
    assert (before["version"], before["lastCommit"]["id"]) == ("shop@1.0", "c2")
    await http.put(f"{ORG}/releases/shop@2.0/", json={"commits": commits})
    await http.post(f"{ORG}/releases/", json={"version": "till@1.0"})
    assert (await http.get(f"{ORG}/releases/till@1.0/previous-with-commits/")).json() == {}  # of no project of ours

    deploy = {"environment": "production", "name": "blue", "dateFinished": "2026-11-20T02:00:00Z"}
    assert (await http.post(release + "deploys/", json=deploy)).status_code == 201
    assert (await http.post(release + "deploys/", json={"environment": ""})).status_code == 400
    [shown] = (await http.get(release + "deploys/")).json()
    assert (shown["environment"], shown["name"], shown["dateFinished"]) == (
        "production",
        "blue",
        "2026-11-20T02:00:00.000Z",
    )
    assert (await http.get(f"{ORG}/repos/", params={"cursor": ""})).json() == []
    assert (await http.get(f"/api/0/projects/default/shop/releases/{SLASH_FREE}/files/")).status_code == 404
    listed = await http.get("/api/0/projects/default/shop/releases/")
    assert [each["version"] for each in listed.json()] == ["shop@2.0", "shop@1.0"]
    for version in ("", "a/b", "x" * 251, "a\nb", "latest"):
        body = {"version": version, "projects": ["shop"]}
        assert (await http.post(f"{ORG}/releases/", json=body)).status_code == 400


async def test_an_older_tool_ties_its_bundle_to_a_release(build: Build) -> None:
    raw = bundle()
    sha1 = hashlib.sha1(raw).hexdigest()
    await build.http.post(f"{ORG}/chunk-upload/", files={"file": (sha1, raw)})
    path = f"{ORG}/releases/{SLASH_FREE}/assemble/"
    assert (await build.http.post(path, json={"checksum": sha1, "chunks": [sha1]})).status_code == 404
    await build.http.post("/api/0/projects/default/shop/releases/", json={"version": "shop@1.0"})

    assert (await build.http.post(path, json={"checksum": sha1, "chunks": [sha1]})).json()["state"] == "ok"
    async with build.server.house.db.read() as tx:
        assert await artifacts.by_urls(tx, build.projects[0].id, "shop@1.0", "", ["~/app.js"])


async def test_the_root_says_who_asks_and_what_nobody_serves_is_logged_once(
    build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    me = (await build.http.get("/api/0/")).json()
    assert (me["user"]["email"], me["auth"]["scopes"]) == ("alice@example.com", ["sourcemaps"])
    home = (await build.http.get(f"{ORG}/")).json()
    assert (home["slug"], home["links"]["regionUrl"]) == ("default", build.server.url)
    assert [p["slug"] for p in (await build.http.get(f"{ORG}/projects/")).json()] == ["blog", "shop"]
    assert (await build.http.get("/api/0/projects/default/shop/")).json()["name"] == "Shop"

    with caplog.at_level(logging.INFO, "bugwatch.server.api0.unknown"):
        for _ in range(2):
            answer = await build.http.post(f"{ORG}/{build.server.url[-5:]}/monitors/")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert len([record for record in caplog.records if "does not serve" in record.message]) == 1
