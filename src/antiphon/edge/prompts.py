"""/v1/prompts: parse, ask the engine, render."""

from __future__ import annotations

from dataclasses import dataclass

from antiphon.core.records import Caller
from antiphon.edge import parsing
from antiphon.edge.conversations import item_list
from antiphon.edge.exchange import Exchange
from antiphon.engine import prompts as engine
from antiphon.protocol.prompts import PromptVersion, prompt_version


@dataclass(frozen=True, slots=True)
class Prompts:
    """The handlers. Each takes an exchange and the caller it was made by."""

    service: engine.Prompts
    limits: parsing.Limits

    async def create(self, exchange: Exchange, caller: Caller) -> None:
        await exchange.answer_json(200, await self.service.create(caller, await self._version(exchange)))

    async def add(self, exchange: Exchange, caller: Caller) -> None:
        version = await self._version(exchange)
        await exchange.answer_json(200, await self.service.add(caller, _named(exchange), version))

    async def retrieve(self, exchange: Exchange, caller: Caller) -> None:
        version = exchange.query().get("version", [None])[-1]
        await exchange.answer_json(200, await self.service.retrieve(caller, _named(exchange), version))

    async def list(self, exchange: Exchange, caller: Caller) -> None:
        asked = parsing.list_query(exchange.query())
        page = await self.service.list(caller, after=asked.after, limit=asked.limit)
        await exchange.answer_json(200, item_list(page.data, has_more=page.has_more))

    async def delete(self, exchange: Exchange, caller: Caller) -> None:
        named = _named(exchange)
        await self.service.delete(caller, named)
        await exchange.answer_json(200, {"id": named, "object": "prompt.deleted", "deleted": True})

    async def _version(self, exchange: Exchange) -> PromptVersion:
        body = await exchange.body(self.limits.body_bytes)
        return prompt_version(parsing.json_object(body, self.limits), self.limits)


def _named(exchange: Exchange) -> str:
    return str(exchange.path_params["prompt_id"])
