"""An error in minified code, as a browser sends it, and what Bugwatch shows of it."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import httpx

from tests.journeys.account import Json, Project, frames

ADDRESS = "https://shop.example.com/app.js?v=1"


def crash_in(file: Path, project: Project, number: int, *, debug_id: str = "", release: str = "") -> Json:
    """The frame of an error where the code throws, the `number`th event of the project."""
    lines = file.read_text().splitlines()
    [(line, column)] = [(n, text.index("throw") + 1) for n, text in enumerate(lines, 1) if "throw" in text]
    place = {"abs_path": ADDRESS, "filename": "/app.js", "lineno": line, "colno": column}
    image = {"type": "sourcemap", "code_file": ADDRESS, "debug_id": debug_id}
    event = {
        "event_id": uuid.uuid4().hex,
        "platform": "javascript",
        "release": release or None,
        "exception": {"values": [{"type": "Error", "value": "no", "stacktrace": {"frames": [place]}}]},
        "debug_meta": {"images": [image] if debug_id else []},
    }
    auth = {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={project.key}"}
    httpx.post(f"{project.ingest}/store/", json=event, headers=auth, trust_env=False).raise_for_status()
    project.stored(number)
    return frames(project.event(str(event["event_id"])))[-1]


def debug_id_of(file: Path) -> str:
    """What a plugin has put into the code."""
    [found] = set(re.findall(r"sentry-dbid-([0-9a-f-]{36})", file.read_text()))
    return found
