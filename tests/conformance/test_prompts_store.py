"""Templates of requests, on every database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from antiphon.core.records import PromptRecord
from antiphon.stores.drivers.base import Driver
from antiphon.stores.prompts import Prompts


@pytest.fixture
def store(driver: Driver) -> Prompts:
    return Prompts(driver)


def record(id: str = "pmpt_1", **fields: Any) -> PromptRecord:
    plain: dict[str, Any] = {
        "project_id": "default",
        "id": id,
        "version": 1,
        "name": None,
        "created_at": 7,
        "template": {"instructions": "Be \0 {{how}}. \N{SNOWMAN}"},
    }
    return PromptRecord(**{**plain, **fields})


async def test_a_prompt_is_kept_as_it_was(store: Prompts) -> None:
    made = record(name="kind")
    await store.create(made)
    assert await store.get("default", "pmpt_1") == made
    assert await store.get("default", "pmpt_1", 1) == made


async def test_versions_count_up_and_the_latest_is_the_highest(store: Prompts) -> None:
    await store.create(record())
    assert await store.add(record(template={"instructions": "2"})) == 2
    assert await store.add(record(template={"instructions": "3"})) == 3
    latest = await store.get("default", "pmpt_1")
    assert latest is not None
    assert (latest.version, latest.template) == (3, {"instructions": "3"})
    second = await store.get("default", "pmpt_1", 2)
    assert second is not None
    assert second.template == {"instructions": "2"}


async def test_versions_that_are_added_at_once_are_all_kept(store: Prompts) -> None:
    await store.create(record())
    added = await asyncio.gather(*(store.add(record(created_at=number)) for number in range(10)))
    assert sorted(map(int, filter(None, added))) == list(range(2, 12))


async def test_others_have_none_of_it(store: Prompts) -> None:
    await store.create(record())
    assert await store.get("other", "pmpt_1") is None
    assert await store.get("default", "pmpt_2") is None
    assert await store.get("default", "pmpt_1", 2) is None
    assert await store.add(record(project_id="other")) is None
    assert not await store.delete("other", "pmpt_1")
    assert await store.list("other", after="", limit=10) == []


async def test_a_list_has_the_latest_of_each(store: Prompts) -> None:
    for number in range(3):
        await store.create(record(f"pmpt_{number}"))
    await store.add(record("pmpt_1"))
    first = await store.list("default", after="", limit=2)
    assert [(each.id, each.version) for each in first] == [("pmpt_0", 1), ("pmpt_1", 2)]
    assert [each.id for each in await store.list("default", after="pmpt_1", limit=2)] == ["pmpt_2"]


async def test_what_is_deleted_is_gone_with_all_versions(store: Prompts) -> None:
    await store.create(record())
    await store.add(record())
    assert await store.delete("default", "pmpt_1")
    assert await store.get("default", "pmpt_1", 1) is None
    assert await store.add(record()) is None
    assert not await store.delete("default", "pmpt_1")
