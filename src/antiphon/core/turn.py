"""A turn: one call to a model, in no dialect.

Items are in the shape of the Responses API and normalised by the engine before a dialect sees them:
every item has a `type`; message content is always a list of parts (`input_text`, `input_image`,
`input_file`, `output_text`, `refusal`); `item_reference`s are resolved; tools of `additional_tools` items
are in `tools`. What a dialect does not know in an item, it carries or leaves; it never fails on it.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from antiphon.protocol.json import JSON


class Turn(Struct, kw_only=True):
    """What one model is asked. `None` means: not asked for, leave it to the provider."""

    model: str  # the provider's own name for it
    items: list[JSON]
    stream: bool = True
    instructions: str | None = None
    tools: list[JSON] = field(default_factory=list)
    tool_choice: str | JSON | None = None  # any of the nine forms of the Responses API
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    top_logprobs: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    reasoning: JSON | None = None  # effort, summary, …
    text: JSON | None = None  # format, verbosity
    include: list[str] = field(default_factory=list)
    service_tier: str | None = None
    truncation: str | None = None
    compaction: Literal["only", "first"] | None = None  # all that is asked for; or before the answer
    max_tool_calls: int | None = None
    metadata: dict[str, Any] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: JSON | None = None
    cache_control: JSON | None = None
    moderation: JSON | None = None
    begun: str = ""  # of the answer, what another said of it already: the model is to go on from there
    extra: JSON = field(
        default_factory=dict
    )  # unknown fields of the request; for upstreams that speak Responses; others know a few by name
