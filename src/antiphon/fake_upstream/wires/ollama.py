"""Ollama's own chat (https://docs.ollama.com/api/chat): lines of JSON, calls whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from antiphon.fake_upstream.answers import JSON, Answer, Part, Trouble
from antiphon.fake_upstream.framings import Lines
from antiphon.fake_upstream.wires.base import Event, counted

_FIELDS = {"text": "content", "thought": "thinking"}


class Ollama:
    """A piece of the message in each line; the last one is `done`."""

    framing = Lines()
    usage_apart = False

    def begin(self, answer: Answer) -> Iterator[Event]:
        yield from ()

    def say(self, part: Part, index: int, answer: Answer) -> Iterator[Event]:
        if part.kind == "call":
            yield _line(answer, {"content": "", "tool_calls": [_call(part)]}, said=len(part.pieces))
            return
        for piece in part.pieces:
            yield _line(answer, {"content": "", _FIELDS[part.kind]: piece}, said=1)

    def end(self, answer: Answer) -> Iterator[Event]:
        yield Event("", {**_about(answer), "message": {"role": "assistant", "content": ""}, **_end(answer)})

    def nothing(self, answer: Answer) -> Iterator[Event]:
        yield _line(answer, {"content": ""})

    def whole(self, answer: Answer) -> JSON:
        message: JSON = {"role": "assistant", "content": ""}
        for part in answer.parts:
            if part.kind == "call":
                message.setdefault("tool_calls", []).append(_call(part))
            else:
                message[_FIELDS[part.kind]] = part.text
        return {**_about(answer), "message": message, **_end(answer)}

    def refusal(self, trouble: Trouble) -> JSON:
        too_long = "input length exceeds maximum context length: "
        return {"error": (too_long if trouble.kind == "context" else "") + trouble.message}

    def failure(self, trouble: Trouble) -> Iterator[Event]:
        yield Event("", self.refusal(trouble))

    def failed(self, trouble: Trouble) -> JSON:
        return self.refusal(trouble)


def _about(answer: Answer) -> JSON:
    created = datetime.fromtimestamp(answer.created, UTC).isoformat().replace("+00:00", "Z")
    return {"model": answer.model, "created_at": created}


def _line(answer: Answer, said_now: JSON, said: int = 0) -> Event:
    return Event("", {**_about(answer), "message": {"role": "assistant", **said_now}, "done": False}, said)


def _call(part: Part) -> JSON:
    function = {"name": part.name, "arguments": part.arguments}
    return {"id": part.call_id, "function": function} if part.call_id else {"function": function}


def _end(answer: Answer) -> JSON:
    counts = counted(answer, {"input": "prompt_eval_count", "output": "eval_count"})
    return {"done": True, "done_reason": "length" if answer.stop == "length" else "stop", **counts}
