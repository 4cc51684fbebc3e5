"""How an app is connected: for each platform what to install and what to paste, with the project's real DSN."""

from __future__ import annotations

from dataclasses import dataclass

# The platforms that a project can be made for, in the order in which they are offered.
PLATFORMS = {
    "python": "Python",
    "javascript": "JavaScript (browser)",
    "node": "Node.js",
    "go": "Go",
    "java": "Java",
    "php": "PHP",
    "ruby": "Ruby",
    "csharp": ".NET",
    "rust": "Rust",
    "other": "",
}


@dataclass(frozen=True, slots=True)
class Snippet:
    """`install` is a command line and `check` what makes a first error; both may be empty."""

    install: str
    init: str
    check: str


def snippet(platform: str, dsn: str, events_url: str) -> Snippet:
    """What connects an app. Platforms without an SDK of their own get `curl` and the address of our own event API."""
    found = _SNIPPETS.get(platform, _SNIPPETS["other"])
    return Snippet(found.install, found.init.replace("{dsn}", dsn).replace("{events_url}", events_url), found.check)


_SNIPPETS = {
    "python": Snippet(
        "pip install sentry-sdk",
        """\
import sentry_sdk

sentry_sdk.init(
    dsn="{dsn}",
    environment="production",
    release="my-app@1.0.0",
)""",
        "1 / 0",
    ),
    "javascript": Snippet(
        "npm install @sentry/browser",
        """\
import * as Sentry from "@sentry/browser";

Sentry.init({
  dsn: "{dsn}",
  environment: "production",
  release: "my-app@1.0.0",
});""",
        'setTimeout(() => { throw new Error("Bugwatch, do you hear me?"); });',
    ),
    "node": Snippet(
        "npm install @sentry/node",
        """\
const Sentry = require("@sentry/node");

Sentry.init({
  dsn: "{dsn}",
  environment: "production",
  release: "my-app@1.0.0",
});""",
        'setTimeout(() => { throw new Error("Bugwatch, do you hear me?"); });',
    ),
    "go": Snippet(
        "go get github.com/getsentry/sentry-go",
        """\
err := sentry.Init(sentry.ClientOptions{
    Dsn:         "{dsn}",
    Environment: "production",
    Release:     "my-app@1.0.0",
})
if err != nil {
    log.Fatal(err)
}
defer sentry.Flush(2 * time.Second)""",
        'sentry.CaptureException(errors.New("Bugwatch, do you hear me?"))',
    ),
    "java": Snippet(
        "implementation 'io.sentry:sentry:8.+'",
        """\
Sentry.init(options -> {
    options.setDsn("{dsn}");
    options.setEnvironment("production");
    options.setRelease("my-app@1.0.0");
});""",
        'Sentry.captureException(new RuntimeException("Bugwatch, do you hear me?"));',
    ),
    "php": Snippet(
        "composer require sentry/sentry",
        """\
\\Sentry\\init([
    'dsn' => '{dsn}',
    'environment' => 'production',
    'release' => 'my-app@1.0.0',
]);""",
        "throw new \\Exception('Bugwatch, do you hear me?');",
    ),
    "ruby": Snippet(
        "bundle add sentry-ruby",
        """\
Sentry.init do |config|
  config.dsn = "{dsn}"
  config.environment = "production"
  config.release = "my-app@1.0.0"
end""",
        'Sentry.capture_exception(RuntimeError.new("Bugwatch, do you hear me?"))',
    ),
    "csharp": Snippet(
        "dotnet add package Sentry",
        """\
SentrySdk.Init(options =>
{
    options.Dsn = "{dsn}";
    options.Environment = "production";
    options.Release = "my-app@1.0.0";
});""",
        'throw new Exception("Bugwatch, do you hear me?");',
    ),
    "rust": Snippet(
        "cargo add sentry",
        """\
let _guard = sentry::init(("{dsn}", sentry::ClientOptions {
    release: sentry::release_name!(),
    ..Default::default()
}));""",
        'panic!("Bugwatch, do you hear me?");',
    ),
    "other": Snippet(
        "",
        """\
curl {events_url} \\
  -H 'X-API-Key: YOUR-API-KEY' \\
  -d '{"message": "Hello from curl", "level": "error"}'""",
        "",
    ),
}
