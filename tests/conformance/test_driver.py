"""What every driver does alike: transactions, what they return, and callers who disturb one another."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import bindparam, delete, insert, select, update

from antiphon.protocol.errors import StorageUnavailable
from antiphon.stores.drivers.base import ConstraintViolated, Driver, Statement, Step
from antiphon.stores.schema import DEFAULT_PROJECT, projects


class Projects:
    """Statements over a small table."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        id, name = projects.c.id, projects.c.name
        self.insert = driver.compile(insert(projects))
        self.rename = driver.compile(
            update(projects).where(id == bindparam("of")).values(name=bindparam("to")).returning(id, name)
        )
        self.remove = driver.compile(delete(projects).where(id == bindparam("of")).returning(id))
        self.name = driver.compile(select(name).where(id == bindparam("of")))

    def added(self, *ids: str) -> Step:
        return Step(self.insert, [{"id": id, "name": f"name of {id}", "created_at": 0} for id in ids])

    def renamed(self, id: str, name: str) -> Step:
        return Step(self.rename, [{"of": id, "to": name}])

    async def named(self, *ids: str) -> list[str]:
        return [name for (name,) in await self.driver.read(self.name, *({"of": id} for id in ids))]


@pytest.fixture
def table(driver: Driver) -> Projects:
    return Projects(driver)


async def test_a_write_happens_whole_or_not_at_all(table: Projects) -> None:
    with pytest.raises(ConstraintViolated):
        await table.driver.write(table.added("a", "b"), table.added("c", DEFAULT_PROJECT))
    assert await table.named("a", "b", "c") == []


async def test_a_write_returns_what_its_last_step_returned(table: Projects) -> None:
    assert await table.driver.write(table.added("a", "b")) == []
    assert await table.driver.write(table.renamed("a", "x"), table.added("c")) == []
    assert await table.driver.write(table.added("d"), table.renamed("d", "y")) == [("d", "y")]
    removed = await table.driver.write(Step(table.remove, [{"of": "a"}, {"of": "nobody"}, {"of": "b"}]))
    assert removed == [("a",), ("b",)]


async def test_a_step_without_rows_does_nothing(table: Projects) -> None:
    assert await table.driver.write(Step(table.remove, [])) == []
    assert await table.driver.write(table.added("a"), Step(table.rename, [])) == []
    assert await table.named("a") == ["name of a"]


async def test_reads_answer_in_the_order_they_were_asked(table: Projects) -> None:
    await table.driver.write(table.added("a", "b"))
    assert await table.named("b", "nobody", "a") == ["name of b", "name of a"]
    assert await table.named() == []


async def test_later_steps_see_what_earlier_ones_did(table: Projects) -> None:
    steps = (table.added("a"), table.renamed("a", "x"), table.renamed("a", "y"))
    assert await table.driver.write(*steps) == [("a", "y")]


async def test_writes_of_all_kinds_at_once_get_each_their_own_answer(table: Projects) -> None:
    await table.driver.write(table.added(*(f"old {number}" for number in range(20))))
    wrong = Statement("SELECT nothing FROM nowhere", ())
    answers = await asyncio.gather(
        *(table.driver.write(table.added(f"new {number}")) for number in range(20)),
        *(table.driver.write(table.renamed(f"old {number}", f"{number}")) for number in range(20)),
        table.driver.write(table.added(DEFAULT_PROJECT)),
        table.driver.write(table.added("half"), Step(wrong, [{}])),
        return_exceptions=True,
    )
    assert answers[:20] == [[]] * 20
    assert answers[20:40] == [[(f"old {number}", f"{number}")] for number in range(20)]
    assert isinstance(answers[40], ConstraintViolated)
    assert isinstance(answers[41], Exception)
    assert not isinstance(answers[41], StorageUnavailable | ConstraintViolated)
    assert await table.named("half") == []
    assert len(await table.named(*(f"new {number}" for number in range(20)))) == 20


async def test_a_statement_with_a_mistake_fails_alone_and_the_next_succeeds(table: Projects) -> None:
    wrong = Statement("SELECT nothing FROM nowhere", ())
    for attempt in (
        table.driver.read(wrong, {}),
        table.driver.write(Step(wrong, [{}])),
        table.driver.read(table.name, {}),
    ):
        with pytest.raises(Exception) as told:
            await attempt
        assert not isinstance(told.value, StorageUnavailable)
    await table.driver.write(table.added("a"))
    assert await table.named("a") == ["name of a"]


async def test_callers_who_give_up_disturb_nobody(table: Projects) -> None:
    ids = [f"{number}" for number in range(200)]
    await table.driver.write(table.added(*ids))
    asked = [asyncio.create_task(table.named(id)) for id in ids]
    written = [asyncio.create_task(table.driver.write(table.renamed(id, f"name of {id}"))) for id in ids]
    for number in range(0, 200, 3):
        await asyncio.sleep(0)
        asked[number].cancel()
        written[number].cancel()
    for number, id in enumerate(ids):
        if number % 3:
            assert await asked[number] == [f"name of {id}"]
            assert await written[number] == [(id, f"name of {id}")]
    await asyncio.wait([*asked, *written])


async def test_a_write_is_done_even_if_its_caller_has_gone(table: Projects) -> None:
    writing = asyncio.create_task(table.driver.write(table.added("a")))
    await asyncio.sleep(0)
    writing.cancel()
    await table.driver.write(table.added("b"))
    assert await table.named("a", "b") == ["name of a", "name of b"]


ODD = [
    "",
    "\x00",
    "a\x00b",
    "\x01",
    "\x010",
    "\x011",
    "\x01\x00",
    "\x00\x01",
    "\x011\x010",
    "0\x001",
    "\u2028\ufffd\uffff",
    "👨‍👩‍👧",
    "'; --",
    "%s $1 :of",
]


async def test_any_text_is_kept_and_found_and_taken_for_no_other(table: Projects) -> None:
    await table.driver.write(table.added(*ODD))
    assert await table.named(*ODD) == [f"name of {id}" for id in ODD]
    for id in ODD:
        assert await table.driver.write(table.renamed(id, id)) == [(id, id)]
    assert await table.named(*ODD) == ODD
    with pytest.raises(ConstraintViolated):
        await table.driver.write(table.added("a\x00b"))


async def test_notes_and_erasures_are_writes(table: Projects) -> None:
    await table.driver.note(table.added("a"))
    assert await table.named("a") == ["name of a"]
    assert await table.driver.erase(Step(table.remove, [{"of": "a"}])) == [("a",)]
    assert await table.named("a") == []


async def test_it_is_ready_while_it_can_write_and_says_when_it_is_closed(table: Projects) -> None:
    await asyncio.gather(*(table.driver.ready() for _ in range(50)))
    await table.driver.close()
    for attempt in (
        table.named("a"),
        table.driver.write(table.added("a")),
        table.driver.note(table.added("a")),
    ):
        with pytest.raises(StorageUnavailable):
            await attempt
    await table.driver.close()
