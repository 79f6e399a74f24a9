"""What Ollama takes, as assertions: the types into which its server parses a request, and its documentation.

https://github.com/ollama/ollama/blob/main/api/types.go: ChatRequest, Message, Options
https://docs.ollama.com/api/chat, https://docs.ollama.com/capabilities/tool-calling
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

FIELDS: dict[str, Any] = {
    "model": str,
    "messages": list,
    "stream": bool,
    "format": (str, dict),
    "keep_alive": (str, int, float),
    "tools": list,
    "options": dict,
    "think": (bool, str),
    "truncate": bool,
    "shift": bool,
    "logprobs": bool,
    "top_logprobs": int,
}
WHOLE_OPTIONS = {
    "num_ctx",
    "num_predict",
    "num_keep",
    "num_batch",
    "num_gpu",
    "seed",
    "top_k",
    "repeat_last_n",
}
OPTIONS = WHOLE_OPTIONS | {
    "temperature",
    "top_p",
    "min_p",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
    "stop",
}
KEYS = {
    "system": {"role", "content"},
    "user": {"role", "content", "images"},
    "assistant": {"role", "content", "thinking", "tool_calls"},
    "tool": {"role", "content", "tool_name", "tool_call_id"},
}


def check(body: dict[str, Any]) -> None:
    for name, value in body.items():
        assert isinstance(value, FIELDS[name]), name
    assert body["model"]
    assert body.get("format", "json") == "json" or isinstance(body["format"], dict)
    assert body.get("think", True) in (True, False, "low", "medium", "high")
    assert 0 <= body.get("top_logprobs", 0) <= 20
    _check_options(body.get("options", {}))
    for tool in body.get("tools", []):
        assert tool.keys() == {"type", "function"} and tool["type"] == "function"
        assert tool["function"].keys() <= {"name", "description", "parameters"}
        assert isinstance(tool["function"]["parameters"]["properties"], dict)
    _check_messages(body["messages"])
    json.dumps(body, allow_nan=False)


def _check_options(options: dict[str, Any]) -> None:
    for name, value in options.items():
        assert name in OPTIONS
        if name == "stop":
            assert all(isinstance(each, str) for each in value) and isinstance(value, list)
        else:
            assert type(value) in ((int,) if name in WHOLE_OPTIONS else (int, float)), name


def _check_messages(messages: list[dict[str, Any]]) -> None:
    owed: list[tuple[str, str]] = []
    for message in messages:
        assert message.keys() <= KEYS[message["role"]]
        assert isinstance(message["content"], str)
        assert message["role"] == "tool" or not owed, "something stands between calls and their outputs"
        for image in message.get("images", []):
            assert b64decode(image, validate=True)
        if message["role"] == "assistant":
            assert message["content"] or message["tool_calls"]
            owed = [_checked(call) for call in message.get("tool_calls", [])]
        if message["role"] == "tool":  # in the order of the calls: not all templates know ids
            assert owed.pop(0) == (message["tool_call_id"], message["tool_name"])


def _checked(call: dict[str, Any]) -> tuple[str, str]:
    assert call.keys() == {"id", "type", "function"}
    assert isinstance(call["function"]["arguments"], dict)
    assert isinstance(call["function"]["index"], int)
    return call["id"], call["function"]["name"]
