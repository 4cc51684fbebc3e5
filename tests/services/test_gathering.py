"""What comes in one turn of the loop is done together, also for who hangs up meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bugwatch.services.gathering import LARGEST_SET, Gathering


async def test_who_comes_in_one_turn_shares_a_set_and_who_comes_later_has_another() -> None:
    sets: list[Sequence[int]] = []
    gathering: Gathering[int] = Gathering(sets.append)
    await asyncio.gather(*(gathering.join(number) for number in range(3)))
    await gathering.join(3)

    assert sets == [[0, 1, 2], [3]]


async def test_a_set_has_its_limit_and_nobody_is_left_behind() -> None:
    sets: list[Sequence[int]] = []
    gathering: Gathering[int] = Gathering(sets.append)
    await asyncio.gather(*(gathering.join(number) for number in range(2 * LARGEST_SET + 1)))

    assert [len(one) for one in sets] == [LARGEST_SET, LARGEST_SET, 1]
    assert [number for one in sets for number in one] == list(range(2 * LARGEST_SET + 1))


async def test_who_hangs_up_is_let_go_once_the_work_is_done() -> None:
    sets: list[Sequence[int]] = []
    gathering: Gathering[int] = Gathering(sets.append)
    joining = [asyncio.create_task(gathering.join(number)) for number in range(3)]
    asyncio.get_running_loop().call_soon(joining[1].cancel)
    async with asyncio.timeout(5):
        ends = await asyncio.gather(*joining, return_exceptions=True)

    assert sets == [[0, 1, 2]]
    assert [type(end) for end in ends] == [type(None), asyncio.CancelledError, type(None)]


async def test_what_the_work_raises_everybody_hears_and_the_next_set_is_done() -> None:
    def work(numbers: Sequence[int]) -> None:
        if 1 in numbers:
            raise ValueError("not this one")

    gathering = Gathering(work)
    heard = await asyncio.gather(*(gathering.join(number) for number in range(2)), return_exceptions=True)

    assert [type(error) for error in heard] == [ValueError, ValueError]
    with pytest.raises(ValueError, match="not this one"):
        await gathering.join(1)
    await gathering.join(2)
