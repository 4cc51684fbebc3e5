"""How source maps are uploaded: for each tool what to paste, with the instance's and the project's real names."""

from __future__ import annotations

TOOLS = ("sentry-cli", "Vite", "webpack", "bugwatch")


def upload_snippets(url: str, organization: str, project: str) -> list[tuple[str, str]]:
    """(tool, what to paste), in the order in which they are offered."""
    return [
        (tool, text.replace("{url}", url).replace("{organization}", organization).replace("{project}", project))
        for tool, text in zip(TOOLS, (_SENTRY_CLI, _VITE, _WEBPACK, _BUGWATCH), strict=True)
    ]


_SENTRY_CLI = """\
export SENTRY_URL={url}
export SENTRY_ORG={organization}
export SENTRY_PROJECT={project}
export SENTRY_AUTH_TOKEN=bw_…

# after the build, before the code is published
sentry-cli sourcemaps inject dist
sentry-cli sourcemaps upload dist"""

_VITE = """\
// npm install --save-dev @sentry/vite-plugin
// vite.config.js
import { sentryVitePlugin } from "@sentry/vite-plugin";

export default {
  build: { sourcemap: "hidden" },
  plugins: [
    sentryVitePlugin({
      url: "{url}",
      org: "{organization}",
      project: "{project}",
      authToken: process.env.SENTRY_AUTH_TOKEN,
      telemetry: false,
    }),
  ],
};"""

_WEBPACK = """\
// npm install --save-dev @sentry/webpack-plugin
// webpack.config.js
const { sentryWebpackPlugin } = require("@sentry/webpack-plugin");

module.exports = {
  devtool: "hidden-source-map",
  plugins: [
    sentryWebpackPlugin({
      url: "{url}",
      org: "{organization}",
      project: "{project}",
      authToken: process.env.SENTRY_AUTH_TOKEN,
      telemetry: false,
    }),
  ],
};"""

_BUGWATCH = """\
export BUGWATCH_TOKEN=bw_…

# where the files hold debug ids, that is all
bugwatch sourcemaps upload dist --url {url} --project {project}

# else they are found by the release, and by the address from which the browser loads them
bugwatch sourcemaps upload dist --url {url} --project {project} --release 1.0.0 --url-prefix '~/assets'"""
