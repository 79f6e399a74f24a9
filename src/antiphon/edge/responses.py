"""POST /v1/responses and what belongs to it: parse, ask the service, render."""

from __future__ import annotations

from dataclasses import dataclass, replace

from antiphon.core.records import Caller
from antiphon.edge import parsing
from antiphon.edge.conversations import item_list
from antiphon.edge.exchange import Exchange
from antiphon.edge.following import as_followed
from antiphon.edge.outlet import OnDisconnect, StreamStyle, as_json, as_stream
from antiphon.edge.socket import Sockets
from antiphon.engine.background import Background
from antiphon.engine.prompts import Prompts
from antiphon.engine.service import Service
from antiphon.protocol import request as wire
from antiphon.protocol.errors import UpgradeRequired
from antiphon.protocol.json import JSON
from antiphon.protocol.request import CreateResponse


@dataclass(frozen=True, slots=True)
class Responses:
    """The handlers. Each takes an exchange and the caller it was made by."""

    service: Service
    background: Background
    limits: parsing.Limits
    style: StreamStyle
    prompts: Prompts
    on_disconnect: OnDisconnect = "stop"
    sockets: Sockets | None = None

    async def create(self, exchange: Exchange, caller: Caller) -> None:
        request = await self._request(exchange, caller)
        if request.background:
            await self._create_in_background(exchange, caller, request)
            return
        run = await self.service.create(caller, request)
        exchange.subject = run.response_id
        if request.stream:
            await as_stream(exchange, run, self.on_disconnect, self._style(request))
        else:
            await as_json(exchange, run, self.on_disconnect)

    async def _create_in_background(
        self, exchange: Exchange, caller: Caller, request: CreateResponse
    ) -> None:
        """Whoever reads on is only a reader: the response is made without him."""
        response = await self.background.create(caller, request)
        exchange.subject = response["id"]
        if request.stream:
            await self._follow(exchange, caller, response["id"], -1, self._style(request))
        else:
            await exchange.answer_json(200, response)

    async def _follow(
        self, exchange: Exchange, caller: Caller, response_id: str, after: int, style: StreamStyle
    ) -> None:
        with self.background.follower(caller, response_id, after) as follower:
            await as_followed(exchange, follower, style)

    async def retrieve(self, exchange: Exchange, caller: Caller) -> None:
        if (exchange.header(b"upgrade") or b"").lower() == b"websocket":
            raise _no_websocket()
        asked = parsing.retrieve_query(exchange.query())
        response_id = exchange.path_params["response_id"]
        if asked.stream:
            await self.background.check_followed(caller, response_id)
            style = replace(self.style, padded=asked.padded)
            await self._follow(exchange, caller, response_id, asked.starting_after, style)
        else:
            await exchange.answer_json(
                200, await self.background.retrieve(caller, response_id, asked.include)
            )

    async def delete(self, exchange: Exchange, caller: Caller) -> None:
        response_id = exchange.path_params["response_id"]
        await self.background.delete(caller, response_id)
        await exchange.answer_json(200, {"id": response_id, "object": "response", "deleted": True})

    async def cancel(self, exchange: Exchange, caller: Caller) -> None:
        await exchange.answer_json(
            200, await self.background.cancel(caller, exchange.path_params["response_id"])
        )

    async def input_items(self, exchange: Exchange, caller: Caller) -> None:
        asked = parsing.list_query(exchange.query())
        page = await self.service.input_items(
            caller,
            exchange.path_params["response_id"],
            limit=asked.limit,
            order=asked.order,
            after=asked.after,
            include=asked.include,
        )
        await exchange.answer_json(200, item_list(page.data, has_more=page.has_more))

    async def compact(self, exchange: Exchange, caller: Caller) -> None:
        request = wire.compact_request(await self._asked(exchange, caller), self.limits)
        run = await self.service.compact(caller, request)
        await as_json(exchange, run, self.on_disconnect, self.service.compacted)

    async def input_tokens(self, exchange: Exchange, caller: Caller) -> None:
        request = wire.input_tokens_request(await self._asked(exchange, caller), self.limits)
        tokens = await self.service.count_input_tokens(caller, request)
        await exchange.answer_json(200, {"object": "response.input_tokens", "input_tokens": tokens})

    async def explain(self, exchange: Exchange, caller: Caller) -> None:
        """The same request as for `create`, of which nothing is sent."""
        request = await self._request(exchange, caller)
        await exchange.answer_json(200, await self.service.explain(caller, request))

    async def explain_model(self, exchange: Exchange, caller: Caller) -> None:
        """For a look: `?model=…` alone."""
        request = parsing.model_query(exchange.query(), self.limits)
        await exchange.answer_json(200, await self.service.explain(caller, request))

    async def upgrade(self, exchange: Exchange, caller: Caller) -> None:
        """There is no list to GET. Where WebSockets are not served, agents fall back to HTTP on 426."""
        if self.sockets is None:
            raise _no_websocket()
        await self.sockets.serve(exchange)

    async def _asked(self, exchange: Exchange, caller: Caller) -> JSON:
        """The body, with the prompt that it names in it."""
        body = parsing.json_object(await exchange.body(self.limits.body_bytes), self.limits)
        return body if body.get("prompt") is None else await self.prompts.fill(caller, body)

    async def _request(self, exchange: Exchange, caller: Caller) -> CreateResponse:
        """The request, with the session that the header names if the body names none."""
        request = wire.create_response(await self._asked(exchange, caller), self.limits)
        if request.session_id is None:
            request.session_id = parsing.session_header(exchange.header(b"x-session-id"))
        return request

    def _style(self, request: CreateResponse) -> StreamStyle:
        options = request.stream_options or {}
        padded = options.get("include_obfuscation") is not False
        return replace(self.style, padded=padded)


def _no_websocket() -> UpgradeRequired:
    return UpgradeRequired("WebSocket is not served here; send POST requests over HTTP.")
