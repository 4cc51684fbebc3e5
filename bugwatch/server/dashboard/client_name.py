"""What to call the program at the other end of a session: good enough to tell one's own apart."""

from __future__ import annotations

import re

from bugwatch.templates import gettext as _

# In this order: most browsers also claim to be those that stand below them.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def client_name(user_agent: str) -> str:
    """`Firefox on Linux`, `curl/8.5.0`; empty if nothing was said."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or re.split(r"[\s(]", user_agent, maxsplit=1)[0][:60]
