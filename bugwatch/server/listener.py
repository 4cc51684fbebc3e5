"""The listening side of the HTTP door: an app behind a socket, and an end that no running request notices."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sanic import Sanic
from sanic.application.state import ApplicationServerInfo
from sanic.http.constants import HTTP
from sanic.server.async_server import AsyncioServer

from bugwatch.domain.errors import Unavailable
from bugwatch.server.ingest.fast_lane import FastLane

GRACE_S = 10


@asynccontextmanager
async def answering(app: Sanic[Any, Any], sock: socket.socket) -> AsyncIterator[None]:
    """Answer what arrives at `sock`. On leaving, running requests have `GRACE_S` to end."""
    # Sanic rewrites itself for the one protocol that it serves; without this it would announce others.
    app.state.server_info.append(ApplicationServerInfo({"version": HTTP.VERSION_1, "port": sock.getsockname()[1]}))
    server = await app.create_server(sock=sock, protocol=FastLane, return_asyncio_server=True, access_log=False)
    if not isinstance(server, AsyncioServer):
        raise Unavailable("The server did not start.")
    await server.startup()
    await server.start_serving()
    try:
        yield
    finally:
        await _stop(server)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Unavailable with what to do if the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise Unavailable(
            f"Cannot listen on {host}:{port}: {error.strerror or error}. "
            "Stop what uses the port, or choose another with BUGWATCH_PORT."
        ) from None
    sock.listen(1024)
    sock.setblocking(False)
    return sock


async def _stop(server: AsyncioServer) -> None:
    """Take no new connections, let running requests end for `GRACE_S`, then hang up."""
    server.close()
    for _ in range(GRACE_S * 20):
        for connection in list(server.connections):
            connection.close_if_idle()
        if not server.connections:
            return
        await asyncio.sleep(0.05)
    for connection in list(server.connections):
        connection.abort()
