"""The Ollama dialect: its native chat (https://docs.ollama.com/api/chat), and real traffic.

    encode.py     the turn's fields        messages.py, parts.py   steps and their content
    tools.py      tools and tool_choice    decode.py               lines and answers
    errors.py     failures

What it has over the Chat Completions that the same server speaks: the context size (`options.num_ctx`), how
long a model stays loaded (`keep_alive`), and an error instead of a silent cut when a conversation is too
long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from antiphon.core.deltas import Delta
from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProtocolViolation, ProviderError
from antiphon.protocol.json import JSON
from antiphon.upstream.base import Framing, WireRequest
from antiphon.upstream.dialects.ollama.decode import OllamaDecoder
from antiphon.upstream.dialects.ollama.encode import OWN_FIELDS, body_from
from antiphon.upstream.dialects.ollama.errors import failure_from

__all__ = ["Ollama", "OllamaDecoder"]


@dataclass(frozen=True, slots=True)
class Ollama:
    """Quirks: how this server is to load and run its models."""

    name: str = "ollama"
    path: str = "/api/chat"
    """Appended to the base URL."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """`options` of every request, such as `{num_ctx: 32768}`; what a request asks for itself wins."""
    keep_alive: str | None = None
    """How long a model stays loaded after a request, such as `30m`; `-1m`: for ever."""
    think: Literal["by_model", "levels", "switch", "none"] = "by_model"
    """What `think` takes: low, medium, high; or true, false; or nothing. by_model: levels for gpt-oss."""

    @property
    def framing(self) -> Framing:
        return "ndjson"

    def native_tools(self, turn: Turn) -> frozenset[str]:
        return frozenset({"function"})

    @property
    def reads(self) -> frozenset[str]:
        return frozenset()

    @property
    def own_fields(self) -> frozenset[str]:
        return OWN_FIELDS

    def takes_url(self, part: JSON, model: str) -> bool:
        return False

    def prefills(self, turn: Turn) -> bool:
        return False

    def encode(self, turn: Turn) -> WireRequest:
        """Raises InvalidRequest naming `param` for what Ollama cannot be told."""
        body, adaptations = body_from(turn, self.think, self.options)
        if self.keep_alive is not None:
            body.setdefault("keep_alive", self.keep_alive)
        return WireRequest(self.path, body, adaptations=adaptations)

    def decoder(self) -> OllamaDecoder:
        return OllamaDecoder()

    def answer(self, body: JSON) -> Iterable[Delta]:
        """The deltas of a whole answer, which is one line. Raises ProviderError."""
        return OllamaDecoder().answer(body)

    def error(self, status: int, body: bytes) -> ProviderError:
        return failure_from(status, body)

    def count(self, turn: Turn) -> WireRequest | None:
        """Ollama counts tokens only by answering."""
        return None

    def counted(self, body: JSON) -> int:
        raise ProtocolViolation("This provider does not count tokens.")
