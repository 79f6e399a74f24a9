"""The Anthropic dialect: the Messages API (https://platform.claude.com/docs/en/api/messages).

The gateway holds the conversation; what the model thought goes back to it signed, byte for byte. Which
fields a model takes depends on its generation (`models`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from antiphon.core.deltas import Delta
from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProtocolViolation, ProviderError
from antiphon.protocol.json import JSON
from antiphon.protocol.tools import COMPUTER, WEB_SEARCH
from antiphon.upstream import aws_errors
from antiphon.upstream.base import Decoder, Framing, WireRequest
from antiphon.upstream.claude.models import Abilities, abilities_of, goes_on
from antiphon.upstream.dialects.anthropic.computer import computer_of
from antiphon.upstream.dialects.anthropic.content import may_be_pdf
from antiphon.upstream.dialects.anthropic.decode import AnthropicDecoder
from antiphon.upstream.dialects.anthropic.encode import encode_body
from antiphon.upstream.dialects.anthropic.errors import error_of
from antiphon.upstream.dialects.anthropic.platforms import ChunkDecoder, Platform, count_request, request

__all__ = ["Abilities", "Anthropic"]


@dataclass(frozen=True, slots=True)
class Anthropic:
    """Quirks: what this upstream takes beyond, or short of, Anthropic's own API."""

    name: str = "anthropic"
    version: str = "2023-06-01"
    """The header `anthropic-version`. From 2026-10-21 on no model takes temperature, top_p and top_k."""
    default_max_tokens: int = 8_192
    """`max_tokens`, which must be sent, when neither the request nor the model's name gives one."""
    abilities: Abilities | None = None
    """What all models of this upstream take; None: as their names say (`models.abilities_of`)."""
    web_search: str | None = "web_search_20250305"
    """The type of its native search tool; None: it has none."""
    code_execution: str | None = "code_execution_20250825"
    """The type of its tool that runs code; None: it has none."""
    mcp: str | None = "mcp-client-2025-11-20"
    """The beta with which it calls the tools of remote MCP servers; None: it calls none."""
    computer: bool = True
    """It takes Anthropic's own computer tools; otherwise a computer is a function."""
    counts_tokens: bool = True
    """It counts tokens (Anthropic: `/v1/messages/count_tokens`)."""
    platform: Platform = "anthropic"
    """Whose envelope requests have: Anthropic's own, Bedrock's InvokeModel, or Vertex AI's rawPredict."""

    urls: bool | None = None
    """It fetches images and PDFs that are URLs, otherwise the gateway does. None: Anthropic's own API does,
    the other platforms do not."""

    @property
    def framing(self) -> Framing:
        return "aws-event-stream" if self.platform == "bedrock" else "sse"

    def native_tools(self, turn: Turn) -> frozenset[str]:
        return frozenset(
            {
                "function",
                *(WEB_SEARCH if self.web_search is not None else ()),
                *(["code_interpreter"] if self.code_execution is not None else []),
                *(["mcp"] if self.mcp is not None else []),
                *(COMPUTER if computer_of(turn, self) is not None else ()),
            }
        )

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"anthropic", "anthropic-redacted"})

    @property
    def own_fields(self) -> frozenset[str]:
        return frozenset()

    def takes_url(self, part: JSON, model: str) -> bool:
        """Of files only PDFs (https://platform.claude.com/docs/en/build-with-claude/pdf-support)."""
        fetches = self.platform == "anthropic" if self.urls is None else self.urls
        return fetches and (part.get("type") != "input_file" or may_be_pdf(str(part.get("file_url"))))

    def prefills(self, turn: Turn) -> bool:
        return goes_on(self.abilities or abilities_of(turn.model), turn.reasoning)

    def encode(self, turn: Turn) -> WireRequest:
        body, betas, adaptations = encode_body(self, turn)
        wire = request(self.platform, self.version, body, betas, adaptations)
        computer = computer_of(turn, self)
        return wire if computer is None else replace(wire, filters=(computer.filter,))

    def decoder(self) -> Decoder:
        return ChunkDecoder() if self.platform == "bedrock" else AnthropicDecoder()

    def answer(self, body: JSON) -> Iterable[Delta]:
        return AnthropicDecoder().whole(body)

    def error(self, status: int, body: bytes) -> ProviderError:
        return aws_errors.error_of(status, body) if self.platform == "bedrock" else error_of(status, body)

    def count(self, turn: Turn) -> WireRequest | None:
        if not self.counts_tokens:
            return None
        body, betas, adaptations = encode_body(self, turn)
        return count_request(self.platform, self.version, body, betas, adaptations)

    def counted(self, body: JSON) -> int:
        count = body.get("inputTokens" if self.platform == "bedrock" else "input_tokens")
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise ProtocolViolation("The provider counted no tokens.")
        return count
