"""The schema in PostgreSQL: migrations build exactly the tables, once, whoever comes first."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from antiphon.protocol.errors import StorageUnavailable
from antiphon.stores.drivers import postgres
from antiphon.stores.migrations import HEAD, UnknownSchema, render, rendering
from tests.postgres import execute, schema

STARTS = """
import asyncio, sys
from antiphon.stores.drivers import open_driver
async def main():
    driver = await open_driver(sys.argv[1])
    await driver.ready()
    await driver.close()
    assert "alembic" not in sys.modules and "apsw" not in sys.modules
asyncio.run(main())
"""


@pytest.fixture
def url(postgres_database: str) -> Iterator[str]:
    """A schema without tables."""
    with schema(postgres_database) as url:
        yield url


async def asked(url: str, *questions: str) -> list[list[Any]]:
    connection = await asyncpg.connect(url)
    try:
        return [[tuple(row) for row in await connection.fetch(question)] for question in questions]
    finally:
        await connection.close()


BUILT = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default IS NULL"
    " FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY 1, 2",
    "SELECT tablename, indexname, replace(indexdef, current_schema() || '.', '')"
    " FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1, 2",
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = current_schema()::regnamespace AND contype <> 'n' ORDER BY 1, 2",
    "SELECT id, name FROM projects",
    "SELECT version_num FROM alembic_version",
)


def built_by(url: str, sql: str) -> list[list[Any]]:
    asyncio.run(execute(url, sql))
    return asyncio.run(asked(url, *BUILT))


def test_all_migrations_and_the_short_way_build_the_same(url: str, postgres_database: str) -> None:
    with schema(postgres_database) as other:
        step_by_step = built_by(url, rendering.render("postgresql", None))
        at_once = built_by(other, render("postgresql", None))
    for built, short in zip(step_by_step, at_once, strict=True):
        assert built == short
        assert built
    assert at_once[-1] == [(HEAD,)]


def test_several_processes_starting_at_once_migrate_once(url: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", STARTS, url], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, errors
    assert asyncio.run(asked(url, *BUILT[-2:])) == [[("default", "default")], [(HEAD,)]]


async def test_only_the_first_of_many_finds_nothing(url: str) -> None:
    found = await asyncio.gather(*(postgres.prepare(url) for _ in range(8)))
    assert found.count(HEAD) + found.count(None) == 8
    assert None in found
    assert await postgres.prepare(url) == HEAD


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(url: str) -> None:
    await postgres.prepare(url)
    await execute(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UnknownSchema, match="9999"):
        await postgres.prepare(url)
    assert await asked(url, BUILT[-1]) == [[("9999",)]]


async def test_a_migration_that_fails_leaves_nothing_behind(url: str) -> None:
    await execute(url, "CREATE TABLE items (mine text)")  # in the way of ours
    with pytest.raises(StorageUnavailable):
        await postgres.prepare(url)
    tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    assert await asked(url, tables) == [[("items",)]]
