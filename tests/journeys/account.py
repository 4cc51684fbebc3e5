"""Somebody who looks at what Bugwatch made of the events that came in: through the API, as any program would."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from tests.journeys.conftest import Running

Json = dict[str, Any]
EMAIL, PASSWORD = "alice@example.com", "a long enough sentence"
PATIENCE_S = 60  # for what a client sent to be stored, on a machine that is busy with other tests


def sign_up(bw: Running) -> httpx.Client:
    """The first account, made with the printed token; a client that speaks for it."""
    token = bw.wait_for(r"https?://\S+/setup\S*[?&]token=([\w-]+)")
    api = httpx.Client(base_url=f"{bw.url}/api/v1", timeout=20, trust_env=False)
    person = {"email": EMAIL, "password": PASSWORD, "name": "Alice"}
    api.post("/auth/signup", json=person | {"setup_token": token}).raise_for_status()
    session = api.post("/auth/login", json=person).raise_for_status().json()
    api.headers["Authorization"] = f"Bearer {session['access_token']}"
    return api


@dataclass(frozen=True)
class Account:
    api: httpx.Client

    def new_project(self, platform: str) -> Project:
        body = {"name": f"{platform} {uuid.uuid4()}", "platform": platform}
        made = self.api.post("/projects", json=body).raise_for_status().json()
        return Project(self.api, made["id"], made["dsn"])


@dataclass(frozen=True)
class Project:
    """A project as its API shows it. Every reading waits until the ledger has as many items as it is asked for."""

    api: httpx.Client
    id: int
    dsn: str

    @property
    def key(self) -> str:
        return self.dsn.partition("://")[2].partition("@")[0]

    @property
    def ingest(self) -> str:
        """What SDKs make of the DSN."""
        return self.dsn.replace(f"{self.key}@", "").removesuffix(f"/{self.id}") + f"/api/{self.id}"

    def ledger(self, category: str = "error") -> Json:
        """What became of all items of a category; the sum adds up at any moment."""
        booked: Json = self._get(f"/ledger?category={category}")
        assert booked["received"] == sum(count for verdict, count in booked.items() if verdict != "received")
        return booked

    def stored(self, count: int = 1, category: str = "error") -> None:
        """Wait for `count` items; all of them are stored, and nothing else came."""
        deadline = time.monotonic() + PATIENCE_S
        while (booked := self.ledger(category))["received"] < count or booked["waiting"]:
            assert time.monotonic() < deadline, f"only {booked} came"
            time.sleep(0.05)
        assert {verdict: n for verdict, n in booked.items() if n} == {"received": count, "stored": count}

    def issues(self, count: int = 1) -> list[Json]:
        """The project's issues once `count` events are stored, that of the oldest event first."""
        self.stored(count)
        return sorted(self._get("/issues?limit=100")["items"], key=lambda issue: int(issue["id"]))

    def events(self, issue: Json) -> list[Json]:
        """The issue's events in full, oldest first."""
        listed = self._get(f"/issues/{issue['id']}/events?limit=100")["items"]
        return [self.event(event["event_id"]) for event in reversed(listed)]

    def event(self, event_id: str) -> Json:
        event: Json = self._get(f"/events/{event_id}")
        return event

    def only(self) -> tuple[Json, Json]:
        """The one issue and its one event."""
        (issue,) = self.issues()
        (event,) = self.events(issue)
        assert issue["event_count"] == 1
        return issue, event

    def download(self, event: Json) -> dict[str, bytes]:
        """The files that came with an event, by name."""
        place = f"/projects/{self.id}/events/{event['event_id']}/attachments"
        files = self.api.get(place).raise_for_status().json()["items"]
        return {file["name"]: self.api.get(f"{place}/{file['id']}").raise_for_status().content for file in files}

    def _get(self, path: str) -> Any:
        return self.api.get(f"/projects/{self.id}{path}").raise_for_status().json()


def trace(event: Json, link: int = -1) -> list[tuple[str, int]]:
    """(function, line) of the app's own frames of an exception, crash last."""
    return [(frame.get("function", ""), frame["lineno"]) for frame in frames(event, link) if frame.get("in_app")]


def crash(event: Json, link: int = -1) -> Json:
    """The app's own frame that is nearest to the crash."""
    return [frame for frame in frames(event, link) if frame.get("in_app")][-1]


def frames(event: Json, link: int = -1) -> list[Json]:
    found: list[Json] = event["exception"]["values"][link]["stacktrace"]["frames"]
    return found


def line_of(file: Path, text: str) -> int:
    """Where in `file` the only line with `text` is."""
    (number,) = (number for number, line in enumerate(file.read_text().splitlines(), 1) if text in line)
    return number
