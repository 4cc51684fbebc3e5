"""The ledger by the API: it adds up. On both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bugwatch.domain.clock import HOUR, hour_of, to_iso

if TYPE_CHECKING:
    from tests.conftest import FakeClock
    from tests.server.api.conftest import Shop

NOTHING = {"received": 0, "stored": 0, "duplicate": 0, "filtered": 0, "limited": 0, "invalid": 0, "waiting": 0}


async def ledger(shop: Shop, **query: str) -> dict[str, int]:
    answer = await shop.bob.get(f"{shop.url}/ledger", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, int] = answer.json()
    return found


async def test_received_is_the_sum_of_what_became_of_it(shop: Shop) -> None:
    assert await ledger(shop) == NOTHING
    event_id = await shop.send()
    await shop.send(event_id=event_id)
    await shop.send()

    assert await ledger(shop) == {**NOTHING, "received": 3, "stored": 2, "duplicate": 1}
    assert await ledger(shop, category="attachment") == NOTHING


async def test_from_and_to_choose_whole_hours_of_receipt(shop: Shop, clock: FakeClock) -> None:
    clock.now = hour_of(clock.now) + HOUR // 2
    first = clock.now
    await shop.send()
    clock.now += HOUR
    await shop.send()

    assert (await ledger(shop, **{"from": to_iso(clock.now)}))["stored"] == 1
    assert (await ledger(shop, to=to_iso(clock.now)))["stored"] == 2
    assert (await ledger(shop, to=to_iso(hour_of(clock.now))))["stored"] == 1
    assert (await ledger(shop, **{"from": to_iso(first), "to": to_iso(first)}))["stored"] == 1
    assert (await ledger(shop, **{"from": to_iso(clock.now + HOUR)})) == NOTHING


async def test_a_question_that_makes_no_sense_is_refused_and_strangers_ask_in_vain(shop: Shop) -> None:
    for field, value in (("category", "errors"), ("from", "monday"), ("to", "1"), ("to", "\0")):
        refused = await shop.alice.get(f"{shop.url}/ledger", params={field: value})
        assert (refused.status_code, refused.json()["field"]) == (400, field)
    assert (await shop.charlie.get(f"{shop.url}/ledger")).status_code == 404
