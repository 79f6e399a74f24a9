"""Redis as a bus between processes: a channel for each topic that somebody follows, messages without content.

    one connection tells      PUBLISH prefix:topic sender
    another one listens       SUBSCRIBE prefix:topic …

Nothing is kept in Redis, and nothing is read from it but that something happened. Between the wish to
follow a topic and the server's word that it is followed something may be missed: with that word, who listens
is woken.

Channels have nothing to do with the number of a database; the prefix is what keeps installations apart.

https://redis.io/docs/latest/develop/pubsub/
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from antiphon.stores.drivers.bus import HEARTBEAT, LIMIT, PACE, PATIENCE, Bus

_AT_ONCE = 1000  # channels a command


class RedisBus(Bus):
    """A Bus for all processes that name the same server and prefix."""

    name = "redis"
    errors = (RedisError, OSError, ValueError)  # ValueError: certificates that cannot be read, odd answers

    def __init__(self, url: str, sender: str, *, prefix: str, limit: int = LIMIT) -> None:
        """`url`: `redis://`, `rediss://` or `unix://`, with a password or without."""
        super().__init__(sender, limit=limit)
        self._url = url
        self._prefix = f"{prefix}:"
        self._followed: set[str] = set()
        self._changes: dict[str, bool] = {}  # of the connection: topic → whether it is to be followed
        self._changed = asyncio.Event()

    def follow(self, topic: str) -> None:
        """See Bus."""
        self._followed.add(topic)
        self._change(topic, True)

    def unfollow(self, topic: str) -> None:
        """See Bus."""
        self._followed.discard(topic)
        self._change(topic, False)

    def _change(self, topic: str, is_followed: bool) -> None:
        if self._is_connected:
            self._changes[topic] = is_followed
            self._changed.set()

    async def _carry(self) -> None:
        async with self._client() as client, client.pubsub() as subscription:
            await client.ping()
            await subscription.connect()
            self._changes = dict.fromkeys(self._followed, True)
            self._changed.set()
            self._connected()
            async with asyncio.TaskGroup() as tasks:
                for work in (self._tell(client), self._listen(subscription), self._keep_up(subscription)):
                    tasks.create_task(self._ending_all(work))

    async def _ending_all(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self._disconnected()

    def _client(self) -> Redis:
        return Redis.from_url(
            self._url,
            protocol=2,  # which servers of all versions speak
            socket_connect_timeout=PATIENCE,
            socket_timeout=PATIENCE,
            **({} if self._url.startswith("unix:") else {"socket_keepalive": True}),
            retry=Retry(NoBackoff(), 0),  # a lost connection is our affair: something was missed
        )

    async def _tell(self, client: Redis) -> None:
        while self._is_connected:
            topics = await self._round()
            async with client.pipeline(transaction=False) as commands:
                commands.ping()
                for topic in topics:
                    commands.publish(self._prefix + topic, self._sender)
                await commands.execute()
            await asyncio.sleep(PACE)

    async def _keep_up(self, subscription: PubSub) -> None:
        while self._is_connected:
            await self._changed.wait()
            self._changed.clear()
            changes, self._changes = self._changes, {}
            channels: dict[bool, list[str]] = {True: [], False: []}
            for topic, is_followed in changes.items():
                channels[is_followed].append(self._prefix + topic)
            for begin in range(0, len(channels[True]), _AT_ONCE):
                await subscription.subscribe(*channels[True][begin : begin + _AT_ONCE])
            for begin in range(0, len(channels[False]), _AT_ONCE):
                await subscription.unsubscribe(*channels[False][begin : begin + _AT_ONCE])

    async def _listen(self, subscription: PubSub) -> None:
        is_asked = False
        while self._is_connected:
            message = await subscription.get_message(timeout=HEARTBEAT)
            if message is not None:
                is_asked = False
                self._take(message)
            elif is_asked:
                raise TimeoutError
            else:
                is_asked = True
                await subscription.ping()

    def _take(self, message: dict[str, Any]) -> None:
        is_told = message["type"] == "message" and message["data"] != self._sender.encode()
        if is_told or message["type"] == "subscribe":
            channel: bytes = message["channel"]
            self._heard(channel.decode(errors="replace").removeprefix(self._prefix))
