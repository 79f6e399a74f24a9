"""The chat dialect: OpenAI's Chat Completions, and the many servers that speak it more or less.

    encode.py    the turn's fields          messages.py, parts.py   items and their content
    tools.py     tools and tool_choice      search.py               a web search, in three ways
    quirks.py    what differs between servers
    decode.py    chunks and answers         wire.py                 their shapes
    calls.py     pieces of tool calls       thoughts.py, signatures.py, think_chunks.py   reasoning that must
                                                                 come back
    built_in.py, executed.py                            tools that a server runs: asked for, and what they did
    usage.py     token counts               errors.py               failures

Reference: https://platform.openai.com/docs/api-reference/chat, and real traffic.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from antiphon.core.deltas import Delta
from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProtocolViolation, ProviderError
from antiphon.protocol.json import JSON
from antiphon.protocol.tools import WEB_SEARCH
from antiphon.upstream.base import Framing, WireRequest
from antiphon.upstream.dialects.chat import signatures, think_chunks, thoughts
from antiphon.upstream.dialects.chat.built_in import tools_of
from antiphon.upstream.dialects.chat.decode import ChatDecoder
from antiphon.upstream.dialects.chat.encode import request_from
from antiphon.upstream.dialects.chat.errors import failure_from
from antiphon.upstream.dialects.chat.quirks import Quirks

__all__ = ["Chat", "ChatDecoder", "Quirks"]


@dataclass(frozen=True, kw_only=True)
class Chat(Quirks):
    """Chat Completions, as one provider speaks it: `Chat(top_k=True, images=False)`."""

    @property
    def name(self) -> str:
        return "chat"

    @property
    def framing(self) -> Framing:
        return "sse"

    def native_tools(self, turn: Turn) -> frozenset[str]:
        searches = WEB_SEARCH if self.web_search != "none" else ()
        own = tools_of(turn.model) if self.built_in_tools else ()
        return frozenset(
            {
                *(["function"] if self.tools else []),
                *(["custom"] if self.custom_tools else []),
                *searches,
                *own,
            }
        )

    @property
    def reads(self) -> frozenset[str]:
        words = {
            "reasoning_details": thoughts.SEAL,
            "extra_content": signatures.SEAL,
            "content": think_chunks.SEAL,
        }
        return frozenset({words[self.replay].removesuffix(":")} if self.replay in words else ())

    @property
    def own_fields(self) -> frozenset[str]:
        return frozenset()

    def takes_url(self, part: JSON, model: str) -> bool:
        if part.get("type") == "input_file":
            return self.files != "data"
        return self.image_urls or not self.images

    def prefills(self, turn: Turn) -> bool:
        return self.prefill != "none"

    def encode(self, turn: Turn) -> WireRequest:
        """Raises InvalidRequest naming `param` for what this server cannot be told."""
        return request_from(turn, self)

    def decoder(self) -> ChatDecoder:
        return ChatDecoder(
            keep_details=self.replay == "reasoning_details",
            keep_signatures=self.replay == "extra_content",
            keep_chunks=self.replay == "content",
        )

    def answer(self, body: JSON) -> Iterable[Delta]:
        """The deltas of a whole answer. Raises ProviderError: an error may come under status 200."""
        return self.decoder().answer(body)

    def error(self, status: int, body: bytes) -> ProviderError:
        return failure_from(status, body)

    def count(self, turn: Turn) -> WireRequest | None:
        """No server of this dialect counts tokens beforehand."""
        return None

    def counted(self, body: JSON) -> int:
        raise ProtocolViolation("This provider does not count tokens.")
