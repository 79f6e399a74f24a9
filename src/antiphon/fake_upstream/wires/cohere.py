"""Cohere's Chat, version 2 (https://docs.cohere.com/reference/chat-stream)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from antiphon.fake_upstream.answers import JSON, Answer, Part, Trouble
from antiphon.fake_upstream.framings import ServerSentEvents
from antiphon.fake_upstream.wires.base import Event, call_index, counted

FINISHES = {"stop": "COMPLETE", "length": "MAX_TOKENS", "content_filter": "ERROR_TOXIC", "calls": "TOOL_CALL"}
TOO_LONG = "too many tokens: size limit exceeded by 1 tokens."
_FIELDS = {"text": "text", "thought": "thinking"}


class Cohere:
    """Blocks of content, and calls, each with an index."""

    framing = ServerSentEvents()
    usage_apart = False

    def begin(self, answer: Answer) -> Iterator[Event]:
        message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        yield _event("message-start", id=answer.id, delta={"message": message})

    def say(self, part: Part, index: int, answer: Answer) -> Iterator[Event]:
        if part.kind == "call":
            yield from _call(part, call_index(answer, index))
            return
        field = _FIELDS[part.kind]
        yield _event("content-start", index=index, delta=_content({"type": field, field: ""}))
        for piece in part.pieces:
            yield _event("content-delta", said=1, index=index, delta=_content({field: piece}))
        yield _event("content-end", index=index)

    def end(self, answer: Answer) -> Iterator[Event]:
        yield _event("message-end", id=answer.id, delta=_end(answer))

    def nothing(self, answer: Answer) -> Iterator[Event]:
        yield _event("debug", prompt="")

    def whole(self, answer: Answer) -> JSON:
        message: JSON = {"role": "assistant"}
        for part in answer.parts:
            if part.kind == "call":
                message.setdefault("tool_calls", []).append(_function(part, part.text))
            else:
                block = {"type": _FIELDS[part.kind], _FIELDS[part.kind]: part.text}
                message.setdefault("content", []).append(block)
        return {"id": answer.id, "message": message, **_end(answer)}

    def refusal(self, trouble: Trouble) -> JSON:
        message = f"{TOO_LONG} {trouble.message}" if trouble.kind == "context" else trouble.message
        return {"id": "fake-error", "message": message}

    def failure(self, trouble: Trouble) -> Iterator[Event]:
        end = {"finish_reason": "ERROR", "error": self.refusal(trouble)["message"]}
        yield _event("message-end", delta=end)

    def failed(self, trouble: Trouble) -> JSON:
        end = {"finish_reason": "ERROR", "error": self.refusal(trouble)["message"]}
        return {"id": "fake-error", "message": {"role": "assistant"}, **end}


def _event(kind: str, said: int = 0, **values: Any) -> Event:
    return Event(kind, {"type": kind, **values}, said)


def _content(content: JSON) -> JSON:
    return {"message": {"content": content}}


def _function(part: Part, arguments: str) -> JSON:
    function = {"name": part.name, "arguments": arguments}
    return {"id": part.call_id, "type": "function", "function": function}


def _call(part: Part, index: int) -> Iterator[Event]:
    begun = {"message": {"tool_calls": _function(part, "")}}
    yield _event("tool-call-start", index=index, delta=begun)
    for piece in part.pieces:
        delta = {"message": {"tool_calls": {"function": {"arguments": piece}}}}
        yield _event("tool-call-delta", said=1, index=index, delta=delta)
    yield _event("tool-call-end", index=index)


def _end(answer: Answer) -> JSON:
    end: JSON = {"finish_reason": FINISHES[answer.stop]}
    if answer.usage is not None:
        units = counted(answer, {"input": "input_tokens", "output": "output_tokens"})
        end["usage"] = {"billed_units": units, "tokens": units}
    return end
