"""Writers: who may append to a conversation, one at a time, in all processes together.

    open ─▶ a writer ─┬─▶ save:     the response and its items, in the commit that lets go
                      ├─▶ release:  nothing was appended
                      └─▶ the process dies: the lease runs out

    claimed ─▶ a lock ─▶ queued with a job, which lets go when it ends (stores/queued_conversations.py)

The locks of this process are renewed three times within their lease, all together.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from antiphon.core.records import ConversationLock, ResponseRecord
from antiphon.engine.ports import ConversationStore, Keeping
from antiphon.observe.clock import NewId
from antiphon.protocol.conversations import unknown_conversation
from antiphon.protocol.errors import ConversationLocked, GatewayError

LEASE = 15.0
"""Seconds after which the lock of a process that died is free."""

_APPENDED = ("completed", "incomplete")

log = structlog.get_logger()


class Writers:
    """Opens conversations for writing. `lease`: seconds."""

    def __init__(self, store: ConversationStore, new_id: NewId, *, lease: float = LEASE) -> None:
        self._store = store
        self._new_id = new_id
        self._lease = lease
        self.held: set[ConversationLock] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def open(self, project_id: str, conversation_id: str, keeping: Keeping) -> Writer:
        """Raises NotFound, ConversationLocked, GatewayError."""
        return Writer(await self._claim(project_id, conversation_id, self._new_id("writer")), keeping, self)

    @asynccontextmanager
    async def claimed(
        self, project_id: str, conversation_id: str, token: str
    ) -> AsyncIterator[ConversationLock]:
        """A lock that is kept behind the block, for whoever knows the token; unless the block fails.

        Raises NotFound, ConversationLocked, GatewayError.
        """
        lock = await self._claim(project_id, conversation_id, token)
        try:
            yield lock
        except BaseException:
            await self.release(lock)
            raise
        self.forget(lock)

    async def _claim(self, project_id: str, conversation_id: str, token: str) -> ConversationLock:
        lock = await self._store.claim(project_id, conversation_id, token, seconds=self._lease)
        if lock is None:
            if await self._store.get(project_id, conversation_id) is None:
                raise unknown_conversation(conversation_id, "conversation")
            raise ConversationLocked
        self.held.add(lock)
        self._wait()
        return lock

    async def release(self, lock: ConversationLock) -> None:
        """What cannot be released now runs out."""
        self.forget(lock)
        try:
            await self._store.release(lock)
        except GatewayError as error:
            log.warning("conversation_not_released", conversation=lock.conversation_id, reason=str(error))

    def forget(self, lock: ConversationLock) -> None:
        """It is renewed no more."""
        self.held.discard(lock)
        if not self.held and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        if self.held and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._lease / 3, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.get_running_loop().create_task(self._renew_all())
        self._wait()

    async def _renew_all(self) -> None:
        await asyncio.gather(*(self._renew(lock) for lock in self.held))

    async def _renew(self, lock: ConversationLock) -> None:
        """One that is lost is found out when something is to be appended."""
        try:
            await self._store.renew(lock, seconds=self._lease)
        except GatewayError as error:
            log.warning("conversation_not_renewed", conversation=lock.conversation_id, reason=str(error))


class Writer:
    """Keeps a response, and appends to its conversation in the same commit."""

    def __init__(self, lock: ConversationLock, keeping: Keeping, writers: Writers) -> None:
        self.lock = lock
        self._keeping = keeping
        self._writers = writers
        self._is_over = False

    async def save(self, record: ResponseRecord) -> None:
        """Of a response that failed nothing is appended. Raises GatewayError, and nothing is kept."""
        record.conversation = self.lock
        record.appends = record.body["status"] in _APPENDED
        try:
            await self._keeping.save(record)
        except ConversationLocked as error:
            self._over()
            raise GatewayError("The conversation was taken by another writer.") from error
        if record.appends:
            self._over()

    async def release(self) -> None:
        """Nothing more is appended. To be called however it ends."""
        if not self._is_over:
            self._over()
            await self._writers.release(self.lock)

    def abandon(self, _: object = None) -> None:
        """Renew it no more, whatever went wrong."""
        self._writers.forget(self.lock)

    def _over(self) -> None:
        self._is_over = True
        self._writers.forget(self.lock)
