from __future__ import annotations

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.errors import BugwatchError, Invalid, Unauthenticated
from bugwatch.protocol.auth import Credentials, credentials

KEY = "9ec79c33ec9942ab8353589fcb2e04dc"
OTHER = "00000000000000000000000000000001"
DSN = f"https://{KEY}@elsewhere.example/7"


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    "header",
    [
        f"Sentry sentry_key={KEY}, sentry_version=7, sentry_client=raven-x/1",
        f"Sentry sentry_version=7,sentry_client=raven-x/1,sentry_key={KEY}",
        f"sentry  SENTRY_KEY={KEY} ,  sentry_client=raven-x/1",
        f'SENTRY sentry_key="{KEY}", sentry_client="raven-x/1", sentry_version="7"',
        f"sentry_key={KEY}, sentry_client=raven-x/1",
        f"Sentry sentry_timestamp=1.5, sentry_key={KEY}, sentry_secret=abc, sentry_client=raven-x/1, , =, junk",
        f"Sentry sentry_key={KEY.upper()}, sentry_client=raven-x/1",
        "Sentry sentry_key=9ec79c33-ec99-42ab-8353-589fcb2e04dc, sentry_client=raven-x/1",
    ],
)
@pytest.mark.parametrize("name", ["x-sentry-auth", "authorization"])
def test_the_header_is_read_in_every_spelling(name: str, header: str) -> None:
    if name == "authorization" and not header.lower().startswith("sentry "):
        pytest.skip("Authorization names its scheme")
    found = credentials({name: header}, {})

    assert (found.public_key, found.client, found.version) == (KEY, "raven-x/1", 7)


def test_the_key_in_the_query_as_node_and_browsers_send_it() -> None:
    query = {"sentry_key": KEY, "sentry_version": "7", "sentry_client": "sentry.javascript.browser/11.12.0"}

    assert credentials({}, query, project_id=3) == Credentials(KEY, 7, "sentry.javascript.browser/11.12.0", 3, "query")


@pytest.mark.parametrize("pair", [f"{KEY}:", KEY, f"{KEY}:secret"])
def test_the_key_as_a_users_name(pair: str) -> None:
    assert credentials({"authorization": basic(pair)}, {}).public_key == KEY


def test_a_users_name_that_is_no_key_is_meant_for_a_proxy() -> None:
    assert credentials({"authorization": basic("alice:secret")}, {"sentry_key": KEY}).source == "query"


def test_a_clients_name_is_fit_for_logs() -> None:
    query = {"sentry_key": KEY, "sentry_client": "x\r\n\udcff" + "y" * 9_000}

    assert credentials({}, query).client == "x???" + "y" * 196


def test_the_key_in_the_path() -> None:
    assert credentials({}, {}, path_key=KEY) == Credentials(KEY, 7, "", None, "path")


def test_a_tunnelled_envelope_brings_nothing_but_its_dsn() -> None:
    assert credentials({}, {}, envelope_dsn=DSN) == Credentials(KEY, 7, "", 7, "envelope")


def test_the_first_source_wins_where_all_agree() -> None:
    found = credentials(
        {"x-sentry-auth": f"Sentry sentry_key={KEY}, sentry_client=header/1", "authorization": basic(KEY)},
        {"sentry_key": KEY.upper(), "sentry_client": "query/1"},
        path_key=KEY,
        envelope_dsn=DSN,
        project_id=7,
    )

    assert found == Credentials(KEY, 7, "header/1", 7, "X-Sentry-Auth header")


def test_sources_that_name_no_key_do_not_count() -> None:
    headers = {"x-sentry-auth": "Sentry sentry_version=7", "authorization": "Bearer abc"}

    assert credentials(headers, {"sentry_key": KEY}).source == "query"


@pytest.mark.parametrize(
    ("headers", "query", "path_key", "envelope_dsn"),
    [
        ({"x-sentry-auth": f"Sentry sentry_key={KEY}"}, {"sentry_key": OTHER}, None, None),
        ({"x-sentry-auth": f"Sentry sentry_key={KEY}", "authorization": f"Sentry sentry_key={OTHER}"}, {}, None, None),
        ({"authorization": basic(KEY)}, {}, OTHER, None),
        ({}, {"sentry_key": OTHER}, None, DSN),
        ({}, {"sentry_key": KEY}, "nonsense", None),
    ],
)
def test_two_sources_with_different_keys_are_refused(
    headers: dict[str, str], query: dict[str, str], path_key: str | None, envelope_dsn: str | None
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        credentials(
            headers, query, path_key=path_key, envelope_dsn=envelope_dsn, base_url="http://bugs:8470", project_id=7
        )

    assert "different keys" in str(refused.value)


def test_an_envelope_of_another_project_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        credentials({}, {"sentry_key": KEY}, envelope_dsn=DSN, project_id=8)

    assert "project 7" in str(refused.value)
    assert "project 8" in str(refused.value)


@pytest.mark.parametrize("envelope_dsn", [None, "", "nonsense", "https://bugs.example/1", "https://k@h/slug"])
def test_an_envelope_dsn_that_is_none_does_not_count(envelope_dsn: str | None) -> None:
    assert credentials({}, {"sentry_key": KEY}, envelope_dsn=envelope_dsn, project_id=8).project_id == 8
    with pytest.raises(Unauthenticated):
        credentials({}, {}, envelope_dsn=envelope_dsn)


def test_without_a_key_the_text_says_what_we_saw() -> None:
    with pytest.raises(Unauthenticated) as refused:
        credentials({}, {}, project_id=12, base_url="http://bugs:8470/base")

    assert "http://<no-key>@bugs:8470/base/12" in str(refused.value)


@pytest.mark.parametrize(
    "key", ["abc", KEY[:-1], KEY + "0", "g" * 32, "bw_live_" + KEY, "é" * 32, "a\r\nb", "x" * 9_000]
)
def test_a_key_of_the_wrong_shape_is_refused_and_shown_tamed(key: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        credentials({}, {"sentry_key": key}, project_id=1, base_url="http://bugs")

    shown = str(refused.value)
    assert "http://" + key[0].replace("é", "?") in shown
    assert len(shown) < 250
    assert shown.isprintable()
    assert shown.isascii()


@pytest.mark.parametrize(("version", "read"), [("7", 7), ("5", 5), ("2.0", 2), ("", 7), (None, 7)])
def test_versions_that_we_speak(version: str | None, read: int) -> None:
    query = {"sentry_key": KEY} if version is None else {"sentry_key": KEY, "sentry_version": version}

    assert credentials({}, query).version == read


@pytest.mark.parametrize("version", ["8", "70", "7.x", "-1", "seven", "٧", "9" * 9_000, "8\r\n"])
def test_versions_that_we_do_not_speak(version: str) -> None:
    with pytest.raises(Invalid) as refused:
        credentials({}, {"sentry_key": KEY, "sentry_version": version})

    assert refused.value.field == "sentry_version"
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic " + "A" * 5, "Basic /w==", "Bearer x", "", "Sentry", "Sentry ="]
)
def test_useless_headers_are_passed_over(header: str) -> None:
    assert credentials({"authorization": header}, {}, path_key=KEY).source == "path"


@given(
    st.text(max_size=120), st.text(max_size=60), st.sampled_from(["", "Sentry ", "Basic ", f"Sentry sentry_key={KEY},"])
)
def test_any_text_in_any_place_is_understood_or_refused(text: str, other: str, scheme: str) -> None:
    with suppress(BugwatchError):
        credentials(
            {"x-sentry-auth": scheme + text, "authorization": scheme + other},
            {"sentry_key": other, "sentry_version": text},
            path_key=text,
            envelope_dsn=other,
        )
