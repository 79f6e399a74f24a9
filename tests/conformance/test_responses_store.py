"""Responses, over every driver: what is stored, what is remembered, what is gone, and whose it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.core.records import Page, ResponseRecord
from antiphon.protocol.errors import InvalidRequest
from antiphon.stores.drivers.base import ConstraintViolated, Driver, Statement
from antiphon.stores.responses import Responses

P = "project"


def item(id: str, **fields: Any) -> dict[str, Any]:
    return {"type": "message", "id": id, **fields}


def turn(name: str, previous: str | None = None, *, project: str = P, created_at: int = 0) -> ResponseRecord:
    """A response of two input items and one output item, named after it: a1 a2 A."""
    return ResponseRecord(
        id=name,
        project_id=project,
        previous_response_id=previous,
        created_at=created_at,
        body={"id": name, "status": "completed", "model": "sim/echo"},
        input=[item(f"{name}1"), item(f"{name}2")],
        output=[item(name.upper())],
    )


@pytest.fixture
def store(driver: Driver) -> Responses:
    return Responses(driver)


@pytest.fixture
async def conversation(store: Responses) -> Responses:
    """a ← b ← c, and a fork a ← f."""
    for record in (turn("a"), turn("b", "a"), turn("c", "b"), turn("f", "a")):
        await store.save(record)
    return store


def ids(items: list[dict[str, Any]] | None) -> list[str] | None:
    return None if items is None else [item["id"] for item in items]


def page_ids(page: Page | None) -> list[str] | None:
    return None if page is None else ids(page.data)


async def test_what_is_saved_comes_back_equal(store: Responses) -> None:
    record = turn("a", "0")
    await store.save(record)
    assert await store.get(P, "a") == record


async def test_a_response_without_items_comes_back_equal(store: Responses) -> None:
    record = ResponseRecord(
        id="e", project_id=P, previous_response_id=None, created_at=1, body={}, input=[], output=[]
    )
    await store.save(record)
    assert await store.get(P, "e") == record
    assert await store.history(P, "e") == []


async def test_an_id_is_saved_once(store: Responses) -> None:
    await store.save(turn("a"))
    with pytest.raises(ConstraintViolated):
        await store.save(turn("a"))


async def test_one_writers_mistake_is_nobody_elses(store: Responses) -> None:
    await store.save(turn("a"))
    names = [f"n{number}" for number in range(20)]
    results = await asyncio.gather(
        *(store.save(turn(name)) for name in [*names[:10], "a", *names[10:]]), return_exceptions=True
    )
    assert [type(result) for result in results if result is not None] == [ConstraintViolated]
    assert all([await store.get(P, name) for name in names])


async def test_history_is_the_ancestors_items_oldest_first(conversation: Responses) -> None:
    assert ids(await conversation.history(P, "c")) == ["a1", "a2", "A", "b1", "b2", "B", "c1", "c2", "C"]


async def test_a_fork_holds_only_its_ancestors(conversation: Responses) -> None:
    assert ids(await conversation.history(P, "f")) == ["a1", "a2", "A", "f1", "f2", "F"]


async def test_the_next_turn_sent_at_once_sees_this_one(store: Responses) -> None:
    for number in range(50):
        await store.save(turn(f"t{number}", f"t{number - 1}" if number else None))
        history = await store.history(P, f"t{number}")
        assert history is not None
        assert len(history) == 3 * (number + 1)


@pytest.mark.parametrize("gone", ["a", "b", "c"])
async def test_a_missing_link_is_no_history_at_all(conversation: Responses, gone: str) -> None:
    assert await conversation.delete(P, gone)
    assert await conversation.history(P, "c") is None
    listed = await conversation.input_items(P, "c", limit=20, order="asc")
    assert (listed is None) == (gone == "c")  # a listing shows what is there


async def test_an_unknown_response_has_no_history(store: Responses) -> None:
    assert await store.history(P, "nobody") is None
    assert await store.input_items(P, "nobody", limit=20, order="asc") is None
    assert await store.get(P, "nobody") is None


async def test_a_chain_does_not_lead_into_another_project(conversation: Responses) -> None:
    await conversation.save(turn("x", "c", project="other"))
    assert await conversation.history("other", "x") is None
    listed = await conversation.input_items("other", "x", limit=20, order="asc")
    assert listed is not None
    assert [item["id"] for item in listed.data] == ["x1", "x2"]


async def test_nothing_is_found_or_deleted_by_another_project(conversation: Responses) -> None:
    other = "other"
    assert await conversation.get(other, "a") is None
    assert await conversation.history(other, "a") is None
    assert await conversation.items(other, ["a1", "A"]) == {}
    assert not await conversation.delete(other, "a")
    assert await conversation.get(P, "a") is not None


async def test_two_projects_may_use_the_same_id(store: Responses) -> None:
    await store.save(turn("a"))
    await store.save(turn("a", project="other"))
    assert await store.delete(P, "a")
    assert await store.get("other", "a") is not None
    assert ids(await store.history("other", "a")) == ["a1", "a2", "A"]


async def test_deleted_is_gone_with_its_items(conversation: Responses) -> None:
    assert await conversation.delete(P, "a")
    assert not await conversation.delete(P, "a")
    assert await conversation.get(P, "a") is None
    assert await conversation.items(P, ["a1", "A"]) == {}


async def test_a_thousand_turns_are_loaded_by_one_statement(driver: Driver) -> None:
    store = Responses(driver)
    names = [f"t{number}" for number in range(1000)]
    await asyncio.gather(
        *(store.save(turn(name, previous)) for name, previous in zip(names, [None, *names], strict=False))
    )
    counted = CountingReads(driver)
    history = await Responses(counted).history(P, names[-1])
    assert counted.reads == 1
    assert ids(history) == [id for name in names for id in (f"{name}1", f"{name}2", name.upper())]


def test_every_statement_names_the_project(store: Responses) -> None:
    statements = [value for value in vars(store).values() if isinstance(value, Statement)]
    assert len(statements) >= 10
    for statement in statements:
        assert "project_id" in statement.names
        for table in ("responses", "items", "parent", "conversations", "conversation_items"):
            if f"FROM {table}" in statement.sql or f"JOIN {table}" in statement.sql:
                assert f"{table}.project_id = " in statement.sql


class CountingReads:
    """A driver that counts what is read."""

    def __init__(self, driver: Driver) -> None:
        self.reads = 0
        self.compile = driver.compile
        self.write = driver.write
        self.ready = driver.ready
        self.close = driver.close
        self._read = driver.read

    async def read(self, *arguments: Any) -> Any:
        self.reads += 1
        return await self._read(*arguments)


async def test_input_items_are_what_the_response_was_made_from(conversation: Responses) -> None:
    page = await conversation.input_items(P, "b", limit=20, order="asc")
    assert page == Page(data=[item(id) for id in ("a1", "a2", "A", "b1", "b2")], has_more=False)
    assert page_ids(await conversation.input_items(P, "b", limit=20, order="desc")) == [
        "b2",
        "b1",
        "A",
        "a2",
        "a1",
    ]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
async def test_pages_add_up_to_the_list(conversation: Responses, order: Any, limit: int) -> None:
    found: list[str] = []
    after = None
    while True:
        page = await conversation.input_items(P, "c", limit=limit, order=order, after=after)
        assert page is not None
        found += page_ids(page) or []
        if not page.has_more:
            break
        assert len(page.data) == limit
        after = found[-1]
    expected = ["a1", "a2", "A", "b1", "b2", "B", "c1", "c2"]
    assert found == (expected if order == "asc" else expected[::-1])


async def test_paging_ends_even_if_an_id_occurs_twice(store: Responses) -> None:
    record = turn("a")
    record.input = [item("x", n=1), item("y"), item("x", n=2), item("z")]
    await store.save(record)
    page = await store.input_items(P, "a", limit=20, order="asc", after="x")
    assert page_ids(page) == ["z"]


@pytest.mark.parametrize("cursor", ["nobody", "c1", "B"])
async def test_a_cursor_that_is_not_in_the_list_is_refused(conversation: Responses, cursor: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await conversation.input_items(P, "b", limit=20, order="asc", after=cursor)
    assert refused.value.param == "after"


async def test_items_are_found_by_their_ids(conversation: Responses) -> None:
    found = await conversation.items(P, ["a1", "B", "nobody", "a1"])
    assert found == {"a1": item("a1"), "B": item("B")}
    assert await conversation.items(P, []) == {}


async def test_of_several_items_with_one_id_the_latest_is_found(store: Responses) -> None:
    for created_at in (2, 3, 1):
        record = turn(f"r{created_at}", created_at=created_at)
        record.input = [item("same", version=created_at)]
        await store.save(record)
    assert await store.items(P, ["same"]) == {"same": item("same", version=3)}


async def test_closing_finishes_what_was_begun(
    open_driver: Callable[[Path], Awaitable[Driver]], tmp_path: Path
) -> None:
    first = await open_driver(tmp_path)
    store = Responses(first)
    saves = [asyncio.create_task(store.save(turn(f"t{number}"))) for number in range(100)]
    await asyncio.sleep(0)
    await first.close()
    await asyncio.gather(*saves)
    second = await open_driver(tmp_path)
    assert all([await Responses(second).get(P, f"t{number}") for number in range(100)])
    await second.close()


def deep(depth: int) -> Any:
    value: Any = "\x00"
    for _ in range(depth):
        value = {"in": [value]}
    return value


HARD = st.sampled_from(
    [
        "\x00",
        "a\x00b",
        "\u2028\u2029\x85\ufeff",
        "\u202eשלום\u200d",
        "👨‍👩‍👧",
        "\ufffd",
        "'; DROP TABLE items; --",
        2**63,
        2**64,
        -(2**70),
        10**40,
        1e308,
        5e-324,
        -0.0,
        True,
        None,
        deep(60),
    ]
)
JSON_VALUES = st.recursive(
    HARD | st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_whatever_a_model_can_emit_comes_back_equal(
    open_driver: Callable[[Path], Awaitable[Driver]], tmp_path: Path
) -> None:
    with asyncio.Runner() as runner:
        driver = runner.run(open_driver(tmp_path))
        store = Responses(driver)
        number = iter(range(1_000_000))

        @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
        @given(JSON_VALUES, JSON_VALUES, JSON_VALUES)
        def round_trip(in_body: Any, in_input: Any, in_output: Any) -> None:
            record = turn(f"t\x00{next(number)}")
            record.body |= {"value": in_body, "model": "sim/\x00"}
            record.input = [item("i\x00", value=in_input)]
            record.output = [item("o", value=in_output)]
            runner.run(store.save(record))
            assert runner.run(store.get(P, record.id)) == record
            assert runner.run(store.history(P, record.id)) == [*record.input, *record.output]

        round_trip()
        runner.run(driver.close())
