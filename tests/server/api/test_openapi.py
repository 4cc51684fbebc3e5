"""The document of the API is complete, valid and open; what goes wrong is always said in its one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from openapi_spec_validator import validate

from bugwatch.server.api.openapi import METHODS, ROOT, path_of
from bugwatch.server.app import create

if TYPE_CHECKING:
    from tests.server.api.conftest import Contract, Shop
    from tests.server.conftest import Server


def test_the_document_is_valid(contract: Contract) -> None:
    validate(contract.document)


def test_every_address_of_the_api_is_in_the_document(server: Server, contract: Contract) -> None:
    routes = {
        (path_of(route), method.lower())
        for route in create(server.house).router.routes
        for method in METHODS & set(route.methods)
        if path_of(route).startswith(ROOT)
    }

    described = {(path, method) for path, operations in contract.document["paths"].items() for method in operations}

    assert described == routes
    assert len(routes) > 20


def test_every_operation_says_what_it_does_and_what_it_answers(contract: Contract) -> None:
    for path, operations in contract.document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"].endswith("."), (path, method)
            assert any(status.startswith("2") for status in operation["responses"]), (path, method)
    identities = [o["operationId"] for operations in contract.document["paths"].values() for o in operations.values()]
    assert len(set(identities)) == len(identities)


def test_query_words_and_scopes_are_told(contract: Contract) -> None:
    listing = contract.document["paths"]["/api/v1/projects/{project_id}/issues"]["get"]

    words = {parameter["name"] for parameter in listing["parameters"] if parameter["in"] == "query"}

    assert words == {
        *("status", "level", "environment", "release", "from", "to", "query", "sort", "limit", "cursor"),
    }
    assert "event:read" in listing["description"]
    assert contract.document["paths"]["/api/v1/auth/login"]["post"]["security"] == []


def test_bodies_are_told_also_those_that_protocol_checks(contract: Contract) -> None:
    post = contract.document["paths"]["/api/v1/events"]["post"]
    schemas = contract.document["components"]["schemas"]

    assert post["requestBody"]["required"] is True
    assert {"exception", "message", "level", "fingerprint"} <= schemas["OwnEvent"]["properties"].keys()
    assert post["security"] == [{"api_key": []}]
    assert schemas["NewProject"]["required"] == ["name"]
    assert schemas["NewProject"]["additionalProperties"] is False


async def test_what_goes_wrong_has_one_shape(shop: Shop) -> None:
    wrong = [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api/v1/projects/x", 404, "not_found"),
        ("GET", "/api/v1/projects/-1", 404, "not_found"),
        ("GET", "/api/v1/projects/99999999999999999999999", 404, "not_found"),
        ("GET", f"{shop.url}/issues/9223372036854775808", 404, "not_found"),
        ("GET", f"{shop.url}/issues/9223372036854775807", 404, "not_found"),
        ("PUT", shop.url, 405, "method_not_allowed"),
        ("POST", f"{shop.url}/ledger", 405, "method_not_allowed"),
    ]
    client = shop.server.client(headers=dict(shop.alice.headers))
    for method, path, status, code in wrong:
        answer = await client.request(method, path)
        assert answer.status_code == status, path
        assert answer.headers["Content-Type"] == "application/json"
        body = answer.json()
        assert body["code"] == code
        assert set(body) == {"code", "detail", "request_id"}
        assert body["detail"].endswith(".")
        assert answer.headers["X-Request-Id"] == body["request_id"]
    stranger = shop.server.client()
    assert (await stranger.get(shop.url)).json()["code"] == "unauthenticated"
    assert (await stranger.get(shop.url, headers={"Authorization": "Bearer bw_no"})).status_code == 401


async def test_every_answer_has_a_request_id_and_a_timing(shop: Shop) -> None:
    answers = [await shop.alice.get(shop.url), await shop.alice.get("/api/v1/projects", params={"limit": 0})]

    for answer in answers:
        assert answer.headers["Server-Timing"].startswith("total;dur=")
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 2


async def test_who_runs_wild_is_slowed_and_told_when_to_come_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bugwatch.server.limits.PER_MINUTE", 3)

    answers = [await shop.alice.get(shop.url) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[0].headers["X-RateLimit-Limit"] == "3"
    now = shop.clock.now // 1_000
    assert now < int(answers[0].headers["X-RateLimit-Reset"]) <= now + 21
    assert answers[3].headers["Retry-After"] == "20"
    assert answers[3].json()["code"] == "rate_limited"
    assert (await shop.bob.get(shop.url)).status_code == 200
    shop.clock.now += 20_000
    assert (await shop.alice.get(shop.url)).status_code == 200
