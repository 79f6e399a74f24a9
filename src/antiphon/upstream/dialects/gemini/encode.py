"""A turn, as a request to generateContent or streamGenerateContent.

Every field of the turn is sent, or met by what is sent, or named in `adaptations`. Met without being sent:
on the Gemini API `metadata` (the gateway keeps it), `include` of hosted tools' results, `truncation:
disabled`.

A limit of the output counts thoughts, too: a budget of thoughts is at most half of it. A JSON schema
together with tools is only taken from 3 on; before, and where the schema has no form that Gemini takes, the
model is told in words.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from antiphon.core.adaptations import Adaptations
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED, unsaid_fields
from antiphon.protocol.json import JSON
from antiphon.protocol.json import encode as encode_json
from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.gemini.computer import computer_of
from antiphon.upstream.dialects.gemini.contents import Contents
from antiphon.upstream.dialects.gemini.models import Abilities, abilities_of
from antiphon.upstream.dialects.gemini.parts import level_of_all
from antiphon.upstream.dialects.gemini.prefix import marked_prefix
from antiphon.upstream.dialects.gemini.schema import IN_DESCRIPTIONS, reshaped
from antiphon.upstream.dialects.gemini.tools import Offer, offer_tools
from antiphon.upstream.dialects.gemini.wire import mapping, strings

if TYPE_CHECKING:
    from antiphon.upstream.dialects.gemini import Gemini

OWN_FIELDS = frozenset({"seed", "stop"})

_BUDGETS = {"minimal": 512, "low": 2_048, "medium": 8_192, "high": 16_384, "xhigh": 24_576, "max": 32_768}
"""Tokens of thoughts for an effort, where a model has no levels."""
_EFFORTS = ("minimal", "low", "medium", "high", "xhigh", "max")
_SAMPLING = {"temperature": "temperature", "top_p": "topP", "top_k": "topK"}
_PENALTIES = {"presence_penalty": "presencePenalty", "frequency_penalty": "frequencyPenalty"}
_LOGPROBS = "message.output_text.logprobs"
_TIERS = {"auto": None, "default": "standard", "flex": "flex", "priority": "priority"}
_TIER_HEADER = "X-Vertex-AI-LLM-Shared-Request-Type"
_LABEL_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL = re.compile(r"[a-z0-9_-]{0,63}")
_JSON_OBJECT = "Answer with one JSON object and nothing else: no prose, no code fence."
_JSON_SCHEMA = (
    "Answer with JSON and nothing else (no prose, no code fence), valid against this JSON schema:\n{}"
)


def request_from(turn: Turn, dialect: Gemini) -> WireRequest:
    """Raises InvalidRequest naming `param` for what cannot be said."""
    adapted = Adaptations()
    abilities = _abilities(turn, dialect)
    computer = computer_of(turn, dialect)
    offer = offer_tools(turn, abilities, dialect.vertex, computer, adapted)
    contents = Contents(turn.items, turn.instructions, abilities, computer, adapted)
    config: JSON = {}
    _shape(turn, abilities, bool(offer.tools), contents.system, config, adapted)
    _limit(turn, abilities, config, adapted)
    _think(turn, abilities, config, adapted)
    _sample(turn, abilities, config, adapted)
    _ask_further(turn, config)
    if abilities.resolution == "global":
        config["mediaResolution"] = level_of_all(turn.items)
    _draw(offer, config)
    body: JSON = {"contents": contents.contents}
    if contents.system:
        body["systemInstruction"] = {"parts": contents.system}
    if offer.tools:
        body["tools"] = offer.tools
    if offer.tools and (tool_config := offer.config(dialect.vertex)):
        body["toolConfig"] = tool_config
    if config:
        body["generationConfig"] = config
    headers = _serve(turn, dialect.vertex, body, adapted)
    _note_the_rest(turn, adapted)
    prefix = marked_prefix(
        turn,
        body,
        lambda items: Contents(items, turn.instructions, abilities, computer, Adaptations()).contents,
        adapted,
        kept=dialect.keeps_prefixes,
        vertex=dialect.vertex,
    )
    method = "streamGenerateContent" if turn.stream else "generateContent"
    return WireRequest(
        path_of(turn.model, method),
        body,
        headers,
        adapted.noted,
        {"alt": "sse"} if turn.stream else {},
        () if computer is None else (computer.filter,),
        prefix,
    )


def count_request_from(turn: Turn, dialect: Gemini) -> WireRequest:
    """Only Vertex AI counts what stands beside the contents where generateContent has it."""
    request = request_from(turn, dialect)
    body = request.body
    if not dialect.vertex:
        model = f"models/{turn.model.removeprefix('models/')}"
        body = {"generateContentRequest": {"model": model, **request.body}}
    else:
        counted = ("contents", "systemInstruction", "tools", "generationConfig")
        body = {field: body[field] for field in counted if field in body}
    return WireRequest(path_of(turn.model, "countTokens"), body, adaptations=request.adaptations)


def path_of(model: str, method: str) -> str:
    return f"/models/{quote(model.removeprefix('models/'), safe='')}:{method}"


def _abilities(turn: Turn, dialect: Gemini) -> Abilities:
    """Vertex AI fetches URLs for every model, keeps no files, and does not show the calls of its tools."""
    abilities = abilities_of(turn.model)
    if abilities.resolution == "global" and level_of_all(turn.items) is None:
        abilities = replace(abilities, resolution="none")
    if dialect.vertex:
        abilities = replace(abilities, fetches=True, files=False, server_calls=False)
    return abilities


def _shape(
    turn: Turn, abilities: Abilities, tools: bool, system: list[JSON], config: JSON, adapted: Adaptations
) -> None:
    """The shape of the answer: in the configuration, or in the words of the system."""
    wish = mapping((turn.text or {}).get("format"))
    if wish.get("type") not in ("json_object", "json_schema"):
        return
    schema = wish.get("schema") or {} if wish["type"] == "json_schema" else None
    if not tools or abilities.combines:
        if schema is None:
            config["responseMimeType"] = "application/json"
            return
        shape, told = reshaped(schema)
        if shape is not None:
            if wish.get("description"):
                shape.setdefault("description", wish["description"])
            if told:
                adapted.emulated("text.format.schema", IN_DESCRIPTIONS)
            config |= {"responseMimeType": "application/json", "responseJsonSchema": shape}
            return
    words = _JSON_OBJECT if schema is None else _JSON_SCHEMA.format(encode_json(schema).decode())
    system.append({"text": words})
    adapted.emulated("text.format", "the shape is asked for in words, this model cannot be held to it")


def _limit(turn: Turn, abilities: Abilities, config: JSON, adapted: Adaptations) -> None:
    asked, most = turn.max_output_tokens, abilities.most_tokens
    if asked is None:
        return
    if most is not None and asked > most:
        adapted.clamped("max_output_tokens", f"{asked} is more than this model says, sent as {most}")
        asked = most
    config["maxOutputTokens"] = asked


def _think(turn: Turn, abilities: Abilities, config: JSON, adapted: Adaptations) -> None:
    reasoning = turn.reasoning or {}
    effort = reasoning.get("effort")
    wants_words = reasoning.get("summary") or reasoning.get("generate_summary")
    if effort is not None and effort != "none" and effort not in _EFFORTS:
        adapted.dropped("reasoning.effort", NOT_OFFERED)
        effort = None
    if abilities.thinking == "none":
        if effort not in (None, "none"):
            adapted.dropped("reasoning.effort", "this model does not think")
        return
    thinking: JSON = {}
    if effort is not None and abilities.thinking == "level":
        thinking["thinkingLevel"] = _level(effort, abilities, adapted)
    elif effort is not None:
        thinking["thinkingBudget"] = _budget(effort, abilities, config.get("maxOutputTokens"), adapted)
    if wants_words and thinking.get("thinkingBudget") != 0:  # words of no thoughts are refused
        thinking["includeThoughts"] = True
    if thinking:
        config["thinkingConfig"] = thinking


def _level(effort: str, abilities: Abilities, adapted: Adaptations) -> str:
    """The level of this name, or the highest below it, or the lowest there is."""
    below = [
        level
        for level in abilities.levels
        if effort != "none" and _EFFORTS.index(level) <= _EFFORTS.index(effort)
    ]
    level = below[-1] if below else abilities.levels[0]
    if level != effort:
        adapted.clamped("reasoning.effort", f"{effort} is sent as {level}")
    return level


def _budget(effort: str, abilities: Abilities, limit: int | None, adapted: Adaptations) -> int:
    least, most = abilities.budgets
    asked = 0 if effort == "none" else _BUDGETS[effort]
    if asked == 0 and abilities.stops_thinking:
        return 0
    budget = min(max(asked, least), most)
    if limit is not None and budget > limit // 2:
        budget = max(least, limit // 2)
        if budget >= limit and abilities.stops_thinking:
            budget = 0
        adapted.clamped("reasoning.effort", f"{budget} tokens, because thoughts count as output")
    elif asked == 0:
        adapted.clamped("reasoning.effort", f"this model always thinks, none is sent as {budget} tokens")
    return budget


def _sample(turn: Turn, abilities: Abilities, config: JSON, adapted: Adaptations) -> None:
    for name, theirs in _SAMPLING.items():
        value = getattr(turn, name)
        if value is not None and abilities.sampling:
            config[theirs] = value
        elif value is not None:
            adapted.dropped(name, "it has no effect on this model")
    for name, theirs in _PENALTIES.items():
        value = getattr(turn, name)
        if value and abilities.penalties:
            config[theirs] = value
        elif value:
            adapted.dropped(name, NOT_OFFERED)


def _draw(offer: Offer, config: JSON) -> None:
    if offer.images is None:
        return
    config["responseModalities"] = ["IMAGE"] if offer.images_alone else ["TEXT", "IMAGE"]
    if offer.images:
        config["imageConfig"] = offer.images


def _ask_further(turn: Turn, config: JSON) -> None:
    if turn.top_logprobs or _LOGPROBS in turn.include:
        config["responseLogprobs"] = True
        if turn.top_logprobs:
            config["logprobs"] = turn.top_logprobs
    if type(seed := turn.extra.get("seed")) is int:
        config["seed"] = seed
    stop = turn.extra.get("stop")
    if stops := [stop] if isinstance(stop, str) else strings(stop):
        config["stopSequences"] = stops


def _serve(turn: Turn, vertex: bool, body: JSON, adapted: Adaptations) -> dict[str, str]:
    """How it is served and accounted for, in the body or in the headers that are given back."""
    headers: dict[str, str] = {}
    if turn.service_tier is not None:
        tier = _TIERS.get(turn.service_tier)
        if turn.service_tier not in _TIERS:
            adapted.dropped("service_tier", NOT_OFFERED)
        elif tier is not None and not vertex:
            body["serviceTier"] = tier
        elif tier in ("flex", "priority"):
            headers[_TIER_HEADER] = tier
    if vertex and turn.metadata:
        labels = {
            name: value
            for name, value in turn.metadata.items()
            if _LABEL_NAME.fullmatch(name) and isinstance(value, str) and _LABEL.fullmatch(value)
        }
        if labels:
            body["labels"] = labels
        if len(labels) < len(turn.metadata):
            adapted.dropped("metadata", "labels are short, in small letters, digits, - and _")
    return headers


def _note_the_rest(turn: Turn, adapted: Adaptations) -> None:
    """Fields that Gemini has no word for, where what was asked differs from what happens anyway."""
    text, reasoning = turn.text or {}, turn.reasoning or {}
    asked = {
        "text.verbosity": text.get("verbosity") not in (None, "medium"),
        "truncation": turn.truncation not in (None, "disabled"),
        "user": turn.user,
        "safety_identifier": turn.safety_identifier,
        "prompt_cache_key": turn.prompt_cache_key,
        "prompt_cache_retention": turn.prompt_cache_retention,
        "moderation": turn.moderation,
        "reasoning.mode": reasoning.get("mode") not in (None, "standard"),
        "reasoning.context": reasoning.get("context") not in (None, "auto"),
    }
    for field in (*(field for field, value in asked.items() if value), *unsaid_fields(turn)):
        adapted.dropped(field, NOT_OFFERED)
