"""Anthropic's Messages (https://platform.claude.com/docs/en/build-with-claude/streaming)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from antiphon.fake_upstream.answers import JSON, Answer, Part, Trouble
from antiphon.fake_upstream.framings import ServerSentEvents
from antiphon.fake_upstream.wires.base import Event, counted

STOPS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal", "calls": "tool_use"}
ERRORS = {
    "auth": "authentication_error",
    "forbidden": "permission_error",
    "not_found": "not_found_error",
    "too_large": "request_too_large",
    "rate_limit": "rate_limit_error",
    "overloaded": "overloaded_error",
}
TOO_LONG = "prompt is too long: 9 tokens > 8 maximum"
_SIGNATURE = "ZmFrZSBzaWduYXR1cmU="


class Anthropic:
    """Blocks that start, grow and stop."""

    framing = ServerSentEvents()
    usage_apart = False

    def begin(self, answer: Answer) -> Iterator[Event]:
        told = _usage(answer)
        if type(output := (answer.usage or {}).get("output")) is int and 0 < output < 2**53:
            told["usage"]["output_tokens"] = 1  # so far, of a number that is one
        yield _event("message_start", message={**_about(answer), "content": [], "stop_reason": None, **told})

    def say(self, part: Part, index: int, answer: Answer) -> Iterator[Event]:
        empty, kind, field = _KINDS[part.kind]
        if part.kind == "call":
            empty = {**empty, "id": part.call_id, "name": part.name}
        yield _event("content_block_start", index=index, content_block=empty)
        for piece in part.pieces:
            yield _event("content_block_delta", said=1, index=index, delta={"type": kind, field: piece})
        if part.kind == "thought":
            delta = {"type": "signature_delta", "signature": _SIGNATURE}
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)

    def end(self, answer: Answer) -> Iterator[Event]:
        delta = {"stop_reason": STOPS[answer.stop], "stop_sequence": None}
        yield _event("message_delta", delta=delta, **_usage(answer))
        yield _event("message_stop")

    def nothing(self, answer: Answer) -> Iterator[Event]:
        yield _event("ping")

    def whole(self, answer: Answer) -> JSON:
        told = {"stop_reason": STOPS[answer.stop], "stop_sequence": None, **_usage(answer)}
        return {**_about(answer), "content": [_block(part) for part in answer.parts], **told}

    def refusal(self, trouble: Trouble) -> JSON:
        kind = ERRORS.get(trouble.kind or "")
        kind = kind or ("invalid_request_error" if trouble.status < 500 else "api_error")
        message = f"{TOO_LONG}: {trouble.message}" if trouble.kind == "context" else trouble.message
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": None}

    def failure(self, trouble: Trouble) -> Iterator[Event]:
        yield Event("error", self.refusal(trouble))

    def failed(self, trouble: Trouble) -> JSON:
        return self.refusal(trouble)


_KINDS: dict[str, tuple[JSON, str, str]] = {
    "text": ({"type": "text", "text": ""}, "text_delta", "text"),
    "thought": ({"type": "thinking", "thinking": "", "signature": ""}, "thinking_delta", "thinking"),
    "call": ({"type": "tool_use", "input": {}}, "input_json_delta", "partial_json"),
}


def _event(kind: str, said: int = 0, **values: Any) -> Event:
    return Event(kind, {"type": kind, **values}, said)


def _about(answer: Answer) -> JSON:
    return {"id": f"msg_{answer.id}", "type": "message", "role": "assistant", "model": answer.model}


def _usage(answer: Answer) -> JSON:
    if answer.usage is None:
        return {}
    return {"usage": counted(answer, {"input": "input_tokens", "output": "output_tokens"})}


def _block(part: Part) -> JSON:
    match part.kind:
        case "text":
            return {"type": "text", "text": part.text}
        case "thought":
            return {"type": "thinking", "thinking": part.text, "signature": _SIGNATURE}
        case "call":
            return {"type": "tool_use", "id": part.call_id, "name": part.name, "input": part.arguments}
