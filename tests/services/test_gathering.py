"""What comes in one turn of the loop is done together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bugwatch.services.gathering import LARGEST_SET, Gathering
from bugwatch.services.settling import Settling


class Desk:
    """Where numbers are worked on; those of a set with 13 in it fail."""

    def __init__(self) -> None:
        self.sets: list[Sequence[int]] = []
        self._waiting: dict[int, Settling] = {}
        self._gathering = Gathering(self._work)

    async def send(self, number: int) -> None:
        self._waiting[number] = Settling()
        self._gathering.join(number, self._waiting[number])
        await self._waiting[number].settled()

    def _work(self, numbers: Sequence[int]) -> None:
        self.sets.append(numbers)
        if 13 in numbers:
            raise ValueError("not this one")
        for number in numbers:
            self._waiting[number].settle()


async def test_who_comes_in_one_turn_shares_a_set_and_who_comes_later_has_another() -> None:
    desk = Desk()
    await asyncio.gather(*(desk.send(number) for number in range(3)))
    await desk.send(3)

    assert desk.sets == [[0, 1, 2], [3]]


async def test_a_set_has_its_limit_and_nobody_is_left_behind() -> None:
    desk = Desk()
    numbers = [number for number in range(2 * LARGEST_SET + 2) if number != 13]
    await asyncio.gather(*(desk.send(number) for number in numbers))

    assert [len(one) for one in desk.sets] == [LARGEST_SET, LARGEST_SET, 1]
    assert [number for one in desk.sets for number in one] == numbers


async def test_who_hangs_up_is_let_go_once_the_work_is_done() -> None:
    desk = Desk()
    sending = [asyncio.create_task(desk.send(number)) for number in range(3)]
    asyncio.get_running_loop().call_soon(sending[1].cancel)
    async with asyncio.timeout(5):
        ends = await asyncio.gather(*sending, return_exceptions=True)

    assert desk.sets == [[0, 1, 2]]
    assert [type(end) for end in ends] == [type(None), asyncio.CancelledError, type(None)]


async def test_what_the_work_raises_everybody_hears_and_the_next_set_is_done() -> None:
    desk = Desk()
    heard = await asyncio.gather(*(desk.send(number) for number in (1, 13)), return_exceptions=True)

    assert [type(error) for error in heard] == [ValueError, ValueError]
    with pytest.raises(ValueError, match="not this one"):
        await desk.send(13)
    await desk.send(2)
