"""The database's clock, over every driver."""

from __future__ import annotations

import asyncio
import time

from sqlalchemy import bindparam, insert, literal, select

from antiphon.stores.clock import database_now
from antiphon.stores.drivers.base import Driver, Step
from antiphon.stores.schema import DEFAULT_PROJECT, projects


async def test_it_tells_milliseconds_since_1970(driver: Driver) -> None:
    asked = driver.compile(select(database_now()))
    before = time.time()
    [(told,)] = await driver.read(asked, {})
    assert isinstance(told, int)
    assert before - 1 <= told / 1000 <= time.time() + 1  # both on this machine


async def test_it_goes_on_from_one_statement_to_the_next(driver: Driver) -> None:
    asked = driver.compile(select(database_now()))
    [(first,)] = await driver.read(asked, {})
    await asyncio.sleep(0.05)
    [(second,)] = await driver.read(asked, {})
    assert 30 <= second - first < 10_000


async def test_rows_are_written_and_compared_with_it(driver: Driver) -> None:
    made = driver.compile(
        insert(projects).values(
            id=bindparam("id"), name=bindparam("name"), created_at=database_now() + 60_000
        )
    )
    later = driver.compile(
        select(projects.c.id).where(projects.c.created_at > database_now(), projects.c.id == bindparam("id"))
    )
    await driver.write(Step(made, [{"id": "later", "name": ""}]))
    assert await driver.read(later, {"id": "later"}) == [("later",)]
    assert await driver.read(later, {"id": DEFAULT_PROJECT}) == []


async def test_it_stands_still_within_a_statement(driver: Driver) -> None:
    twice = driver.compile(select(literal(1)).where(database_now() == database_now()))
    assert [await driver.read(twice, {}) for _ in range(20)] == [[(1,)]] * 20
