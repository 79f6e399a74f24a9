"""The drivers under test. A new database joins with one line in DRIVERS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from antiphon.stores.drivers.base import Driver
from antiphon.stores.drivers.postgres import Postgres
from antiphon.stores.drivers.sqlite import SQLite

OpenDriver: TypeAlias = Callable[[Path], Awaitable[Driver]]
"""Opens the test's database, which a driver of files keeps in the folder."""


def _sqlite(request: pytest.FixtureRequest) -> OpenDriver:
    async def opened(folder: Path) -> Driver:
        return await SQLite.open(folder / "antiphon.db")

    return opened


def _postgres(request: pytest.FixtureRequest) -> OpenDriver:
    url = request.getfixturevalue("postgres_database")

    async def opened(folder: Path) -> Driver:
        return await Postgres.open(url)

    return opened


DRIVERS: dict[str, Callable[[pytest.FixtureRequest], OpenDriver]] = {"sqlite": _sqlite, "postgres": _postgres}


@pytest.fixture(params=DRIVERS, name="open_driver")
def _open_driver(request: pytest.FixtureRequest) -> OpenDriver:
    return DRIVERS[request.param](request)


@pytest.fixture
async def driver(open_driver: OpenDriver, tmp_path: Path) -> AsyncIterator[Driver]:
    opened = await open_driver(tmp_path)
    yield opened
    await opened.close()
