"""What is deleted leaves the files too, soon and while everything else goes on."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import apsw
import pytest

from antiphon.core.records import ResponseRecord
from antiphon.stores.drivers.sqlite import SQLite
from antiphon.stores.responses import Responses
from tests.stores.faulty import faulty_disk

WORD = b"xyzzyplugh"
ERASED_WITHIN = 0.1  # seconds
PATIENCE = 20  # seconds, on the busiest machine


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Responses]:
    async with opened(tmp_path) as store:
        yield store


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Responses]:
    sqlite = await SQLite.open(folder / "antiphon.db", erased_within=ERASED_WITHIN)
    yield Responses(sqlite)
    await sqlite.close()


def record(id: str, text: str = WORD.decode(), size: int = 3000) -> ResponseRecord:
    return ResponseRecord(
        id=id,
        project_id="p",
        previous_response_id=None,
        created_at=0,
        body={"instructions": text},
        input=[{"id": f"{id}_item", "text": (text + " ") * (size // len(text))}],
        output=[],
    )


def holding(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if WORD in file.read_bytes()]


async def emptied(folder: Path) -> bool:
    """Whether the word leaves all files in time."""
    deadline = time.monotonic() + PATIENCE
    while holding(folder):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


@pytest.mark.parametrize("size", [20, 3000, 100_000])
async def test_what_is_deleted_leaves_all_files(store: Responses, tmp_path: Path, size: int) -> None:
    await store.save(record("a", size=size))
    assert holding(tmp_path)
    assert await store.delete("p", "a")
    assert await emptied(tmp_path)


async def test_it_does_so_again_and_again(store: Responses, tmp_path: Path) -> None:
    for number in range(3):
        await store.save(record(f"{number}"))
        assert await store.delete("p", f"{number}")
        assert await emptied(tmp_path)


async def test_a_delete_that_comes_while_another_is_erased_is_not_forgotten(
    store: Responses, tmp_path: Path
) -> None:
    for number in range(30):
        await store.save(record(f"{number}"))
        assert await store.delete("p", f"{number}")
        await asyncio.sleep(ERASED_WITHIN / 10)
    assert await emptied(tmp_path)


async def test_it_leaves_also_when_whoever_deleted_it_did_not_wait(store: Responses, tmp_path: Path) -> None:
    await store.save(record("a"))
    deleting = asyncio.create_task(store.delete("p", "a"))
    await asyncio.sleep(0)
    deleting.cancel()
    assert await emptied(tmp_path)
    assert await store.get("p", "a") is None


async def test_a_reader_in_the_way_only_puts_it_off_and_holds_up_no_save(
    store: Responses, tmp_path: Path
) -> None:
    await store.save(record("a"))
    with closing(apsw.Connection(str(tmp_path / "antiphon.db"))) as other:
        other.execute("BEGIN")
        other.execute("SELECT body FROM items").fetchall()
        assert await store.delete("p", "a")
        slowest, end = 0.0, time.monotonic() + 3 * ERASED_WITHIN
        for number in itertools.count():
            began = time.monotonic()
            if began > end:
                break
            await store.save(record(f"{number}", "something else"))
            slowest = max(slowest, time.monotonic() - began)
        assert holding(tmp_path)
        assert slowest < 1
    assert await emptied(tmp_path)


async def test_a_disk_that_fails_only_puts_it_off(tmp_path: Path) -> None:
    with faulty_disk() as disk:
        async with opened(tmp_path) as store:
            await store.save(record("a"))
            assert await store.delete("p", "a")
            disk.write = disk.sync = apsw.IOError
            await asyncio.sleep(3 * ERASED_WITHIN)
            assert holding(tmp_path)
            disk.write = disk.sync = None
            assert await emptied(tmp_path)


async def test_a_database_that_is_closed_first_holds_nothing_either(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.save(record("a"))
        assert await store.delete("p", "a")
        assert holding(tmp_path)
    assert not holding(tmp_path)
