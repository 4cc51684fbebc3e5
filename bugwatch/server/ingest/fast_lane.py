"""The way of the ordinary request (`ordinary.py`): from the socket to the door and back, without all that Sanic does
for a request that may be anything.

It stands before Sanic on each connection and looks at what comes while Sanic waits for a request. What is ordinary is
answered here, by the same door and with the same answers. All else is Sanic's, byte for byte and before anything was
done with it: other addresses, chunks, trickling bodies, pipelines, whatever is large or odd, and with it the timeouts
and the errors of HTTP. Of those duties two are left here: a request that is being answered is not idle, and does not
take for ever.
"""

from __future__ import annotations

import asyncio
from time import monotonic, perf_counter
from typing import Any

from sanic.exceptions import ServiceUnavailable
from sanic.helpers import STATUS_CODES
from sanic.http import Stage
from sanic.server.protocols.http_protocol import HttpProtocol

from bugwatch.protocol.encoding import ByteBudget
from bugwatch.server import timing
from bugwatch.server.address import believed
from bugwatch.server.errors import reply_to_sdk
from bugwatch.server.ingest import ordinary
from bugwatch.server.ingest.door import expand
from bugwatch.server.ingest.envelope import take_envelope
from bugwatch.server.ingest.knock import Knock
from bugwatch.server.ingest.ordinary import Head, Unusual
from bugwatch.server.reply import Reply, finish
from bugwatch.server.request_id import request_id
from bugwatch.services.house import House

PATIENCE_S = 1  # for the rest of a request; Sanic has more
ROUTE = "bugwatch.envelope.post"
_NO_BREAKS = str.maketrans("", "", "\r\n\0")


class FastLane(HttpProtocol):
    """A connection. `_came` is what was received and belongs to nobody yet; `_answering` is the one at the door."""

    __slots__ = ("_answering", "_budget", "_came", "_house", "_patience")

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._house: House = self.app.ctx.house
        self._budget: ByteBudget = self.app.ctx.ingest_budget
        self._came = b""
        self._patience: asyncio.TimerHandle | None = None
        self._answering: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        if not (self._answering or self._is_sanic_waiting()):
            super().data_received(data)
            return
        self._came += data
        if self._answering:
            if self.transport and len(self._came) > self.app.config.REQUEST_BUFFER_SIZE:
                self.transport.pause_reading()  # Sanic, who gets all this, will go on
            return
        try:
            found = ordinary.read(self._came, self._house.site.base_path)
        except Unusual:
            self._hand_over()
            return
        if found:
            self._take(*found)
        elif not self._patience:
            self._patience = self.loop.call_later(PATIENCE_S, self._lose_patience)

    def check_timeouts(self) -> None:
        """What Sanic calls from time to time; to it, a connection whose request is answered here looks idle."""
        if self._answering and monotonic() - self._time > self.response_timeout:
            self._time = monotonic()  # it may take as long again to say so
            self._answering.cancel()
        super().check_timeouts()  # type: ignore[no-untyped-call]

    def close_if_idle(self) -> bool:
        return not (self._answering or self._came) and super().close_if_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        """What is at the door is stored all the same: it had arrived as a whole. Until then its memory is in use."""
        if self._patience:
            self._patience.cancel()
        super().connection_lost(exc)  # type: ignore[no-untyped-call]

    def _is_sanic_waiting(self) -> bool:
        """Whether the next byte begins a request. While the rest of a body that nobody wanted is on its way, Sanic
        calls itself idle as well: what looks like a request then is a part of that body."""
        if self.recv_buffer or not self._task:
            return False
        http = self.http  # None: it has not begun to wait for the first one
        return http is None or (
            http.stage is Stage.IDLE and http.keep_alive and not getattr(http, "request_body", None)
        )

    def _hand_over(self) -> None:
        came, self._came = self._came, b""
        super().data_received(came)

    def _lose_patience(self) -> None:
        # Nobody stops this clock when a request is complete: that would cost more than one that is handed over early.
        self._patience = None
        if self._came and not self._answering:
            self._hand_over()

    def _take(self, head: Head, body: bytes) -> None:
        self._came = b""
        self._time = monotonic()
        self._answering = self.loop.create_task(self._serve(head, body))

    async def _serve(self, head: Head, body: bytes) -> None:
        is_kept = False
        try:
            is_kept = await self._answer(head, body)
        finally:
            self._answering = None
            if not is_kept:
                self.close()
            elif self._came:
                self._hand_over()

    async def _answer(self, head: Head, body: bytes) -> bool:
        """Whether the connection is of further use."""
        began = perf_counter()
        headers, site = head.headers, self._house.site
        peer = self.conn_info.client_ip if self.conn_info else ""
        address = believed(peer, headers.get("x-forwarded-for", ""), site.trusted_proxies)
        knock = Knock(headers, head.query, address, request_id(headers.get("x-request-id")))
        is_late = False
        try:
            reply = await self._reply(head, knock, body)
        except asyncio.CancelledError:
            is_late = True
            reply = self._refusal(head, knock, ServiceUnavailable("Response Timeout"))
        except Exception as error:  # noqa: BLE001 - each has its answer, as in Sanic
            reply = self._refusal(head, knock, error)
        seconds = perf_counter() - began
        finish(reply.headers, knock.request_id, seconds, for_sdk=True)
        timing.finished("POST", ROUTE, reply.status, seconds, knock.request_id)
        await self._write(_wire(reply, is_kept=not is_late))
        return not is_late

    async def _reply(self, head: Head, knock: Knock, body: bytes) -> Reply:
        with self._budget.lease() as lease:
            lease.reserve(len(body))
            encoding = head.headers.get("content-encoding")
            expanded = await expand(body, encoding, self._house.limits, lease.reserve)
            return await take_envelope(self._house, knock, head.project_id, expanded)

    def _refusal(self, head: Head, knock: Knock, error: Exception) -> Reply:
        return reply_to_sdk(self._house, "POST", f"/api/{head.project_id}/envelope/", knock.request_id, error)

    async def _write(self, data: bytes) -> None:
        await self._can_write.wait()
        if self.transport and not self.transport.is_closing():
            self.transport.write(data)
        self._time = monotonic()


def _wire(reply: Reply, *, is_kept: bool) -> bytes:
    """An answer as Sanic would send it."""
    lines = [
        f"{name}: {value if value.isprintable() else value.translate(_NO_BREAKS)}\r\n"
        for name, value in reply.headers.items()
    ]
    head = (
        f"{''.join(lines)}content-length: {len(reply.body)}\r\n"
        f"connection: {'keep-alive' if is_kept else 'close'}\r\ncontent-type: {reply.content_type}\r\n\r\n"
    )
    return b"HTTP/1.1 %d %b\r\n%b%b" % (reply.status, STATUS_CODES[reply.status], head.encode(), reply.body)
