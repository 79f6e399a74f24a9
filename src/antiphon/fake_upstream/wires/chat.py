"""Chat Completions (https://platform.openai.com/docs/api-reference/chat), with `reasoning_content`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from antiphon.fake_upstream.answers import JSON, Answer, Part, Trouble
from antiphon.fake_upstream.framings import ServerSentEvents
from antiphon.fake_upstream.wires.base import Event, call_index, counted, total

FINISHES = {"stop": "stop", "length": "length", "content_filter": "content_filter", "calls": "tool_calls"}
CODES = {
    "auth": "invalid_api_key",
    "context": "context_length_exceeded",
    "filter": "content_filter",
    "rate_limit": "rate_limit_exceeded",
    "not_found": "model_not_found",
}
_FIELDS = {"thought": "reasoning_content", "text": "content"}


def error_object(trouble: Trouble) -> JSON:
    """OpenAI's `error`, which the Responses API has as well."""
    kind = "invalid_request_error" if trouble.status < 500 else "server_error"
    if trouble.status == 429:
        kind = "rate_limit_error"
    code = CODES.get(trouble.kind or "")
    return {"message": trouble.message, "type": kind, "param": None, "code": code}


class Chat:
    """Events without names, and `[DONE]`."""

    framing = ServerSentEvents()
    usage_apart = True

    def begin(self, answer: Answer) -> Iterator[Event]:
        yield _chunk(answer, {"role": "assistant", "content": ""})

    def say(self, part: Part, index: int, answer: Answer) -> Iterator[Event]:
        if part.kind != "call":
            for piece in part.pieces:
                yield _chunk(answer, {_FIELDS[part.kind]: piece}, said=1)
            return
        index, function = call_index(answer, index), {"name": part.name, "arguments": ""}
        yield _call(answer, index, {"id": part.call_id, "type": "function", "function": function})
        for piece in part.pieces:
            yield _call(answer, index, {"function": {"arguments": piece}}, said=1)

    def end(self, answer: Answer) -> Iterator[Event]:
        yield _chunk(answer, {}, FINISHES[answer.stop])
        if answer.usage is not None:
            yield Event("", {**_about(answer), "choices": [], "usage": _usage(answer)})
        yield Event("", b"[DONE]")

    def nothing(self, answer: Answer) -> Iterator[Event]:
        yield Event("", {**_about(answer), "choices": []})
        yield _chunk(answer, {"role": "assistant"})

    def whole(self, answer: Answer) -> JSON:
        message: JSON = {"role": "assistant", "content": None}
        for part in answer.parts:
            if part.kind == "call":
                function = {"name": part.name, "arguments": part.text}
                call = {"id": part.call_id, "type": "function", "function": function}
                message.setdefault("tool_calls", []).append(call)
            else:
                message[_FIELDS[part.kind]] = part.text
        choice = {"index": 0, "message": message, "finish_reason": FINISHES[answer.stop]}
        usage = {} if answer.usage is None else {"usage": _usage(answer)}
        return {**_about(answer), "object": "chat.completion", "choices": [choice], **usage}

    def refusal(self, trouble: Trouble) -> JSON:
        return {"error": error_object(trouble)}

    def failure(self, trouble: Trouble) -> Iterator[Event]:
        yield Event("", self.failed(trouble))

    def failed(self, trouble: Trouble) -> JSON:
        error = error_object(trouble)
        return {"error": {**error, "code": error["code"] or trouble.status}}


def _chunk(answer: Answer, delta: JSON, finish: Any = None, said: int = 0) -> Event:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return Event("", {**_about(answer), "choices": [choice]}, said)


def _call(answer: Answer, index: int, call: JSON, said: int = 0) -> Event:
    return _chunk(answer, {"tool_calls": [{"index": index, **call}]}, said=said)


def _about(answer: Answer) -> JSON:
    about = {"id": f"chatcmpl-{answer.id}", "object": "chat.completion.chunk"}
    return {**about, "created": answer.created, "model": answer.model}


def _usage(answer: Answer) -> JSON:
    names = {"input": "prompt_tokens", "output": "completion_tokens"}
    return {**counted(answer, names), "total_tokens": total(answer)}
