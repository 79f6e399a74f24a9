"""Conversations: made, read, changed and deleted by clients; what is said in them comes with responses.

Who appends to them in the course of a response is a writer (engine/writers.py). Here a lock is held for
no longer than it takes to add the items that a client sends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from antiphon.core.history import listed, references, resolve, unsealed, with_call_ids
from antiphon.core.records import Caller, ConversationLock, ConversationRecord, Page
from antiphon.engine.plan import as_stored
from antiphon.engine.ports import ConversationStore, Order, Referred
from antiphon.observe.clock import NewId, Now
from antiphon.protocol.conversations import (
    ConversationInput,
    as_shown,
    conversation_object,
    unknown_conversation,
    unknown_item,
)
from antiphon.protocol.items import normalised
from antiphon.protocol.json import JSON


class Conversations:
    """The conversations of all projects, as the edge may ask for them.

    Everything raises NotFound for a conversation that is not there, or not the caller's.
    """

    def __init__(self, store: ConversationStore, referred: Referred, new_id: NewId, now: Now) -> None:
        """`referred` finds what an `item_reference` names."""
        self._store = store
        self._referred = referred
        self._new_id = new_id
        self._now = now

    async def create(self, caller: Caller, asked: ConversationInput) -> JSON:
        """The object. Raises InvalidRequest for a reference to nothing."""
        items = await self._stored(caller, asked.items or [])
        made = ConversationRecord(
            id=self._new_id("conversation"),
            project_id=caller.project_id,
            created_at=self._now(),
            metadata=asked.metadata or {},
        )
        await self._store.create(made, items)
        return _object(made)

    async def retrieve(self, caller: Caller, conversation_id: str) -> JSON:
        """The object."""
        found = await self._store.get(caller.project_id, conversation_id)
        if found is None:
            raise unknown_conversation(conversation_id)
        return _object(found)

    async def update(self, caller: Caller, conversation_id: str, metadata: JSON) -> JSON:
        """With these metadata in place of those that there are; the object."""
        if not await self._store.update(caller.project_id, conversation_id, metadata):
            raise unknown_conversation(conversation_id)
        return await self.retrieve(caller, conversation_id)

    async def delete(self, caller: Caller, conversation_id: str) -> None:
        """With its items. Responses that were made in it stay."""
        if not await self._store.delete(caller.project_id, conversation_id):
            raise unknown_conversation(conversation_id)

    # Items

    async def add(
        self, caller: Caller, conversation_id: str, given: list[JSON], include: Iterable[str]
    ) -> list[JSON]:
        """The items as they are now. Raises ConversationLocked; InvalidRequest for a reference to nothing."""
        items = await self._stored(caller, given)
        lock = ConversationLock(caller.project_id, conversation_id, self._new_id("writer"), 0)
        if not await self._store.add(lock, items, self._now()):
            raise unknown_conversation(conversation_id)
        return _shown(items, include)

    async def items(
        self,
        caller: Caller,
        conversation_id: str,
        *,
        limit: int,
        order: Order,
        after: str | None,
        include: Iterable[str],
    ) -> Page:
        """Raises InvalidRequest (`after`)."""
        page = await self._store.items(
            caller.project_id, conversation_id, limit=limit, order=order, after=after
        )
        if page is None:
            raise unknown_conversation(conversation_id)
        return Page(data=_shown(page.data, include), has_more=page.has_more)

    async def item(self, caller: Caller, conversation_id: str, item_id: str, include: Iterable[str]) -> JSON:
        """Raises NotFound for the item, too."""
        found = await self._store.item(caller.project_id, conversation_id, item_id)
        if found is None:
            await self.retrieve(caller, conversation_id)
            raise unknown_item(item_id)
        return _shown([found], include)[0]

    async def delete_item(self, caller: Caller, conversation_id: str, item_id: str) -> JSON:
        """The object of the conversation. Raises NotFound for the item, too."""
        shown = await self.retrieve(caller, conversation_id)
        if not await self._store.delete_item(caller.project_id, conversation_id, item_id):
            raise unknown_item(item_id)
        return shown

    async def history(self, caller: Caller, conversation_id: str) -> list[JSON]:
        """What a response that is made in it is told first; as it is stored."""
        items = await self._store.history(caller.project_id, conversation_id)
        if items is None:
            raise unknown_conversation(conversation_id, "conversation")
        return items

    async def _stored(self, caller: Caller, given: list[JSON]) -> list[JSON]:
        items = normalised(given)
        if wanted := references(items):
            items = resolve(items, await self._referred.items(caller.project_id, wanted), at="items")
        return [as_stored(item, self._new_id) for item in with_call_ids(items)]


def _object(record: ConversationRecord) -> JSON:
    return conversation_object(record.id, record.created_at, record.metadata)


def _shown(items: Sequence[JSON], include: Iterable[str]) -> list[JSON]:
    shown = as_shown(listed(items))
    return shown if "reasoning.encrypted_content" in include else unsealed(shown)
