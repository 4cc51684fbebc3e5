"""`bugwatch sourcemaps upload`: to the running server, to the data of a stopped one, and to another one by a token."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bugwatch.cli.sourcemaps import files_of
from bugwatch.domain.artifact import ArtifactKind
from tests.bundles import CODE, DEBUG_ID, MAP
from tests.cli.conftest import Operator

PW = "a long enough sentence"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """What a bundler made, without debug ids."""
    folder = tmp_path / "dist"
    (folder / "js").mkdir(parents=True)
    (folder / "js" / "app.js").write_bytes(CODE)
    (folder / "js" / "app.js.map").write_bytes(MAP)
    (folder / "index.html").write_text("<title>shop</title>")
    return folder


def artifacts(bugwatch: Operator) -> list[tuple[Any, ...]]:
    with sqlite3.connect(bugwatch.home / "bugwatch.db") as database:
        return database.execute("SELECT url, kind, debug_id, source_map_ref FROM artifacts ORDER BY url").fetchall()


def test_by_release_and_url_here_also_twice(bugwatch: Operator, build: Path) -> None:
    bugwatch.json("project", "create", "--name", "Shop")
    upload = ("sourcemaps", "upload", str(build), "--project", "shop", "--release", "1.0", "--url-prefix", "~/static/")

    told = bugwatch.json(*upload)
    bugwatch.serve()
    again = bugwatch.run(*upload)
    bugwatch.stop()

    assert told == {"files": 2, "source_maps": 1, "debug_ids": 0, "release": "1.0"}
    assert "found by the release 1.0" in again.out
    assert artifacts(bugwatch) == [
        ("~/static/js/app.js", "minified_source", "", "app.js.map"),
        ("~/static/js/app.js.map", "source_map", "", ""),
    ]


def test_by_debug_id_at_another_server(bugwatch: Operator, build: Path) -> None:
    (build / "js" / "app.js").write_bytes(CODE + f"//# debugId={DEBUG_ID}\n".encode())
    bugwatch.json("user", "create", "--email", "a@example.com", "--password-file", "-", stdin=PW)
    bugwatch.json("project", "create", "--name", "Shop")
    token = bugwatch.json("token", "create", "--email", "a@example.com", "--scopes", "sourcemaps")["token"]
    wrong = bugwatch.json("token", "create", "--email", "a@example.com", "--scopes", "event:read")["token"]
    bugwatch.serve()
    upload = ("sourcemaps", "upload", str(build), "--url", f"http://127.0.0.1:{bugwatch.port}", "--project")

    assert bugwatch.run(*upload, "shop", TOKEN=token).code == 0
    assert "scope “sourcemaps”" in bugwatch.run(*upload, "shop", "--token", wrong).sentence
    assert "There are: shop" in bugwatch.run(*upload, "blog", "--token", token).sentence
    assert "BUGWATCH_TOKEN" in bugwatch.run(*upload, "shop").sentence
    bugwatch.stop()
    assert {row[2] for row in artifacts(bugwatch)} == {DEBUG_ID}
    gone = bugwatch.run(
        "sourcemaps", "upload", str(build), "--url", "http://127.0.0.1:9", "--project", "shop", "--token", "x"
    )
    assert "Is it running?" in gone.sentence


def test_what_is_missing_is_said(bugwatch: Operator, build: Path, tmp_path: Path) -> None:
    def sentence(folder: Path, *more: str) -> str:
        return bugwatch.run("sourcemaps", "upload", str(folder), "--project", "shop", *more).sentence

    assert "no debug ids" in sentence(build)
    assert "There is no project “shop”" in sentence(build, "--release", "1.0")
    assert "no slashes" in sentence(build, "--release", "a/b")
    assert "is no folder" in sentence(tmp_path / "nowhere")
    (build / "js" / "app.js.map").write_bytes(b"{}")
    assert "no source maps" in sentence(build, "--release", "1.0")


def test_code_and_map_share_the_debug_id_that_either_names(tmp_path: Path) -> None:
    snippet = f'_sentryDebugIds[n]="{DEBUG_ID}",e._sentryDebugIdIdentifier="sentry-dbid-{DEBUG_ID}"'
    old = f"!function(){{try{{e.{snippet}}}catch(e){{}}}}();"
    (tmp_path / "old.mjs").write_text(old)
    (tmp_path / "old.mjs.map").write_bytes(MAP)
    (tmp_path / "new.js").write_bytes(CODE.replace(b"app.js.map", b"maps/new.json.map"))
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "new.json.map").write_text(json.dumps({**json.loads(MAP), "debug_id": DEBUG_ID.upper()}))
    (tmp_path / "inline.js").write_text("x\n//# sourceMappingURL=data:application/json;base64,e30=")
    (tmp_path / "broken.js.map").write_bytes(b"\xff{")

    found = {file.url: file for file in files_of(tmp_path, "https://cdn.example.com/")}

    assert {url.removeprefix("https://cdn.example.com/"): file.debug_id for url, file in found.items()} == {
        "old.mjs": DEBUG_ID,
        "old.mjs.map": DEBUG_ID,
        "new.js": DEBUG_ID,
        "maps/new.json.map": DEBUG_ID,
        "inline.js": "",
    }
    assert found["https://cdn.example.com/old.mjs"].source_map_ref == "old.mjs.map"
    assert found["https://cdn.example.com/maps/new.json.map"].kind is ArtifactKind.SOURCE_MAP
