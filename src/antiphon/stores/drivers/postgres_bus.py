"""PostgreSQL as a bus between processes: LISTEN and NOTIFY, on a connection of its own.

One channel of the database carries all topics, as many in a message as fit:

    sender LF topic LF topic …        fewer than 8000 bytes

A channel for each topic would be a transaction for each follower; so every process hears of all, and looks up
in memory whether it concerns anybody. Messages are committed, but not waited for on the disk.

https://www.postgresql.org/docs/current/sql-notify.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import suppress

import asyncpg

from antiphon.stores.drivers.bus import LIMIT, PACE, PATIENCE, Bus

CHANNEL = "antiphon"
MOST_BYTES = 7999  # of a message
GRACE = 1.0  # seconds for a server to say good-bye
SESSION = "SET synchronous_commit = off; SET jit = off"
TELL = "SELECT pg_notify($1, message) FROM unnest($2::text[]) AS message"


class PostgresBus(Bus):
    """A Bus for all processes on one database. A pooler between must pool by session."""

    name = "postgresql"
    errors = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)

    def __init__(self, url: str, sender: str, *, limit: int = LIMIT) -> None:
        """`url` as of libpq, with a password or without."""
        super().__init__(sender, limit=limit)
        self._url = url

    def follow(self, topic: str) -> None:
        """See Bus. All is heard here anyway."""

    def unfollow(self, topic: str) -> None:
        """See Bus."""

    async def _carry(self) -> None:
        async with asyncio.timeout(PATIENCE):
            connection = await asyncpg.connect(
                self._url, command_timeout=PATIENCE, target_session_attrs="read-write"
            )
        try:
            connection.add_termination_listener(lambda _: self._disconnected())
            await connection.execute(SESSION)
            await connection.add_listener(CHANNEL, self._take)
            self._connected()
            while self._is_connected:
                await self._tell(connection)
        finally:
            with suppress(*self.errors):
                await connection.close(timeout=GRACE)

    async def _tell(self, connection: asyncpg.Connection) -> None:
        topics = await self._round()
        await connection.execute(TELL, CHANNEL, list(messages(self._sender, topics)))
        await asyncio.sleep(PACE)

    def _take(self, connection: object, process: int, channel: str, message: str) -> None:
        sender, *topics = message.split("\n")
        if sender != self._sender:
            for topic in topics:
                self._heard(topic)


def messages(sender: str, topics: Iterable[str]) -> Iterator[str]:
    """As few as they can be. A topic that fits into none is left out."""
    message, size = [sender], len(sender)
    for topic in topics:
        length = len(topic.encode()) + 1
        if len(sender) + length > MOST_BYTES:
            continue
        if size + length > MOST_BYTES:
            yield "\n".join(message)
            message, size = [sender], len(sender)
        message.append(topic)
        size += length
    if len(message) > 1:
        yield "\n".join(message)
