"""The dialect of Amazon Bedrock: Converse and ConverseStream.

One protocol for the models of all makers (https://docs.aws.amazon.com/bedrock/latest/APIReference/
API_runtime_Converse.html); which of its fields a model takes depends on its family (`families`). Streams
come as AWS event streams. The gateway holds the conversation; what Claude thought goes back signed, byte
for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from antiphon.core.deltas import Delta
from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProtocolViolation, ProviderError
from antiphon.protocol.json import JSON
from antiphon.protocol.tools import WEB_SEARCH
from antiphon.upstream.aws_errors import error_of
from antiphon.upstream.base import Framing, WireRequest
from antiphon.upstream.claude.models import goes_on
from antiphon.upstream.dialects.converse.decode import ConverseDecoder
from antiphon.upstream.dialects.converse.encode import PASSED_ON, encode_body
from antiphon.upstream.dialects.converse.families import family_of
from antiphon.upstream.dialects.converse.messages import SEALED, SEALED_REDACTED
from antiphon.upstream.dialects.converse.thoughts import ADDITIONAL

__all__ = ["Converse"]

_COUNTED = ("messages", "system", "toolConfig", ADDITIONAL)
_REGIONS = ("us", "eu", "apac", "jp", "au", "ca", "us-gov", "global")  # before the id: an inference profile


@dataclass(frozen=True, slots=True)
class Converse:
    """Quirks: what this account's models take beyond, or short of, what their names say."""

    name: str = "converse"
    known_as: str | None = None
    """The id of a model that takes what all models of this upstream take; None: their own ids say it."""
    web_search: str | None = None
    """The system tool that searches the web, `nova_grounding`; None: there is none. Only Nova has it."""
    code_interpreter: str | None = None
    """The system tool that runs code, `nova_code_interpreter`; None: there is none. Only Nova has it."""
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    """Fields of every request, such as `guardrailConfig`, joined with those that were made."""
    counts_tokens: bool = True
    """It serves `count-tokens` for Claude."""

    @property
    def framing(self) -> Framing:
        return "aws-event-stream"

    @property
    def system_tools(self) -> Mapping[str, str]:
        """The tools that the provider runs, by their types here."""
        known = {WEB_SEARCH[0]: self.web_search, "code_interpreter": self.code_interpreter}
        return {kind: name for kind, name in known.items() if name is not None}

    def native_tools(self, turn: Turn) -> frozenset[str]:
        searches = WEB_SEARCH if self.web_search is not None else ()
        return frozenset({"function", *self.system_tools, *searches})

    @property
    def reads(self) -> frozenset[str]:
        return frozenset(word.removesuffix(":") for word in (SEALED, SEALED_REDACTED))

    @property
    def own_fields(self) -> frozenset[str]:
        return frozenset({"stop", *PASSED_ON})

    def takes_url(self, part: JSON, model: str) -> bool:
        return False

    def prefills(self, turn: Turn) -> bool:
        claude = family_of(self.known_as or turn.model).claude
        return claude is not None and goes_on(claude, turn.reasoning)

    def encode(self, turn: Turn) -> WireRequest:
        body, adaptations = encode_body(self, turn)
        operation = "converse-stream" if turn.stream else "converse"
        return WireRequest(_path(turn.model, operation), body, adaptations=adaptations)

    def decoder(self) -> ConverseDecoder:
        return ConverseDecoder()

    def answer(self, body: JSON) -> Iterable[Delta]:
        return ConverseDecoder().whole(body)

    def error(self, status: int, body: bytes) -> ProviderError:
        return error_of(status, body)

    def count(self, turn: Turn) -> WireRequest | None:
        """Only Claude's tokens are counted, and only by the id of the model itself."""
        maker, _, rest = turn.model.partition(".")
        model = rest if maker in _REGIONS else turn.model
        if not self.counts_tokens or not model.startswith("anthropic."):
            return None
        body, adaptations = encode_body(self, turn)
        counted = {name: body[name] for name in _COUNTED if name in body}
        return WireRequest(_path(model, "count-tokens"), {"input": {"converse": counted}}, {}, adaptations)

    def counted(self, body: JSON) -> int:
        count = body.get("inputTokens")
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise ProtocolViolation("The provider counted no tokens.")
        return count


def _path(model: str, operation: str) -> str:
    """ARNs have colons and slashes."""
    return f"/model/{quote(model, safe='')}/{operation}"
