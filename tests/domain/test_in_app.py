from __future__ import annotations

import pytest

from bugwatch.domain.frame_key import is_in_app, key_of
from bugwatch.domain.stacktrace import Frame


@pytest.mark.parametrize(
    ("frame", "platform", "expected"),
    [
        (Frame(filename="/app/shop/cart.py"), "python", True),
        (Frame(filename="/venv/lib/python3.12/site-packages/django/db.py"), "python", False),
        (Frame(filename="/usr/lib/python3.11/json/decoder.py"), "python", False),
        (Frame(filename="<frozen importlib._bootstrap>"), "python", False),
        (Frame(filename="/srv/app.js"), "node", True),
        (Frame(filename="node:internal/process/task_queues"), "node", False),
        (Frame(filename="/srv/node_modules/express/lib/router.js"), "node", False),
        (Frame(filename="/x.js", abs_path="https://cdn.jsdelivr.net/npm/vue/x.js", in_app=True), "javascript", False),
        (Frame(filename="/x.js", abs_path="chrome-extension://abc/x.js", in_app=True), "javascript", False),
        (Frame(filename="/x.js", abs_path="https://shop.example/x.js", in_app=True), "javascript", True),
        (Frame(filename="/x.js", in_app=False), "javascript", False),
        (Frame(module="com.shop.Cart"), "java", True),
        (Frame(module="java.util.ArrayList"), "java", False),
        (Frame(module="org.springframework.web.Filter"), "java", False),
        (Frame(module="javanotes.App"), "java", True),
        (Frame(module="main"), "go", True),
        (Frame(module="shop.example/cart"), "go", True),
        (Frame(module="net/http"), "go", False),
        (Frame(module="runtime"), "go", False),
        (Frame(module="x.y/z", abs_path="/root/go/pkg/mod/x.y/z@v1/z.go"), "go", False),
        (Frame(filename="/var/www/src/Cart.php"), "php", True),
        (Frame(filename="/var/www/vendor/symfony/http/Kernel.php"), "php", False),
        (Frame(filename="[internal]"), "php", False),
        (Frame(filename="app/models/cart.rb"), "ruby", True),
        (Frame(abs_path="/usr/local/bundle/gems/rails-7/x.rb"), "ruby", False),
        (Frame(module="Shop.Cart"), "csharp", True),
        (Frame(module="System.Linq.Enumerable"), "csharp", False),
        (Frame(module="Systematic.App"), "csharp", True),
        (Frame(package="/usr/lib/libc.so.6"), "native", False),
        (Frame(package="/opt/shop/bin/shop"), "native", True),
        (Frame(filename="/app/site-packages/x.py", in_app=True), "python", True),
        (Frame(filename="/app/x.py", in_app=False), "python", False),
        (Frame(filename="/app/x", platform="python"), "javascript", True),
        (Frame(), "other", True),
    ],
)
def test_whose_code_a_frame_is(frame: Frame, platform: str, expected: bool) -> None:
    assert is_in_app(frame, key_of(frame, platform)) is expected


@pytest.mark.parametrize(
    ("frame", "platform"),
    [
        (Frame(module="sentry_sdk.integrations.logging", function="emit"), "python"),
        (Frame(filename="/srv/node_modules/@sentry/core/index.js", function="captureMessage"), "node"),
        (Frame(abs_path="https://browser.sentry-cdn.com/8.0.0/bundle.min.js"), "javascript"),
        (Frame(filename="<anonymous>", function="Array.map"), "javascript"),
        (Frame(module="io.sentry.Sentry", function="capture"), "java"),
        (Frame(filename="/app/vendor/sentry/sentry/src/Hub.php"), "php"),
        (Frame(abs_path="/gems/sentry-ruby-5.3/lib/sentry.rb"), "ruby"),
        (Frame(module="github.com/getsentry/sentry-go"), "go"),
    ],
)
def test_the_watcher_is_no_part_of_what_it_sees(frame: Frame, platform: str) -> None:
    assert key_of(frame, platform).is_noise
