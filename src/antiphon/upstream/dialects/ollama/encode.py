"""A turn, to the body of a chat request.

Every field of the turn is sent, or met by what is sent, or noted. Met without being sent: `metadata` (the
gateway keeps it), `max_tool_calls` (counts hosted tools; Ollama has none), `include` of hosted tools'
results, `reasoning.summary` (thoughts come as they are).

Ollama cuts a conversation that is too long, and the oldest tokens while it answers, without a word. The
Responses API does so only when asked with `truncation: auto`, so it is told not to (`truncate`, `shift`);
older servers do not know the fields.

Of fields that OpenAI does not have, a client may send OWN_FIELDS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from antiphon.core.adaptations import Adaptation, Adaptations
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED, unsaid_fields
from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.ollama.messages import messages_from
from antiphon.upstream.dialects.ollama.tools import tools_from

OWN_FIELDS = frozenset({"options", "keep_alive", "seed", "stop"})

Think: TypeAlias = Literal["by_model", "levels", "switch", "none"]

_OPTIONS = {
    "max_output_tokens": "num_predict",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}
"""Fields of the turn, and their names among the options."""

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
_LEVELS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
_LOGPROBS = "message.output_text.logprobs"


def body_from(turn: Turn, think: Think, options: Mapping[str, Any]) -> tuple[JSON, tuple[Adaptation, ...]]:
    """The body, and what could not be sent as asked. `options`: those that hold unless the turn has its own.

    Raises InvalidRequest naming `param` for what cannot be said.
    """
    adapted = Adaptations()
    body: JSON = {
        "model": turn.model,
        "messages": messages_from(turn.items, turn.instructions, adapted),
        **tools_from(turn, adapted),
        **_format((turn.text or {}).get("format") or {}),
        **_thinking(turn, think, adapted),
        **_truncation(turn.truncation),
        **_logprobs(turn),
    }
    if said := {**options, **_options(turn)}:
        body["options"] = said
    if (keep_alive := turn.extra.get("keep_alive")) is not None:
        body["keep_alive"] = keep_alive
    body["stream"] = turn.stream
    _note_the_rest(turn, adapted)
    return body, adapted.noted


def _options(turn: Turn) -> JSON:
    asked = turn.extra.get("options")
    options: JSON = dict(asked) if isinstance(asked, dict) else {}
    if (seed := turn.extra.get("seed")) is not None:
        options["seed"] = seed
    if (stop := turn.extra.get("stop")) is not None:
        options["stop"] = [stop] if isinstance(stop, str) else stop
    return options | {
        own: value for name, own in _OPTIONS.items() if (value := getattr(turn, name)) is not None
    }


def _format(shape: JSON) -> JSON:
    match shape.get("type"):
        case "json_schema":
            return {"format": shape.get("schema") or {"type": "object"}}
        case "json_object":
            return {"format": "json"}
        case _:
            return {}


def _thinking(turn: Turn, think: Think, adapted: Adaptations) -> JSON:
    reasoning = turn.reasoning or {}
    for name, value in reasoning.items():
        if value is not None and name not in _MET_REASONING:
            adapted.dropped(f"reasoning.{name}", NOT_OFFERED)
    effort = reasoning.get("effort")
    if effort is None:
        return {}
    if think == "by_model":
        think = "levels" if "gpt-oss" in turn.model else "switch"
    if think == "none":
        if effort != "none":
            adapted.dropped("reasoning.effort", NOT_OFFERED)
        return {}
    if effort == "none":
        return {"think": False}
    level = _LEVELS.get(effort)
    if think == "switch" or level is None:
        adapted.translated("reasoning.effort", "this model's thoughts can only be switched on")
        return {"think": True}
    if level != effort:
        adapted.clamped("reasoning.effort", f"sent as {level}")
    return {"think": level}


def _truncation(truncation: str | None) -> JSON:
    return {} if truncation == "auto" else {"truncate": False, "shift": False}


def _logprobs(turn: Turn) -> JSON:
    if turn.top_logprobs:
        return {"logprobs": True, "top_logprobs": turn.top_logprobs}
    return {"logprobs": True} if _LOGPROBS in turn.include else {}


def _note_the_rest(turn: Turn, adapted: Adaptations) -> None:
    for name in _NOT_TAKEN:
        if getattr(turn, name) is not None:
            adapted.dropped(name, NOT_OFFERED)
    text = turn.text or {}
    if text.get("verbosity") is not None:
        adapted.dropped("text.verbosity", NOT_OFFERED)
    if (text.get("format") or {}).get("description"):
        adapted.dropped("text.format.description", NOT_OFFERED)
    for name in unsaid_fields(turn):
        adapted.dropped(name, NOT_OFFERED)
