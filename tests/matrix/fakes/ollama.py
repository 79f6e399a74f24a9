"""Ollama's own chat, with gpt-oss: lines of JSON, calls without ids, thoughts in the clear.

https://docs.ollama.com/api/chat, https://docs.ollama.com/capabilities/thinking.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from antiphon.upstream.base import WireRequest
from tests.matrix.conversation import Call, Refusal, Thought, Words
from tests.matrix.fakes.base import Body, Fake, Offered, function_of, offered, pieces, require
from tests.upstream.dialects.ollama.checker import check


class Ollama(Fake):
    dialect = "ollama"
    model = "gpt-oss:20b"
    seals = False
    stream_type = "application/x-ndjson"

    too_long = "input length exceeds maximum context length"

    def error(self, message: str, status: int) -> Any:
        return {"error": message}

    def tools(self, body: Body) -> list[Offered]:
        functions = [tool["function"] for tool in body.get("tools", ())]
        return [Offered(each["name"], each.get("parameters")) for each in functions]

    def is_streamed(self, request: WireRequest) -> bool:
        return bool(request.body.get("stream", True))

    # Rules

    def check(self, request: WireRequest) -> None:
        require(request.path == "/api/chat", "404 page not found")
        check(request.body)
        for message in request.body["messages"]:
            for call in message.get("tool_calls", ()):
                require(call["function"]["name"], "a call has a name")
            self.returned.update({message.get("thinking")} & self.sealed.keys())

    # Answers

    def say(self, request: WireRequest, streamed: bool) -> bytes:
        message: Body = {"role": "assistant", "content": ""}
        for part in self.answer.parts:
            match part:
                case Thought(text):
                    self.hear(("thought", text))
                    self.sealed[text] = None
                    message["thinking"] = text
                case Words(text) | Refusal(text):
                    self.hear(("text", text))
                    message["content"] = text
                case Call():
                    name, given = function_of(part)
                    offered(name, self.tools(request.body))
                    self.hear(self.heard_call(part))
                    call = {"function": {"name": name, "arguments": given}}
                    message.setdefault("tool_calls", []).append(call)
        about = {"model": self.model, "created_at": "2026-11-21T12:00:00.000Z"}
        reason = "length" if self.answer.cut else "stop"
        end = {"done": True, "done_reason": reason, "prompt_eval_count": 9, "eval_count": 5}
        lines = _lines(message, end) if streamed else [{"message": message, **end}]
        return b"".join(json.dumps({**about, **line}).encode() + b"\n" for line in lines)


def _lines(message: Body, end: Body) -> Iterator[Body]:
    for field in ("thinking", "content"):
        for piece in pieces(message.get(field, "")):
            yield {"message": {"role": "assistant", "content": "", field: piece}, "done": False}
    for call in message.get("tool_calls", ()):
        yield {"message": {"role": "assistant", "content": "", "tool_calls": [call]}, "done": False}
    yield {"message": {"role": "assistant", "content": ""}, **end}
