"""Says events to the Cohere dialect and hears deltas; says turns and sees bodies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from antiphon.core import deltas as d
from antiphon.core.turn import Turn
from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.cohere import Cohere
from tests.play import stream_deltas
from tests.upstream.dialects.saying import said_to, user

PLANNER, THINKER = "command-a-03-2025", "command-a-reasoning-08-2025"


def event(kind: str, index: int | None = None, **message: Any) -> dict[str, Any]:
    numbered = {} if index is None else {"index": index}
    return {"type": kind, **numbered, "delta": {"message": message}}


START = {"id": "1", **event("message-start", role="assistant", content=[], tool_calls=[], citations=[])}


def begin(index: int, kind: str) -> dict[str, Any]:
    return event("content-start", index, content={"type": kind, kind: ""})


def text(index: int, said: str, **fields: Any) -> dict[str, Any]:
    return {**event("content-delta", index, content={"text": said}), **fields}


def thinking(index: int, said: str) -> dict[str, Any]:
    return event("content-delta", index, content={"thinking": said})


def plan(said: str) -> dict[str, Any]:
    return event("tool-plan-delta", tool_plan=said)


def calling(index: int, call_id: str, name: str) -> dict[str, Any]:
    function = {"name": name, "arguments": ""}
    return event(
        "tool-call-start", index, tool_calls={"id": call_id, "type": "function", "function": function}
    )


def arguments(index: int, said: str) -> dict[str, Any]:
    return event("tool-call-delta", index, tool_calls={"function": {"arguments": said}})


def over(kind: str, index: int) -> dict[str, Any]:
    return {"type": f"{kind}-end", "index": index}


def ended(reason: str = "COMPLETE", **fields: Any) -> dict[str, Any]:
    return {"type": "message-end", "delta": {"finish_reason": reason, **fields}}


def hearing(*events: dict[str, Any]) -> Iterator[d.Delta]:
    """The deltas of a stream of these events, one by one, up to a failure."""
    wire = b"".join(
        b"event: %s\ndata: %s\n\n" % (str(e.get("type")).encode(), json.dumps(e).encode()) for e in events
    )
    yield from stream_deltas(Cohere(), [wire + b"data: [DONE]\n\n"])


def hear(*events: dict[str, Any]) -> list[d.Delta]:
    return list(hearing(START, *events))


def whole(message: dict[str, Any], reason: str = "COMPLETE", **fields: Any) -> list[d.Delta]:
    """The deltas of an answer that was not streamed."""
    return list(Cohere().answer({"id": "1", "message": message, "finish_reason": reason, **fields}))


def of(kind: type, deltas: list[d.Delta]) -> list[Any]:
    return [delta for delta in deltas if isinstance(delta, kind)]


def say(dialect: Cohere | None = None, **fields: Any) -> WireRequest:
    """The request for a turn; unless said otherwise, a user's greeting to a model without thoughts."""
    turn = Turn(**{"model": PLANNER, "items": [user("Hello")], **fields})
    return said_to(dialect or Cohere(), turn)


def noted(request: WireRequest) -> list[str]:
    return [str(adaptation) for adaptation in request.adaptations]
