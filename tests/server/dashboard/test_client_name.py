from __future__ import annotations

import pytest

from bugwatch.server.dashboard.client_name import client_name


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605 Version/17 Safari/605", "Safari on macOS"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/156.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("python-httpx/0.28.1 (x)", "python-httpx/0.28.1"),
        ("", ""),
        ("x" * 1_000, "x" * 60),
    ],
)
def test_a_session_is_named_after_its_program(user_agent: str, name: str) -> None:
    assert client_name(user_agent) == name
