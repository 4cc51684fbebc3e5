"""How many events a second one core stores and digests: `make bench`.

Real SDK events (recorded from sentry-sdk, 6 to 20 KB, gzip) of 50 groups, each with an id of its own, sent over
keep-alive connections. The server runs on one core, the load on another. What is printed: events stored per second of
the whole run, p50 and p99 of the answers, CPU per event, memory, bytes on disk per event.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "fixtures" / "events"
GROUPS = 50
PORT = 18470


def samples() -> list[bytes]:
    """The recorded events of 6 to 20 KB."""
    found = [path.read_bytes() for path in sorted(FIXTURES.glob("*.json"))]
    return [raw for raw in found if 6_000 <= len(raw) <= 20_000] or found


def body(raw: bytes, group: int) -> bytes:
    """One envelope with a fresh event id, in one of the groups."""
    event_id = uuid.uuid4().hex
    event = json.loads(raw)
    event["event_id"] = event_id
    event["timestamp"] = time.time()
    event["user"] = {"id": str(random.randrange(5_000))}
    event["fingerprint"] = ["{{ default }}", f"group-{group}"]
    payload = json.dumps(event, separators=(",", ":")).encode()
    header = json.dumps({"event_id": event_id}).encode()
    item = json.dumps({"type": "event", "length": len(payload)}).encode()
    return gzip.compress(b"\n".join((header, item, payload, b"")), 6)


async def send(port: int, path: str, bodies: list[bytes], connections: int) -> list[float]:
    """Seconds from request to answer, for each body; every answer must be a 200."""
    taken: list[float] = []
    queue = iter(bodies)

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for data in queue:
            started = time.perf_counter()
            writer.write(
                f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n"
                f"Content-Length: {len(data)}\r\n\r\n".encode()
                + data
            )
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            taken.append(time.perf_counter() - started)
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return taken


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--command", default=f"{sys.executable} -m bugwatch", help="what starts the server")
    given = parser.parse_args()
    raws = samples()
    os.sched_setaffinity(0, {1} if os.cpu_count() and os.cpu_count() > 1 else {0})  # type: ignore[operator]
    with tempfile.TemporaryDirectory(prefix="bugwatch-bench-") as folder:
        environment = {
            **os.environ,
            "BUGWATCH_DATA_DIR": folder,
            "BUGWATCH_PORT": str(PORT),
            "BUGWATCH_RATE_LIMIT": "0",
            "BUGWATCH_LOG_LEVEL": "warning",
        }
        command = given.command.split()
        project = json.loads(
            subprocess.run(
                [*command, "project", "create", "--name", "Bench", "--json"],
                env=environment, check=True, capture_output=True,
            ).stdout
        )
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            os.sched_setaffinity(server.pid, {0})
            _wait()
            key = project["dsn"].partition("://")[2].partition("@")[0]
            path = f"/api/{project['id']}/envelope/?sentry_key={key}"
            bodies = [body(raws[n % len(raws)], n % GROUPS) for n in range(given.events + 2_000)]
            asyncio.run(send(PORT, path, bodies[:2_000], given.connections))  # warm: dictionary, caches
            before, started = cpu_seconds(server.pid), time.perf_counter()
            taken = sorted(asyncio.run(send(PORT, path, bodies[2_000:], given.connections)))
            elapsed = time.perf_counter() - started
            cpu = cpu_seconds(server.pid) - before
            disk = sum(file.stat().st_size for file in Path(folder).glob("bugwatch.db*"))
            print(
                f"{given.events / elapsed:,.0f} events/s stored and digested; "
                f"p50 {statistics.median(taken) * 1000:.1f} ms, p99 {taken[int(len(taken) * 0.99)] * 1000:.1f} ms; "
                f"{cpu / given.events * 1e6:.0f} µs CPU an event; {memory_mb(server.pid):.0f} MB at most; "
                f"{disk / len(bodies):,.0f} B on disk an event; {given.connections} connections, "
                f"{sum(map(len, raws)) / len(raws) / 1024:.1f} KB an event on average"
            )
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


def _wait() -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health/ready", timeout=1).read()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The server did not start.")


if __name__ == "__main__":
    main()
