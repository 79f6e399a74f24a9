"""The Responses dialect: upstreams that speak the gateway's own protocol (OpenAI, Azure, xAI, …).

    encode.py    the turn's fields          items.py     what was said before
    decode.py    events and answers         errors.py    failures

Their events are relayed with all their fields; the gateway holds the state, so they are asked to keep
nothing (`store: false`) and to hand out the sealed form of what the model thought, which is sent back
with the next turn. Reference: https://platform.openai.com/docs/api-reference/responses, and real traffic.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from antiphon.core.deltas import Delta
from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProtocolViolation, ProviderError
from antiphon.protocol.json import JSON
from antiphon.protocol.tools import COMPUTER, TOOLS
from antiphon.upstream.base import Framing, WireRequest
from antiphon.upstream.dialects.responses.decode import ResponsesDecoder
from antiphon.upstream.dialects.responses.encode import encode_body
from antiphon.upstream.dialects.responses.errors import error_of

__all__ = ["Responses"]

_COUNTED = (
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "text",
    "reasoning",
    "truncation",
)


@dataclass(frozen=True, slots=True)
class Responses:
    """Quirks: what this upstream takes beyond, or short of, OpenAI's Responses API."""

    name: str = "responses"
    seal: str = "responses"
    """Whose sealed thoughts it can read: only upstreams with the same word here get each other's."""
    sealed_reasoning: bool = True
    """It knows `include: ["reasoning.encrypted_content"]` (vLLM refuses it)."""
    raw_reasoning: bool = False
    """It takes earlier thoughts back in plain text, as it said them (servers of open models)."""
    keeps_nothing: bool = True
    """It knows `store`, and is told false."""
    call_ids: Literal["any", "short"] = "any"
    """Ids of calls may be any, or at most 64 characters (OpenAI)."""
    top_k: bool = False
    """It takes `top_k`."""
    penalties: bool = False
    """It takes `presence_penalty` and `frequency_penalty`."""
    cache_control: bool = False
    """It takes `cache_control`, on content parts and for the request as a whole."""
    cache_breakpoints: bool = False
    """Its models from gpt-5.6 on take `prompt_cache_breakpoint`, and `cache_control` is said so."""
    pads_deltas: bool = False
    """It pads deltas with `obfuscation` unless told not to; the gateway pads its own."""
    image_urls: bool = True
    """Images may be URLs; otherwise the gateway fetches them."""
    file_urls: bool = True
    """Files may be URLs; otherwise the gateway fetches them."""
    lacks: tuple[str, ...] = ()
    """The types of tools that it does not know: those that clients run are offered as functions, hosted ones
    are left out."""
    counts_tokens: bool = False
    """It serves `/responses/input_tokens`."""

    @property
    def framing(self) -> Framing:
        return "sse"

    def native_tools(self, turn: Turn) -> frozenset[str] | None:
        """It says every tool as it came, but for those that it does not know."""
        if not self.lacks:
            return None
        asked = {str(tool.get("type")) for tool in turn.tools}
        lacking = set(self.lacks)
        if not asked.isdisjoint(COMPUTER) and asked.intersection(COMPUTER).isdisjoint(lacking):
            lacking.difference_update(COMPUTER)  # the items of all forms are the same
        return frozenset({*TOOLS, *asked} - lacking)

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({self.seal})

    @property
    def own_fields(self) -> None:
        """It carries all."""

    def takes_url(self, part: JSON, model: str) -> bool:
        return self.file_urls if part.get("type") == "input_file" else self.image_urls

    def prefills(self, turn: Turn) -> bool:
        return False

    def encode(self, turn: Turn) -> WireRequest:
        body, adaptations = encode_body(turn, self)
        return WireRequest("/responses", body, adaptations=adaptations)

    def decoder(self) -> ResponsesDecoder:
        return ResponsesDecoder(f"{self.seal}:")

    def answer(self, body: JSON) -> Iterable[Delta]:
        return self.decoder().answer(body)

    def error(self, status: int, body: bytes) -> ProviderError:
        return error_of(status, body)

    def count(self, turn: Turn) -> WireRequest | None:
        if not self.counts_tokens:
            return None
        body, adaptations = encode_body(turn, self)
        counted = {field: body[field] for field in _COUNTED if field in body}
        return WireRequest("/responses/input_tokens", counted, adaptations=adaptations)

    def counted(self, body: JSON) -> int:
        count = body.get("input_tokens")
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise ProtocolViolation("The provider counted no tokens.")
        return count
