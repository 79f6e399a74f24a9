"""The books: every row reaches the ledger, together with others, also past a store that was away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from antiphon.core.records import Attempt, Target
from antiphon.engine.books import Books
from antiphon.protocol.errors import StorageUnavailable


def attempt(number: int) -> Attempt:
    return Attempt(
        project_id="p",
        key_id="k",
        response_id="r",
        number=number,
        target=Target("alpha", "m"),
        began_at=0,
        seconds=0,
        outcome="ok",
    )


class Kept:
    """A ledger that can be away."""

    def __init__(self, *, away: int = 0) -> None:
        self.groups: list[list[int]] = []
        self.away = away

    async def add(self, made: Sequence[Attempt]) -> None:
        await asyncio.sleep(0)
        if self.away:
            self.away -= 1
            raise StorageUnavailable("away")
        self.groups.append([each.number for each in made])

    @property
    def rows(self) -> list[int]:
        return [number for group in self.groups for number in group]


async def test_rows_of_one_moment_are_written_together() -> None:
    ledger = Kept()
    books = Books(ledger, within=0.01)
    for number in range(100):
        books.enter([attempt(number)])
    await asyncio.sleep(0.1)
    assert ledger.groups == [list(range(100))]


async def test_nothing_is_lost_between_two_writes() -> None:
    ledger = Kept()
    books = Books(ledger, within=0.001)
    for number in range(200):
        books.enter([attempt(number)])
        await asyncio.sleep(0.0005 if number % 3 else 0)
    await books.close()
    assert ledger.rows == list(range(200))
    assert len(ledger.groups) > 1


async def test_closing_does_not_wait_for_the_moment_to_pass() -> None:
    ledger = Kept()
    books = Books(ledger, within=60)
    books.enter([attempt(1)])
    async with asyncio.timeout(5):
        await books.close()
    assert ledger.rows == [1]


async def test_a_store_that_was_away_gets_the_rows_later() -> None:
    ledger = Kept(away=2)
    books = Books(ledger, within=0.001, retry=0.05)
    books.enter([attempt(1)])
    await asyncio.sleep(0.02)
    books.enter([attempt(2)])
    assert ledger.rows == []
    await asyncio.sleep(0.3)
    assert ledger.rows == [1, 2]


async def test_rows_that_wait_are_bounded_and_the_newest_are_kept() -> None:
    ledger = Kept(away=1)
    books = Books(ledger, within=0.001, retry=0.05, most=3)
    books.enter([attempt(number) for number in range(10)])
    await asyncio.sleep(0.3)
    assert ledger.rows == [7, 8, 9]


async def test_closing_past_a_store_that_is_away_ends() -> None:
    books = Books(Kept(away=10**6), within=0.001)
    books.enter([attempt(1)])
    async with asyncio.timeout(5):
        await books.close()
