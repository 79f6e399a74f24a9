"""A turn to a request body in OpenAI's Responses API (https://platform.openai.com/docs/api-reference/responses).

Fields have the same names on both sides and go out as they came, unknown ones too; tools, hosted ones
among them, and `tool_choice` in any form. What differs between upstreams is in the quirks; items are
`items`'s.

Sealed thoughts are asked for unless the model's name says that it has none: OpenAI refuses the wish then
("Encrypted content is not supported with this model"), and many agents have it with every model.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from antiphon.core.adaptations import Adaptation, Adaptations
from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.responses.items import CACHES_BY_ITSELF, input_from

if TYPE_CHECKING:
    from antiphon.upstream.dialects.responses import Responses

_FIELDS = (
    "instructions",
    "tool_choice",
    "parallel_tool_calls",
    "max_output_tokens",
    "temperature",
    "top_p",
    "top_logprobs",
    "reasoning",
    "text",
    "service_tier",
    "truncation",
    "max_tool_calls",
    "metadata",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "moderation",
)
_SEALED = "reasoning.encrypted_content"
_THOUGHTLESS = re.compile(r"(ft:)?(gpt-3|gpt-4|chatgpt-|gpt-5(\.\d+)?-chat)")
"""Models of OpenAI that do not think, by the beginning of their names."""


def encode_body(turn: Turn, dialect: Responses) -> tuple[JSON, tuple[Adaptation, ...]]:
    """The body, and what of the turn had to be left out of it."""
    adapted = Adaptations()
    body: JSON = {**turn.extra, "model": turn.model, "stream": turn.stream}
    body["input"] = input_from(turn, dialect, adapted)
    if turn.compaction is not None:
        body["input"].append({"type": "compaction_trigger"})
    for name in _FIELDS:
        if (value := getattr(turn, name)) is not None:
            body[name] = value
    if turn.tools:
        body["tools"] = turn.tools
    if turn.cache_control is not None:
        if dialect.cache_control:
            body["cache_control"] = turn.cache_control
        else:
            adapted.dropped("cache_control", CACHES_BY_ITSELF)
    body |= _sampling(turn, dialect, adapted)
    if include := _include(turn, dialect, adapted):
        body["include"] = include
    if dialect.keeps_nothing:
        body["store"] = False
    if turn.stream and dialect.pads_deltas:
        body["stream_options"] = {"include_obfuscation": False}
    return body, adapted.noted


def _sampling(turn: Turn, dialect: Responses, adapted: Adaptations) -> JSON:
    """The fields that OpenAI's own API has not."""
    taken: JSON = {}
    for name, known in (
        ("top_k", dialect.top_k),
        ("presence_penalty", dialect.penalties),
        ("frequency_penalty", dialect.penalties),
    ):
        if (value := getattr(turn, name)) is None:
            continue
        if known:
            taken[name] = value
        else:
            adapted.dropped(name, "this provider does not take it")
    return taken


def _include(turn: Turn, dialect: Responses, adapted: Adaptations) -> list[str]:
    include = [wish for wish in turn.include if wish != _SEALED]
    if dialect.sealed_reasoning and not _THOUGHTLESS.match(turn.model):
        include.append(_SEALED)
    elif _SEALED in turn.include:
        adapted.dropped("include", f"{_SEALED}: this model seals no thoughts")
    return include
