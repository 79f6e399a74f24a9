"""Bad days of PostgreSQL: gone, frozen, read-only, cut, locked. 503, never silence, and back by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest
from sqlalchemy import bindparam, update

from antiphon.protocol.errors import Overloaded, StorageUnavailable
from antiphon.stores.drivers.base import Statement, Step
from antiphon.stores.drivers.postgres import Postgres
from antiphon.stores.responses import Responses
from antiphon.stores.schema import responses
from tests.postgres import cut_all, execute, name_of, named
from tests.stores.interference import Wire, wire
from tests.stores.test_kill import record

TIMEOUT = 1.0


@pytest.fixture
async def wired(postgres_database: str) -> AsyncIterator[tuple[Wire, str]]:
    async with wire(postgres_database) as (relay, url):
        yield relay, url


@pytest.fixture
def relay(wired: tuple[Wire, str]) -> Wire:
    return wired[0]


@asynccontextmanager
async def opened(url: str, timeout: float = TIMEOUT) -> AsyncIterator[Postgres]:
    # a clock that stands still would trust an old success; this one always asks again
    clock = iter(range(0, 10_000_000, 10))
    postgres = await Postgres.open(url, timeout=timeout, queue_limit=100, now=lambda: next(clock))
    yield postgres
    await postgres.close()


@pytest.fixture
async def postgres(wired: tuple[Wire, str]) -> AsyncIterator[Postgres]:
    async with opened(wired[1]) as postgres:
        yield postgres


@pytest.fixture
def store(postgres: Postgres) -> Responses:
    return Responses(postgres)


async def recovered(store: Responses, within: float = 5.0) -> None:
    """Saves again, in time."""
    deadline = time.monotonic() + within
    for number in range(1_000_000):
        try:
            await store.save(record(f"recovered {number}"))
        except StorageUnavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        else:
            return


async def test_a_server_that_is_gone_is_told_and_forgotten_when_it_is_back(
    postgres: Postgres, store: Responses, relay: Wire
) -> None:
    await store.save(record("before"))
    await relay.refuse()
    for id in ("failed", "failed too"):
        with pytest.raises(StorageUnavailable) as told:
            await store.save(record(id))
        assert told.value.retry_after == 5
        assert "127.0.0.1" not in told.value.message
        with pytest.raises(StorageUnavailable):
            await store.get("p", "before")
        with pytest.raises(StorageUnavailable):
            await postgres.ready()
    await relay.open()
    await postgres.ready()
    assert await store.get("p", "before") == record("before")
    await recovered(store)


async def test_a_frozen_server_is_told_in_time_to_all_who_wait(store: Responses, relay: Wire) -> None:
    await store.save(record("before"))
    relay.freeze()
    began = time.monotonic()
    saves = (store.save(record(f"{number}")) for number in range(20))
    reads = (store.get("p", "before") for _ in range(20))
    told = await asyncio.gather(*saves, *reads, return_exceptions=True)
    assert {type(error) for error in told} == {StorageUnavailable}
    assert time.monotonic() - began < 3 * TIMEOUT + 3
    relay.thaw()
    await recovered(store)


async def test_connections_that_were_cut_while_idle_are_nobodys_trouble(
    store: Responses, relay: Wire, postgres_database: str
) -> None:
    opened = relay.opened
    for number in range(3):
        await store.save(record(f"{number}"))
        await cut_all(postgres_database)
        await asyncio.sleep(0.05)
        assert all(await asyncio.gather(*(store.get("p", f"{number}") for _ in range(10))))
        await cut_all(postgres_database)
        await asyncio.sleep(0.05)
    assert relay.opened > opened + 3


async def test_a_transaction_that_is_cut_before_its_commit_is_done_again(
    store: Responses, relay: Wire
) -> None:
    await store.save(record("before"))
    left = iter([True, True])
    relay.cuts = lambda piece: b"halved" in piece and next(left, False)
    await store.save(record("halved"))
    assert next(left, None) is None, "it was cut twice"
    assert await store.get("p", "halved") == record("halved")


async def test_a_commit_whose_answer_is_lost_is_not_done_again(store: Responses, relay: Wire) -> None:
    await store.save(record("before"))
    relay.cuts = lambda piece: b"COMMIT" in piece
    opened = relay.opened
    with pytest.raises(StorageUnavailable):
        await store.save(record("unknown"))
    relay.cuts = lambda _: False
    assert await store.get("p", "unknown") is None
    await store.save(record("after"))
    assert relay.opened <= opened + 2, "one for the writer, one for the reader"


async def test_nothing_acknowledged_is_lost_when_connections_are_cut_under_load(
    store: Responses, postgres_database: str
) -> None:
    acknowledged: list[str] = []
    refused: list[BaseException] = []
    over = asyncio.Event()

    async def client(name: str) -> None:
        number = 0
        while not over.is_set():
            number += 1
            try:
                await store.save(record(f"{name}-{number}"))
            except StorageUnavailable as error:
                refused.append(error)
            else:
                acknowledged.append(f"{name}-{number}")
                await store.get("p", f"{name}-{number}")

    clients = [asyncio.create_task(client(f"{number}")) for number in range(8)]
    for _ in range(8):
        await asyncio.sleep(0.1)
        await cut_all(postgres_database)
    over.set()
    with suppress(StorageUnavailable):
        await asyncio.gather(*clients)
    assert acknowledged
    for id in acknowledged:
        assert await store.get("p", id) == record(id)
    await recovered(store)


async def test_a_database_that_is_read_only_refuses_writes_until_it_is_not(
    postgres: Postgres, store: Responses, postgres_database: str
) -> None:
    await store.save(record("before"))
    name, beside = name_of(postgres_database), named(postgres_database, "postgres")
    await execute(beside, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await cut_all(postgres_database)
    try:
        for _ in range(2):
            with pytest.raises(StorageUnavailable):
                await store.save(record("failed"))
            with pytest.raises(StorageUnavailable):
                await postgres.ready()
    finally:
        await execute(beside, f"ALTER DATABASE {name} RESET default_transaction_read_only")
    await postgres.ready()
    await recovered(store)


@asynccontextmanager
async def locked(url: str, id: str) -> AsyncIterator[None]:
    """Another process has changed the response and not committed."""
    connection = await asyncpg.connect(url)
    await connection.execute("BEGIN")
    await connection.execute("UPDATE responses SET status = 'x' WHERE id = $1", id)
    try:
        yield
    finally:
        await connection.close()


async def test_a_row_that_is_locked_too_long_is_its_callers_trouble_alone(
    store: Responses, postgres_database: str
) -> None:
    await store.save(record("locked"))
    async with locked(postgres_database, "locked"):
        began = time.monotonic()
        deleting = asyncio.create_task(store.delete("p", "locked"))
        saves = [asyncio.create_task(store.save(record(f"{number}"))) for number in range(20)]
        reads = 0
        while not deleting.done():
            assert await store.get("p", "locked") is not None
            reads += 1
        with pytest.raises(StorageUnavailable):
            await deleting
        assert time.monotonic() - began < 3 * TIMEOUT
        await asyncio.gather(*saves)
    assert reads > 20
    assert await store.delete("p", "locked")


async def test_a_lock_given_back_in_time_is_only_a_delay(store: Responses, postgres_database: str) -> None:
    await store.save(record("locked"))
    async with locked(postgres_database, "locked"):
        deleting = asyncio.create_task(store.delete("p", "locked"))
        await asyncio.sleep(TIMEOUT / 5)
        assert not deleting.done()
    assert await deleting


async def test_two_who_lock_the_same_rows_the_other_way_round_both_succeed(postgres_database: str) -> None:
    touch = update(responses).where(responses.c.id == bindparam("of")).values(status=bindparam("to"))
    patient = 5.0  # the server looks for deadlocks after a second
    async with opened(postgres_database, patient) as one, opened(postgres_database, patient) as other:
        for id in ("a", "b"):
            await Responses(one).save(record(id))
        forth, back = one.compile(touch), other.compile(touch)
        slow = Step(Statement("SELECT pg_sleep(0.05)", ()), [{}])

        def writing(driver: Postgres, statement: Statement, *ids: str) -> asyncio.Task[object]:
            first, second = (Step(statement, [{"of": id, "to": "touched"}]) for id in ids)
            return asyncio.create_task(driver.write(first, slow, second))

        began = time.monotonic()
        await asyncio.gather(writing(one, forth, "a", "b"), writing(other, back, "b", "a"))
        assert time.monotonic() - began > 0.5, "they were in each other's way"


async def test_the_queue_of_writes_has_a_bound(
    postgres: Postgres, store: Responses, postgres_database: str
) -> None:
    await store.save(record("locked"))
    async with locked(postgres_database, "locked"):
        first = asyncio.create_task(store.delete("p", "locked"))
        await asyncio.sleep(0.05)  # the task has taken it and waits for the lock
        writes = [asyncio.create_task(store.save(record(f"{number}"))) for number in range(101)]
        await asyncio.sleep(0)
        assert postgres.waiting == 100
        with pytest.raises(Overloaded):
            await writes[-1]
    await asyncio.gather(first, *writes[:-1])


async def test_a_statement_that_takes_too_long_is_cut_short(postgres: Postgres) -> None:
    sleep = Statement("SELECT pg_sleep(60)", ())
    began = time.monotonic()
    with pytest.raises(StorageUnavailable):
        await postgres.read(sleep, {})
    with pytest.raises(StorageUnavailable):
        await postgres.write(Step(sleep, [{}]))
    assert time.monotonic() - began < 4 * TIMEOUT
    await postgres.ready()


async def test_a_commit_is_on_the_disk_whatever_the_databases_default(postgres_database: str) -> None:
    name = name_of(postgres_database)
    await execute(postgres_database, f"ALTER DATABASE {name} SET synchronous_commit = off")
    try:
        async with opened(postgres_database) as postgres:
            asked = Statement("SELECT current_setting('synchronous_commit')", ())
            assert await postgres.read(asked, {}) == [("on",)]
            assert await postgres.write(Step(asked, [{}])) == [("on",)]
    finally:
        await execute(postgres_database, f"ALTER DATABASE {name} RESET synchronous_commit")


@pytest.mark.parametrize("wrong", ["postgresql://nobody@127.0.0.1:1/x", "no_such_database"])
async def test_a_database_that_cannot_be_reached_stops_the_start(wrong: str, postgres_database: str) -> None:
    url = wrong if ":" in wrong else named(postgres_database, wrong)
    with pytest.raises(StorageUnavailable):
        await Postgres.open(url)
