"""What is kept, as the settings say where: the database, opened, migrated and copied, and the pepper.

Everything here raises GatewayError with the file or the server that cannot be used, never with a password.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from antiphon.accounts import keys, pepper
from antiphon.observe import clock
from antiphon.protocol.errors import GatewayError, StorageUnavailable
from antiphon.settings import Settings
from antiphon.stores import drivers, migrations, urls
from antiphon.stores.accounts import Accounts, KeyRow
from antiphon.stores.drivers.base import Driver
from antiphon.stores.ledger import Ledger
from antiphon.stores.schema import DEFAULT_PROJECT


class KeyRing:
    """The gateway keys of one database, as the command line sees them."""

    def __init__(self, accounts: Accounts, pepper: bytes) -> None:
        self._accounts = accounts
        self._pepper = pepper

    async def create(self, name: str) -> tuple[str, str]:
        """A new key: its id, and the key itself, which is not kept."""
        key, key_id = keys.generate(os.urandom), clock.Ids()("key")
        await self._accounts.create(
            DEFAULT_PROJECT,
            id=key_id,
            name=name,
            digest=keys.digest(self._pepper, key),
            prefix=keys.display_prefix(key),
            created_at=clock.now(),
        )
        return key_id, key

    async def list(self) -> list[KeyRow]:
        return await self._accounts.list(DEFAULT_PROJECT)

    async def revoke(self, key_id: str) -> bool:
        """False if there is none, or it was revoked before."""
        return await self._accounts.revoke(DEFAULT_PROJECT, key_id, revoked_at=clock.now())


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Driver]:
    """The database with its schema brought up to date."""
    with _named(settings):
        database = await drivers.open_driver(settings.database)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_accounts(settings: Settings) -> AsyncIterator[KeyRing]:
    """The keys of this database; gateways may be running on it."""
    async with open_database(settings) as database:
        yield KeyRing(Accounts(database), secret(settings))


@asynccontextmanager
async def open_ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """The ledger of this database; gateways may be running on it."""
    async with open_database(settings) as database:
        yield Ledger(database)


async def migrate(settings: Settings) -> tuple[str | None, str]:
    """Bring the schema up to date: the revision it was at (None: the database was empty), and is at."""
    with _named(settings):
        return await drivers.prepare(settings.database), migrations.HEAD


async def backup(settings: Settings, target: Path) -> int:
    """Copy the database, while gateways run on it; the size of the copy. For a database that is a file."""
    from antiphon.stores.drivers import sqlite_backup

    with _named(settings):
        return await asyncio.to_thread(sqlite_backup.copy, urls.file(settings.database), target)


def secret(settings: Settings) -> bytes:
    """The pepper: the one in the settings, else that of the data folder, made first if there is none."""
    if settings.pepper is not None:
        return bytes.fromhex(settings.pepper.get_secret_value())
    file = settings.data / "pepper"
    try:
        return pepper.load_or_make(file, os.urandom)
    except OSError as error:
        raise GatewayError(f"{file}: {error.strerror}") from error
    except pepper.BadPepper as error:
        raise GatewayError(str(error)) from error


@contextmanager
def _named(settings: Settings) -> Iterator[None]:
    shown = urls.shown(settings.database)
    try:
        yield
    except OSError as error:
        raise GatewayError(f"{error.filename or shown}: {error.strerror}") from error
    except StorageUnavailable as error:
        raise GatewayError(f"{shown}: cannot be used as the database: {_reason(error)}") from error
    except migrations.UnknownSchema as error:
        raise GatewayError(f"{shown}: {error}") from error


def _reason(error: StorageUnavailable) -> str:
    cause = error.__cause__ or error
    if isinstance(cause, TimeoutError):
        return "it does not answer"
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno)
    return str(cause) or type(cause).__name__
