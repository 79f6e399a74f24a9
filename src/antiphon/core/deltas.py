"""Deltas: what a model said, in no dialect.

A decoder yields these and nothing else. It names the block (`part`, the provider's own name or index
for it) and the content. It never opens or closes an item, counts an output index or invents an id:
that is the assembler's. Two blocks are the same block if and only if their `part` is equal.

`Relayed` carries one event of an upstream that speaks Responses already.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from antiphon.core.adaptations import Action
from antiphon.protocol.json import JSON

StopReason: TypeAlias = Literal["stop", "tool_calls", "length", "content_filter", "pause"]


class Text(Struct, frozen=True, gc=False):
    """Visible text. `logprobs` in the shape of the Responses API: token, logprob, bytes, top_logprobs."""

    part: str
    text: str
    logprobs: list[JSON] = []


class Refusal(Struct, frozen=True, gc=False):
    """Text in which the model declines."""

    part: str
    text: str


class Citation(Struct, frozen=True, gc=False):
    """One annotation (Responses shape) on the text of `part`.

    `start_index` and `end_index`, in characters, count from the beginning of the part's text. Left out,
    the annotation covers the whole text of the part. It may come before the text that it annotates.
    """

    part: str
    annotation: JSON


class Reasoning(Struct, frozen=True, gc=False):
    """What the model thought, in words: raw, or summed up for readers; both are said in one form."""

    part: str
    text: str


class Sealed(Struct, frozen=True, gc=False):
    """An opaque blob that must go back to this provider, byte for byte, with the thoughts of `part`.

    The decoder prefixes it with a word for who can read it (`anthropic:…`, see `Dialect.reads`), so that it
    comes back to nobody else. A later blob of the same part takes the place of the earlier. Clients see it in
    an envelope only (core/envelopes.py).
    """

    part: str
    blob: str


CallKind: TypeAlias = Literal[
    "function", "custom", "apply_patch", "shell", "local_shell", "computer", "tool_search"
]


class Call(Struct, frozen=True, gc=False):
    """The model begins to call a tool of the request. `kind` "custom" is a tool with freeform input.

    A call of the other kinds is an item of its own shape (`apply_patch_call`, …), which has no name:
    `fields` are those that are known by now.
    """

    part: str
    call_id: str  # "" when the provider gave none: the assembler makes one
    name: str
    kind: CallKind = "function"
    namespace: str | None = None
    fields: JSON = {}


class Arguments(Struct, frozen=True, gc=False):
    """A piece of the call's arguments (JSON text) or, for a custom tool, of its input (any text).

    For a patch it is a piece of the diff; for a shell, of the command with this `index`.
    """

    part: str
    text: str
    index: int = 0


class HostedStart(Struct, frozen=True, gc=False):
    """The provider begins to run a tool of its own: the item as far as it is known, in Responses shape.

    The field of it that is streamed (the arguments of an `mcp_call`, the code of an interpreter) comes in
    Arguments of the part, End says that this is over, and Hosted of the part that the item is whole.
    `sealed`: a Sealed of the part comes before that.
    """

    part: str
    item: JSON
    sealed: bool = False


class Hosted(Struct, frozen=True, gc=False):
    """A tool the provider ran itself: the whole item, in Responses shape (its id is replaced).

    `drafts`, in base64: what an image was like before it was finished.
    """

    part: str
    item: JSON
    drafts: list[str] = []


class Untold(Struct, frozen=True, gc=False):
    """Something of the answer could not be told as it came; `what` it was, in words for people.

    It is listed on the response, as what could not be asked is (core/adaptations.py).
    """

    what: str
    action: Action


class Relayed(Struct, frozen=True, gc=False):
    """One event of an upstream that speaks Responses, with every field, known or not."""

    event: JSON


class End(Struct, frozen=True, gc=False):
    """The provider said that the block is over. Optional: the end of the turn ends all blocks.

    With `fields` (there may be none) it is known besides that the call is whole, whatever cuts the turn
    short; they complete its item.
    """

    part: str
    fields: JSON | None = None


MOST_TOKENS: Final = 2**53 - 1
"""The largest number that is a count of tokens: what a provider says beyond it fits neither into the numbers
of other JSON readers nor into a database, and is no count."""


class Usage(Struct, frozen=True, gc=False):
    """Tokens of this turn so far. Cumulative: a later Usage of the turn takes the place of the earlier.

    `input_tokens` includes cached and cache-write tokens; `output_tokens` includes reasoning tokens:
    OpenAI's arithmetic, whatever the provider's own is. Never negative. `provider_cost` is what the provider
    itself says that it takes, in nano-US-dollars; None: it does not say.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    provider_cost: int | None = None

    def plus(self, turn: Usage) -> Usage:
        """This and what another turn used."""
        costs = [cost for cost in (self.provider_cost, turn.provider_cost) if cost is not None]
        return Usage(
            self.input_tokens + max(0, turn.input_tokens),
            self.output_tokens + max(0, turn.output_tokens),
            self.cached_tokens + max(0, turn.cached_tokens),
            self.cache_write_tokens + max(0, turn.cache_write_tokens),
            self.reasoning_tokens + max(0, turn.reasoning_tokens),
            sum(costs) if costs else None,
        )


class Served(Struct, frozen=True, gc=False):
    """The service tier that the provider says it served with, in OpenAI's words."""

    service_tier: str


class Stop(Struct, frozen=True, gc=False):
    """Why the model stopped. "pause" asks for another turn with the same items."""

    reason: StopReason


Delta: TypeAlias = (
    Text
    | Reasoning
    | Arguments
    | Relayed
    | Call
    | End
    | Usage
    | Stop
    | Served
    | Citation
    | Refusal
    | Sealed
    | Hosted
    | HostedStart
    | Untold
)

Logprob: TypeAlias = dict[str, Any]
