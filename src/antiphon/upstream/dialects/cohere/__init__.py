"""The Cohere dialect: Chat, version 2 (https://docs.cohere.com/reference/chat), and real traffic.

    encode.py     the turn's fields        messages.py, parts.py   steps and their content
    tools.py      tools and tool_choice    models.py               what differs between models
    decode.py     events and answers       citations.py            what the text rests on
    usage.py      token counts             errors.py               failures

Version 1 is not spoken: its stream (`application/stream+json`, lines with an `event_type`) and its request
(one `message` beside a `chat_history`) are another API, which Cohere keeps for old clients only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from antiphon.core.deltas import Delta
from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProtocolViolation, ProviderError
from antiphon.protocol.json import JSON
from antiphon.upstream.base import Framing, WireRequest
from antiphon.upstream.dialects.cohere.decode import CohereDecoder
from antiphon.upstream.dialects.cohere.encode import OWN_FIELDS, body_from
from antiphon.upstream.dialects.cohere.errors import failure_from

__all__ = ["Cohere", "CohereDecoder"]


@dataclass(frozen=True, slots=True)
class Cohere:
    """Quirks: what this upstream takes beyond, or short of, Cohere's own API."""

    name: str = "cohere"
    path: str = "/v2/chat"
    """Appended to the base URL."""
    thinks: bool | None = None
    """Its models take `thinking`, and thoughts go back as such; else as `tool_plan`. None: by their names."""
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    """Sent with every request, as it is: `{safety_mode: STRICT}`."""

    @property
    def framing(self) -> Framing:
        return "sse"

    def native_tools(self, turn: Turn) -> frozenset[str]:
        return frozenset({"function"})

    @property
    def reads(self) -> frozenset[str]:
        return frozenset()

    @property
    def own_fields(self) -> frozenset[str]:
        return frozenset(OWN_FIELDS)

    def takes_url(self, part: JSON, model: str) -> bool:
        """Images (https://docs.cohere.com/docs/image-inputs); of files it gets the text."""
        return part.get("type") != "input_file"

    def prefills(self, turn: Turn) -> bool:
        return False

    def encode(self, turn: Turn) -> WireRequest:
        """Raises InvalidRequest naming `param` for what Cohere cannot be told."""
        body, adaptations = body_from(turn, self.thinks)
        return WireRequest(self.path, {**body, **self.extra_body}, adaptations=adaptations)

    def decoder(self) -> CohereDecoder:
        return CohereDecoder()

    def answer(self, body: JSON) -> Iterable[Delta]:
        """The deltas of a whole answer. Raises ProviderError."""
        return CohereDecoder().answer(body)

    def error(self, status: int, body: bytes) -> ProviderError:
        return failure_from(status, body)

    def count(self, turn: Turn) -> WireRequest | None:
        """Cohere tokenizes texts, but no conversation: its own prompt around it is not known."""
        return None

    def counted(self, body: JSON) -> int:
        raise ProtocolViolation("This provider does not count tokens.")
