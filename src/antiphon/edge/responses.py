"""POST /v1/responses and what belongs to it: parse, ask the service, render."""

from __future__ import annotations

from dataclasses import dataclass, replace

from antiphon.core.records import Caller
from antiphon.edge import parsing
from antiphon.edge.exchange import Exchange
from antiphon.edge.outlet import OnDisconnect, StreamStyle, as_json, as_stream
from antiphon.engine.service import Service
from antiphon.protocol.errors import UpgradeRequired
from antiphon.protocol.request import CreateResponse


@dataclass(frozen=True, slots=True)
class Responses:
    """The handlers. Each takes an exchange and the caller it was made by."""

    service: Service
    limits: parsing.Limits
    style: StreamStyle
    on_disconnect: OnDisconnect = "stop"

    async def create(self, exchange: Exchange, caller: Caller) -> None:
        request = await self._request(exchange)
        run = await self.service.create(caller, request)
        if request.stream:
            await as_stream(exchange, run, self.on_disconnect, self._style(request))
        else:
            await as_json(exchange, run, self.on_disconnect)

    async def retrieve(self, exchange: Exchange, caller: Caller) -> None:
        if (exchange.header(b"upgrade") or b"").lower() == b"websocket":
            raise _no_websocket()
        asked = parsing.retrieve_query(exchange.query())
        response = await self.service.retrieve(caller, exchange.path_params["response_id"], asked.include)
        await exchange.answer_json(200, response)

    async def delete(self, exchange: Exchange, caller: Caller) -> None:
        response_id = exchange.path_params["response_id"]
        await self.service.delete(caller, response_id)
        await exchange.answer_json(200, {"id": response_id, "object": "response", "deleted": True})

    async def cancel(self, exchange: Exchange, caller: Caller) -> None:
        await exchange.answer_json(
            200, await self.service.cancel(caller, exchange.path_params["response_id"])
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
        await exchange.answer_json(
            200,
            {
                "object": "list",
                "data": page.data,
                "first_id": page.data[0]["id"] if page.data else None,
                "last_id": page.data[-1]["id"] if page.data else None,
                "has_more": page.has_more,
            },
        )

    async def input_tokens(self, exchange: Exchange, caller: Caller) -> None:
        body = await exchange.body(self.limits.body_bytes)
        request = parsing.input_tokens_request(body, self.limits)
        tokens = await self.service.count_input_tokens(caller, request)
        await exchange.answer_json(200, {"object": "response.input_tokens", "input_tokens": tokens})

    async def explain(self, exchange: Exchange, caller: Caller) -> None:
        """The same request as for `create`, of which nothing is sent."""
        request = await self._request(exchange)
        await exchange.answer_json(200, await self.service.explain(caller, request))

    async def explain_model(self, exchange: Exchange, caller: Caller) -> None:
        """For a look: `?model=…` alone."""
        request = parsing.model_query(exchange.query(), self.limits)
        await exchange.answer_json(200, await self.service.explain(caller, request))

    async def upgrade(self, exchange: Exchange, caller: Caller) -> None:
        """There is no list to GET; agents that try a WebSocket here fall back to HTTP on 426."""
        raise _no_websocket()

    async def _request(self, exchange: Exchange) -> CreateResponse:
        """The body, with the session that the header names if the body names none."""
        request = parsing.create_response(await exchange.body(self.limits.body_bytes), self.limits)
        if request.session_id is None:
            request.session_id = parsing.session_header(exchange.header(b"x-session-id"))
        return request

    def _style(self, request: CreateResponse) -> StreamStyle:
        options = request.stream_options or {}
        padded = options.get("include_obfuscation") is not False
        return replace(self.style, padded=padded)


def _no_websocket() -> UpgradeRequired:
    return UpgradeRequired("WebSocket is not served here; send POST requests over HTTP.")
