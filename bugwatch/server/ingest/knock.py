"""Who knocks at the door: all that it needs to know of a request, whoever read it off the wire."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

from bugwatch.domain.record import record


@record
class Knock:
    """`headers` answers to names in lower case; `query` has the first value of each parameter."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    client_address: str
    request_id: str


def query_of(text: str) -> dict[str, str]:
    """The parameters in what stands behind the question mark."""
    return {name: values[0] for name, values in parse_qs(text).items()}
