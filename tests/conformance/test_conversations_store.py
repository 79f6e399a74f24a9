"""Conversations, over every driver: their items in order, who may write, and what is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.core.records import ConversationLock, ConversationRecord, ResponseRecord
from antiphon.protocol.errors import ConversationLocked, InvalidRequest
from antiphon.stores.conversations import Conversations
from antiphon.stores.drivers.base import ConstraintViolated, Driver, Statement
from antiphon.stores.responses import Responses
from tests.conformance.test_responses_store import CountingReads, P, ids, item, page_ids, turn


def record(name: str = "c", project: str = P, **metadata: str) -> ConversationRecord:
    return ConversationRecord(id=name, project_id=project, created_at=7, metadata=metadata)


def lock(token: str, name: str = "c", project: str = P) -> ConversationLock:
    return ConversationLock(project, name, token, 0)


async def claimed(store: Conversations, token: str, seconds: float = 60) -> ConversationLock:
    got = await store.claim(P, "c", token, seconds=seconds)
    assert got is not None
    return got


def answer(held: ConversationLock, name: str = "r", **changes: Any) -> ResponseRecord:
    """A response that was made in the conversation: r1 r2 R."""
    made = turn(name, project=held.project_id)
    made.conversation, made.appends = held, True
    for field, value in changes.items():
        setattr(made, field, value)
    return made


@pytest.fixture
async def store(driver: Driver) -> Conversations:
    """One conversation, of two items."""
    made = Conversations(driver)
    await made.create(record(a="1"), [item("x"), item("y")])
    return made


@pytest.fixture
def responses(driver: Driver, store: Conversations) -> Responses:
    return Responses(driver)


async def test_what_is_created_comes_back_equal(store: Conversations) -> None:
    assert await store.get(P, "c") == record(a="1")
    assert await store.history(P, "c") == [item("x"), item("y")]
    assert await store.item(P, "c", "y") == item("y")


async def test_a_conversation_may_be_empty(store: Conversations) -> None:
    await store.create(record("empty"), [])
    assert await store.history(P, "empty") == []
    assert page_ids(await store.items(P, "empty", limit=5, order="asc")) == []
    assert await store.add(lock("w", "empty"), [], 8)


async def test_an_id_is_created_once(store: Conversations) -> None:
    with pytest.raises(ConstraintViolated):
        await store.create(record(), [item("z")])
    assert ids(await store.history(P, "c")) == ["x", "y"]


async def test_metadata_are_replaced(store: Conversations) -> None:
    assert await store.update(P, "c", {"b": "2"})
    assert await store.get(P, "c") == record(b="2")


async def test_items_are_added_behind_and_deleted_for_good(store: Conversations) -> None:
    assert await store.add(lock("w"), [item("p"), item("q")], 8)
    assert await store.delete_item(P, "c", "q")
    assert not await store.delete_item(P, "c", "q")
    assert await store.add(lock("w"), [item("r")], 8)
    assert ids(await store.history(P, "c")) == ["x", "y", "p", "r"]
    assert await store.item(P, "c", "q") is None


async def test_a_deleted_conversation_takes_its_items_with_it(
    store: Conversations, responses: Responses
) -> None:
    held = await claimed(store, "w")
    await responses.save(answer(held))
    assert await store.delete(P, "c")
    assert not await store.delete(P, "c")
    assert await store.get(P, "c") is None
    assert await store.history(P, "c") is None
    assert await responses.items(P, ["x"]) == {}
    kept = await responses.get(P, "r")
    assert kept is not None
    assert ids([*kept.input, *kept.output]) == ["r1", "r2", "R"]
    await store.create(record(), [])
    assert await store.history(P, "c") == []


async def test_to_nobody_else_it_is_there(store: Conversations) -> None:
    other = "another"
    assert await store.get(other, "c") is None
    assert not await store.update(other, "c", {})
    assert not await store.delete(other, "c")
    assert await store.history(other, "c") is None
    assert await store.items(other, "c", limit=5, order="asc") is None
    assert await store.items(other, "c", limit=5, order="asc", after="x") is None
    assert await store.item(other, "c", "x") is None
    assert not await store.delete_item(other, "c", "x")
    assert not await store.add(lock("w", project=other), [item("z")], 8)
    assert not await store.add(lock("w", project=other), [], 8)
    assert await store.claim(other, "c", "w", seconds=9) is None
    assert ids(await store.history(P, "c")) == ["x", "y"]
    assert await store.claim(P, "c", "w", seconds=9)


def test_every_statement_names_the_project(store: Conversations) -> None:
    places = (*vars(store).values(), *vars(store)["_appending"].__dict__.values())
    paged = vars(store)["_select_page"].values()
    statements = [each for each in (*places, *paged) if isinstance(each, Statement)]
    assert len(statements) >= 15
    for statement in statements:
        assert {"project_id", "in_project"} & set(statement.names)


# Who writes


async def test_one_of_many_claims_is_granted(store: Conversations) -> None:
    got = await asyncio.gather(*(store.claim(P, "c", f"w{n}", seconds=60) for n in range(20)))
    assert len([each for each in got if each]) == 1


async def test_what_is_claimed_is_locked_until_it_is_released(store: Conversations) -> None:
    held = await claimed(store, "w")
    assert held.position == 2
    assert await store.claim(P, "c", "v", seconds=60) is None
    with pytest.raises(ConversationLocked):
        await store.add(lock("v"), [item("z")], 8)
    with pytest.raises(ConversationLocked):
        await store.add(lock("v"), [], 8)
    await store.release(lock("v"))  # which has it not
    assert await store.claim(P, "c", "v", seconds=60) is None
    await store.release(held)
    assert await store.add(lock("v"), [item("z")], 8)


async def test_a_lock_runs_out_unless_it_is_renewed(store: Conversations) -> None:
    held = await claimed(store, "w", 0.3)
    for _ in range(4):
        await asyncio.sleep(0.1)
        assert await store.renew(held, seconds=0.3)
    assert await store.claim(P, "c", "v", seconds=60) is None
    await asyncio.sleep(0.35)
    assert await store.renew(held, seconds=0.1)  # nobody took it
    await asyncio.sleep(0.15)
    await claimed(store, "v")
    assert not await store.renew(held, seconds=60)


async def test_a_response_and_its_items_are_one_commit_that_lets_go(
    store: Conversations, responses: Responses
) -> None:
    held = await claimed(store, "w")
    await responses.save(answer(held))
    assert ids(await store.history(P, "c")) == ["x", "y", "r1", "r2", "R"]
    assert (await claimed(store, "v")).position == 5


async def test_who_lost_the_lock_leaves_nothing(store: Conversations, responses: Responses) -> None:
    lost = await claimed(store, "w", 0)
    held = await claimed(store, "v")
    with pytest.raises(ConversationLocked):
        await responses.save(answer(lost, "late"))
    assert await responses.get(P, "late") is None
    await responses.save(answer(held))
    with pytest.raises(ConversationLocked):
        await responses.save(answer(lost, "later"))
    assert ids(await store.history(P, "c")) == ["x", "y", "r1", "r2", "R"]
    assert await responses.get(P, "later") is None


async def test_a_response_whose_conversation_was_deleted_is_kept(
    store: Conversations, responses: Responses
) -> None:
    held = await claimed(store, "w")
    await store.delete(P, "c")
    await responses.save(answer(held))
    assert await responses.get(P, "r") is not None
    assert await responses.history(P, "r") is None  # what it was told is gone


async def test_a_response_that_does_not_append_holds_on(store: Conversations, responses: Responses) -> None:
    held = await claimed(store, "w")
    await responses.save(answer(held, appends=False))
    assert ids(await store.history(P, "c")) == ["x", "y"]
    assert await store.claim(P, "c", "v", seconds=60) is None


async def test_fifty_writers_make_a_serial_history(store: Conversations, responses: Responses) -> None:
    async def write(number: int) -> None:
        held = await store.claim(P, "c", f"w{number}", seconds=60)
        if held is None:
            await asyncio.sleep(0.002 * number)
            await write(number)
            return
        told = await store.history(P, "c")
        assert told is not None
        assert len(told) == held.position
        await responses.save(answer(held, f"r{number}"))

    await asyncio.gather(*(write(number) for number in range(50)))
    history = ids(await store.history(P, "c"))
    assert history is not None
    assert len(history) == 2 + 150
    for first, second, said in zip(history[2::3], history[3::3], history[4::3], strict=True):
        assert (first[:-1], second[:-1]) == (said.lower(), said.lower())


# What a response was told


async def test_a_response_goes_on_from_what_its_conversation_was(
    store: Conversations, responses: Responses
) -> None:
    await responses.save(answer(await claimed(store, "w")))
    await store.add(lock("v"), [item("later")], 8)
    await responses.save(turn("s", "r"))
    assert ids(await responses.history(P, "r")) == ["x", "y", "r1", "r2", "R"]
    assert ids(await responses.history(P, "s")) == ["x", "y", "r1", "r2", "R", "s1", "s2", "S"]


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_the_input_items_of_a_response_begin_with_those_of_its_conversation(
    store: Conversations, responses: Responses, order: Literal["asc", "desc"]
) -> None:
    await responses.save(answer(await claimed(store, "w")))
    await responses.save(turn("s", "r"))
    expected = ["x", "y", "r1", "r2", "R", "s1", "s2"]
    if order == "desc":
        expected.reverse()
    assert page_ids(await responses.input_items(P, "s", limit=100, order=order)) == expected
    page = await responses.input_items(P, "s", limit=3, order=order, after=expected[1])
    assert page_ids(page) == expected[2:5]
    assert page_ids(await responses.input_items(P, "r", limit=100, order="asc")) == ["x", "y", "r1", "r2"]


async def test_items_are_found_by_their_id_alone(store: Conversations, responses: Responses) -> None:
    await responses.save(answer(await claimed(store, "w")))
    await responses.save(turn("s"))
    assert set(await responses.items(P, ["x", "r1", "s1", "nowhere"])) == {"x", "r1", "s1"}
    assert await responses.items("another", ["x", "r1"]) == {}


# Pages


async def test_a_page_behind_an_item_that_is_not_there_is_refused(store: Conversations) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await store.items(P, "c", limit=5, order="asc", after="z")
    assert refused.value.param == "after"
    assert await store.items(P, "nowhere", limit=5, order="asc", after="z") is None


async def test_a_thousand_items_are_one_read_and_paged_in_two_each(
    store: Conversations, driver: Driver
) -> None:
    names = [f"i{number}" for number in range(1000)]
    await store.create(record("long"), [item(name) for name in names])
    counted = CountingReads(driver)
    reader = Conversations(counted)
    assert ids(await reader.history(P, "long")) == names
    assert counted.reads == 1
    seen, after = list[str](), None
    while True:
        page = await reader.items(P, "long", limit=100, order="desc", after=after)
        assert page is not None
        seen += ids(page.data) or []
        if not page.has_more:
            break
        after = seen[-1]
    assert seen == names[::-1]
    assert counted.reads == 1 + 1 + 9 * 2


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.integers(0, 12),
    deleted=st.sets(st.integers(0, 11)),
    limit=st.integers(1, 5),
    order=st.sampled_from(["asc", "desc"]),
)
async def test_pages_visit_each_item_once(
    open_driver: Callable[[Path], Awaitable[Driver]],
    tmp_path: Path,
    count: int,
    deleted: set[int],
    limit: int,
    order: Literal["asc", "desc"],
) -> None:
    driver = await open_driver(tmp_path)
    store = Conversations(driver)
    name = f"{count}{sorted(deleted)}{limit}{order}"
    names = [f"{name}{number}" for number in range(count)]
    await store.delete(P, name)
    await store.create(record(name), [item(each) for each in names])
    for number in deleted:
        await store.delete_item(P, name, f"{name}{number}")
    expected = [each for number, each in enumerate(names) if number not in deleted]
    seen, after, more = list[str](), None, True
    while more:
        page = await store.items(P, name, limit=limit, order=order, after=after)
        assert page is not None
        assert len(page.data) <= limit
        seen += ids(page.data) or []
        more, after = page.has_more, seen[-1] if seen else None
    assert seen == (expected if order == "asc" else expected[::-1])
    await driver.close()
