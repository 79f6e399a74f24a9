"""A turn, as the body of a Converse request.

What Converse, or the model behind it, has no word for is left out and noted. Where two things asked for
exclude one another, the firmer wish wins: a forced tool call and the shape of the answer before thoughts,
the bound of the output before the effort, thoughts before temperature, top_p and top_k.

A JSON schema becomes `outputConfig.textFormat`; for models that do not take it, and for schemas that have
no strict form, the tool `antiphon_answer`, whose input the decoder gives out as text; else, and for
`json_object`, words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from antiphon.core.adaptations import Adaptation, Adaptations
from antiphon.core.caching import mark_of_all, minutes_or_hour
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED, unsaid_fields
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.protocol.json import encode as encode_json
from antiphon.upstream.claude.schema import IN_DESCRIPTIONS, THROUGH_TOOL, reshaped
from antiphon.upstream.dialects.converse.arrange import NO_CACHE, arrange, limit_points
from antiphon.upstream.dialects.converse.content import CACHE_POINT, cache_point
from antiphon.upstream.dialects.converse.families import Family, family_of
from antiphon.upstream.dialects.converse.messages import Transcript
from antiphon.upstream.dialects.converse.thoughts import ADDITIONAL, think
from antiphon.upstream.dialects.converse.tools import NO_CALLS, Offer, answer_through_tool, offer_tools

if TYPE_CHECKING:
    from antiphon.upstream.dialects.converse import Converse

PASSED_ON = ("guardrailConfig", "performanceConfig")
"""Converse's own fields that a client may set, beside `stop`."""

_LEAST_TOP_P_WITH_THOUGHTS = 0.95
_SERVICE_TIERS = {"default": "default", "flex": "flex", "priority": "priority", "scale": "reserved"}
_METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")
_MOST_METADATA = 16
_JSON_OBJECT = "Answer with one JSON object and nothing else: no prose, no code fence."
_JSON_SCHEMA = (
    "Answer with JSON and nothing else (no prose, no code fence), valid against this JSON schema:\n{}"
)


def encode_body(dialect: Converse, turn: Turn) -> tuple[JSON, tuple[Adaptation, ...]]:
    """The body, and what could not be sent as asked."""
    adapted = Adaptations()
    family = family_of(dialect.known_as or turn.model)
    transcript = Transcript(turn.items, turn.instructions, family, adapted)
    offer = offer_tools(turn, family, dialect.system_tools, transcript.called, adapted)
    system = transcript.system
    body: JSON = {"messages": []}
    offer = _format(turn, family, offer, system, body, adapted)
    if offer.forbidden:
        system.append({"text": NO_CALLS})
    body["messages"] = arrange(transcript.messages, system, family, adapted, begun=bool(turn.begun))
    if system:
        body["system"] = system
    if offer.tools:
        body["toolConfig"] = {"tools": offer.tools}
        if offer.choice is not None:
            body["toolConfig"]["toolChoice"] = offer.choice
    _limit(turn, family, body, adapted)
    think(turn, family, offer, body, adapted)
    _sample(turn, family, body, adapted)
    _cache(turn, family, body, adapted)
    _identify(turn, body, adapted)
    _pass_on(turn, body)
    _note_the_rest(turn, adapted)
    return _joined(body, dialect.extra_body), adapted.noted


# The shape of the answer


def _format(
    turn: Turn, family: Family, offer: Offer, system: list[JSON], body: JSON, adapted: Adaptations
) -> Offer:
    """Adds the wish for JSON to the body or the system prompt, or gives back an offer with an answer tool."""
    wish = (turn.text or {}).get("format") or {}
    if wish.get("type") == "json_object":
        system.append({"text": _JSON_OBJECT})
        adapted.emulated("text.format", "json_object is asked for in words, this model cannot be held to it")
    if wish.get("type") != "json_schema":
        return offer
    schema = wish.get("schema") or {}
    strict, looser = reshaped(schema) if family.json_schema else (None, False)
    if looser:
        adapted.emulated("text.format.schema", IN_DESCRIPTIONS)
    if strict is not None:
        described = {key: wish[key] for key in ("name", "description") if wish.get(key)}
        shape = {"jsonSchema": {"schema": encode_json(strict).decode(), **described}}
        body["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": shape}}
        return offer
    through_tool = answer_through_tool(offer, family, schema, wish.get("description"))
    if through_tool is not None:
        adapted.emulated("text.format", THROUGH_TOOL)
        return through_tool
    system.append({"text": _JSON_SCHEMA.format(encode_json(schema).decode())})
    adapted.emulated("text.format", "the schema is asked for in words, this model cannot be held to it")
    return offer


# Bounds and sampling


def _limit(turn: Turn, family: Family, body: JSON, adapted: Adaptations) -> None:
    asked = turn.max_output_tokens
    most = family.claude.most_tokens if family.claude is not None else None
    if asked is not None and most is not None and asked > most:
        adapted.clamped("max_output_tokens", f"{asked} is more than this model says, sent as {most}")
        asked = most
    if asked is not None:
        body["inferenceConfig"] = {"maxTokens": asked}


def _sample(turn: Turn, family: Family, body: JSON, adapted: Adaptations) -> None:
    """1 is the default of temperature and top_p: to leave it out changes nothing and needs no note."""
    asked: dict[str, Any] = {"temperature": turn.temperature, "top_p": turn.top_p, "top_k": turn.top_k}
    asked = {name: value for name, value in asked.items() if value is not None}
    if asked.get("temperature", 0) > 1:
        asked["temperature"] = 1
        adapted.clamped("temperature", "this provider's scale ends at 1, sent as 1")
    thinking = body.get(ADDITIONAL, {})
    sampling = family.claude.sampling if family.claude is not None else "both"
    if sampling == "none":
        _leave_out(asked, ("temperature", "top_p", "top_k"), "not taken by this model", adapted)
    elif thinking.get("thinking", {}).get("type") in ("enabled", "adaptive"):
        _leave_out(asked, ("temperature", "top_k"), "not taken together with thoughts", adapted)
        if asked.get("top_p", 1) < _LEAST_TOP_P_WITH_THOUGHTS:
            _leave_out(asked, ("top_p",), "not taken together with thoughts", adapted)
    elif thinking.get("reasoningConfig", {}).get("maxReasoningEffort") == "high":
        _leave_out(asked, ("temperature", "top_p"), "not taken together with this effort", adapted)
    elif sampling == "one" and "temperature" in asked and "top_p" in asked:
        less_telling = "temperature" if asked["temperature"] == 1 else "top_p"
        _leave_out(asked, (less_telling,), "this model takes temperature or top_p, not both", adapted)
    if not family.top_k:
        _leave_out(asked, ("top_k",), NOT_OFFERED, adapted)
    _say_samples(asked, family, body)


def _leave_out(asked: dict[str, Any], names: tuple[str, ...], why: str, adapted: Adaptations) -> None:
    for name in names:
        value = asked.pop(name, None)
        if value is not None and not (value == 1 and name != "top_k"):
            adapted.dropped(name, why)


def _say_samples(asked: dict[str, Any], family: Family, body: JSON) -> None:
    for name, said in (("temperature", "temperature"), ("top_p", "topP")):
        if name in asked:
            body.setdefault("inferenceConfig", {})[said] = asked[name]
    if "top_k" in asked:
        place = body.setdefault(ADDITIONAL, {})
        for step in family.top_k[:-1]:
            place = place.setdefault(step, {})
        place[family.top_k[-1]] = asked["top_k"]


# The rest


def _cache(turn: Turn, family: Family, body: JSON, adapted: Adaptations) -> None:
    """A mark on the whole is a cache point at its end."""
    options, mark = turn.prompt_cache_options or {}, mark_of_all(turn)
    met: JSON = {"mode": "explicit"}
    if mark is not None and family.cache != "none":
        last = body["messages"][-1]["content"]
        if CACHE_POINT in last[-1]:
            last.pop()  # the same place
        last.append(cache_point(minutes_or_hour(mark, mark.field, adapted)))
        met = {"mode": "implicit"} | ({"ttl": mark.ttl} if mark.field == "prompt_cache_options" else {})
    elif turn.cache_control is not None:
        adapted.dropped("cache_control", NO_CACHE)
    for key, value in sorted(options.items()):
        if value and met.get(key) != value:
            adapted.dropped(f"prompt_cache_options.{key}", NOT_OFFERED)
    limit_points(body, family, adapted)


def _identify(turn: Turn, body: JSON, adapted: Adaptations) -> None:
    """Metadata goes into the invocation log of the AWS account, as far as its rules allow."""
    fit = {
        key: value
        for key, value in (turn.metadata or {}).items()
        if key and isinstance(value, str) and _METADATA.fullmatch(key) and _METADATA.fullmatch(value)
    }
    kept = dict(list(fit.items())[:_MOST_METADATA])
    if kept:
        body["requestMetadata"] = kept
    if len(kept) < len(turn.metadata or {}):
        adapted.dropped("metadata", "what does not fit the rules of this provider's log is not in it")
    if turn.service_tier not in (None, "auto"):
        tier = _SERVICE_TIERS.get(str(turn.service_tier))
        if tier is not None:
            body["serviceTier"] = {"type": tier}
        else:
            adapted.dropped("service_tier", NOT_OFFERED)


def _pass_on(turn: Turn, body: JSON) -> None:
    stop = turn.extra.get("stop")
    if stop is not None:
        stops = stop if isinstance(stop, list) else [stop]
        if not all(isinstance(text, str) and text for text in stops):
            raise InvalidRequest("Invalid 'stop': a text or a list of texts is needed here.", param="stop")
        body.setdefault("inferenceConfig", {})["stopSequences"] = stops
    for name in PASSED_ON:
        value = turn.extra.get(name)
        if value is None:
            continue
        if not isinstance(value, dict):
            raise InvalidRequest(f"Invalid '{name}': an object is needed here.", param=name)
        body[name] = value


def _joined(said: JSON, extra: Mapping[str, Any]) -> JSON:
    """Both in one: objects are joined at every depth, anything else of `extra` replaces what was said."""
    joined = dict(said)
    for name, value in extra.items():
        inner = joined.get(name)
        if isinstance(inner, dict) and isinstance(value, Mapping):
            joined[name] = _joined(inner, value)
        else:
            joined[name] = value
    return joined


def _note_the_rest(turn: Turn, adapted: Adaptations) -> None:
    """Fields that Converse has no word for, where what was asked differs from what happens anyway."""
    text, reasoning = turn.text or {}, turn.reasoning or {}
    asked = {
        "top_logprobs": turn.top_logprobs,
        "include": "message.output_text.logprobs" in turn.include,
        "presence_penalty": turn.presence_penalty,
        "frequency_penalty": turn.frequency_penalty,
        "text.verbosity": text.get("verbosity") not in (None, "medium"),
        "truncation": turn.truncation not in (None, "disabled"),
        "max_tool_calls": turn.max_tool_calls,
        "user": turn.user,
        "safety_identifier": turn.safety_identifier,
        "prompt_cache_key": turn.prompt_cache_key,
        "prompt_cache_retention": turn.prompt_cache_retention,
        "moderation": turn.moderation,
        "reasoning.mode": reasoning.get("mode") not in (None, "standard"),
        "reasoning.context": reasoning.get("context") not in (None, "auto"),
    }
    for name in (*(name for name, value in asked.items() if value), *unsaid_fields(turn)):
        adapted.dropped(name, NOT_OFFERED)
