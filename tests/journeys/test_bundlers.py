"""Sentry's plugins for bundlers, unmodified: a build uploads its maps, and an error in it is shown as written.

They weigh 180 MB and come from the network, so only `make prove` runs this.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.journeys.account import Account
from tests.journeys.clients import needs_node, run
from tests.journeys.minified import crash_in, debug_id_of

pytestmark = [
    pytest.mark.journey,
    pytest.mark.slow,
    needs_node,
    pytest.mark.skipif(not os.environ.get("BUGWATCH_BUNDLERS"), reason="make prove fetches the bundlers"),
]

PAY = """\
export function pay(order) {
  const total = order.items.length * 2;
  if (total > 1) throw new Error("no money for " + order.cart);
  return total;
}
"""
MAIN = 'import { pay } from "./pay.js";\ndocument.title = pay(globalThis.order);\n'
OPTIONS = """{
  url: process.env.URL, org: "default", project: process.env.PROJECT, authToken: process.env.TOKEN,
  telemetry: false, release: { name: "shop@1.0", deploy: { env: "production" } },
}"""
VITE = f"""\
import {{ sentryVitePlugin }} from "@sentry/vite-plugin";
export default {{ build: {{ sourcemap: "hidden" }}, plugins: [sentryVitePlugin({OPTIONS})] }};
"""
WEBPACK = f"""\
const {{ sentryWebpackPlugin }} = require("@sentry/webpack-plugin");
module.exports = {{
  mode: "production", entry: "./src/main.js", devtool: "hidden-source-map",
  output: {{ path: __dirname + "/dist" }}, plugins: [sentryWebpackPlugin({OPTIONS})],
}};
"""
BUILDS = {
    "vite 11": (("vite@7.3.8", "@sentry/vite-plugin@11.9.0"), "vite.config.mjs", VITE, ("vite", "build")),
    "vite 5": (("vite@7.3.8", "@sentry/vite-plugin@5.4.1"), "vite.config.mjs", VITE, ("vite", "build")),
    "webpack 5": (
        ("webpack@5.112.2", "webpack-cli@7.3.1", "@sentry/webpack-plugin@5.4.1"),
        "webpack.config.cjs",
        WEBPACK,
        ("webpack", "--config", "webpack.config.cjs"),
    ),
}


@pytest.mark.parametrize("name", BUILDS)
def test_a_build_uploads_its_maps(name: str, bugwatch: Account, tmp_path: Path) -> None:
    packages, config, text, command = BUILDS[name]
    project = bugwatch.new_project("javascript")
    (tmp_path / "src").mkdir()
    for file, content in {
        "package.json": "{}",
        "index.html": '<!doctype html><title>s</title><script type="module" src="/src/main.js"></script>',
        "src/main.js": MAIN,
        "src/pay.js": PAY,
        config: text,
    }.items():
        (tmp_path / file).write_text(content)
    run(tmp_path, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *packages)

    said = run(
        tmp_path,
        "npx",
        *command,
        URL=str(bugwatch.api.base_url).partition("/api/")[0],
        PROJECT=str(project.id),
        TOKEN=bugwatch.api.headers["Authorization"].removeprefix("Bearer "),
    )

    assert "Successfully uploaded source maps" in said
    [code] = (tmp_path / "dist").rglob("*.js")
    frame = crash_in(code, project, 1, debug_id=debug_id_of(code))
    assert (frame["filename"].endswith("src/pay.js"), frame["lineno"]) == (True, 3)
    root = str(bugwatch.api.base_url).replace("/v1/", "/0/organizations/default/releases/shop@1.0/deploys/")
    assert bugwatch.api.get(root).json()[0]["environment"] == "production"
