"""A turn, to the body of a chat request.

Every field of the turn is sent, or met by what is sent, or noted. Met without being sent: `metadata` (the
gateway keeps it), `max_tool_calls` (counts hosted tools; Cohere has none), `include` of hosted tools'
results, `reasoning.summary` (thoughts come as they are), `truncation: disabled` (Cohere does not cut).

Of fields that only Cohere has, those in OWN_FIELDS are passed on when a client sends them, as they are.
"""

from __future__ import annotations

from typing import Any

from antiphon.core.adaptations import Adaptation, Adaptations
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED, unsaid_fields
from antiphon.protocol.json import JSON, encode
from antiphon.upstream.dialects.cohere import models
from antiphon.upstream.dialects.cohere.messages import Replay, messages_from
from antiphon.upstream.dialects.cohere.parts import Parts
from antiphon.upstream.dialects.cohere.tools import tools_from

OWN_FIELDS = {
    "seed": "seed",
    "stop": "stop_sequences",
    "stop_sequences": "stop_sequences",
    "safety_mode": "safety_mode",
    "citation_options": "citation_options",
    "priority": "priority",
}
"""What of the request's further fields Cohere knows, and under which name."""

_RANGES: dict[str, tuple[str, float, float]] = {
    "temperature": ("temperature", 0.0, 1.0),
    "top_p": ("p", 0.01, 0.99),
    "top_k": ("k", 0, 500),
    "presence_penalty": ("presence_penalty", 0.0, 1.0),
    "frequency_penalty": ("frequency_penalty", 0.0, 1.0),
}
"""Fields with a range, which Cohere refuses to be outside of (https://docs.cohere.com/reference/chat)."""

_NOT_TAKEN = (
    "service_tier",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "cache_control",
    "moderation",
)
_MET_REASONING = ("effort", "summary", "generate_summary")

_BUDGETS = {"minimal": 1_024, "low": 2_048, "medium": 8_192}
"""Tokens of thoughts; more effort is said without a budget, which is what Cohere recommends."""

_LOGPROBS = "message.output_text.logprobs"
_JSON_OBJECT = "Answer with one JSON object and nothing else: no prose, no code fence."
_JSON_SCHEMA = (
    "Answer with JSON and nothing else (no prose, no code fence), valid against this JSON schema:\n"
)


def body_from(turn: Turn, thinks: bool | None) -> tuple[JSON, tuple[Adaptation, ...]]:
    """The body, and what could not be sent as asked. `thinks` None: as the model's name says.

    Raises InvalidRequest naming `param` for what cannot be said.
    """
    adapted = Adaptations()
    thinks = models.thinks(turn.model) if thinks is None else thinks
    tools = tools_from(turn, adapted)
    shape, told = _format((turn.text or {}).get("format") or {}, bool(tools), adapted)
    parts = Parts(adapted, cites=not tools and not shape)
    thinking = _thinking(turn, thinks, adapted)
    body: JSON = {
        "model": turn.model,
        "messages": messages_from(
            turn.items, [turn.instructions, told], _replay(thinks, thinking), parts, adapted
        ),
        **shape,
        **tools,
        **thinking,
        **_fields(turn, adapted),
    }
    if parts.documents:
        body["documents"] = parts.documents
    body["stream"] = turn.stream
    return body, adapted.noted


def _replay(thinks: bool, thinking: JSON) -> Replay:
    if not thinks:
        return "tool_plan"
    return "none" if thinking.get("thinking") == {"type": "disabled"} else "thinking"


def _thinking(turn: Turn, thinks: bool, adapted: Adaptations) -> JSON:
    reasoning = turn.reasoning or {}
    for name, value in reasoning.items():
        if value is not None and name not in _MET_REASONING:
            adapted.dropped(f"reasoning.{name}", NOT_OFFERED)
    effort = reasoning.get("effort")
    if effort is None or (effort == "none" and not thinks):
        return {}
    if not thinks:
        adapted.dropped("reasoning.effort", NOT_OFFERED)
        return {}
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    thinking: JSON = {"type": "enabled"}
    if effort in _BUDGETS:
        budget = _BUDGETS[effort]
        if turn.max_output_tokens is not None:  # an answer must fit in as well
            budget = max(1, min(budget, turn.max_output_tokens // 2))
        thinking["token_budget"] = budget
    return {"thinking": thinking}


def _format(shape: JSON, has_tools: bool, adapted: Adaptations) -> tuple[JSON, str | None]:
    """`response_format`, or what must be told in words: Cohere refuses it beside tools."""
    kind = shape.get("type")
    if kind not in ("json_schema", "json_object"):
        return {}, None
    schema = shape.get("schema") if kind == "json_schema" else None
    if not has_tools:
        said: JSON = {"type": "json_object"} | ({"json_schema": schema} if schema else {})
        return {"response_format": said}, None
    adapted.emulated(
        "text.format", "asked for in words, because this provider cannot enforce it beside tools"
    )
    return {}, _JSON_SCHEMA + encode(schema).decode() if schema else _JSON_OBJECT


def _fields(turn: Turn, adapted: Adaptations) -> JSON:
    body: JSON = {}
    if turn.max_output_tokens is not None:
        body["max_tokens"] = turn.max_output_tokens
    for name, (own, least, most) in _RANGES.items():
        if (value := getattr(turn, name)) is not None:
            body[own] = _within(name, value, least, most, adapted)
    for name, own in OWN_FIELDS.items():
        if (value := turn.extra.get(name)) is not None:
            body[own] = [value] if own == "stop_sequences" and isinstance(value, str) else value
    if turn.top_logprobs:
        adapted.clamped("top_logprobs", "this model tells the logprob of the chosen token alone")
    if turn.top_logprobs or _LOGPROBS in turn.include:
        body["logprobs"] = True
    _note_the_rest(turn, adapted)
    return body


def _note_the_rest(turn: Turn, adapted: Adaptations) -> None:
    for name in _NOT_TAKEN:
        if getattr(turn, name) is not None:
            adapted.dropped(name, NOT_OFFERED)
    if turn.truncation == "auto":
        adapted.dropped("truncation", NOT_OFFERED)
    text = turn.text or {}
    if text.get("verbosity") is not None:
        adapted.dropped("text.verbosity", NOT_OFFERED)
    if (text.get("format") or {}).get("description"):
        adapted.dropped("text.format.description", NOT_OFFERED)
    for name in unsaid_fields(turn):
        adapted.dropped(name, NOT_OFFERED)


def _within(name: str, value: Any, least: float, most: float, adapted: Adaptations) -> Any:
    if least <= value <= most:
        return value
    nearest = least if value < least else most
    adapted.clamped(name, f"this model takes {least:g} to {most:g}, sent as {nearest:g}")
    return nearest
