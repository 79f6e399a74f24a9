"""A turn, to the body of a Chat Completions request.

Every field of the turn is sent, or met by what is sent, or named in `adaptations`. Met without being sent:
`metadata` (the gateway keeps it; the provider is asked to keep nothing), `max_tool_calls` (counts hosted
tools) where none is offered, `include` of hosted tools' results, `reasoning.summary` (thoughts come as they
are), `truncation: disabled` (no server truncates on its own).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from antiphon.core.adaptations import Adaptations
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED, unsaid_fields
from antiphon.protocol.json import JSON, encode
from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.chat import signatures
from antiphon.upstream.dialects.chat.messages import messages_from
from antiphon.upstream.dialects.chat.quirks import Quirks
from antiphon.upstream.dialects.chat.tools import tools_from

_ALWAYS = ("temperature", "top_p")

_WHERE_TAKEN = {
    "top_k": "top_k",
    "presence_penalty": "penalties",
    "frequency_penalty": "penalties",
    "service_tier": "service_tier",
    "user": "user",
    "safety_identifier": "safety_identifier",
    "prompt_cache_key": "prompt_cache_key",
    "prompt_cache_retention": "prompt_cache_retention",
    "prompt_cache_options": "prompt_cache_options",
    "cache_control": "cache_control",
    "moderation": "moderation",
}
"""Fields with the same name in both APIs, and the quirk that says whether this server takes them."""

_MODEL = "{model}"
_LOGPROBS = "message.output_text.logprobs"
_JSON_OBJECT: JSON = {"response_format": {"type": "json_object"}}
_MET_REASONING = ("effort", "summary", "generate_summary")


def request_from(turn: Turn, quirks: Quirks) -> WireRequest:
    """Raises InvalidRequest naming `param` for what cannot be said."""
    adapted = Adaptations()
    text = turn.text or {}
    shape, told = _format(text.get("format") or {}, quirks, adapted)
    instructions = "\n\n".join(filter(None, (turn.instructions, told)))
    messages = messages_from(turn.items, instructions, quirks, adapted, begun=bool(turn.begun))
    if quirks.replay == "extra_content":
        signatures.leave_unchecked(messages, turn.model, adapted)
    tools = tools_from(turn, quirks, adapted)
    body: JSON = {
        "model": turn.model,
        "messages": messages,
        **shape,
        **tools,
        **_reasoning(turn.reasoning or {}, _forces(tools.get("tool_choice")), quirks, adapted),
        **_fields(turn, quirks, adapted),
        **_logprobs(turn, quirks, adapted),
    }
    if (verbosity := text.get("verbosity")) is not None:
        if quirks.verbosity:
            body["verbosity"] = verbosity
        else:
            adapted.dropped("text.verbosity", NOT_OFFERED)
    if turn.stream:
        body["stream"] = True
        if quirks.stream_options:
            body["stream_options"] = {"include_usage": True}
    if turn.begun:
        _leave_open(body, quirks)
    if quirks.extra_body:
        body = _joined(body, quirks.extra_body)
    return WireRequest(_path(turn.model, quirks), body, adaptations=adapted.noted)


def _leave_open(body: JSON, quirks: Quirks) -> None:
    """The last message is the model's own, and not over."""
    if quirks.prefill == "prefix":
        body["messages"][-1]["prefix"] = True
    else:
        body.update(continue_final_message=True, add_generation_prompt=False)


def _path(model: str, quirks: Quirks) -> str:
    """With the model in it where it belongs there."""
    return quirks.path.replace(_MODEL, quote(model, safe="")) if _MODEL in quirks.path else quirks.path


def _joined(said: JSON, extra: Mapping[str, Any]) -> JSON:
    """Both in one: objects are joined at every depth, anything else of `extra` replaces what was said."""
    joined = dict(said)
    for name, value in extra.items():
        inner = joined.get(name)
        if isinstance(inner, dict) and isinstance(value, dict):
            joined[name] = _joined(inner, value)
        else:
            joined[name] = value
    return joined


def _fields(turn: Turn, quirks: Quirks, adapted: Adaptations) -> JSON:
    body: JSON = {name: value for name in _ALWAYS if (value := getattr(turn, name)) is not None}
    for name, quirk in _WHERE_TAKEN.items():
        if (value := getattr(turn, name)) is not None:
            if getattr(quirks, quirk):
                body[name] = value
            else:
                adapted.dropped(name, NOT_OFFERED)
    if turn.max_output_tokens is not None:
        body[quirks.max_tokens] = turn.max_output_tokens
    if turn.truncation == "auto":
        adapted.dropped("truncation", NOT_OFFERED)
    for name in unsaid_fields(turn):
        adapted.dropped(name, NOT_OFFERED)
    if quirks.store:
        body["store"] = False
    return body


def _logprobs(turn: Turn, quirks: Quirks, adapted: Adaptations) -> JSON:
    if not turn.top_logprobs and _LOGPROBS not in turn.include:
        return {}
    if not quirks.logprobs:
        if turn.top_logprobs:
            adapted.dropped("top_logprobs", NOT_OFFERED)
        if _LOGPROBS in turn.include:
            adapted.dropped("include", f"this model does not offer {_LOGPROBS}")
        return {}
    return {"logprobs": True} | ({"top_logprobs": turn.top_logprobs} if turn.top_logprobs else {})


def _forces(choice: str | JSON | None) -> bool:
    """Whether the model must call a tool."""
    if isinstance(choice, dict) and choice["type"] == "allowed_tools":
        choice = choice["allowed_tools"]["mode"]
    return choice == "required" or isinstance(choice, dict)


def _reasoning(reasoning: JSON, forced: bool, quirks: Quirks, adapted: Adaptations) -> JSON:
    """`forced`: a tool must be called. DeepSeek, which thinks unless told not to, refuses both together."""
    for name, value in reasoning.items():
        if value is not None and name not in _MET_REASONING:
            adapted.dropped(f"reasoning.{name}", NOT_OFFERED)
    effort = reasoning.get("effort")
    if forced and quirks.reasoning == "thinking":
        if effort not in (None, "none"):
            adapted.dropped("reasoning.effort", "a forced tool call leaves no room for thoughts")
        effort = "none"
    if effort is None:
        return {}
    match quirks.reasoning:
        case "effort":
            return {"reasoning_effort": effort}
        case "object":
            return {"reasoning": {"effort": effort}}
        case "thinking" if effort == "none":
            return {"thinking": {"type": "disabled"}}
        case "thinking":
            return {"thinking": {"type": "enabled"}, "reasoning_effort": effort}
        case "template":  # the names that templates of Qwen and of gpt-oss know
            names = {"enable_thinking": effort != "none", "reasoning_effort": effort}
            return {"chat_template_kwargs": names}
        case "none":
            adapted.dropped("reasoning.effort", NOT_OFFERED)
    return {}


def _format(shape: JSON, quirks: Quirks, adapted: Adaptations) -> tuple[JSON, str | None]:
    """`response_format`, and what must be told in words where it cannot say all."""
    kind = shape.get("type")
    if kind == "json_schema":
        schema = {
            name: shape[name] for name in ("description", "schema", "strict") if shape.get(name) is not None
        }
        if quirks.json_schema:
            named = {"name": shape.get("name") or "answer", **schema}
            return {"response_format": {"type": "json_schema", "json_schema": named}}, None
        adapted.emulated("text.format", "JSON is asked for, and the schema told in words")
        told = "Answer with one JSON value that this JSON schema accepts:\n"
        about = {"description": schema["description"]} if "description" in schema else {}
        return _JSON_OBJECT, told + encode({**about, **(schema.get("schema") or {})}).decode()
    if kind == "json_object":
        if quirks.json_object:
            return _JSON_OBJECT, None
        anything = {"name": "answer", "schema": {"type": "object"}}
        return {"response_format": {"type": "json_schema", "json_schema": anything}}, None
    return {}, None
