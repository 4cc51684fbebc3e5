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
        (Frame(filename="/js/vendors~main.3f2a9c1b.chunk.js", in_app=True), "javascript", False),
        (Frame(filename="/js/polyfills.js", in_app=True), "javascript", False),
        (Frame(filename="/app/src/runtime.js"), "node", True),
        (Frame(function="std::rt::lang_start"), "native", False),
        (Frame(function="tokio::runtime::park"), "native", False),
        (Frame(function="shop::cart::total"), "native", True),
        (Frame(function="core::Engine::run"), "native", True),
        (Frame(function="-[UIApplication _run]"), "cocoa", False),
        (Frame(function="-[Cart total]"), "cocoa", True),
        (Frame(module="kotlinx.coroutines.DispatchedTask"), "java", False),
        (Frame(module="io.ktor.server.Application"), "java", False),
        (Frame(module="Phoenix.Router"), "elixir", False),
        (Frame(module="ShopWeb.CartController"), "elixir", True),
        (Frame(filename="package:flutter/src/a.dart"), "other", False),
        (Frame(filename="package:shop/a.dart"), "other", True),
        (Frame(module="Microsoft.AspNetCore.Mvc.X"), "csharp", False),
        (Frame(module="django.core.handlers.base"), "python", False),
        (Frame(filename="/var/www/wp-includes/plugin.php"), "php", False),
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
        (Frame(filename="self-hosted", function="map"), "javascript"),
        (Frame(filename="/js/app.js", function="sentryWrapped"), "javascript"),
        (Frame(filename="/js/app.js", function="asyncGeneratorStep"), "javascript"),
        (Frame(filename="/js/app.js", function="__webpack_require__"), "javascript"),
        (Frame(module="jdk.internal.reflect.GeneratedMethodAccessor12", function="invoke"), "java"),
        (Frame(module="com.shop.Cart$$SpringCGLIB$$0", function="total"), "java"),
        (Frame(module="com.sun.proxy.$Proxy42", function="total"), "java"),
        (Frame(module="System.Runtime.CompilerServices.TaskAwaiter", function="GetResult"), "csharp"),
        (Frame(function="<listcomp>", filename="a.py"), "python"),
        (Frame(function="<redacted>"), "cocoa"),
        (Frame(function="<asynchronous suspension>", filename="a.dart"), "dart"),
    ],
)
def test_the_watcher_is_no_part_of_what_it_sees(frame: Frame, platform: str) -> None:
    assert key_of(frame, platform).is_noise
