"""Hand-made answers and turns of Converse's, and what the dialect hears and says."""

from __future__ import annotations

import json
from typing import Any

from antiphon.core.deltas import Delta
from antiphon.core.turn import Turn
from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.converse import Converse
from tests.play import answer_deltas, stream_deltas
from tests.upstream.wire import aws_messages

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-2-lite-v1:0"
LLAMA = "meta.llama3-3-70b-instruct-v1:0"

Event = tuple[str, dict[str, Any]]
START: Event = ("messageStart", {"role": "assistant"})
USED = {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8}
METADATA: Event = ("metadata", {"usage": USED, "metrics": {"latencyMs": 7}})


def begin(index: int, **start: Any) -> Event:
    return "contentBlockStart", {"contentBlockIndex": index, "start": start}


def more(index: int, **delta: Any) -> Event:
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": delta}


def end(index: int) -> Event:
    return "contentBlockStop", {"contentBlockIndex": index}


def stopped(reason: str = "end_turn") -> Event:
    return "messageStop", {"stopReason": reason}


def wire_of(*events: Event) -> bytes:
    return b"".join(aws_messages.event(name, json.dumps(said).encode()) for name, said in events)


def hear(*events: Event) -> list[Delta]:
    """The deltas of a stream of these events."""
    return list(stream_deltas(Converse(), [wire_of(*events)]))


def hear_whole(content: list[Any], stop: str = "end_turn", **more: Any) -> list[Delta]:
    """The deltas of a whole answer with these blocks."""
    body = {"output": {"message": {"content": content}}, "stopReason": stop, "usage": USED, **more}
    return list(answer_deltas(Converse(), json.dumps(body).encode()))


def of(kind: type[Delta], deltas: list[Delta]) -> list[Any]:
    return [delta for delta in deltas if isinstance(delta, kind)]


def message(role: str, *parts: dict[str, Any] | str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": part} if isinstance(part, str) else part for part in parts]
    return {"type": "message", "role": role, "content": content}


def user(*parts: dict[str, Any] | str) -> dict[str, Any]:
    return message("user", *parts)


def call(call_id: str, name: str = "now", arguments: str = "{}") -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def output(call_id: str, said: Any = "noon") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": said}


def function(name: str = "now", **more: Any) -> dict[str, Any]:
    return {"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}, **more}


def say(
    *items: dict[str, Any], model: str = CLAUDE, dialect: Converse | None = None, **turn: Any
) -> WireRequest:
    return (dialect or Converse()).encode(Turn(model=model, items=list(items or [user("Hi")]), **turn))
