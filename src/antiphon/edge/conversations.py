"""/v1/conversations and what belongs to it: parse, ask the engine, render."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from antiphon.core.records import Caller
from antiphon.edge import parsing
from antiphon.edge.exchange import Exchange
from antiphon.engine import conversations as engine
from antiphon.protocol import conversations as wire
from antiphon.protocol.json import JSON


@dataclass(frozen=True, slots=True)
class Conversations:
    """The handlers. Each takes an exchange and the caller it was made by."""

    service: engine.Conversations
    limits: parsing.Limits

    async def create(self, exchange: Exchange, caller: Caller) -> None:
        asked = wire.create_conversation(await self._body(exchange, empty_is=b"{}"))
        made = await self.service.create(caller, asked)
        exchange.subject = made["id"]
        await exchange.answer_json(200, made)

    async def retrieve(self, exchange: Exchange, caller: Caller) -> None:
        await exchange.answer_json(200, await self.service.retrieve(caller, _named(exchange)))

    async def update(self, exchange: Exchange, caller: Caller) -> None:
        named = _named(exchange)
        change = wire.change_conversation(await self._body(exchange))
        await exchange.answer_json(200, await self.service.update(caller, named, change.metadata or {}))

    async def delete(self, exchange: Exchange, caller: Caller) -> None:
        named = _named(exchange)
        await self.service.delete(caller, named)
        await exchange.answer_json(200, {"id": named, "object": "conversation.deleted", "deleted": True})

    async def add_items(self, exchange: Exchange, caller: Caller) -> None:
        named, include = _named(exchange), parsing.include_query(exchange.query())
        exchange.subject = named
        asked = wire.add_items(await self._body(exchange))
        added = await self.service.add(caller, named, asked.items, include)
        await exchange.answer_json(200, item_list(added, has_more=False))

    async def list_items(self, exchange: Exchange, caller: Caller) -> None:
        asked = parsing.list_query(exchange.query())
        page = await self.service.items(
            caller,
            _named(exchange),
            limit=asked.limit,
            order=asked.order,
            after=asked.after,
            include=asked.include,
        )
        await exchange.answer_json(200, item_list(page.data, has_more=page.has_more))

    async def retrieve_item(self, exchange: Exchange, caller: Caller) -> None:
        named, include = _named(exchange), parsing.include_query(exchange.query())
        item = await self.service.item(caller, named, exchange.path_params["item_id"], include)
        await exchange.answer_json(200, item)

    async def delete_item(self, exchange: Exchange, caller: Caller) -> None:
        named = _named(exchange)
        conversation = await self.service.delete_item(caller, named, exchange.path_params["item_id"])
        await exchange.answer_json(200, conversation)

    async def _body(self, exchange: Exchange, *, empty_is: bytes = b"") -> JSON:
        body = await exchange.body(self.limits.body_bytes)
        return parsing.json_object(body or empty_is, self.limits)


def item_list(data: list[JSON], *, has_more: bool) -> dict[str, Any]:
    """OpenAI's envelope of a page."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }


def _named(exchange: Exchange) -> str:
    """The id in the path. Raises InvalidRequest for what cannot be one."""
    return str(wire.conversation_id(exchange.path_params["conversation_id"], "conversation_id"))
