from __future__ import annotations

import asyncio
import threading

import pytest
from argon2 import PasswordHasher

from bugwatch.domain.errors import RateLimited
from bugwatch.services import passwords
from bugwatch.services.passwords import AT_ONCE, WAITING, Passwords


def cheap() -> PasswordHasher:
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


async def test_a_password_fits_its_own_hash_only() -> None:
    hashing = Passwords(cheap())
    stored = await hashing.hash("a quiet room")

    assert await hashing.fits(stored, "a quiet room")
    assert not await hashing.fits(stored, "a quiet Room")
    assert not await hashing.fits(None, "a quiet room")
    assert not await hashing.fits("not a hash", "a quiet room")


async def test_the_costs_are_those_that_owasp_names_and_old_hashes_are_found() -> None:
    hashing = Passwords()

    stored = await hashing.hash("a quiet room")

    assert stored.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert not hashing.is_outdated(stored)
    assert hashing.is_outdated(cheap().hash("a quiet room"))
    assert not hashing.is_outdated(hashing._nobodys), "nobody's hash costs as much as a real one"


async def test_two_are_hashed_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher, running, most, lock = cheap(), 0, 0, threading.Lock()
    everybody_is_here = threading.Barrier(AT_ONCE)

    class Slow:
        def __getattr__(self, name: str) -> object:
            return getattr(hasher, name)

        def hash(self, password: str) -> str:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            everybody_is_here.wait(10)
            with lock:
                running -= 1
            return "x"

    hashing = Passwords(Slow())  # type: ignore[arg-type]
    await asyncio.gather(*(hashing.hash(f"password {n}") for n in range(AT_ONCE * 3)))

    assert most == AT_ONCE


async def test_a_flood_is_turned_away_instead_of_filling_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAITING", 3)
    hashing = Passwords(cheap())

    answers = await asyncio.gather(*(hashing.hash("a quiet room") for _ in range(5)), return_exceptions=True)

    assert sum(isinstance(answer, RateLimited) for answer in answers) == 2
    assert await hashing.hash("and afterwards it goes on")
    assert WAITING > 3
