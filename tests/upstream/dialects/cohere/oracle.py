"""What a recorded Cohere answer says, read without any code of the dialect.

Deliberately naive: it knows the recordings, not the protocol. Streams are read line by line.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.recordings import Recording


@dataclass
class Said:
    """An answer, put together. `usage`: input, output, cached, reasoning."""

    text: str = ""
    plan: str = ""
    thoughts: str = ""
    calls: dict[int, list[str]] = field(default_factory=dict)  # index → id, name, arguments
    cited: list[tuple[int, int, str, str]] = field(default_factory=list)  # start, end, text, source
    usage: tuple[int, int, int, int] | None = None
    finish: str = ""


def read(recording: Recording) -> Said:
    said = Said()
    response = recording.exchange["response"]
    if recording.kind == "json":
        _read_whole(said, response["body"])
        return said
    for line in response["sse"].splitlines():
        if line.startswith("data: {"):
            _read_event(said, json.loads(line.removeprefix("data: ")))
    return said


def _read_event(said: Said, event: dict[str, Any]) -> None:
    delta = event.get("delta", {})
    message = delta.get("message", {})
    if event["type"].startswith("content-") and message:
        said.text += message["content"].get("text", "")
        said.thoughts += message["content"].get("thinking", "")
    if event["type"] == "tool-plan-delta":
        said.plan += message["tool_plan"]
    if event["type"] == "tool-call-start":
        function = message["tool_calls"]["function"]
        said.calls[event["index"]] = [message["tool_calls"]["id"], function["name"], function["arguments"]]
    if event["type"] == "tool-call-delta":
        said.calls[event["index"]][2] += message["tool_calls"]["function"]["arguments"]
    if event["type"] == "citation-start":
        _read_citation(said, message["citations"])
    if event["type"] == "message-end":
        said.finish = delta["finish_reason"]
        said.usage = _usage(delta["usage"])


def _read_whole(said: Said, body: dict[str, Any]) -> None:
    message = body["message"]
    for block in message.get("content", []):
        said.text += block.get("text", "")
        said.thoughts += block.get("thinking", "")
    said.plan = message.get("tool_plan", "")
    for index, call in enumerate(message.get("tool_calls", [])):
        said.calls[index] = [call["id"], call["function"]["name"], call["function"]["arguments"]]
    for citation in message.get("citations", []):
        _read_citation(said, citation)
    said.finish, said.usage = body["finish_reason"], _usage(body["usage"])


def _read_citation(said: Said, citation: dict[str, Any]) -> None:
    for source in citation["sources"]:
        said.cited.append((citation["start"], citation["end"], citation["text"], source["id"]))


def _usage(usage: dict[str, Any]) -> tuple[int, int, int, int] | None:
    """What the model read and wrote; billed are images too, which `tokens` counts apart (see usage.py)."""
    if not usage:
        return None
    tokens = usage["tokens"]
    read = tokens["input_tokens"] + tokens.get("image_tokens", 0)
    assert read >= usage["billed_units"]["input_tokens"]
    return read, tokens["output_tokens"], usage.get("cached_tokens", 0), tokens.get("reasoning_tokens", 0)
