"""Databases that run the compiled statements. Which one is told by a URL; only that one is imported."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from antiphon.stores import urls

if TYPE_CHECKING:
    from antiphon.stores.drivers.base import Driver


async def open_driver(url: str) -> Driver:
    """The database, with its schema brought up to date. Raises StorageUnavailable, UnknownSchema, OSError."""
    if urls.is_postgres(url):
        from antiphon.stores.drivers.postgres import Postgres

        return await Postgres.open(url)
    from antiphon.stores.drivers.sqlite import SQLite

    return await SQLite.open(urls.file(url))


async def prepare(url: str) -> str | None:
    """Bring the schema up to date; the revision it was at (None: the database was empty).

    Raises StorageUnavailable, UnknownSchema, OSError.
    """
    if urls.is_postgres(url):
        from antiphon.stores.drivers import postgres

        return await postgres.prepare(url)
    from antiphon.stores.drivers import sqlite

    return await asyncio.to_thread(sqlite.prepare, urls.file(url))
