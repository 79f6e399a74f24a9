"""Hand-made answers of Gemini's, and what the dialect hears in them; turns, and what it says."""

from __future__ import annotations

import json
from typing import Any

from antiphon.core.deltas import Delta
from antiphon.core.turn import Turn
from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.gemini import Gemini
from antiphon.upstream.dialects.gemini.seals import seal
from tests.play import play, stream_deltas

VERTEX = Gemini(vertex=True)


def chunk(*parts: dict[str, Any], finish: Any = None, **fields: Any) -> dict[str, Any]:
    """A chunk with one candidate; `fields` are further ones of the candidate."""
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0, **fields}
    return {"candidates": [{**candidate, **({"finishReason": finish} if finish is not None else {})}]}


def text(said: str, **fields: Any) -> dict[str, Any]:
    return {"text": said, **fields}


def thought(said: str, **fields: Any) -> dict[str, Any]:
    return {"text": said, "thought": True, **fields}


def calls(name: str, args: Any = None, call_id: str | None = None, **fields: Any) -> dict[str, Any]:
    call = {"name": name, **({} if args is None else {"args": args}), **({"id": call_id} if call_id else {})}
    return {"functionCall": call, **fields}


def wire(*chunks: Any) -> bytes:
    return b"".join(b"data: %s\r\n\r\n" % json.dumps(each, ensure_ascii=False).encode() for each in chunks)


def hear(*chunks: Any, dialect: Gemini | None = None) -> list[Delta]:
    """The deltas of a stream of these chunks."""
    return list(stream_deltas(dialect or Gemini(), [wire(*chunks)]))


def hear_parts(*parts: dict[str, Any], **fields: Any) -> list[Delta]:
    """The deltas of a stream with one chunk, which ends well."""
    return hear(chunk(*parts, **{"finish": "STOP", **fields}))


def of(kind: type[Delta], deltas: list[Delta]) -> list[Any]:
    return [delta for delta in deltas if isinstance(delta, kind)]


def output(deltas: list[Delta]) -> list[dict[str, Any]]:
    """The items that the gateway makes of them, seals included."""
    return play(deltas)[1].response["output"]


def user(said: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": said}]}


def message(role: str, *parts: dict[str, Any] | str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": part} if isinstance(part, str) else part for part in parts]
    return {"type": "message", "role": role, "content": content}


def function(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "name": name, "parameters": None, "strict": None, **fields}


def call(call_id: str, name: str = "look", arguments: str = "{}") -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def result(call_id: str, said: Any = "done") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": said}


def sealed(*signed: dict[str, Any], summary: str = "") -> dict[str, Any]:
    parts = [{"type": "summary_text", "text": summary}] if summary else []
    return {"type": "reasoning", "summary": parts, "encrypted_content": seal(list(signed))}


def say(dialect: Gemini | None = None, **fields: Any) -> WireRequest:
    """The request for a turn; unless said otherwise, a user's greeting to Gemini 2.5 Flash."""
    turn = Turn(**{"model": "gemini-2.5-flash", "items": [user("Hello")], **fields})
    return (dialect or Gemini()).encode(turn)


def contents(*items: dict[str, Any], model: str = "gemini-2.5-flash", **fields: Any) -> list[dict[str, Any]]:
    return say(model=model, items=list(items), **fields).body["contents"]


def noted(request: WireRequest) -> dict[str, str]:
    """What was adapted, and how, by path."""
    return {adaptation.param: adaptation.action for adaptation in request.adaptations}
