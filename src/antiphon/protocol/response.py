"""The response object as it begins: all 31 keys of Open Responses with concrete values.

What a request leaves open gets the protocol's default. Where the Open Responses schema forbids null, a
value that is not known is left out instead; where OpenAI's clients expect a list, there is one. Sources:
both OpenAPI files, and the traps that were measured with the official compliance suite (nullable:
completed_at, incomplete_details, previous_response_id, instructions, error, reasoning, usage,
max_output_tokens, max_tool_calls, safety_identifier, prompt_cache_key, conversation; nothing else).

`model` is the name that was asked for, from the first event to the last: what a client may ask for again.
The dated name that a provider has for what served is not told. `service_tier` becomes the one that served.
"""

from __future__ import annotations

import re
from typing import Any

from antiphon.protocol.conversations import conversation_id
from antiphon.protocol.json import JSON
from antiphon.protocol.request import CreateResponse

_ECHOED_WHEN_GIVEN = ("user", "prompt", "prompt_cache_retention", "top_k")
_TIERS = frozenset(("auto", "default", "flex", "scale", "priority", "fast", "ultrafast"))


def begun(request: CreateResponse, *, response_id: str, created_at: int, provider: str, model: str) -> JSON:
    """The snapshot of a response that was just created. `created_at`: seconds since 1970."""
    response: JSON = {
        "id": response_id,
        "object": "response",
        "created_at": created_at,
        "completed_at": None,
        "status": "in_progress",
        "incomplete_details": None,
        "error": None,
        "model": model,
        "provider": provider,
        "previous_response_id": request.previous_response_id,
        "conversation": request.conversation and {"id": conversation_id(request.conversation)},
        "instructions": request.instructions,
        "output": [],
        "usage": None,
        "cost": None,
        "adaptations": [],
        "metadata": request.metadata or {},
        "tools": [_echoed_tool(tool) for tool in request.tools or ()],
        "tool_choice": _echoed_choice(request.tool_choice),
        "parallel_tool_calls": _or(request.parallel_tool_calls, True),
        "max_tool_calls": request.max_tool_calls,
        "max_output_tokens": request.max_output_tokens,
        "temperature": _or(request.temperature, 1.0),
        "top_p": _or(request.top_p, 1.0),
        "top_logprobs": _or(request.top_logprobs, 0),
        "presence_penalty": _or(request.presence_penalty, 0.0),
        "frequency_penalty": _or(request.frequency_penalty, 0.0),
        "truncation": request.truncation or "disabled",
        "text": _echoed_text(request.text),
        "reasoning": _echoed_reasoning(request.reasoning),
        "background": request.background,
        "store": request.store,
        "service_tier": request.service_tier if request.service_tier in _TIERS else "auto",
        "safety_identifier": request.safety_identifier,
        "prompt_cache_key": request.prompt_cache_key,
    }
    for name in _ECHOED_WHEN_GIVEN:
        if (value := getattr(request, name)) is not None:
            response[name] = value
    if request.prompt_cache_options is not None:
        response["prompt_cache_options"] = {"mode": "implicit", "ttl": "30m", **request.prompt_cache_options}
    return response


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _echoed_tool(tool: JSON) -> JSON:
    """A function tool carries all its keys, null where nothing was said; secrets of others stay here."""
    if tool.get("type") == "function":
        return {"description": None, "parameters": None, "strict": None, **tool}
    return without_secrets(tool)


def without_secrets(tool: JSON) -> JSON:
    """The tool as it may be shown and stored: what opens doors at an MCP server is used and forgotten.

    Of the server's URL the origin is left, as OpenAI shows it: paths and queries carry keys too.
    """
    if tool.get("type") != "mcp":
        return tool
    shown = {key: value for key, value in tool.items() if key not in ("authorization", "headers")}
    if isinstance(url := shown.get("server_url"), str):
        scheme, _, rest = url.partition("://")
        host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
        shown["server_url"] = f"{scheme}://{host}"
    return shown


def _echoed_choice(choice: str | JSON | None) -> str | JSON:
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        return {"mode": "auto", **choice}
    return "auto" if choice is None else choice


def _echoed_text(text: JSON | None) -> JSON:
    echoed = {key: value for key, value in (text or {}).items() if value is not None}
    if not isinstance(echoed.get("format"), dict):
        echoed["format"] = {"type": "text"}
    elif echoed["format"].get("type") == "json_schema":
        shape = echoed["format"]
        echoed["format"] = {"description": None, **shape, "strict": bool(shape.get("strict"))}
    return echoed


def _echoed_reasoning(reasoning: JSON | None) -> JSON | None:
    if reasoning is None:
        return None
    return {"effort": None, "summary": None, **reasoning}


def compaction_object(response: JSON, output: list[JSON]) -> JSON:
    """What `POST /v1/responses/compact` answers: of the response that was made for it, what has a meaning."""
    kept = ("id", "created_at", "model", "provider", "usage", "cost", "cost_details", "adaptations")
    return {
        "object": "response.compaction",
        **{name: response[name] for name in kept if name in response},
        "output": output,
    }
