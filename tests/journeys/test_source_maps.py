"""A minified shop breaks in Chromium; its source maps come by the real sentry-cli, before or after the error."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.journeys.account import Account, Json, Project, frames, line_of
from tests.journeys.clients import APPS, CHROMIUM, NODE_MODULES, needs_browser, needs_node, run

pytestmark = [
    pytest.mark.journey,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    needs_node,
    needs_browser,
]

SHOP = APPS / "bundled"
MAIN, CART = SHOP / "main.ts", SHOP / "cart.ts"
RELEASE = "shop@2.0.0"


def as_written() -> list[tuple[str, int, str]]:
    """File, line and function of each call of the shop's own, crash last."""
    return [
        ("main.ts", line_of(MAIN, 'checkout(["tea"]);'), ""),
        ("main.ts", line_of(MAIN, "return cart.total(); // as asked by a customer"), "checkout"),
        ("cart.ts", line_of(CART, "return this.lines.reduce("), "Cart.total"),
        ("cart.ts", line_of(CART, "return this.lines.reduce("), ""),
        ("cart.ts", line_of(CART, "// a line without a price breaks here"), "priceOf"),
    ]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop as it would be deployed: one minified file and its map."""
    folder = tmp_path_factory.mktemp("build")
    options = ("--bundle", "--minify", "--sourcemap=linked", f"--outfile={folder / 'app.js'}")
    run(SHOP, NODE_MODULES / ".bin" / "esbuild", MAIN, *options)
    return folder


@pytest.fixture(scope="module")
def with_ids(build: Path, tmp_path_factory: pytest.TempPathFactory, either: Account) -> Path:
    """The same with debug ids, as a bundler's plugin or sentry-cli puts them in."""
    folder = tmp_path_factory.mktemp("with-ids")
    for file in build.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    sentry_cli(either, "sourcemaps", "inject", folder)
    return folder


def sentry_cli(account: Account, *arguments: str | Path) -> str:
    token = account.api.headers["Authorization"].removeprefix("Bearer ")
    url = str(account.api.base_url).partition("/api/")[0]
    return run(APPS, NODE_MODULES / ".bin" / "sentry-cli", *arguments, SENTRY_URL=url, SENTRY_AUTH_TOKEN=token)


def upload(account: Account, project: Project, folder: Path, *options: str) -> None:
    names = ("--org", "default", "--project", str(project.id))
    sentry_cli(account, "sourcemaps", "upload", *names, *options, folder)


def visit(project: Project, folder: Path, **query: str) -> None:
    run(SHOP, "node", "visit.mjs", CHROMIUM, folder, urlencode({"dsn": project.dsn, **query}))


def own(event: Json) -> list[tuple[str, int, str]]:
    """What the page shows of the shop's own code: neither libraries nor what the engine does in between."""
    shown = [frame for frame in frames(event) if "lineno" in frame and "node_modules" not in frame["filename"]]
    return [(Path(frame["filename"]).name, frame["lineno"], frame.get("function", "")) for frame in shown]


def test_a_map_that_was_uploaded_before_the_error(either: Account, with_ids: Path) -> None:
    project = either.new_project("javascript")
    upload(either, project, with_ids)
    visit(project, with_ids)

    issue, event = project.only()

    assert own(event) == as_written()
    crashed = frames(event)[-1]
    assert crashed["context_line"] == "  return line.price!.cents; // a line without a price breaks here"
    assert issue["culprit"].endswith("cart.ts in priceOf")


def test_a_map_that_is_uploaded_after_the_error_helps_it_and_the_issue_stays_one(
    either: Account, with_ids: Path
) -> None:
    project = either.new_project("javascript")
    visit(project, with_ids)
    issue, event = project.only()
    assert all(file == "app.js" for file, _, _ in own(event))

    upload(either, project, with_ids)
    assert own(project.event(event["event_id"])) == as_written()
    visit(project, with_ids)

    [again] = project.issues(2)
    assert (again["id"], again["event_count"]) == (issue["id"], 2)
    assert [own(seen) for seen in project.events(again)] == [as_written()] * 2


def test_without_debug_ids_the_release_and_the_address_are_enough(either: Account, build: Path) -> None:
    project = either.new_project("javascript")
    upload(either, project, build, "--release", RELEASE, "--url-prefix", "~/")
    visit(project, build, release=RELEASE)

    _, event = project.only()

    assert own(event) == as_written()
