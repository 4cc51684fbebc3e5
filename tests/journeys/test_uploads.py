"""Source maps, releases and deploys by the unmodified tools, one of each wire: what they upload is what frames show."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from tests.journeys.account import Account, Json, Project
from tests.journeys.clients import NODE_MODULES, needs_node, run
from tests.journeys.minified import crash_in

pytestmark = [pytest.mark.journey, needs_node]

TOOLS = {
    "sentry-cli 3": NODE_MODULES / "@sentry" / "cli" / "bin" / "sentry-cli",
    "sentry-cli 2.58": NODE_MODULES / "sentry-cli-2.58" / "bin" / "sentry-cli",
    "sentry-cli 2.39": NODE_MODULES / "sentry-cli-2.39" / "bin" / "sentry-cli",
}
CODE = 'function pay(c){throw new Error("no money for "+c)}pay("tea");\n//# sourceMappingURL=app.js.map\n'
MAP = {"version": 3, "file": "app.js", "sources": ["src/pay.ts"], "names": [], "mappings": "AAAA"}


class Tool:
    """One of the tools at a build machine, for one project."""

    def __init__(self, name: str, account: Account, project: Project, folder: Path) -> None:
        if not TOOLS[name].exists():
            pytest.skip(f"{name} is not installed here")
        self.account, self.project, self.folder = account, project, folder
        self.release = f"shop@{uuid.uuid4().hex[:8]}"
        self._program, self._sent = TOOLS[name], 0
        (folder / "app.js").write_text(f"{CODE}// {self.release}\n")
        (folder / "app.js.map").write_text(json.dumps(MAP))

    def run(self, *arguments: str) -> str:
        token = self.account.api.headers["Authorization"].removeprefix("Bearer ")
        url = str(self.account.api.base_url).partition("/api/")[0]
        named = {"SENTRY_ORG": "default", "SENTRY_PROJECT": str(self.project.id)}
        return run(self.folder, self._program, *arguments, SENTRY_URL=url, SENTRY_AUTH_TOKEN=token, **named)

    def crash(self, **named: str) -> Json:
        self._sent += 1
        return crash_in(self.folder / "app.js", self.project, self._sent, **named)


@pytest.fixture(params=TOOLS)
def tool(request: pytest.FixtureRequest, bugwatch: Account, tmp_path: Path) -> Tool:
    return Tool(request.param, bugwatch, bugwatch.new_project("javascript"), tmp_path)


def test_with_and_without_debug_ids_frames_are_mapped(tool: Tool) -> None:
    tool.run("sourcemaps", "upload", "--release", tool.release, ".")
    assert tool.crash(release=tool.release)["filename"].endswith("src/pay.ts")
    assert tool.crash(release="another")["filename"] == "/app.js"

    tool.run("sourcemaps", "inject", ".")
    tool.run("sourcemaps", "upload", "--wait", ".")
    told = json.loads((tool.folder / "app.js.map").read_text())
    assert tool.crash(debug_id=told.get("debug_id") or told["debugId"])["filename"].endswith("src/pay.ts")


def test_a_release_is_announced_finalized_and_deployed(tool: Tool) -> None:
    tool.run("releases", "new", tool.release, "--url", "https://ci.example.com/7")
    run(tool.folder, "git", "init", "-q")
    run(tool.folder, "git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "Tea")
    run(tool.folder, "git", "remote", "add", "origin", "https://git.example.com/acme/shop.git")
    tool.run("releases", "set-commits", tool.release, "--auto", "--ignore-missing")
    tool.run("releases", "finalize", tool.release)
    tool.run("deploys", "new", "--release", tool.release, "-e", "production", "-n", "blue")

    root = f"{tool.account.api.base_url}".replace("/v1/", f"/0/organizations/default/releases/{tool.release}/")
    release = tool.account.api.get(root).raise_for_status().json()
    assert release["dateReleased"]
    assert release["url"] == "https://ci.example.com/7"
    assert [project["id"] for project in release["projects"]] == [tool.project.id]
    assert [commit["message"] for commit in tool.account.api.get(root + "commits/").json()] == ["Tea"]
    assert [deploy["name"] for deploy in tool.account.api.get(root + "deploys/").json()] == ["blue"]
