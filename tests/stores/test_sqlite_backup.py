"""A backup is one moment's, whatever is written meanwhile."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import apsw
import pytest

from antiphon.protocol.errors import StorageUnavailable
from antiphon.stores.drivers import sqlite_backup
from antiphon.stores.drivers.sqlite import SQLite
from antiphon.stores.responses import Responses
from tests.stores.test_kill import check, record


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


async def test_a_copy_made_under_load_is_whole_and_has_all_that_was_acknowledged(tmp_path: Path) -> None:
    sqlite = await SQLite.open(tmp_path / "antiphon.db")
    store = Responses(sqlite)
    acknowledged: list[str] = []
    under_way = asyncio.Event()

    async def client(name: str) -> None:
        for number in itertools.count():
            await store.save(record(f"{name}-{number}-"))
            acknowledged.append(f"{name}-{number}-")
            if number == 20:
                under_way.set()

    clients = [asyncio.create_task(client(str(number))) for number in range(16)]
    await under_way.wait()
    for number in range(3):
        before = list(acknowledged)
        copy = tmp_path / f"copy {number}.db"
        assert await asyncio.to_thread(sqlite_backup.copy, tmp_path / "antiphon.db", copy) > 0
        assert len(acknowledged) > len(before), "nobody waited"
        await check(copy, [f"+{id}" for id in before[-200:]])
        connection = apsw.Connection(str(copy))
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.close()
    for task in clients:
        task.cancel()
    await sqlite.close()


async def test_a_copy_is_one_file_for_its_owner_alone(tmp_path: Path) -> None:
    await (await SQLite.open(tmp_path / "antiphon.db")).close()
    folder = tmp_path / "copies"
    folder.mkdir()
    assert sqlite_backup.copy(tmp_path / "antiphon.db", folder / "copy.db") > 0
    assert [(file.name, file.stat().st_mode & 0o777) for file in folder.iterdir()] == [("copy.db", 0o600)]


async def test_nothing_is_replaced_and_nothing_is_left_of_a_copy_that_failed(tmp_path: Path) -> None:
    await (await SQLite.open(tmp_path / "antiphon.db")).close()
    (tmp_path / "there").write_text("precious")
    with pytest.raises(FileExistsError):
        sqlite_backup.copy(tmp_path / "antiphon.db", tmp_path / "there")
    (tmp_path / "broken.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StorageUnavailable):
        sqlite_backup.copy(tmp_path / "broken.db", tmp_path / "copy.db")
    assert (tmp_path / "there").read_text() == "precious"
    assert names(tmp_path) == {"antiphon.db", "broken.db", "there"}
