"""A turn, as the body of a Messages request.

What Anthropic has no word for is left out and noted. Where two things asked for exclude one another on
this model, the firmer wish wins: a forced tool call and the shape of the answer before thoughts, thoughts
before temperature, top_p and top_k.

Effort becomes `output_config.effort` with adaptive thoughts, or on older models a budget of tokens. A
JSON schema becomes `output_config.format`; on older models, and for schemas that have no strict form, the
tool `antiphon_answer`, whose input the decoder gives out as text; else, and for `json_object`, words.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from antiphon.core.adaptations import Adaptation, Adaptations
from antiphon.core.caching import mark_of_all
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED, unsaid_fields
from antiphon.protocol.json import JSON
from antiphon.protocol.json import encode as encode_json
from antiphon.upstream.claude.models import BINDING_CONTROLS, Abilities, abilities_of
from antiphon.upstream.claude.schema import IN_DESCRIPTIONS, THROUGH_TOOL, reshaped
from antiphon.upstream.dialects.anthropic.arrange import (
    THOUGHTS,
    answers_without_thoughts,
    arrange,
    has_block,
    limit_markers,
)
from antiphon.upstream.dialects.anthropic.computer import computer_of
from antiphon.upstream.dialects.anthropic.content import has_kept_files, marker, refuse_kept_files
from antiphon.upstream.dialects.anthropic.messages import Transcript
from antiphon.upstream.dialects.anthropic.tools import Offer, answer_through_tool, offer_tools

if TYPE_CHECKING:
    from antiphon.upstream.dialects.anthropic import Anthropic

COMPACTION = "compact-2026-01-12"
"""The beta that takes compactions back."""

KEPT_FILES = "files-api-2025-04-14"
"""The beta that takes ids of files."""

_WITHOUT_SAMPLING = "2026-10-21"  # the first version of the API that has no sampling parameters
_BUDGETS = {"minimal": 1_024, "low": 2_048, "medium": 8_192, "high": 16_384, "xhigh": 24_576, "max": 32_000}
_LEAST_BUDGET = 1_024  # tokens; Anthropic takes no less
_LEAST_TOP_P_WITH_THOUGHTS = 0.95
_LONGEST_USER_ID = 256  # characters
_SERVICE_TIERS = {"auto": "auto", "default": "standard_only", "priority": "auto"}
_JSON_OBJECT = "Answer with one JSON object and nothing else: no prose, no code fence."
_JSON_SCHEMA = (
    "Answer with JSON and nothing else (no prose, no code fence), valid against this JSON schema:\n{}"
)


def encode_body(dialect: Anthropic, turn: Turn) -> tuple[JSON, list[str], tuple[Adaptation, ...]]:
    """The body, the betas that it needs, and what could not be sent as asked."""
    adapted = Adaptations()
    abilities = dialect.abilities or abilities_of(turn.model)
    if dialect.version >= _WITHOUT_SAMPLING:
        abilities = replace(abilities, sampling="none")
    if dialect.platform != "anthropic":
        refuse_kept_files(turn.items)
    offer = offer_tools(turn, abilities, dialect, adapted)
    computer = computer_of(turn, dialect)
    transcript = Transcript(turn.items, turn.instructions, offer.hosted, computer, adapted)
    messages = arrange(transcript.messages, abilities.later_system, adapted, begun=bool(turn.begun))
    body: JSON = {"model": turn.model, "max_tokens": _max_tokens(dialect, turn, abilities, adapted)}
    body["messages"] = messages
    offer = _format(turn, abilities, offer, transcript.system, body, adapted)
    if transcript.system:
        body["system"] = transcript.system
    if offer.tools:
        body["tools"] = offer.tools
        if offer.choice is not None:
            body["tool_choice"] = offer.choice
    if offer.servers:
        body["mcp_servers"] = offer.servers
    if offer.container is not None:
        body["container"] = offer.container
    betas = [dialect.mcp] if offer.servers and dialect.mcp is not None else []
    betas += computer.betas if computer is not None else []
    betas += _think(turn, abilities, offer, body, adapted)
    betas += [KEPT_FILES] if has_kept_files(body) else []
    _sample(turn, abilities, body, adapted)
    _identify(turn, body, adapted)
    _cache(turn, body, adapted)
    _note_the_rest(turn, adapted)
    if turn.stream:
        body["stream"] = True
    return body, betas, adapted.noted


def _max_tokens(dialect: Anthropic, turn: Turn, abilities: Abilities, adapted: Adaptations) -> int:
    most = abilities.most_tokens
    asked = turn.max_output_tokens
    if asked is None:
        return most or dialect.default_max_tokens
    if most is not None and asked > most:
        adapted.clamped("max_output_tokens", f"{asked} is more than this model says, sent as {most}")
        return most
    return asked


# The shape of the answer


def _format(
    turn: Turn, abilities: Abilities, offer: Offer, system: list[JSON], body: JSON, adapted: Adaptations
) -> Offer:
    """Adds the wish for JSON to the body or the system prompt, or gives back an offer with an answer tool."""
    wish = (turn.text or {}).get("format") or {}
    if wish.get("type") == "json_object":
        system.append({"type": "text", "text": _JSON_OBJECT})
        adapted.emulated("text.format", "json_object is asked for in words, this model cannot be held to it")
    if wish.get("type") != "json_schema":
        return offer
    schema = wish.get("schema") or {}
    about = {"description": wish["description"]} if wish.get("description") is not None else {}
    strict, looser = reshaped({**about, **schema}) if abilities.json_schema else (None, False)
    if looser:
        adapted.emulated("text.format.schema", IN_DESCRIPTIONS)
    if strict is not None:
        body["output_config"] = {"format": {"type": "json_schema", "schema": strict}}
        return offer
    forced_elsewhere = offer.choice is not None and offer.choice["type"] == "tool"
    if schema.get("type") == "object" and abilities.forced_tools and not forced_elsewhere:
        adapted.emulated("text.format", THROUGH_TOOL)
        return answer_through_tool(offer, schema, wish.get("description"))
    system.append({"type": "text", "text": _JSON_SCHEMA.format(encode_json({**about, **schema}).decode())})
    adapted.emulated("text.format", "the schema is asked for in words, this model cannot be held to it")
    return offer


# Thoughts


def _think(turn: Turn, abilities: Abilities, offer: Offer, body: JSON, adapted: Adaptations) -> list[str]:
    """Adds `thinking` and the effort to the body; gives back the betas needed."""
    reasoning = turn.reasoning or {}
    effort = reasoning.get("effort")
    if effort is not None and effort != "none" and effort not in _BUDGETS:
        adapted.dropped("reasoning.effort", NOT_OFFERED)
        effort = None
    obstacle = _obstacle(abilities, offer, body) if effort != "none" else None
    if obstacle is not None and effort is not None:
        adapted.dropped("reasoning.effort", obstacle)
    if obstacle is not None or effort == "none":
        _do_not_think(abilities, effort, body, adapted)
    elif abilities.thinking == "budget" and effort is not None:
        half = max(_LEAST_BUDGET, body["max_tokens"] // 2)  # an answer must fit in as well
        body["thinking"] = {"type": "enabled", "budget_tokens": min(_BUDGETS[effort], half)}
    elif abilities.thinking == "adaptive":
        _think_adaptively(abilities, effort, _wants_summary(reasoning), body, adapted)
    betas = [COMPACTION] if has_block(body["messages"], "compaction") else []
    if not (abilities.binds_thoughts and has_block(body["messages"], *THOUGHTS)):
        return betas
    thinking = body.setdefault("thinking", {"type": "adaptive"})
    thinking["block_binding"] = {"prefix_mismatch_behavior": "drop_block"}
    return [*betas, BINDING_CONTROLS]


def _obstacle(abilities: Abilities, offer: Offer, body: JSON) -> str | None:
    """Why there can be no thoughts in this turn, if there is a reason."""
    if abilities.thinks == "always":
        return None
    if abilities.thinking == "none":
        return "this model does not think"
    if offer.forces:
        return "a forced tool call leaves no room for thoughts"
    if abilities.thinking == "budget" and body["max_tokens"] <= _LEAST_BUDGET:
        return f"thoughts need max_output_tokens above {_LEAST_BUDGET}"
    if abilities.thinking == "budget" and answers_without_thoughts(body["messages"]):
        return "the calls being answered were made without thoughts that this model can read"
    return None


def _do_not_think(abilities: Abilities, effort: str | None, body: JSON, adapted: Adaptations) -> None:
    if abilities.thinks == "default":
        body["thinking"] = {"type": "disabled"}
    elif abilities.thinks == "always":
        _set_effort(body, "low")
        adapted.clamped("reasoning.effort", "this model always thinks, none is sent as low")


def _think_adaptively(
    abilities: Abilities, effort: str | None, summary: bool, body: JSON, adapted: Adaptations
) -> None:
    if effort is not None:
        said = _nearest(effort, abilities.efforts)
        if said != effort:
            adapted.clamped("reasoning.effort", f"{effort} is sent as {said}")
        _set_effort(body, said)
    if effort is not None or summary:
        body["thinking"] = {"type": "adaptive"}
        if summary:
            body["thinking"]["display"] = "summarized"


def _nearest(effort: str, efforts: tuple[str, ...]) -> str:
    """The effort itself, or the highest one below it, or the lowest there is."""
    order = list(_BUDGETS)
    below = [known for known in efforts if order.index(known) <= order.index(effort)]
    return below[-1] if below else efforts[0]


def _set_effort(body: JSON, effort: str) -> None:
    body["output_config"] = {**body.get("output_config", {}), "effort": effort}


def _wants_summary(reasoning: JSON) -> bool:
    return bool(reasoning.get("summary") or reasoning.get("generate_summary"))


# Sampling and the rest


def _sample(turn: Turn, abilities: Abilities, body: JSON, adapted: Adaptations) -> None:
    """1 is the default of temperature and top_p: to leave it out changes nothing and needs no note."""
    asked: dict[str, Any] = {"temperature": turn.temperature, "top_p": turn.top_p, "top_k": turn.top_k}
    asked = {field: value for field, value in asked.items() if value is not None}
    if asked.get("temperature", 0) > 1:
        asked["temperature"] = 1
        adapted.clamped("temperature", "this provider's scale ends at 1, sent as 1")
    thinks = body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    if abilities.sampling == "none":
        _leave_out(asked, ("temperature", "top_p", "top_k"), "not taken by this model", adapted)
    elif thinks:
        _leave_out(asked, ("temperature", "top_k"), "not taken together with thoughts", adapted)
        if asked.get("top_p", 1) < _LEAST_TOP_P_WITH_THOUGHTS:
            _leave_out(asked, ("top_p",), "not taken together with thoughts", adapted)
    elif abilities.sampling == "one" and "temperature" in asked and "top_p" in asked:
        less_telling = "temperature" if asked["temperature"] == 1 else "top_p"
        _leave_out(asked, (less_telling,), "this model takes temperature or top_p, not both", adapted)
    body.update(asked)


def _leave_out(asked: dict[str, Any], fields: tuple[str, ...], why: str, adapted: Adaptations) -> None:
    for field in fields:
        value = asked.pop(field, None)
        if value is not None and not (value == 1 and field != "top_k"):
            adapted.dropped(field, why)


def _cache(turn: Turn, body: JSON, adapted: Adaptations) -> None:
    """A mark on the whole is what Anthropic calls automatic caching: a marker of the body itself."""
    options, mark = turn.prompt_cache_options or {}, mark_of_all(turn)
    if mark is not None:
        body["cache_control"] = marker(mark, mark.field, adapted)
    met = {"mode", "ttl"} if mark is not None and mark.field == "prompt_cache_options" else {"mode"}
    further = sorted(key for key, value in options.items() if value and key not in met)
    for key in further:
        adapted.dropped(f"prompt_cache_options.{key}", NOT_OFFERED)
    limit_markers(body, adapted)


def _identify(turn: Turn, body: JSON, adapted: Adaptations) -> None:
    if user := turn.safety_identifier or turn.user:
        if len(user) > _LONGEST_USER_ID:
            user = hashlib.sha256(user.encode("utf-8", "replace")).hexdigest()
            field = "safety_identifier" if turn.safety_identifier else "user"
            adapted.translated(field, f"longer than {_LONGEST_USER_ID} characters, sent as its SHA-256")
        body["metadata"] = {"user_id": user}
    if turn.service_tier is not None:
        tier = _SERVICE_TIERS.get(turn.service_tier)
        if tier is not None:
            body["service_tier"] = tier
        if tier is None or turn.service_tier == "priority":
            adapted.clamped("service_tier", "this tier is not offered here, auto is asked for")


def _note_the_rest(turn: Turn, adapted: Adaptations) -> None:
    """Fields that Anthropic has no word for, where what was asked differs from what happens anyway."""
    text, reasoning = turn.text or {}, turn.reasoning or {}
    asked = {
        "top_logprobs": turn.top_logprobs,
        "include": "message.output_text.logprobs" in turn.include,
        "presence_penalty": turn.presence_penalty,
        "frequency_penalty": turn.frequency_penalty,
        "text.verbosity": text.get("verbosity") not in (None, "medium"),
        "truncation": turn.truncation not in (None, "disabled"),
        "prompt_cache_key": turn.prompt_cache_key,
        "prompt_cache_retention": turn.prompt_cache_retention,
        "moderation": turn.moderation,
        "reasoning.mode": reasoning.get("mode") not in (None, "standard"),
        "reasoning.context": reasoning.get("context") not in (None, "auto"),
    }
    for field in (*(field for field, value in asked.items() if value), *unsaid_fields(turn)):
        adapted.dropped(field, NOT_OFFERED)
