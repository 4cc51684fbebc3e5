"""kill -9 at any instant: no acknowledged event is lost, none is counted twice, the ledger adds up.

`make prove` runs this with many more kills (`BUGWATCH_KILLS`).
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
import uuid
from pathlib import Path

import httpx
import pytest
from pysqlite3 import dbapi2 as sqlite

from tests.journeys.conftest import SOURCE, Start
from tests.journeys.operator import new_project

pytestmark = [pytest.mark.journey, pytest.mark.slow]

KILLS = int(os.environ.get("BUGWATCH_KILLS", "4"))
SENDERS = 6


class Senders:
    """Threads that post events without end, each event until it is acknowledged; `acknowledged` is their log."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.url = ""
        self.acknowledged: set[str] = set()
        self.sent: set[str] = set()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let every event that was begun be acknowledged."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _run(self) -> None:
        with httpx.Client(timeout=5, trust_env=False) as http:
            while not self._stopping.is_set():
                event_id = uuid.uuid4().hex
                self.sent.add(event_id)
                while not self._post(http, event_id):
                    time.sleep(0.02)
                self.acknowledged.add(event_id)
                if random.random() < 0.05:  # an SDK that did not trust its answer
                    self._post(http, event_id)

    def _post(self, http: httpx.Client, event_id: str) -> bool:
        group = int(event_id[:2], 16) % 20
        event = {
            "platform": "python",
            "user": {"id": event_id[:3]},
            "exception": {"values": [{"type": f"Error{group}", "value": "x" * random.randrange(4_000)}]},
        }
        body = "\n".join((json.dumps({"event_id": event_id}), '{"type":"event"}', json.dumps(event)))
        try:
            return http.post(self.url + self.path, content=body).status_code == 200
        except httpx.HTTPError:
            return False


def test_kill_9_loses_nothing_and_doubles_nothing(start: Start, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    project = new_project(SOURCE, data_dir)
    settings = {"BUGWATCH_RATE_LIMIT": "0"}
    bw = start(data_dir=data_dir, **settings)
    senders = Senders(f"/api/{project['id']}/envelope/?sentry_key={project['key']}")
    senders.url = bw.url

    for _ in range(KILLS):
        time.sleep(random.uniform(0.3, 1.5))
        bw.end(signal.SIGKILL)
        bw = start(data_dir=data_dir, BUGWATCH_PORT=bw.url.rpartition(":")[2], **settings)
    time.sleep(0.5)
    senders.stop()
    assert bw.end() == 0

    with sqlite.connect(data_dir / "bugwatch.db") as db:
        assert_all_is_there(db, senders)
    assert len(senders.acknowledged) > 20 * KILLS


def assert_all_is_there(db: sqlite.Connection, senders: Senders) -> None:
    stored = [bytes(row[0]).hex() for row in db.execute("SELECT event_id FROM events")]
    assert senders.acknowledged <= set(stored), "acknowledged events are lost"
    assert len(stored) == len(set(stored)), "events are stored twice"
    assert set(stored) <= senders.sent

    def value(sql: str) -> int:
        return int(db.execute(sql).fetchone()[0] or 0)

    booked = dict(db.execute("SELECT outcome, SUM(count) FROM ledger WHERE category = 'error' GROUP BY outcome"))
    waiting = value("SELECT COUNT(*) FROM spool")
    verdicts = sum(booked.get(o, 0) for o in ("stored", "duplicate", "filtered", "limited", "invalid"))
    assert booked["received"] == verdicts + waiting
    assert booked["stored"] == len(stored)
    assert value("SELECT SUM(event_count) FROM issues") == len(stored)
    assert value("SELECT SUM(count) FROM issue_hours") == len(stored)
    assert value("SELECT SUM(count) FROM project_hours") == len(stored)
    assert value("SELECT SUM(count) FROM level_hours") == len(stored)
    assert value("SELECT COUNT(*) FROM payloads") == len(stored)
    assert value("SELECT COUNT(*) FROM event_order") == len(stored)
    assert value("SELECT SUM(user_count) FROM issues") == value("SELECT COUNT(*) FROM issue_users")
    assert value("SELECT COUNT(*) FROM transitions WHERE kind = 'new'") == value("SELECT COUNT(*) FROM issues")
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
