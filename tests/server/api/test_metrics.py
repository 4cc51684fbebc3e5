"""What Prometheus reads."""

from __future__ import annotations

from tests.server.conftest import Server
from tests.server.ingest.conftest import Sender, envelope, error, sender_of


async def test_counts_and_the_gear_are_there_for_this_machine(server: Server) -> None:
    sender: Sender = await sender_of(server)
    await sender.event()
    await sender.post(envelope(("event", error())), headers={"X-Sentry-Auth": "Sentry sentry_key=" + "0" * 32})

    await server.house.ingest.book()
    text = (await server.http.get("/metrics")).text

    assert 'bugwatch_items_total{category="error",outcome="stored"} 1\n' in text
    assert 'bugwatch_refused_requests_total{reason="unauthenticated"} 1\n' in text
    assert 'bugwatch_ingest_gear{gear="direct"} 1\n' in text
    assert 'bugwatch_ingest_gear{gear="shed"} 0\n' in text
    assert "\nbugwatch_spool_items 0\n" in text


async def test_a_stranger_behind_a_proxy_needs_a_token(server: Server) -> None:
    headers = {"X-Forwarded-For": "203.0.113.7"}
    assert (await server.http.get("/metrics", headers=headers)).status_code == 401
    assert (await server.http.get("/metrics", headers={**headers, "Authorization": "Bearer bw_x"})).status_code == 401


async def test_answers_and_batches_are_timed(server: Server) -> None:
    sender: Sender = await sender_of(server)
    await sender.event()
    await server.http.get(f"/nowhere?key={sender.key}")

    text = (await server.http.get("/metrics")).text

    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert int(samples['bugwatch_request_seconds_count{route="envelope.post",status="2xx"}']) >= 1
    assert int(samples['bugwatch_request_seconds_count{route="none",status="4xx"}']) >= 1
    assert samples['bugwatch_batch_requests_bucket{le="1"}'] == samples["bugwatch_batch_requests_count"] == "1"
    assert float(samples["bugwatch_batch_seconds_sum"]) > 0
    assert samples['bugwatch_batch_wait_seconds_bucket{le="+Inf"}'] == "1"
    assert sender.key not in text
