"""Says lines to the Ollama dialect and hears deltas; says turns and sees bodies."""

from __future__ import annotations

import json
from typing import Any

from antiphon.core import deltas as d
from antiphon.core.turn import Turn
from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.ollama import Ollama
from tests.play import stream_deltas
from tests.upstream.dialects.saying import said_to, user


def line(content: str = "", **fields: Any) -> dict[str, Any]:
    return {"model": "m", "message": {"role": "assistant", "content": content, **fields}, "done": False}


def call(name: str, arguments: Any, call_id: str | None = None) -> dict[str, Any]:
    named = {} if call_id is None else {"id": call_id}
    return {**named, "function": {"index": 0, "name": name, "arguments": arguments}}


def last(reason: str | None = "stop", **fields: Any) -> dict[str, Any]:
    return {**line(), "done": True, "done_reason": reason, "total_duration": 5, **fields}


def hear(*lines: dict[str, Any]) -> list[d.Delta]:
    """All deltas of a stream of these lines."""
    wire = b"".join(json.dumps(each).encode() + b"\n" for each in lines)
    return list(stream_deltas(Ollama(), [wire]))


def whole(**fields: Any) -> list[d.Delta]:
    """The deltas of an answer that was not streamed."""
    return list(Ollama().answer({**last(), **fields}))


def of(kind: type, deltas: list[d.Delta]) -> list[Any]:
    return [delta for delta in deltas if isinstance(delta, kind)]


def say(dialect: Ollama | None = None, **fields: Any) -> WireRequest:
    """The request for a turn; unless said otherwise, a user's greeting."""
    turn = Turn(**{"model": "qwen3:8b", "items": [user("Hello")], "truncation": "auto", **fields})
    return said_to(dialect or Ollama(), turn)


def noted(request: WireRequest) -> list[str]:
    return [str(adaptation) for adaptation in request.adaptations]
