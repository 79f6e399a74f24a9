"""The rules that Cohere documents for a request beyond the types of its fields, as assertions.

https://docs.cohere.com/reference/chat: ranges, what excludes what
https://docs.cohere.com/docs/tool-use-usage-patterns: which messages follow which
https://docs.cohere.com/reference/errors: what is refused, in its own words
"""

from __future__ import annotations

import json
from typing import Any

RANGES = {
    "temperature": (0, 1),
    "p": (0.01, 0.99),
    "k": (0, 500),
    "presence_penalty": (0, 1),
    "frequency_penalty": (0, 1),
}
KEYS = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "tool_plan"},
    "tool": {"role", "tool_call_id", "content"},
}


def check(body: dict[str, Any]) -> None:
    for name, (least, most) in RANGES.items():
        assert least <= body.get(name, least) <= most, name
    if "response_format" in body:
        assert not {"documents", "tools"} & body.keys()
    assert not {"documents", "tools"} <= body.keys()
    _check_tools(body)
    assert body.get("thinking", {}).get("token_budget", 1) > 0
    assert len(body.get("stop_sequences", [])) <= 5
    thinks = body.get("thinking", {"type": "enabled"})["type"] == "enabled"
    _check_messages(body["messages"], thinks=thinks)


def _check_tools(body: dict[str, Any]) -> None:
    if "tool_choice" in body or "strict_tools" in body:
        assert body["tools"]
    assert body.get("tool_choice", "NONE") in ("REQUIRED", "NONE")
    for tool in body.get("tools", []):
        assert tool["type"] == "function"
        assert isinstance(tool["function"]["parameters"], dict)
        assert not body.get("strict_tools") or tool["function"]["parameters"]["required"]


def _check_messages(messages: list[dict[str, Any]], *, thinks: bool) -> None:
    assert messages
    owed: list[str] = []
    for index, message in enumerate(messages):
        role = message["role"]
        assert message.keys() <= KEYS[role]
        assert role == "tool" or not owed, "something stands between calls and their outputs"
        match role:
            case "system":
                assert index == 0, "system turn must be the first in the list"
                assert message["content"]
            case "user":
                assert message["content"], "message must be at least 1 token long"
            case "assistant":
                _check_assistant(message, thinks=thinks)
                owed = [call["id"] for call in message.get("tool_calls", [])]
                assert len(owed) == len(set(owed))
            case "tool":
                owed.remove(message["tool_call_id"])
                assert isinstance(message["content"], str | list)


def _check_assistant(message: dict[str, Any], *, thinks: bool) -> None:
    content = message.get("content")
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []
    texts = [block for block in blocks if block["type"] == "text"]
    calls = message.get("tool_calls", [])
    assert calls or texts
    assert not (calls and texts), "text content is not allowed when tool_calls are provided"
    assert calls or "tool_plan" not in message
    assert message.get("tool_plan", "x")
    if len(blocks) > len(texts):
        assert thinks, "thinking content, with thinking disabled"
        assert "tool_plan" not in message
    for call in calls:
        assert call["type"] == "function"
        assert isinstance(json.loads(call["function"]["arguments"]), dict)
