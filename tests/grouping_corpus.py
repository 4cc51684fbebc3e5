# ruff: noqa: E501  # frames are easier to compare on one line each
"""Labelled events, as the SDKs of many platforms send them: each bug is a list of payloads that are one issue.

Any two payloads of one bug must group, any two of different bugs of one area must not. A frame is a line of
`sign module function file line[:column] | source`: `+` the app's own, `-` a library's, `?` nobody said; `.` for nothing,
`~` for a blank. Oldest call first, as on the wire.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec

from bugwatch.domain.event import Event
from bugwatch.protocol.event_payload import skim

Payload = dict[str, Any]
Area = dict[str, list[Payload]]


def frames(text: str) -> list[Payload]:
    return [_frame(line.strip()) for line in text.strip().splitlines() if line.strip()]


def _frame(line: str) -> Payload:
    line, _, source = line.partition(" | ")
    sign, module, function, path, position = (word.replace("~", " ") for word in line.split())
    lineno, _, colno = position.partition(":")
    is_absolute = path.startswith(("/", "http", "webpack", "app:", "file:", "turbopack")) or path[1:2] == ":"
    frame: Payload = {"function": function, "lineno": int(lineno)}
    frame |= {"module": module} if module != "." else {}
    frame |= {"filename": path} | ({"abs_path": path} if is_absolute else {}) if path != "." else {}
    frame |= {"colno": int(colno)} if colno else {}
    frame |= {"in_app": sign == "+"} if sign != "?" else {}
    return frame | ({"context_line": source} if source else {})


def error(type_: str, value: str, stack: str = "", **fields: Any) -> Payload:
    return {"type": type_, "value": value, **({"stacktrace": {"frames": frames(stack)}} if stack else {}), **fields}


def event(platform: str, *exceptions: Payload, **fields: Any) -> Payload:
    return {"platform": platform, **({"exception": {"values": list(exceptions)}} if exceptions else {}), **fields}


def log(platform: str, template: str, formatted: str, logger: str, **fields: Any) -> Payload:
    return event(platform, logentry={"message": template, "formatted": formatted}, logger=logger, **fields)


def read(payload: Payload) -> Event:
    """The event as ingestion sees it, after the wire."""
    return skim(msgspec.json.encode(payload), received_at=1_800_000_000_000)


# --- Python ---

DJANGO_4 = """
- django.core.handlers.exception inner django/core/handlers/exception.py 47
- django.core.handlers.base _get_response django/core/handlers/base.py 181
"""
DJANGO_5 = """
- asgiref.sync thread_handler asgiref/sync.py 556
- django.core.handlers.exception inner django/core/handlers/exception.py 55
- django.core.handlers.base _get_response django/core/handlers/base.py 197
- django.contrib.auth.decorators _view_wrapper django/contrib/auth/decorators.py 60
"""
PAY = "+ shop.views pay /app/shop/views.py 42 | amount = convert(order.total, 'GBP')\n"
REQUESTS = """
- requests.api get requests/api.py 73 | return request("get", url)
- requests.models raise_for_status requests/models.py 1024 | raise HTTPError(http_error_msg, response=self)
"""


def connection_error(host: str, address: str, path: str) -> Payload:
    text = (
        f"HTTPSConnectionPool(host='{host}', port=443): Max retries exceeded with url: {path} (Caused by "
        f"NewConnectionError('<urllib3.connection.HTTPSConnection object at {address}>: Failed to establish'))"
    )
    stack = "+ shop.mail send shop/mail.py 8 | requests.post(url, json=body)\n- requests.api post requests/api.py 115"
    return event("python", error("ConnectionError", text, stack))


def duplicate(key: str, value: str) -> Payload:
    text = f'duplicate key value violates unique constraint "users_{key}_key"\nDETAIL:  Key ({key})=({value}) already exists.'
    stack = "- django.db.backends.utils _execute django/db/backends/utils.py 105"
    own = "+ shop.accounts sign_up shop/accounts.py 31 | user.save()\n" + stack
    cause = error("UniqueViolation", text, stack, mechanism={"type": "chained", "exception_id": 1, "parent_id": 0})
    return event("python", cause, error("IntegrityError", text, own, mechanism={"type": "django", "exception_id": 0}))


def recursion(depth: int) -> Payload:
    deep = "+ shop.tree walk shop/tree.py 7 | walk(child)\n+ shop.tree visit shop/tree.py 12 | walk(node)\n" * depth
    text = "maximum recursion depth exceeded" + " while calling a Python object" * (depth % 2)
    return event("python", error("RecursionError", text, "+ shop.views tree shop/views.py 90\n" + deep))


def task_group(*texts: str) -> Payload:
    stack = "+ shop.sync run shop/sync.py 5 | await load(item)\n+ shop.sync load shop/sync.py 14 | raise Gone(item)"
    inner = [
        error("Gone", text, stack, mechanism={"type": "chained", "exception_id": n, "parent_id": 0,
                                              "source": f"exceptions[{n - 1}]"})
        for n, text in enumerate(texts, 1)
    ]  # fmt: skip
    own = error(
        "ExceptionGroup", f"unhandled errors in a TaskGroup ({len(texts)} sub-exceptions)",
        "+ shop.sync main shop/sync.py 3 | async with asyncio.TaskGroup() as group:",
        mechanism={"type": "asyncio", "exception_id": 0, "is_exception_group": True},
    )  # fmt: skip
    return event("python", *reversed(inner), own)


PYTHON: Area = {
    "rate missing": [
        event("python", error("KeyError", "'GBP'", DJANGO_4 + PAY + "+ shop.rates rate /app/shop/rates.py 9 | return RATES[currency]"),
              transaction="/pay", release="1.0"),
        event("python", error("KeyError", "'GBP'", DJANGO_5 + PAY.replace("42", "57") +
                              "+ shop.rates rate /srv/releases/20260101/shop/rates.py 19 |   return RATES[currency]"),
              transaction="/orders/{id}/pay", release="2.0", environment="staging"),
        event("python", error("KeyError", "'CHF'", PAY + "+ shop.rates rate /home/ann/shop/shop/rates.py 9 | return RATES[currency]")),
    ],
    "fallback rate missing, in the same function": [
        event("python", error("KeyError", "'GBP'", DJANGO_4 + PAY + "+ shop.rates rate shop/rates.py 12 | return FALLBACK[currency]")),
    ],
    "rate missing for a preview": [
        event("python", error("KeyError", "'GBP'", DJANGO_4 + "+ shop.views preview shop/views.py 80 | convert(1, 'GBP')\n"
                              "+ shop.rates rate shop/rates.py 9 | return RATES[currency]")),
    ],
    "user not found by the other side": [
        event("python", error("HTTPError", f"404 Client Error: Not Found for url: https://api.example.com/v1/users/{user}?t={t}",
                              "+ shop.crm fetch shop/crm.py 20 | response.raise_for_status()\n" + REQUESTS))
        for user, t in ((42, "a1"), (77, "b2"))
    ],
    "the other side is broken": [
        event("python", error("HTTPError", f"500 Server Error: Internal Server Error for url: https://api.example.com/v1/users/{user}",
                              "+ shop.crm fetch shop/crm.py 20 | response.raise_for_status()\n" + REQUESTS))
        for user in (42, 77)
    ],
    "mail service is down": [
        connection_error("mail.example.com", "0x7f8d1cbb9c90", "/v1/send?id=42"),
        connection_error("mail.example.com", "0x7f11d2a0ab10", "/v1/send?id=1043"),
    ],
    "e-mail taken": [duplicate("email", "ann@example.com"), duplicate("email", "bob@example.org")],
    "out of depth": [recursion(20), recursion(31), recursion(200)],
    "task group": [task_group("item 1 is gone"), task_group("item 7 is gone", "item 9 is gone")],
    "task too slow": [
        event("python", error("SoftTimeLimitExceeded", "SoftTimeLimitExceeded()",
                              f"- celery.app.trace trace_task celery/app/trace.py 477\n+ shop.tasks export shop/tasks.py {line} | {source}\n"
                              "+ shop.export write shop/export.py 3 | csv.write(row)"))
        for line, source in ((40, "write(rows)"), (44, "write(more)"))
    ],
    "no number": [
        event("python", error("ValueError", f"could not convert string to float: '{text}'",
                              f"+ __main__ <module> {folder}/import.py 3 | price = float(row[2])"))
        for text, folder in (("12,50", "/home/ann/jobs"), ("1.234,00", "/home/bob/jobs"), ("n/a", "/home/ann/jobs"))
    ],
    "no file": [
        event("python", error("FileNotFoundError", f"[Errno 2] No such file or directory: '/tmp/{name}'",
                              "+ shop.thumbs make shop/thumbs.py 17 | image = open(path)"))
        for name in ("tmpab3x9k2_.png", "x1234.txt")
    ],
    "not allowed to write": [
        event("python", error("PermissionError", "[Errno 13] Permission denied: '/tmp/x1234.txt'",
                              "+ shop.thumbs make shop/thumbs.py 17 | image = open(path)")),
    ],
    "customer unknown": [
        event("python", error("NotFound", f"User '{name}' not found in tenant {tenant}", "+ shop.api get shop/api.py 5 | raise NotFound(name)"))
        for name, tenant in (("bob", 12), ("ann lee", 7))
    ],
    "column unknown: price": [event("python", error("ProgrammingError", 'column "price" does not exist', "+ shop.db query shop/db.py 5 | cur.execute(sql)"))],
    "column unknown: total": [event("python", error("ProgrammingError", 'column "total" does not exist', "+ shop.db query shop/db.py 5 | cur.execute(sql)"))],
    "logged: payment": [
        log("python", "Payment %s of %s failed", "Payment p-77 of 12 EUR failed", "shop.pay"),
        log("python", "Payment %s of %s failed", "Payment p-78 of 1.250,00 EUR failed", "shop.pay", transaction="/pay"),
    ],
    "logged: refund": [log("python", "Refund %s of %s failed", "Refund p-77 of 12 EUR failed", "shop.pay")],
    "logged with an f-string": [
        event("python", message=f"Order {order} of {mail} is late by {late}", logger="shop.orders")
        for order, mail, late in ((42, "ann@example.com", "3 days"), (1043, "bob@example.org", "1 day"))
    ],
    "logged with an exception": [
        event("python", error("ZeroDivisionError", "division by zero",
                              "+ shop.stats mean shop/stats.py 4 | return total / count\n+ shop.stats ratio shop/stats.py 8 | return a / b"),
              logentry={"message": "stats of %s failed", "formatted": f"stats of {name} failed"}, logger="shop")
        for name in ("may", "june")
    ],
}  # fmt: skip

# --- browsers ---

AT = "https://shop.example/js/app.js"
PRICE = {
    "chrome": "Cannot read properties of undefined (reading 'price')",
    "old chrome": "Cannot read property 'price' of undefined",
    "firefox": 'can\'t access property "price", item is undefined',
    "safari": "undefined is not an object (evaluating 'item.price')",
}


def browser(type_: str, value: str, stack: str, **fields: Any) -> Payload:
    return event("javascript", error(type_, value, stack, mechanism={"type": "onerror", "handled": False}), **fields)


def loading(value: str, type_: str = "TypeError") -> Payload:
    return browser(
        type_, value, f"+ . {AT[-6:-3]} {AT} 9:1\n+ . t https://shop.example/assets/index-BxY3kZ9a.js 1:2400"
    )


BROWSER: Area = {
    "no price": [
        browser("TypeError", PRICE["chrome"], f"""
            + . HTMLButtonElement.<anonymous> {AT} 90:3
            + . Cart.checkout {AT} 40:12
            + . Cart.total {AT} 20:5
            + . Array.map <anonymous> 1
            + . <anonymous> {AT} 21:9
            + . priceOf {AT} 8:15
        """, release="1"),
        browser("TypeError", PRICE["firefox"], f"""
            + . ? {AT} 91:3
            + . checkout {AT} 41:12
            + . total {AT} 22:5
            + . total/< {AT} 22:9
            + . priceOf {AT} 9:1
        """, release="2"),
        browser("TypeError", PRICE["safari"], f"""
            + . checkout {AT} 40:30
            + . total {AT} 20:22
            + . map [native~code] 1
            + . ? {AT} 21:20
            + . priceOf {AT} 8:20
        """),
    ],
    "no price, elsewhere": [
        browser("TypeError", PRICE["chrome"], f"+ . Cart.show {AT} 61:2\n+ . priceOf {AT} 8:15"),
        browser("TypeError", PRICE["safari"], f"+ . global~code {AT} 99:2\n+ . show {AT} 61:9\n+ . priceOf {AT} 8:20"),
    ],
    "no price, one frame": [
        browser("TypeError", text, f"+ . {name} {AT} 70:1")
        for text, name in zip(PRICE.values(), ("Cart.render", "Cart.render", "render", "render"), strict=True)
    ],
    "no name, one frame": [
        browser("TypeError", PRICE["chrome"].replace("price", "name"), f"+ . Cart.render {AT} 72:1"),
        browser("TypeError", PRICE["safari"].replace("price", "name"), f"+ . render {AT} 72:1"),
    ],
    "fetch failed, after waiting": [
        browser("TypeError", "Failed to fetch", f"+ . async~Cart.save {AT} 50:1\n+ . async~onClick {AT} 51:1\n+ . request {AT} 3:1"),
        browser("TypeError", "NetworkError when attempting to fetch resource.",
                f"+ . onClick {AT} 51:1\n+ . async*save {AT} 50:1\n+ . request {AT} 3:1"),
        browser("TypeError", "Load failed", f"+ . request {AT} 3:1"),
    ],
    "a bundle without map": [
        browser("TypeError", PRICE["chrome"], f"+ . {a} https://shop.example/static/js/main.{h}.js 2:{c}\n+ . {b} https://shop.example/static/js/main.{h}.js 2:99")
        for a, b, h, c in (("t", "n", "3f2a9c1b", 1200), ("xe", "Rt", "77aa01ff", 88310))
    ],
    "the same bundle, another mistake": [
        browser("TypeError", "e.items.map is not a function", "+ . t https://shop.example/static/js/main.3f2a9c1b.js 2:1200"),
        browser("TypeError", "n.items.map is not a function. (In 'n.items.map(e)', 'n.items.map' is undefined)",
                "+ . r https://shop.example/static/js/main.9c1b3f2a.js 2:9000"),
    ],
    "vite, two builds": [
        browser("Error", f"cart {n} is locked", f"+ . {a} https://shop.example/assets/index-{h}.js 14:5211")
        for n, a, h in ((1, "ue", "BxY3kZ9a"), (27, "fe", "DhKzPqRs"))
    ],
    "mapped, two builds": [
        browser("Error", "cart is locked", f"""
            + . run webpack:///node_modules/react-dom/cjs/react-dom.{kind}.js {line}:1
            + . onSubmit webpack:///./src/cart/Form.tsx {line}:4
            + . lock webpack:///{prefix}src/cart/lock.ts {line}:9
        """) for kind, line, prefix in (("production.min", 30, "./"), ("development", 48, ""))
    ],
    "next, webpack and turbopack": [
        browser("Error", "no session", "+ . onSubmit webpack-internal:///(app-pages-browser)/./src/app/login/form.tsx 20:1\n"
                "+ . session webpack-internal:///(app-pages-browser)/./src/lib/session.ts 9:1"),
        browser("Error", "no session", "+ . onSubmit turbopack:///[project]/src/app/login/form.tsx 21:1\n"
                "+ . session turbopack:///[project]/src/lib/session.ts 9:8"),
        browser("Error", "no session", "+ . onSubmit webpack://_N_E/./src/app/login/form.tsx?1a2b 20:1\n"
                "+ . session webpack://_N_E/./src/lib/session.ts?77aa 9:1"),
    ],
    "chunk": [
        loading("Loading chunk 12 failed.\n(error: https://shop.example/12.3f2a9c1b.js)", "ChunkLoadError"),
        loading("Loading chunk app-cart failed.\n(timeout: https://shop.example/app-cart.77aa01ff.js)", "ChunkLoadError"),
        loading("Loading CSS chunk 7 failed.\n(/static/css/7.1b2c3d4e.css)", "ChunkLoadError"),
    ],
    "import": [
        loading("Failed to fetch dynamically imported module: https://shop.example/assets/Cart-BxY3kZ9a.js"),
        loading("error loading dynamically imported module: https://shop.example/assets/Cart-DhKzPqRs.js"),
        loading("Importing a module script failed."),
    ],
    "observer": [
        browser("Error", "ResizeObserver loop limit exceeded", ""),
        browser("Error", "ResizeObserver loop completed with undelivered notifications.", ""),
    ],
    "no JSON": [
        browser("SyntaxError", text, f"+ . parse {AT} 77:1")
        for text in ("Unexpected token < in JSON at position 0", "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
                     "JSON.parse: unexpected character at line 1 column 1 of the JSON data", "JSON Parse error: Unrecognized token '<'")
    ],
    "too deep": [
        browser("RangeError", "Maximum call stack size exceeded", f"+ . Tree.open {AT} 5:1\n" + f"+ . Tree.walk {AT} 7:1\n" * 40),
        browser("InternalError", "too much recursion", f"+ . open {AT} 5:1\n" + f"+ . walk {AT} 7:1\n" * 90),
    ],
    "rejected with a number": [
        event("javascript", error("UnhandledRejection", f"Non-Error promise rejection captured with value: {n}",
                                  mechanism={"type": "onunhandledrejection", "handled": False})) for n in (4, 1043)
    ],
    "rejected with an object": [
        event("javascript", error("Error", "Object captured as promise rejection with keys: code, detail", f"+ . report {AT} 3:1",
                                  mechanism={"type": "onunhandledrejection", "synthetic": True}))
    ],
    "said with a stack": [
        event("javascript", error("", "Cart is empty", f"+ . {name} {AT} 3:1", mechanism={"synthetic": True}), message="Cart is empty")
        for name in ("warn", "other")
    ],
    "error boundary": [
        event("javascript",
              error("React ErrorBoundary Error", "no cart", f"+ . {page} webpack:///./src/{page}.tsx 3:1\n+ . App webpack:///./src/App.tsx 1:1",
                    mechanism={"type": "chained", "exception_id": 1, "parent_id": 0, "source": "cause"}),
              error("Error", "no cart", "+ . useCart webpack:///./src/useCart.ts 5:1\n+ . Badge webpack:///./src/Badge.tsx 8:1",
                    mechanism={"type": "generic", "exception_id": 0}))
        for page in ("Home", "Checkout")
    ],
    "hydration": [
        event("javascript",
              error("Error", "Text content does not match server-rendered HTML.", "- . check webpack:///node_modules/react-dom/a.js 3:1"),
              error("Error", text, "- . run webpack:///node_modules/react-dom/a.js 9:1"))
        for text in ("There was an error while hydrating. Because the error happened outside of a Suspense boundary, the entire root"
                     " will switch to client rendering.",)
    ],
    "minified React": [
        browser("Error", f"Minified React error #418; visit https://react.dev/errors/418?args[]={word} for the full message",
                "- . a https://shop.example/_next/static/chunks/framework-0a1b2c3d4e5f.js 1:900") for word in ("text", "HTML")
    ],
    "inline script": [
        browser("ReferenceError", text, f"+ . onload https://shop.example/{page} 7:1")
        for text, page in (("cart is not defined", "products/12"), ("Can't find variable: cart", "checkout"))
    ],
}  # fmt: skip

# --- Node and React Native ---


def node(type_: str, value: str, stack: str, **fields: Any) -> Payload:
    return event(
        "node", error(type_, value, stack, mechanism={"type": "onuncaughtexception", "handled": False}), **fields
    )


def prisma(root: str, code: str, text: str) -> Payload:
    return node("PrismaClientKnownRequestError", f"\nInvalid `prisma.user.create()` invocation:\n\n{text}", f"""
        + . createUser {root}/dist/users.js 12:5 | await prisma.user.create({{ data }})
        - . handleRequestError {root}/node_modules/@prisma/client/runtime/library.js 121:7
    """, extra={"code": code})  # fmt: skip


NODE: Area = {
    "no total": [
        node("TypeError", "Cannot read properties of null (reading 'total')", f"""
            - . Layer.handle {root}/node_modules/express/lib/router/layer.js 95:5
            + . {outer} {root}/dist/routes/cart.js {line}:20 | res.json(view(cart))
            + . view {root}/dist/views/cart.js {line}:9 | return cart.total
            - . process.processTicksAndRejections node:internal/process/task_queues 95:5
        """, release=root)
        for root, outer, line in (("/app", "?", 4), ("/usr/src/app", "<anonymous>", 14), ("/home/ubuntu/shop", "Object.<anonymous>", 4))
    ],
    "no total, another line": [
        node("TypeError", "Cannot read properties of null (reading 'total')", """
            + . ? /app/dist/routes/cart.js 4:20 | res.json(view(cart))
            + . view /app/dist/views/cart.js 12:9 | return last.total
        """),
    ],
    "database is down": [
        node("Error", f"connect ECONNREFUSED {address}", f"+ . query {root}/src/db.js 4:1 | await pool.query(sql)\n- . afterConnect node:net 1555:16")
        for address, root in (("10.0.0.7:5432", "/app"), ("127.0.0.1:5432", "/srv/www/shop"), ("::1:5432", "/app"))
    ],
    "name of the database is unknown": [
        node("Error", f"getaddrinfo ENOTFOUND {host}", "+ . query /app/src/db.js 4:1 | await pool.query(sql)")
        for host in ("db.shop.internal", "db-2.eu.shop.internal")
    ],
    "prisma: taken": [
        prisma("/app", "P2002", "Unique constraint failed on the fields: (`email`)"),
        prisma("/srv/shop", "P2002", "Unique constraint failed on the fields: (`email`)"),
    ],
    "a server's chunk": [
        node("Error", f"order {n} is closed", f"+ . {a} /app/.next/server/chunks/{chunk}.js 1:2200\n+ . b /app/.next/server/chunks/{chunk}.js 1:900")
        for n, a, chunk in ((1, "t", 123), (77, "n", 4711))
    ],
    "queue is behind": [
        log("node", "The queue is %s behind", f"The queue is {late} behind", "queue") for late in ("5 minutes", "1 hour")
    ],
    "android": [
        event("javascript", error("TypeError", "undefined is not a function",
                                  f"+ . {a} app:///index.android.bundle 1:{column}\n+ . {b} app:///index.android.bundle 1:{column + 9}"), release=a)
        for a, b, column in (("t", "n", 123456), ("_", "x", 223344))
    ],
    "ios, another mistake": [
        event("javascript", error("TypeError", "null is not an object (evaluating 'n.cart.id')", "+ . t app:///main.jsbundle 1:123456")),
    ],
}  # fmt: skip

# --- the JVM ---

SPRING = """
? java.lang.Thread run Thread.java 840
? org.apache.tomcat.util.net.NioEndpoint doRun NioEndpoint.java 1740
? org.springframework.web.servlet.FrameworkServlet service FrameworkServlet.java 885
"""


def java(*exceptions: Payload, **fields: Any) -> Payload:
    return event("java", *exceptions, **fields)


def stock(reflection: str, proxy: str, n: int) -> str:
    return (
        SPRING
        + f"""
        ? {reflection} invoke . 0
        ? com.shop.api.CartApi$${proxy} checkout <generated> 0
        ? com.shop.api.CartApi checkout CartApi.java {40 + n}
        ? com.shop.stock.Stock lambda$check${n} Stock.java {12 + n}
        ? com.shop.stock.Stock find Stock.java {18 + n}
        ? java.util.Optional orElseThrow Optional.java 403
    """
    )


NPE = 'Cannot invoke "com.shop.Item.price()" because "item" is null'
ITEM = "? com.shop.Importer run Importer.java 9\n? com.shop.Importer price Importer.java 31"

JVM: Area = {
    "out of stock": [
        java(error("OutOfStock", "article A1 is out of stock",
                   stock("jdk.internal.reflect.GeneratedMethodAccessor12", "EnhancerBySpringCGLIB$$1a2b3c", 0), module="com.shop.stock")),
        java(error("OutOfStock", "article B77 is out of stock", stock("jdk.internal.reflect.NativeMethodAccessorImpl", "SpringCGLIB$$0", 3),
                   module="com.shop.stock"), transaction="POST /cart"),
    ],
    "no item": [
        java(error("NullPointerException", NPE, ITEM, module="java.lang")),
        java(error("NullPointerException", NPE, ITEM, module="java.lang"),
             error("ExecutionException", "java.lang.NullPointerException: " + NPE,
                   "? com.shop.Main main Main.java 3\n? java.util.concurrent.FutureTask get FutureTask.java 191", module="java.util.concurrent")),
        java(error("NullPointerException", NPE, ITEM, module="java.lang"),
             error("CompletionException", "java.lang.NullPointerException: " + NPE,
                   "? java.util.concurrent.CompletableFuture encodeThrowable CompletableFuture.java 315", module="java.util.concurrent")),
        java(error("NullPointerException", NPE, ITEM, module="java.lang"),
             error("RuntimeException", "java.lang.NullPointerException: " + NPE, "? com.shop.Main main Main.java 3", module="java.lang")),
    ],
    "import failed, by its own exception": [
        java(error("NullPointerException", NPE, ITEM, module="java.lang"),
             error("ImportFailed", f"file {n} cannot be imported", "? com.shop.Main main Main.java 3\n? com.shop.Importer all Importer.java 5",
                   module="com.shop")) for n in (1, 20)
    ],
    "no number": [
        java(error("NumberFormatException", f'For input string: "{text}"', f"""
            ? java.lang.NumberFormatException forInputString NumberFormatException.java 67
            ? java.lang.Integer parseInt Integer.java {line}
            ? com.shop.Form quantity Form.java 22
        """)) for text, line in (("abc", 652), ("12 pcs", 668))
    ],
    "null, checked": [
        java(error("NullPointerException", f"{name} must not be null", "? com.shop.Order make Order.java 3\n? com.shop.Order <init> Order.java 9\n"
                   "? java.util.Objects requireNonNull Objects.java 259")) for name in ("customer",)
    ],
    "null, checked, another": [
        java(error("NullPointerException", "items must not be null", "? com.shop.Order make Order.java 3\n? com.shop.Order <init> Order.java 10\n"
                   "? java.util.Objects requireNonNull Objects.java 259")),
    ],
    "activity": [
        java(error("IllegalStateException", "no session", "? com.shop.Main onCreate Main.java 9\n? com.shop.Session require Session.java 3"),
             error("RuntimeException", f"Unable to {what} activity ComponentInfo{{com.shop/com.shop.Main}}: java.lang.IllegalStateException: no session",
                   "? android.app.ActivityThread performLaunchActivity ActivityThread.java 3782")) for what in ("start", "resume")
    ],
    "too deep": [
        java(error("StackOverflowError", "", "? com.shop.Tree open Tree.java 1\n" + "? com.shop.Tree walk Tree.java 7\n? com.shop.Tree visit Tree.java 9\n" * n))
        for n in (20, 75)
    ],
    "coroutine": [
        java(error("IllegalStateException", "no session", f"""
            ? kotlinx.coroutines.DispatchedTask run DispatchedTask.kt 106
            ? kotlin.coroutines.jvm.internal.BaseContinuationImpl resumeWith ContinuationImpl.kt 33
            ? com.shop.LoginModel$login${n} invokeSuspend LoginModel.kt 40
            ? com.shop.Session require Session.kt 12
        """)) for n in (1, 3)
    ],
    "obfuscated": [
        java(error("IllegalStateException", f"cart {n} is locked", f"? {a} a SourceFile 1\n? {b} b SourceFile 7"))
        for n, a, b in ((1, "a.b.c", "o.fe"), (20, "d.e", "p.q0.a"))
    ],
    "logged": [
        log("java", "Stock of {} is low", f"Stock of {name} is low", "com.shop.Stock") for name in ("A1", "B77")
    ],
    "template of a query": [
        java(error("DataIntegrityViolationException", f"could not execute statement [ERROR: duplicate key value violates unique constraint"
                   f' "users_email" Detail: Key (email)=({mail}) already exists.]', "? com.shop.Users add Users.java 30"))
        for mail in ("ann@example.com", "bob@example.org")
    ],
}  # fmt: skip

# --- Go, PHP, Ruby ---


def go(type_: str, value: str, stack: str) -> Payload:
    return event("go", error(type_, value, stack))


CENTRAL = """
? net/http (*conn).serve /usr/local/go/src/net/http/server.go 2009
? shop.example/web (*Server).handle.func1 /app/web/server.go 40
? shop.example/web (*Server).fail /app/web/errors.go 12
"""
GO: Area = {
    "order unknown": [
        go("*fmt.wrapError", f"order {n}: sql: no rows in result set", CENTRAL.replace("func1", f)) for n, f in ((42, "func1"), (7, "func2.1"))
    ],
    "payment refused, by the same handler": [
        go("*fmt.wrapError", f"payment of {amount}: card declined", CENTRAL) for amount in ("12.50", "1,250.00")
    ],
    "nil map": [
        go("runtime.plainError", "assignment to entry in nil map", f"""
            ? runtime gopanic /usr/local/go/src/runtime/panic.go 770
            ? main main /app/main.go 9
            ? shop.example/cart@v1.{n}.0 (*Cart).Add[...] /root/go/pkg/mod/shop.example/cart@v1.{n}.0/cart.go 20
            ? main main.func{n} /app/main.go 14
        """) for n in (1, 2)
    ],
    "out of range": [
        go("runtime.boundsError", f"runtime error: index out of range [{n}] with length {n - 1}", f"? main main {root}/main.go 9\n? main pick {root}/main.go 30")
        for n, root in ((5, "/app"), (17, "/home/runner/_work/shop/shop"))
    ],
    "database is down": [
        go("*net.OpError", f"dial tcp {address}: connect: connection refused", "? main main /app/main.go 9\n? main connect /app/db.go 30")
        for address in ("10.0.0.7:5432", "[::1]:5432")
    ],
}  # fmt: skip


def php(type_: str, value: str, stack: str, *causes: Payload) -> Payload:
    return event("php", *causes, error(type_, value, stack))


def laravel(root: str, *lines: str) -> str:
    own = "".join(f"{'-' if 'vendor' in line else '+'} . {line.replace('ROOT', root)}\n" for line in lines)
    vendor = f"- . Illuminate\\Pipeline\\Pipeline::handle {root}/vendor/laravel/framework/src/Pipeline.php 180\n"
    return f"+ . require {root}/public/index.php 51 | $kernel->handle($request);\n{vendor}{own}"


PHP: Area = {
    "no total": [
        php("ErrorException", 'Undefined array key "total"', laravel(root,
            f"App\\Http\\Controllers\\CartController::show ROOT/app/Http/Controllers/CartController.php {line} | return view($cart['total']);",
            f"Illuminate\\Foundation\\Bootstrap\\HandleExceptions::handleError ROOT/vendor/laravel/framework/src/H.php {line}"))
        for root, line in (("/var/www/html", 20), ("/var/www/releases/41", 24), ("/home/forge/shop/current", 20))
    ],
    "no tax": [
        php("ErrorException", 'Undefined array key "tax"', laravel("/var/www/html",
            "App\\Http\\Controllers\\CartController::show ROOT/app/Http/Controllers/CartController.php 22 | $tax = $cart['tax'];"))
    ],
    "e-mail taken": [
        php("Illuminate\\Database\\QueryException",
            f"SQLSTATE[23000]: Integrity constraint violation: 1062 Duplicate entry '{mail}' for key 'users.email' (Connection: mysql, SQL: "
            f"insert into `users` (`name`, `email`) values ({name}, {mail}))",
            laravel("/var/www/html", "App\\Users::add ROOT/app/Users.php 9 | User::create($data);"),
            error("PDOException", f"SQLSTATE[23000]: Duplicate entry '{mail}' for key 'users.email'"))
        for name, mail in (("ann", "ann@example.com"), ("bob b", "bob@example.org"))
    ],
    "closure of a route": [
        php("RuntimeException", "no stock", laravel(root, f"{closure} ROOT/routes/web.php 12 | $stock->take($id);",
                                                    "App\\Stock::take ROOT/app/Stock.php 5 | throw new RuntimeException('no stock');"))
        for root, closure in (("/var/www/html", "{closure}"), ("/app", "{closure:/app/routes/web.php:12}"))
    ],
    "in a compiled view": [
        php("Illuminate\\View\\ViewException", f"no cart (View: {root}/resources/views/cart.blade.php)",
            laravel(root, f"include ROOT/storage/framework/views/{h}.php 3"),
            error("LogicException", "no cart", laravel(root, f"include ROOT/storage/framework/views/{h}.php 3",
                                                       "App\\Cart::current ROOT/app/Cart.php 5 | throw new LogicException('no cart');")))
        for root, h in (("/var/www/html", "3f2a9c1b77aa01ff3f2a9c1b77aa01ff3f2a9c1b"), ("/srv/www/shop", "77aa01ff3f2a9c1b77aa01ff3f2a9c1b3f2a9c1b"))
    ],
    "model not found": [
        php("Illuminate\\Database\\Eloquent\\ModelNotFoundException", f"No query results for model [App\\Models\\User] {n}",
            laravel("/var/www/html", "App\\Users::show ROOT/app/Users.php 30 | User::findOrFail($id);")) for n in (42, 1043)
    ],
}  # fmt: skip

RUBY_STACK = """
- . call /usr/local/bundle/gems/rack-3.1/lib/rack/runtime.rb 24
+ CartsController {show} app/controllers/carts_controller.rb 9 | @total = cart.total
+ Cart {total} app/models/cart.rb 31 | lines.sum {{ |line| line.price * line.count }}
"""
RUBY: Area = {
    "no price, before and after Ruby 3.4": [
        event("ruby", error("NoMethodError", "undefined method `price' for nil:NilClass",
                            RUBY_STACK.format(show="show", total="block~in~total"))),
        event("ruby", error("NoMethodError", "undefined method 'price' for nil (NoMethodError)",
                            RUBY_STACK.format(show="CartsController#show", total="block~in~Cart#total"))),
    ],
    "no such user": [
        event("ruby", error("ActiveRecord::RecordNotFound", f"Couldn't find User with 'id'={n} [WHERE \"users\".\"tenant\" = $1]",
                            "+ . show app/controllers/users_controller.rb 5 | @user = User.find(params[:id])")) for n in (42, 1043)
    ],
    "no such order": [
        event("ruby", error("ActiveRecord::RecordNotFound", "Couldn't find Order with 'id'=42",
                            "+ . show app/controllers/users_controller.rb 6 | @order = Order.find(params[:id])"))
    ],
    "in a template": [
        event("ruby", error("NoMethodError", "undefined method 'name' for nil", f"+ . {name} app/views/carts/show.html.erb 3 | <%= user.name %>\n"
                                                                                 "+ . label app/helpers/cart_helper.rb 4 | user.name"),
              error("ActionView::Template::Error", "undefined method 'name' for nil", f"+ . {name} app/views/carts/show.html.erb 3"))
        for name in ("_app_views_carts_show_html_erb___123_456", "_app_views_carts_show_html_erb__987_654")
    ],
    "slow worker": [
        event("ruby", error("Net::ReadTimeout", f"Net::ReadTimeout with #<TCPSocket:(closed {n})>",
                            "+ . perform app/jobs/sync_job.rb 8 | client.get(url)\n+ . get app/clients/http.rb 3 | http.request(req)")) for n in (1, 2)
    ],
}  # fmt: skip

# --- .NET and what a compiler names ---

DOTNET: Area = {
    "async, before and after the SDK unwound it": [
        event("csharp", error("System.InvalidOperationException", "Sequence contains no elements", f"""
            - Microsoft.AspNetCore.Mvc.Infrastructure.ControllerActionInvoker InvokeActionMethodAsync . 0
            + {module} {function} {root}CartController.cs 40
            + Shop.Cart {total} {root}Cart.cs 12
            - System.Linq.ThrowHelper ThrowNoElementsException . 0
        """)) for module, function, total, root in (
            ("Shop.CartController+<Checkout>d__3", "MoveNext", "<Total>b__1_0", "/src/Shop/"),
            ("Shop.CartController+<Checkout>d__7", "MoveNext", "<Total>b__4_2", "C:\\agent\\_work\\1\\s\\"),
            ("Shop.CartController", "Checkout", "Total~{~<lambda>~}", "/src/Shop/"),
        )
    ],
    "one of many": [
        event("csharp", error("System.TimeoutException", "no answer", "+ Shop.Stock Ask Stock.cs 3\n+ Shop.Http Get Http.cs 7",
                              mechanism={"type": "chained", "exception_id": 1, "parent_id": 0, "source": "InnerExceptions[0]"}),
              error("System.AggregateException", "One or more errors occurred. (no answer)",
                    mechanism={"type": "generic", "exception_id": 0, "is_exception_group": True})),
        event("csharp", error("System.TimeoutException", "no answer", "+ Shop.Stock Ask Stock.cs 9\n+ Shop.Http Get Http.cs 8")),
    ],
    "null": [
        event("csharp", error("System.NullReferenceException", "Object reference not set to an instance of an object.",
                              f"+ Shop.Api Run Api.cs {n}\n+ Shop.Order`1[[System.String]] Price Order.cs {n}")) for n in (3, 30)
    ],
    "template": [
        log("csharp", "Order {OrderId} took {Elapsed} ms", f"Order {n} took {n} ms", "Shop.Orders") for n in (5, 78)
    ],
}  # fmt: skip

NATIVE: Area = {
    "rust": [
        event("native", error("panic", f"index out of bounds: the len is 3 but the index is {n}", f"""
            ? . std::rt::lang_start::{{{{closure}}}}::{h} /rustc/abc/library/std/src/rt.rs 166
            ? . shop::main::{h} src/main.rs 4
            ? . shop::cart::total::{{{{closure}}}}::{h} src/cart.rs 12
            ? . core::panicking::panic_bounds_check::{h} /rustc/abc/library/core/src/panicking.rs 208
            ? . rust_begin_unwind /rustc/abc/library/std/src/panicking.rs 652
        """)) for n, h in ((5, "h0123456789abcdef"), (7, "hfedcba9876543210"))
    ],
    "rust, another expectation in the same function": [
        event("native", error("panic", "the cart has a customer", """
            ? . shop::main::h0123456789abcdef src/main.rs 4
            ? . shop::cart::total::h0123456789abcdef src/cart.rs 12
        """)),
    ],
    "rust, another place": [
        event("native", error("panic", "index out of bounds: the len is 3 but the index is 5",
                              "? . shop::main::h0123456789abcdef src/main.rs 4\n? . shop::tax::total::h0123456789abcdef src/tax.rs 12")),
    ],
    "C++": [
        event("native", error("SIGSEGV", "Segfault", f"""
            ? . __libc_start_main . 0
            ? . main . 0
            ? . shop::Cart<{a}>::total({a}~const&)~const . 0
            ? . void~shop::Line::price<{a}>(std::vector<{a}>~const&) . 0
        """, mechanism={"type": "signalhandler", "synthetic": True, "handled": False})) for a in ("int", "long")
    ],
    "swift": [
        event("cocoa", error("EXC_BREAKPOINT", f"Exception 6, Code 1, Subcode {n}", f"""
            - UIKitCore UIApplicationMain . 0
            + Shop {prefix}CartView.body.getter . 0
            + Shop {prefix}Cart.total()~throws~->~Swift.Int . 0
        """, mechanism={"type": "mach", "handled": False})) for n, prefix in ((4370000000, "closure~#1~in~"), (4360009999, "specialized~"))
    ],
    "objective-c": [
        event("cocoa", error("NSRangeException", f"*** -[__NSArrayM objectAtIndex:]: index {n} beyond bounds [0 .. 2]", f"""
            + Shop main . 0
            + Shop __{n}-[Cart~total]_block_invoke{suffix} . 0
            + Shop -[Cart~lineAt:] . 0
        """)) for n, suffix in ((31, ""), (20, "_2"))
    ],
    "NSError, by a central handler": [
        event("cocoa", error("NSURLErrorDomain", "Code: -1009", "+ Shop main . 0\n+ Shop -[App~report:] . 0", mechanism={"type": "NSError"})),
    ],
    "NSError, another, by the same handler": [
        event("cocoa", error("ShopErrorDomain", "Code: 7", "+ Shop main . 0\n+ Shop -[App~report:] . 0", mechanism={"type": "NSError"})),
    ],
}  # fmt: skip

OTHER: Area = {
    "elixir": [
        event("elixir", error("KeyError", "key :price not found in: %{id: 42}", f"""
            - Phoenix.Router Phoenix.Router.__call__/5 lib/phoenix/router.ex 484
            + ShopWeb.CartController ShopWeb.CartController.show/2 lib/shop_web/controllers/cart_controller.ex {n}
            + Shop.Cart {f} lib/shop/cart.ex {n}
        """)) for n, f in ((9, "anonymous~fn/1~in~Shop.Cart.total/1"), (12, 'Shop.Cart."-total/1-fun-0-"/1'))
    ],
    "elixir, another place": [
        event("elixir", error("KeyError", "key :price not found in: %{id: 42}", """
            + ShopWeb.CartController ShopWeb.CartController.show/2 lib/shop_web/controllers/cart_controller.ex 9
            + Shop.Tax Shop.Tax.total/1 lib/shop/tax.ex 9
        """)),
    ],
    "flutter": [
        event("other", error("StateError", "Bad state: No element", f"""
            - . _rootRunUnary package:flutter/src/zone.dart 1
            + . CartPage.build package:shop/cart_page.dart {n}
            + . <asynchronous~suspension> package:shop/cart.dart 0
            + . Cart.total.<anonymous~closure> package:shop/cart.dart {n}
        """)) for n in (4, 40)
    ],
    "shell": [event("other", message=f"Backup of /srv/data failed after {n} s", logger="") for n in (12, 340)],
    "policy": [
        event("javascript", csp={"effective_directive": "script-src", "blocked_uri": f"https://evil.example/{n}.js", "document_uri": f"https://a.example/{n}"})
        for n in (1, 2)
    ],
    "policy, another host": [
        event("javascript", csp={"effective_directive": "script-src", "blocked_uri": "https://cdn.example/1.js", "document_uri": "https://a.example/1"})
    ],
    "own fingerprint": [
        event("python", error("A", "x"), fingerprint=["payments", "eu"]), event("python", error("B", "y"), fingerprint=["payments", "eu"]),
    ],
}  # fmt: skip

RECORDED = Path(__file__).parent / "fixtures" / "grouping"


def recorded(name: str) -> Area:
    """What real programs sent: each mistake twice, from two folders, with other values, and with lines moved."""
    area: Area = {}
    for line in (RECORDED / f"{name}.jsonl").read_text().splitlines():
        payload = msgspec.json.decode(line)
        area.setdefault(payload.pop("label"), []).append(payload)
    return area


AREAS: dict[str, Area] = {
    "Python, recorded": recorded("python"), "Node, recorded": recorded("node"), "Java, recorded": recorded("java"), "Go, recorded": recorded("go"),
    "Python": PYTHON, "browser": BROWSER, "Node, React Native": NODE, "JVM": JVM, "Go": GO, "PHP": PHP, "Ruby": RUBY, ".NET": DOTNET,
    "native": NATIVE, "other": OTHER,
}  # fmt: skip


def pairs(area: Area) -> Iterator[tuple[str, str, Payload, Payload, bool]]:
    """Every two payloads of an area: their bugs' names, themselves, and whether they are one issue."""
    labelled = [(bug, payload) for bug, payloads in area.items() for payload in payloads]
    for (one_bug, one), (two_bug, two) in combinations(labelled, 2):
        yield one_bug, two_bug, one, two, one_bug == two_bug


def slug(text: str) -> str:
    return re.sub(r"\W+", "-", text.lower()).strip("-")
