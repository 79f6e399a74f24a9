"""The Gemini dialect: generateContent, as the Gemini API and Vertex AI speak it.

    encode.py     the turn's fields            contents.py, parts.py, outputs.py   items and their content
    tools.py      tools and tool_choice        schema.py    JSON schemas
    file_search.py, images.py                  tools that have much to say
    computer.py, clicking.py                   the tool that the client runs
    models.py     what models differ in        seals.py     signatures of thoughts
    prefix.py     prompts that are kept
    decode.py     chunks and answers           hosted.py, grounding.py, logprobs.py, finish.py   their fields
    usage.py      token counts                 errors.py    failures

Reference: https://ai.google.dev/api/generate-content, https://docs.cloud.google.com/vertex-ai/generative-ai,
and real traffic. The gateway holds the conversation: the Interactions API is not used.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from antiphon.core.deltas import Delta
from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProtocolViolation, ProviderError
from antiphon.protocol.json import JSON
from antiphon.protocol.tools import COMPUTER
from antiphon.upstream.base import Framing, WireRequest
from antiphon.upstream.dialects.gemini.computer import computer_of
from antiphon.upstream.dialects.gemini.decode import GeminiDecoder
from antiphon.upstream.dialects.gemini.encode import OWN_FIELDS, count_request_from, request_from
from antiphon.upstream.dialects.gemini.errors import error_of
from antiphon.upstream.dialects.gemini.models import abilities_of
from antiphon.upstream.dialects.gemini.parts import takes_url
from antiphon.upstream.dialects.gemini.seals import SEAL
from antiphon.upstream.dialects.gemini.tools import native_to

__all__ = ["Gemini", "GeminiDecoder"]


@dataclass(frozen=True, slots=True)
class Gemini:
    """Quirks: which of the two services it is."""

    name: str = "gemini"
    vertex: bool = False
    """It is Vertex AI: it knows labels, domains that a search leaves out and URLs of files for every model,
    takes the service tier in a header, and does not show the calls of its own tools."""
    computer: bool = True
    """It takes Google's own computer tool, where the model does; otherwise a computer is a function."""
    keeps_prefixes: bool = True
    """What stands before a cache mark with a `ttl` is kept as `cachedContents`: that costs a call, and
    storage by the hour."""
    counts_tokens: bool = True
    """It serves `:countTokens`."""

    @property
    def framing(self) -> Framing:
        return "sse"

    def native_tools(self, turn: Turn) -> frozenset[str]:
        native = native_to(abilities_of(turn.model), self.vertex)
        return native if computer_of(turn, self) is None else native.union(COMPUTER)

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({SEAL.removesuffix(":")})

    @property
    def own_fields(self) -> frozenset[str]:
        return OWN_FIELDS

    def takes_url(self, part: JSON, model: str) -> bool:
        """Those that say what they lead to, where the model fetches; and what Google has already."""
        abilities = abilities_of(model)
        if part.get("type") == "computer_screenshot" and self.computer and abilities.computer is not None:
            return False  # its size must be known
        return takes_url(part, fetches=self.vertex or abilities.fetches)

    def prefills(self, turn: Turn) -> bool:
        return False

    def encode(self, turn: Turn) -> WireRequest:
        return request_from(turn, self)

    def decoder(self) -> GeminiDecoder:
        return GeminiDecoder(vertex=self.vertex)

    def answer(self, body: JSON | list[Any]) -> Iterable[Delta]:
        """The deltas of a whole answer, or of the list that a stream without `alt=sse` is."""
        return self.decoder().whole(body)

    def error(self, status: int, body: bytes) -> ProviderError:
        return error_of(status, body)

    def count(self, turn: Turn) -> WireRequest | None:
        return count_request_from(turn, self) if self.counts_tokens else None

    def counted(self, body: JSON) -> int:
        count = body.get("totalTokens", 0)  # 0 is left out, as all defaults are
        if type(count) is not int or count < 0:
            raise ProtocolViolation("The provider counted no tokens.")
        return count
