"""GET /v1/models: what can be asked for by name, what is known about it, and how it is doing.

Codex asks with `client_version` for a catalogue of its own under `models`, and calls an answer without it an
error. Without instructions (see `edge/codex.py`) the catalogue is empty, and Codex goes on with what it knows
itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from antiphon.core.records import Caller
from antiphon.edge.codex import catalogue
from antiphon.edge.exchange import Exchange
from antiphon.protocol.errors import InvalidRequest, NotFound
from antiphon.protocol.json import JSON
from antiphon.routing.listing import Listing


@dataclass(frozen=True, slots=True)
class Models:
    """The handlers. `since`: when this gateway started (epoch seconds), for providers do not say when models
    were made; `clock` only goes forward; `date` is today's in UTC, ISO. `instructions` are what Codex tells
    the models.
    """

    listing: Listing
    since: int
    clock: Callable[[], float]
    date: Callable[[], str]
    instructions: str | None = None

    async def list(self, exchange: Exchange, caller: Caller) -> None:
        entries = self.listing.all(self.clock(), self.date())
        data = [self._shown(entry) for entry in entries]
        answer: JSON = {"object": "list", "data": data}
        if "client_version" in exchange.query():
            answer["models"] = catalogue(entries, self.instructions) if self.instructions else []
        await exchange.answer_json(200, answer)

    async def retrieve(self, exchange: Exchange, caller: Caller) -> None:
        try:
            entry = self.listing.one(exchange.path_params["model"], self.clock(), self.date())
        except InvalidRequest as error:
            raise NotFound(error.message, code="model_not_found", param="model") from None
        await exchange.answer_json(200, self._shown(entry))

    def _shown(self, entry: JSON) -> JSON:
        return {"id": entry["id"], "object": "model", "created": self.since, **entry}
