"""PostgreSQL, through asyncpg: connections, each owned by one task (a crew for writes, one for reads).

    writes ──> one transaction for all that wait ──> COMMIT ──> every caller answered
    reads  ──> the next connection that is free

A group's transaction is optimistic, as SQLite's is: when one caller's statement fails, the whole is rolled
back and each caller's steps run again in a transaction of their own.

    before COMMIT was sent    a lost connection, a deadlock, a conflict: nothing happened, it is tried again
    after                     a lost connection: nobody knows; the callers are told so, and it is not tried

Isolation is READ COMMITTED: each statement sees what was committed when it began. Writes of one process run
one after the other (its one writing task), those of several at once.

A connection that was lost, that did not answer in time or that is not allowed to write (the server has
become a standby) is dropped, and made again for the next group. What PostgreSQL does with a deleted row's
bytes is its own affair: they leave its files with VACUUM, and its log with the log's old files.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import ClauseElement
from sqlalchemy.engine import URL

from antiphon.protocol.errors import StorageUnavailable
from antiphon.stores import migrations
from antiphon.stores.drivers import postgres_errors as errors
from antiphon.stores.drivers.base import (
    Parameters,
    Queue,
    Row,
    Statement,
    Step,
    compile_with,
    own,
    unavailable,
)
from antiphon.stores.drivers.crew import Crew
from antiphon.stores.drivers.postgres_text import received, sent
from antiphon.stores.drivers.readiness import Readiness

READERS = 4  # connections, beside the one that writes
GROUP_LIMIT = 256  # writes a transaction
ATTEMPTS = 3
CONNECT_TIMEOUT = 3.0  # seconds
GRACE = 1.0  # seconds after which a server that should have cut a statement short counts as gone
MIGRATION_LOCK = 0x616E7469_70686F6E  # a key of pg_advisory_xact_lock: "antiphon"
MIGRATION_TIMEOUT = 600.0  # seconds

# A commit is on the disk when it returns, whatever the server's default; a process that is frozen in the
# midst of a transaction holds nobody's rows for long; short statements gain nothing from being compiled.
SESSION = """
SET synchronous_commit = on; SET jit = off;
SET statement_timeout = {timeout}; SET lock_timeout = {lock_timeout};
SET idle_in_transaction_session_timeout = {timeout}
"""

HAS_REVISION = """
SELECT count(*) FROM pg_tables
WHERE tablename = 'alembic_version' AND schemaname = ANY(current_schemas(false))
"""  # to_regclass() would answer out of a cache, which may be older than the lock that was waited for

PROBE = (
    Step(Statement("DELETE FROM probe", ()), [{}]),
    Step(Statement("INSERT INTO probe (filler) VALUES ('')", ()), [{}]),
)

Rows: TypeAlias = list[Row]
Steps: TypeAlias = tuple[Step, ...]
Query: TypeAlias = tuple[Statement, tuple[Parameters, ...]]
Connect: TypeAlias = Callable[[], Awaitable[asyncpg.Connection]]


class Postgres:
    """A Driver for one database of a server. Any number of processes on any machines may use it at once."""

    def __init__(
        self, connect: Connect, *, readers: int, queue_limit: int, patience: float, now: Callable[[], float]
    ) -> None:
        """Use `open`, which brings the schema up to date first."""
        self._dialect = URL.create("postgresql+asyncpg").get_dialect()()
        self._readiness = Readiness(lambda: self.write(*PROBE), now)
        self._writes: Crew[Steps, Rows] = Crew(
            [_Writing(connect, patience)], group=GROUP_LIMIT, limit=queue_limit, patience=patience
        )
        self._reads: Crew[Query, Rows] = Crew(
            [_Reading(connect) for _ in range(readers)], group=1, limit=queue_limit, patience=patience
        )

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        readers: int = READERS,
        queue_limit: int = 10_000,
        timeout: float = 5.0,
        now: Callable[[], float] = time.monotonic,
    ) -> Postgres:
        """Migrate the database, start the tasks.

        `url` as of libpq: `postgresql://user:password@host:port/database?sslmode=require`; what it leaves out
        comes from libpq's variables and password file. `queue_limit`: jobs that may wait for each crew.
        `timeout`: seconds for a statement, and for a job to wait until it is begun; half as long for a lock.
        Raises StorageUnavailable, UnknownSchema.
        """
        await prepare(url)
        connect = partial(_connect, url, timeout=timeout)
        return cls(connect, readers=readers, queue_limit=queue_limit, patience=timeout, now=now)

    def compile(self, statement: ClauseElement) -> Statement:
        """See Driver."""
        return compile_with(self._dialect, statement)

    async def read(self, statement: Statement, *rows: Parameters) -> Rows:
        """See Driver. Cancelling the caller does not cancel the query."""
        return await self._reads.submit((statement, rows))

    async def write(self, *steps: Step) -> Rows:
        """See Driver. Cancelling the caller does not take the write back."""
        returned = await self.note(*steps)
        self._readiness.proved()
        return returned

    async def note(self, *steps: Step) -> Rows:
        """See Driver."""
        try:
            return await self._writes.submit(steps)
        except StorageUnavailable:
            self._readiness.failed()
            raise

    async def erase(self, *steps: Step) -> Rows:
        """See Driver. When the bytes leave the server's files is the server's affair."""
        return await self.write(*steps)

    async def ready(self) -> None:
        """See Driver. Costs nothing while writes succeed; else a row is written, once for all who ask."""
        await self._readiness.ask()

    @property
    def queues(self) -> tuple[Queue, ...]:
        """See Driver."""
        return self._writes.queue("writes"), self._reads.queue("reads")

    @property
    def waiting(self) -> int:
        """Jobs that no task has taken yet."""
        return self._writes.waiting + self._reads.waiting

    async def close(self) -> None:
        """See Driver."""
        await self._writes.close()
        await self._reads.close()


class _Connected:
    """A connection that one task owns: made when needed, dropped when it is lost."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: asyncpg.Connection | None = None

    async def connect(self) -> None:
        """Raises StorageUnavailable."""
        if self._closed():
            self._connection = None
            self._connection = await self._connect()

    async def finish(self) -> None:
        if self._connection is not None:
            with suppress(*errors.ERRORS):
                await self._connection.close(timeout=GRACE)

    def _closed(self) -> bool:
        return self._connection is None or self._connection.is_closed()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    def _lost(self, error: Exception) -> bool:
        """Whether the connection is of no use any more; it is dropped then."""
        if errors.loses_connection(error) or self._closed():
            self._drop()
            return True
        return False


class _Reading(_Connected):
    """What a reading task does."""

    async def work(self, group: Sequence[Query]) -> list[Rows | BaseException]:
        return [await self._read(statement, rows) for statement, rows in group]

    async def _read(
        self, statement: Statement, rows: tuple[Parameters, ...], attempt: int = 1
    ) -> Rows | BaseException:
        try:
            await self.connect()
            return await _fetch(self._connection, statement, rows) if rows else []
        except StorageUnavailable as error:
            return error
        except errors.ERRORS as error:
            lost = self._lost(error)
            if lost and attempt < ATTEMPTS and not isinstance(error, TimeoutError):
                return await self._read(statement, rows, attempt + 1)
            return errors.told(error, closed=lost)


class _Writing(_Connected):
    """What the writing task does."""

    def __init__(self, connect: Connect, patience: float) -> None:
        super().__init__(connect)
        self._patience = patience
        self._committing = False  # from here on, nobody knows what became of a transaction that failed

    async def work(self, group: Sequence[Steps], attempt: int = 1) -> Sequence[Rows | BaseException]:
        """One transaction for the group; if it fails, for each caller alone."""
        try:
            await self.connect()
            return await self._transact(group)
        except StorageUnavailable as error:
            return [own(error) for _ in group]
        except errors.ERRORS as error:
            lost = await self._leave(error)
            if attempt < ATTEMPTS and self._may_repeat(error, lost):
                await asyncio.sleep(random.uniform(0.0, 0.01) * attempt)  # else rivals meet again
                return await self.work(group, attempt + 1)
            if len(group) > 1 and not lost and errors.concerns_one(error):
                return await self._each_alone(group)
            told = errors.told(error, closed=lost)
            return [own(told) for _ in group]

    async def _transact(self, group: Sequence[Steps]) -> list[Rows]:
        connection: Any = self._connection
        self._committing = alone = len(group) == 1 and len(group[0]) == 1
        if alone:  # a statement is a transaction of its own
            return [await _perform(connection, group[0])]
        await connection.execute("BEGIN")
        answers = await _perform_together(connection, group)
        self._committing = True
        await connection.execute("COMMIT")
        return answers

    def _may_repeat(self, error: Exception, lost: bool) -> bool:
        if isinstance(error, TimeoutError):
            return False
        return errors.is_conflict(error) or (lost and not self._committing)

    async def _leave(self, error: Exception) -> bool:
        """Out of the transaction. Whether the connection was lost."""
        lost = self._lost(error)
        if not lost and self._connection is not None and self._connection.is_in_transaction():
            try:
                await self._connection.execute("ROLLBACK")
            except errors.ERRORS:
                self._drop()
        return lost

    async def _each_alone(self, group: Sequence[Steps]) -> list[Rows | BaseException]:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        answers: list[Rows | BaseException] = []
        for steps in group:
            if loop.time() > until:
                answers.append(unavailable(TimeoutError("waited too long")))
            else:
                answers += await self.work([steps])
        return answers


async def _perform_together(connection: asyncpg.Connection, group: Sequence[Steps]) -> list[Rows]:
    """What only adds rows, and sees none, is done at once for all who do the same (half our CPU time)."""
    answers: list[Rows] = []
    adding: dict[tuple[Statement, ...], list[Steps]] = {}
    for steps in group:
        if all(step.statement.only_adds for step in steps):
            adding.setdefault(tuple(step.statement for step in steps), []).append(steps)
            answers.append([])
        else:
            answers.append(await _perform(connection, steps))
    for alike in adding.values():
        await _perform(connection, [_joined(same) for same in zip(*alike, strict=True)])
    return answers


def _joined(same: Sequence[Step]) -> Step:
    return Step(same[0].statement, [row for step in same for row in step.rows])


async def _perform(connection: asyncpg.Connection, steps: Sequence[Step]) -> Rows:
    returned: Rows = []
    for statement, rows in steps:
        returned = await _fetch(connection, statement, rows) if rows else []
    return returned


async def _fetch(connection: asyncpg.Connection, statement: Statement, rows: Sequence[Parameters]) -> Rows:
    names = statement.names
    if len(rows) == 1:
        row = rows[0]
        found = await connection.fetch(statement.sql, *[sent(row[name]) for name in names])
    else:
        given = [[sent(row[name]) for name in names] for row in rows]
        found = await connection.fetchmany(statement.sql, given)
    return [received(record) for record in found]


async def _connect(url: str, *, timeout: float) -> asyncpg.Connection:
    """Raises StorageUnavailable."""
    milliseconds = int(timeout * 1000)
    session = SESSION.format(timeout=milliseconds, lock_timeout=milliseconds // 2)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            connection = await asyncpg.connect(
                url,
                command_timeout=timeout + GRACE,
                max_cached_statement_lifetime=0,  # they are as many as there are stores, for ever
                max_cacheable_statement_size=0,
                target_session_attrs="read-write",  # of several hosts, the one that is no standby
            )
            await connection.execute(session)
    except errors.ERRORS as error:
        raise unavailable(error) from error
    return connection


async def prepare(url: str) -> str | None:
    """Bring the schema to HEAD; the revision it was at. Any number of processes may do so at once.

    Raises StorageUnavailable, UnknownSchema.
    """
    connection = await _connect(url, timeout=MIGRATION_TIMEOUT)
    try:
        found = await _revision(connection)
        if found != migrations.HEAD:
            await _migrate(connection)
        return found
    except errors.ERRORS as error:
        raise unavailable(error) from error
    finally:
        with suppress(*errors.ERRORS):
            await connection.close(timeout=GRACE)


async def _revision(connection: asyncpg.Connection) -> str | None:
    if not await connection.fetchval(HAS_REVISION):
        return None
    revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    return None if revision is None else str(revision)


async def _migrate(connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        current = await _revision(connection)  # another process may have been here while we waited
        if current != migrations.HEAD:
            await connection.execute(migrations.render("postgresql", current))
