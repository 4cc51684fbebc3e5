"""What an app of some size has around its errors: the frames of its framework, breadcrumbs, modules."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

BREADCRUMBS = 30
MODULES = 60
CONTEXT_LINES = 5  # before and after
Frame = dict[str, Any]

# Per platform, outermost first: what is called, in which file, and how SDKs name that.
_EXPRESS = "/srv/shop/node_modules/"
_CALLS = {
    "node": (
        ("Server.emit", "node:events"),
        ("parserOnIncoming", "node:_http_server"),
        ("Function.handle", f"{_EXPRESS}express/lib/application.js"),
        ("router.handle", f"{_EXPRESS}router/index.js"),
        ("next", f"{_EXPRESS}router/index.js"),
        ("Layer.handleRequest", f"{_EXPRESS}router/lib/layer.js"),
        ("jsonParser", f"{_EXPRESS}body-parser/lib/types/json.js"),
        ("session", f"{_EXPRESS}express-session/index.js"),
        ("Route.dispatch", f"{_EXPRESS}router/lib/route.js"),
    ),
    "javascript": (
        ("batchedUpdates$1", "https://shop.example/assets/vendor.91be02aa.js"),
        ("dispatchEventForPluginEventSystem", "https://shop.example/assets/vendor.91be02aa.js"),
        ("executeDispatch", "https://shop.example/assets/vendor.91be02aa.js"),
        ("commitRootImpl", "https://shop.example/assets/vendor.91be02aa.js"),
        ("flushPassiveEffects", "https://shop.example/assets/vendor.91be02aa.js"),
        ("a.render", "https://shop.example/assets/app.4f2a91c3.js"),
    ),
    "go": (
        ("(*conn).serve", "/usr/local/go/src/net/http/server.go"),
        ("serverHandler.ServeHTTP", "/usr/local/go/src/net/http/server.go"),
        ("(*Mux).ServeHTTP", "/root/go/pkg/mod/github.com/go-chi/chi/v5@v5.2.1/mux.go"),
        ("Recoverer.func1", "/root/go/pkg/mod/github.com/go-chi/chi/v5@v5.2.1/middleware/recoverer.go"),
        ("(*Mux).routeHTTP", "/root/go/pkg/mod/github.com/go-chi/chi/v5@v5.2.1/mux.go"),
    ),
    "java": (
        ("run", "java.lang.Thread"),
        ("process", "org.apache.coyote.http11.Http11Processor"),
        ("service", "org.apache.catalina.connector.CoyoteAdapter"),
        ("invoke", "org.apache.catalina.core.StandardHostValve"),
        ("internalDoFilter", "org.apache.catalina.core.ApplicationFilterChain"),
        ("doFilter", "org.springframework.web.filter.OncePerRequestFilter"),
        ("doDispatch", "org.springframework.web.servlet.DispatcherServlet"),
        ("invokeHandlerMethod", "org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter"),
        ("invokeAndHandle", "org.springframework.web.servlet.mvc.method.annotation.ServletInvocableHandlerMethod"),
    ),
    "php": (
        ("Illuminate\\Foundation\\Http\\Kernel::handle", "/vendor/laravel/framework/src/Foundation/Http/Kernel.php"),
        ("Illuminate\\Pipeline\\Pipeline::then", "/vendor/laravel/framework/src/Illuminate/Pipeline/Pipeline.php"),
        ("Illuminate\\Routing\\Router::dispatch", "/vendor/laravel/framework/src/Illuminate/Routing/Router.php"),
        ("Illuminate\\Routing\\Route::run", "/vendor/laravel/framework/src/Illuminate/Routing/Route.php"),
    ),
}
_DEPTH = {"node": 14, "javascript": 24, "go": 14, "java": 60, "php": 16}
_WITH_SOURCE = ("node", "go", "php")


def grown(event: Frame) -> Frame:
    """The event of a tiny app as that of a large one."""
    platform = event["platform"]
    found = event["exception"]
    error = (found if isinstance(found, list) else found["values"])[-1]
    stack = error["stacktrace"]
    stack["frames"] = [*_frames(platform), *stack["frames"]]
    event["breadcrumbs"] = list(_breadcrumbs())
    if platform not in ("javascript", "java"):
        event["modules"] = {f"{_WORDS[n % len(_WORDS)]}-{n}": f"{n % 7}.{n % 13}.{n % 5}" for n in range(MODULES)}
    return event


def _frames(platform: str) -> Iterator[Frame]:
    calls = cycle(_CALLS[platform])
    for number in range(_DEPTH[platform]):
        function, place = next(calls)
        frame: Frame = {"function": function, "lineno": 40 + 7 * number, "in_app": False}
        if platform == "java":
            file = place.rpartition(".")[2] + ".java"
            yield frame | {"module": place, "filename": file, "native": False}
            continue
        frame |= {"filename": place, "abs_path": place}
        if platform in ("node", "javascript"):
            frame["colno"] = 11 + number
        yield frame | (_source(number) if platform in _WITH_SOURCE else {})


def _source(number: int) -> Frame:
    lines = [f"    {_WORDS[(number + n) % len(_WORDS)]} = next({_WORDS[n]}, {number * n});" for n in range(11)]
    return {
        "pre_context": lines[:CONTEXT_LINES],
        "context_line": lines[CONTEXT_LINES],
        "post_context": lines[CONTEXT_LINES + 1 :],
    }


def _breadcrumbs() -> Iterator[Frame]:
    for number in range(BREADCRUMBS):
        at = 1_795_271_400 + number * 1.37
        if number % 3:
            data = {"url": f"https://api.shop.example/orders/17/{_WORDS[number % 11]}", "status_code": 200}
            yield {"timestamp": at, "type": "http", "category": "http", "data": data | {"method": "GET"}}
        else:
            message = f"{_WORDS[number % 11]} of cart/9 was loaded in {number * 3} ms"
            yield {"timestamp": at, "category": "console", "level": "info", "message": message}


_WORDS = ("cart", "order", "user", "price", "payment", "session", "stock", "basket", "invoice", "coupon", "request")
