"""Who waits is let go when it is settled, and no sooner."""

from __future__ import annotations

import asyncio

import pytest

from bugwatch.services.settling import Settling


async def test_only_the_first_word_counts_and_it_may_come_before_anybody_waits() -> None:
    done, failed = Settling(), Settling()
    done.settle()
    done.settle(ValueError("too late"))
    failed.settle(ValueError("in time"))
    failed.settle()

    await done.settled()
    with pytest.raises(ValueError, match="in time"):
        await failed.settled()


@pytest.mark.parametrize("error", [None, ValueError("nobody hears this")])
async def test_who_is_cancelled_is_let_go_when_it_is_settled_however_that_ends(error: Exception | None) -> None:
    settling = Settling()
    waiting = asyncio.create_task(settling.settled())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0.01)
    assert not waiting.done()

    settling.settle(error)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert waiting.cancelled()


async def test_who_is_cancelled_in_the_moment_of_settling_hears_of_it() -> None:
    settling = Settling()
    waiting = asyncio.create_task(settling.settled())
    await asyncio.sleep(0)
    waiting.cancel()
    settling.settle()

    with pytest.raises(asyncio.CancelledError):
        await waiting
