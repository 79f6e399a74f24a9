"""SQLite, through apsw: two connections, each owned by one thread (a lane).

    writes ──> one transaction for all that wait ──> COMMIT (fsync) ──> every caller answered
    reads  ──> their own connection: in WAL mode they never wait for a writer

A group's transaction is optimistic. When one caller's statement fails, the whole is rolled back and each
caller's steps run again in a transaction of their own, so that only the one with the mistake hears of it:
cheaper, for all the groups without a mistake, than a savepoint a caller (10 % measured).

After an error that puts a connection in doubt (I/O, fsync, corruption, read-only) it is closed, and opened
again for the next group; a failed fsync must not be tried again on the same descriptor.

The settings: WAL and synchronous=FULL make a commit durable when COMMIT returns
(https://www.sqlite.org/pragma.html#pragma_synchronous). Pages of 8 KiB and a checkpoint each 16 MiB save
40 % of the CPU time of a write of 8 KB against the defaults, measured.

What is deleted stays in three places: in its page, which secure_delete overwrites (a save takes as long with
it as without, measured); in the WAL; and in the file itself until the page comes there from the WAL. So a
delete has the WAL written back and emptied, soon after, once for all deletes of that time. What is left is
SQLite's own: when it moves rows out of a page that has become nearly empty, it may not overwrite their old
place. Of 3,600 responses deleted at random from 4,000, two could still be read there; VACUUM removes them.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import apsw
from sqlalchemy import ClauseElement
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from antiphon.protocol.errors import Overloaded, StorageUnavailable
from antiphon.stores import migrations
from antiphon.stores.drivers.base import (
    ConstraintViolated,
    Parameters,
    Queue,
    Row,
    Statement,
    Step,
    compile_with,
    own,
    unavailable,
)
from antiphon.stores.drivers.lane import Gather, Lane
from antiphon.stores.drivers.readiness import Readiness

LASTING: dict[str, str | int] = {  # kept in the file; the first takes effect only when it is new
    "page_size": 8192,
    "journal_mode": "wal",
}
PRAGMAS: dict[str, str | int] = {
    "synchronous": "full",
    "foreign_keys": "on",
    "temp_store": "memory",
    "secure_delete": "on",
    "wal_autocheckpoint": 2000,  # pages
    "journal_size_limit": 64 << 20,  # bytes the WAL keeps after a rush
    "cache_size": -4000,  # KiB, for each of the two connections
}
EMPTYING_WAITS = 20  # milliseconds, for readers: as long may a save have to wait
ATTEMPTS = 100

_DOUBTFUL = (apsw.IOError, apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError, apsw.ReadOnlyError)
_UNAVAILABLE = (
    *_DOUBTFUL,
    apsw.FullError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.PermissionsError,
    apsw.ProtocolError,
)
# What a statement with wrong parameters raises: a mistake of ours, for its caller alone.
_MISTAKES = (apsw.Error, TypeError, ValueError, OverflowError, KeyError)

PROBE = (
    Step(Statement("INSERT INTO probe (filler) VALUES (zeroblob(32768))", ()), [{}]),
    Step(Statement("DELETE FROM probe WHERE id < last_insert_rowid()", ()), [{}]),
)

Rows: TypeAlias = list[Row]
Steps: TypeAlias = tuple[Step, ...]
Query: TypeAlias = tuple[Statement, tuple[Parameters, ...]]

EMPTY_LOG: Steps = ()
"""To write nothing is the wish that the WAL be emptied. It is answered with the row of the pragma."""


class SQLite:
    """A Driver for one file. Several processes may use it at once; they take turns to write."""

    def __init__(
        self,
        path: Path,
        *,
        queue_limit: int,
        busy_timeout: float,
        erased_within: float,
        now: Callable[[], float],
    ) -> None:
        """Use `open`, which brings the schema up to date first."""
        self._readiness = Readiness(lambda: self.write(*PROBE), now)
        self._erased_within = erased_within
        self._unerased = False  # something was deleted since the WAL was last emptied
        self._erasing: asyncio.Task[None] | None = None
        self._dialect = SQLiteDialect(paramstyle="named")
        writing = _Writing(path, busy_timeout)
        reading = _Reading(path, busy_timeout)
        self._writes: Lane[Steps, Rows] = Lane(
            "sqlite-write", writing.work, limit=queue_limit, finish=writing.disconnect
        )
        self._reads: Lane[Query, Rows] = Lane(
            "sqlite-read", reading.work, limit=queue_limit, finish=reading.disconnect
        )

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        queue_limit: int = 10_000,
        busy_timeout: float = 5.0,
        erased_within: float = 1.0,
        now: Callable[[], float] = time.monotonic,
    ) -> SQLite:
        """Make the file (mode 0600) if there is none, migrate it, start the threads.

        `queue_limit`: jobs that may wait in each lane. `busy_timeout`: seconds to wait for another
        process's write. `erased_within`: seconds from a delete until the WAL is emptied, and between attempts
        when that fails. Raises StorageUnavailable, UnknownSchema.
        """
        await asyncio.to_thread(prepare, path)
        return cls(
            path, queue_limit=queue_limit, busy_timeout=busy_timeout, erased_within=erased_within, now=now
        )

    def compile(self, statement: ClauseElement) -> Statement:
        """See Driver."""
        return compile_with(self._dialect, statement)

    async def read(self, statement: Statement, *rows: Parameters) -> Rows:
        """See Driver."""
        return await self._reads.submit((statement, rows))

    async def write(self, *steps: Step) -> Rows:
        """See Driver. Cancelling the caller does not take the write back."""
        returned = await self.note(*steps)
        self._readiness.proved()
        return returned

    async def note(self, *steps: Step) -> Rows:
        """See Driver. On a full disk a few bytes may still find room in the WAL."""
        try:
            return await self._writes.submit(steps)
        except StorageUnavailable:
            self._readiness.failed()
            raise

    async def erase(self, *steps: Step) -> Rows:
        """See Driver. Readers of other processes can put it off, for as long as they look at an old state."""
        self._unerased = True
        if self._erasing is None or self._erasing.done():
            self._erasing = asyncio.create_task(self._erase())
        return await self.write(*steps)

    async def _erase(self) -> None:
        while self._unerased:
            await asyncio.sleep(self._erased_within)
            self._unerased = False  # what is deleted from now on needs another round
            try:
                [(busy, *_)] = await self._writes.submit(EMPTY_LOG)
            except (StorageUnavailable, Overloaded):
                busy = True
            self._unerased |= bool(busy)

    async def ready(self) -> None:
        """See Driver. Costs nothing while writes succeed; else 32 KiB are written, once for all who ask."""
        await self._readiness.ask()

    @property
    def queues(self) -> tuple[Queue, ...]:
        """See Driver."""
        return self._writes.queue("writes"), self._reads.queue("reads")

    @property
    def waiting(self) -> int:
        """Jobs that no thread has taken yet."""
        return self._writes.waiting + self._reads.waiting

    async def close(self) -> None:
        """See Driver. The connection that is closed last writes the WAL back and removes it."""
        if self._erasing is not None:
            self._erasing.cancel()
        await self._writes.close()
        await self._reads.close()


class _Connected:
    """A connection that one thread owns: opened when needed, dropped when in doubt."""

    def __init__(self, path: Path, busy_timeout: float) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._connection: apsw.Connection | None = None

    def connect(self) -> apsw.Connection:
        if self._connection is None:
            self._connection = _connect(self._path, self._busy_timeout)
        return self._connection

    def disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(apsw.Error):  # it may fail to tidy up; nothing acknowledged depends on that
                connection.close()

    def verdict(self, error: Exception) -> Exception:
        """What the caller is told. Drops the connection if the error puts it in doubt."""
        if isinstance(error, _DOUBTFUL):
            self.disconnect()
        return _told(error)


class _Writing(_Connected):
    """What the writing thread does."""

    def work(self, gather: Gather[Steps]) -> list[Rows | BaseException]:
        """One transaction for the group. The lock comes first, so that nobody waits for it twice."""
        try:
            connection = self.connect()
            connection.execute("BEGIN IMMEDIATE")
        except apsw.Error as error:
            told = self.verdict(error)
            return [own(told) for _ in gather()]
        group = gather()
        try:
            answers = [_perform(connection, steps) for steps in group]
            connection.execute("COMMIT")
        except _MISTAKES as error:
            return self._recover(connection, group, error)
        if EMPTY_LOG in group:
            emptied = self._empty_log(connection)
            return [answer if steps else emptied for steps, answer in zip(group, answers, strict=True)]
        return [*answers]

    def _empty_log(self, connection: apsw.Connection) -> Rows | BaseException:
        try:
            connection.set_busy_timeout(EMPTYING_WAITS)
            try:
                return connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                connection.set_busy_timeout(_milliseconds(self._busy_timeout))
        except apsw.Error as error:
            return self.verdict(error)

    def _recover(
        self, connection: apsw.Connection, group: list[Steps], error: Exception
    ) -> list[Rows | BaseException]:
        told = self.verdict(error)
        with suppress(apsw.Error):  # SQLite may have rolled back itself, or the connection is gone
            connection.execute("ROLLBACK")
        if len(group) == 1 or isinstance(told, StorageUnavailable):
            return [own(told) for _ in group]
        return [self.work(_alone(steps))[0] for steps in group]


class _Reading(_Connected):
    """What the reading thread does."""

    def work(self, gather: Gather[Query]) -> list[Rows | BaseException]:
        return [self._run(statement, rows) for statement, rows in gather()]

    def _run(self, statement: Statement, rows: tuple[Parameters, ...]) -> Rows | BaseException:
        try:
            execute = self.connect().execute
            if len(rows) == 1:
                return execute(statement.sql, rows[0]).fetchall()
            return [row for parameters in rows for row in execute(statement.sql, parameters)]
        except _MISTAKES as error:
            return self.verdict(error)


def _alone(steps: Steps) -> Gather[Steps]:
    return lambda: [steps]


def _perform(connection: apsw.Connection, steps: Steps) -> Rows:
    returned: Rows = []
    for statement, rows in steps:
        returned = connection.executemany(statement.sql, rows).fetchall()
    return returned


def _told(error: Exception) -> Exception:
    """Our error for SQLite's. Its text, which may name files, stays out of what clients see."""
    if isinstance(error, apsw.ConstraintError):
        return ConstraintViolated(str(error))
    if isinstance(error, _UNAVAILABLE):
        return unavailable(error)
    return error


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _connect(path: Path, busy_timeout: float) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(_milliseconds(busy_timeout))
    for name, value in PRAGMAS.items():
        connection.pragma(name, value)
    return connection


def prepare(path: Path) -> str | None:
    """Make the file and bring its schema to HEAD; the revision it was at. Any number may do so at once.

    Raises StorageUnavailable, UnknownSchema, OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Only a file that is new: closing a descriptor of an open database would drop its locks.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        connection = _connect(path, busy_timeout=30)
        try:
            _set_up(connection)
            found = _revision(connection)
            if found != migrations.HEAD:
                _migrate(connection)
            return found
        finally:
            connection.close()
    except _UNAVAILABLE as error:
        raise unavailable(error) from error


def _set_up(connection: apsw.Connection) -> None:
    """The change to WAL does not wait for the locks of others who do the same: one tries again."""
    for attempt in range(ATTEMPTS):
        try:
            for name, value in LASTING.items():
                connection.pragma(name, value)
            return
        except apsw.BusyError:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(random.uniform(0.01, 0.05))


def _revision(connection: apsw.Connection) -> str | None:
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'").fetchall():
        return None
    rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return str(rows[0][0]) if rows else None


def _migrate(connection: apsw.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        current = _revision(connection)  # another process may have been here while we waited
        if current != migrations.HEAD:
            connection.execute(migrations.render("sqlite", current)).fetchall()
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
