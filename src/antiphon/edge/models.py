"""GET /v1/models: what can be asked for by name, what is known about it, and how it is doing.

Codex asks with `client_version` for a catalogue of its own under `models`, and calls an answer without it an
error. Each entry there must bring the instructions that Codex gives the model in place of its own, without
which its agent is another one; so the catalogue is empty, and Codex goes on with what it knows itself.
docs/clients.md says how to make one that has its instructions and our figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from antiphon.core.records import Caller
from antiphon.edge.exchange import Exchange
from antiphon.protocol.errors import InvalidRequest, NotFound
from antiphon.protocol.json import JSON
from antiphon.routing.listing import Listing


@dataclass(frozen=True, slots=True)
class Models:
    """The handlers. `since`: when this gateway started (epoch seconds), for providers do not say when models
    were made; `clock` only goes forward; `date` is today's in UTC, ISO.
    """

    listing: Listing
    since: int
    clock: Callable[[], float]
    date: Callable[[], str]

    async def list(self, exchange: Exchange, caller: Caller) -> None:
        data = [self._shown(entry) for entry in self.listing.all(self.clock(), self.date())]
        answer: JSON = {"object": "list", "data": data}
        if "client_version" in exchange.query():
            answer["models"] = []
        await exchange.answer_json(200, answer)

    async def retrieve(self, exchange: Exchange, caller: Caller) -> None:
        try:
            entry = self.listing.one(exchange.path_params["model"], self.clock(), self.date())
        except InvalidRequest as error:
            raise NotFound(error.message, code="model_not_found", param="model") from None
        await exchange.answer_json(200, self._shown(entry))

    def _shown(self, entry: JSON) -> JSON:
        return {"id": entry["id"], "object": "model", "created": self.since, **entry}
