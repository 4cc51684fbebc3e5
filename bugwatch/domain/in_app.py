"""Whose code is a frame: the app's own, or a library's? Asked where the SDK did not say, or cannot know.

Browser SDKs call every frame the app's own, so for JavaScript these rules may overrule a yes. What no rule knows is the
app's own: an app that is taken for a library would be grouped by everything it stands on.
"""

from __future__ import annotations

import re

# --- by path: what package managers and operating systems install ---
_LIBRARY_PATHS = {
    "python": r"/(?:site|dist)-packages/|/lib(?:64)?/python\d|\\Lib\\|^<frozen |^<string>$|^<__array_function__",
    "javascript": r"/node_modules/|/bower_components/|^node:|^internal/|^native$|\[native code\]|^<anonymous>$"
    r"|//(?:unpkg\.com|cdnjs\.cloudflare\.com|cdn\.jsdelivr\.net|esm\.(?:run|sh)|ajax\.googleapis\.com"
    r"|code\.jquery\.com|www\.googletagmanager\.com|browser\.sentry-cdn\.com|js\.sentry-cdn\.com)/"
    r"|^(?:chrome|moz|safari|safari-web|ms-browser)-extension://|/(?:webpack/(?:bootstrap|runtime)|tslib|core-js)\b"
    r"|^webpack/runtime",
    "go": r"/go/pkg/mod/|/usr/local/go/src/|/vendor/|/libexec/src/|[/\\]go[/\\]src[/\\]runtime",
    "php": r"/vendor/|^\[internal\]|^\(phar:",
    "ruby": r"/gems/|/(?:lib|vendor)/ruby/|/vendor/bundle/|/\.(?:rbenv|rvm|asdf)/|^<internal:|^\(eval",
    "dotnet": r"/_/src/|\\_\\src\\|^/_/",
    "native": r"^/usr/(?:lib|local/lib|include)|^/lib(?:64)?/|^/System/Library/|\.framework/Versions/|/Cellar/"
    r"|^/opt/homebrew/|^/rustc/|/\.cargo/registry/|/\.rustup/|^[A-Z]:\\Windows\\",
    "other": r"/node_modules/|/site-packages/|/vendor/|/deps/|^/usr/(?:local/)?lib/",
}

# --- by module: what the language and its best-known frameworks bring ---
_LIBRARY_MODULES = {
    "jvm": r"(?:java|javax|jakarta|sun|com\.sun|jdk|kotlin|kotlinx|scala|groovy|clojure|akka|reactor|rx|dalvik|android"
    r"|androidx|okhttp3|retrofit2|feign|lombok|ch\.qos|net\.bytebuddy|net\.sf\.cglib"
    r"|io\.(?:grpc|ktor|micrometer|micronaut|netty|opentelemetry|quarkus|reactivex|smallrye|undertow|vertx)"
    r"|org\.(?:apache|aspectj|codehaus|eclipse|glassfish|h2|hibernate|jboss|jetbrains|junit|mariadb|mongodb|objectweb"
    r"|postgresql|slf4j|springframework|thymeleaf|xerial)"
    r"|com\.(?:android|fasterxml|google\.(?:common|gson|inject)|ibm\.ws|mchange|mysql|squareup|zaxxer))\.",
    "go": r"(?!main$|main[/.])[a-z0-9]+(?:/[\w/]+)?$",  # the standard library has no dot before its first slash
    "dotnet": r"(?:Autofac|Castle|FSharp|Grpc|MS|MediatR|Microsoft|Mono|NLog|Newtonsoft|Npgsql|Polly|Serilog"
    r"|StackExchange|System|lambda_method)(?:\.|$)",
    "php": r"(?:Symfony|Illuminate|Doctrine|GuzzleHttp|Monolog|Psr|Twig|Laminas|Composer|PHPUnit)\\",
}

_PATHS = {family: re.compile(pattern) for family, pattern in _LIBRARY_PATHS.items()}
_MODULES = {family: re.compile(pattern) for family, pattern in _LIBRARY_MODULES.items()}

# The watcher must not be part of what it sees.
_SDK = re.compile(
    r"@sentry(?:-internal)?[/+]|(?:^|[/.])sentry_sdk[/.]|^io\.sentry\.|/vendor/sentry/sentry|/gems/sentry-|getsentry/sentry-go"
    r"|^Sentry(?:\.|\\)|\.sentry-cdn\.com/|(?:^|[/.])bugwatch_sdk[/.]|@bugwatch/"
)


def is_library(family: str, module: str, *paths: str) -> bool:
    """Do the rules of this family (see `frame_key.FAMILIES`) know the place as somebody else's code?"""
    by_module = _MODULES.get(family)
    if by_module and module and by_module.match(module):
        return True
    by_path = _PATHS.get(family)
    return bool(by_path and any(by_path.search(path) for path in paths))


def is_sdk(module: str, *paths: str) -> bool:
    """Is it the SDK's own frame, on top of the stack because it took the stack?"""
    return any(_SDK.search(place) for place in (module, *paths) if place)
