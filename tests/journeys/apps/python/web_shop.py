"""Serves a web shop and asks for pages: `python web_shop.py django_shop|flask_shop DSN PATH …`."""

from __future__ import annotations

import importlib
import sys
import threading
import urllib.error
import urllib.request
from wsgiref.simple_server import make_server

import sentry_sdk


def ask(url: str) -> int:
    asked = urllib.request.Request(url, headers={"Cookie": "session=a-secret", "Authorization": "Bearer a-secret"})
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


if __name__ == "__main__":
    shop, dsn, *paths = sys.argv[1:]
    sentry_sdk.init(dsn, release="shop@1.4.2", send_default_pii=True)
    server = make_server("127.0.0.1", 0, importlib.import_module(shop).application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for path in paths:
        assert ask(f"http://127.0.0.1:{server.server_port}{path}") == 500
    sentry_sdk.flush(20)
