"""Cohere's Chat, version 2, with Command A Reasoning: thoughts in blocks, nothing sealed.

https://docs.cohere.com/reference/chat, https://docs.cohere.com/docs/reasoning. Ids of calls begin with the
name of the function, and so may be long.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar

from antiphon.upstream.base import WireRequest
from tests.matrix.conversation import Call, Refusal, Thought, Words
from tests.matrix.fakes.base import Body, Fake, Offered, function_of, offered, pieces, require, sse
from tests.upstream.dialects.cohere.checker import check
from tests.upstream.dialects.cohere.official import judge

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DATA_URL = re.compile(r"data:image/(png|jpeg|gif|webp);base64,(.+)")


class Cohere(Fake):
    dialect = "cohere"
    model = "command-a-reasoning-08-2025"
    seals = False
    plans: ClassVar[bool] = False
    """It has no thoughts, and says before a call what it plans."""

    too_long = "too many tokens: size limit exceeded by 9 tokens. Try using shorter or fewer inputs."

    def error(self, message: str, status: int) -> Any:
        return {"id": self.new(""), "message": message}

    def tools(self, body: Body) -> list[Offered]:
        functions = [tool["function"] for tool in body.get("tools", ())]
        return [Offered(each["name"], each["parameters"]) for each in functions]

    # Rules

    def check(self, request: WireRequest) -> None:
        require(request.path == "/v2/chat", "no such path")
        body = request.body
        judge(body)
        check(body)
        require(not self.plans or "thinking" not in body, "thinking is not supported by this model")
        names = [tool["function"]["name"] for tool in body.get("tools", ())]
        require(len(names) == len(set(names)), "invalid request: tool names must be unique")
        require(all(map(_NAME.fullmatch, names)), "invalid request: a tool's name does not match")
        for at, message in enumerate(body["messages"]):
            _images(message, f"messages[{at}]")
            self._thoughts(message)

    def _thoughts(self, message: Body) -> None:
        """Nothing says whose they are: those of this model come back as they were."""
        self.returned.update(text for text in self.sealed if text in message.get("tool_plan", ""))
        content = message.get("content")
        for block in content if message["role"] == "assistant" and isinstance(content, list) else ():
            if block["type"] == "thinking":
                require(block["thinking"], "thinking must be at least 1 token long")
                self.returned.update({block["thinking"]} & self.sealed.keys())

    # Answers

    def say(self, request: WireRequest, streamed: bool) -> bytes:
        body, message = request.body, dict[str, Any](role="assistant")
        content, calls = list(self._blocks(body)), [self._call(call, body) for call in self.answer.calls]
        for thought in self.answer.parts:
            if self.plans and calls and isinstance(thought, Thought):
                self.said.items.insert(0, ("thought", thought.text))
                self.sealed[thought.text] = None
                message["tool_plan"] = thought.text
        message |= ({"content": content} if content else {}) | ({"tool_calls": calls} if calls else {})
        reason = "MAX_TOKENS" if self.answer.cut else "TOOL_CALL" if calls else "COMPLETE"
        usage = {"billed_units": {"input_tokens": 9, "output_tokens": 5}}
        end = {"finish_reason": reason, "usage": {**usage, "tokens": usage["billed_units"]}}
        if not streamed:
            return json.dumps({"id": self.new(""), "message": message, **end}).encode()
        return sse((event["type"], event) for event in _events(message, end)) + b"data: [DONE]\n\n"

    def _blocks(self, body: Body) -> Iterator[Body]:
        thinks = not self.plans and body.get("thinking", {"type": "enabled"})["type"] == "enabled"
        for part in self.answer.parts:
            match part:
                case Thought(text) if thinks:
                    self.hear(("thought", text))
                    self.sealed[text] = None
                    yield {"type": "thinking", "thinking": text}
                case Words(text) | Refusal(text) if not self.answer.calls:  # it says nothing beside calls
                    self.hear(("text", text))
                    yield {"type": "text", "text": text}

    def _call(self, call: Call, body: Body) -> Body:
        name, given = function_of(call)
        offered(name, self.tools(body))
        self.hear(self.heard_call(call))
        function = {"name": name, "arguments": json.dumps(given)}
        return {"id": self.new(f"{name}_", 12), "type": "function", "function": function}


def _images(message: Body, where: str) -> None:
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        if part["type"] == "image_url":
            found = _DATA_URL.fullmatch(part["image_url"]["url"])
            require(found and message["role"] == "user", f"{where}: an image is a data URL of the user's")
            base64.b64decode(found[2] if found else "", validate=True)


def _events(message: Body, end: Body) -> Iterator[Body]:
    begun = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield {"type": "message-start", "id": "m", "delta": {"message": begun}}
    for index, block in enumerate(message.get("content", ())):
        field = block["type"]
        yield {
            "type": "content-start",
            "index": index,
            "delta": {"message": {"content": {"type": field, field: ""}}},
        }
        for piece in pieces(block[field]):
            delta = {"message": {"content": {field: piece}}}
            yield {"type": "content-delta", "index": index, "delta": delta}
        yield {"type": "content-end", "index": index}
    for piece in pieces(message.get("tool_plan", "")):
        yield {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}}
    for index, call in enumerate(message.get("tool_calls", ())):
        begun = {**call, "function": {**call["function"], "arguments": ""}}
        yield {"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": begun}}}
        for piece in pieces(call["function"]["arguments"]):
            delta = {"message": {"tool_calls": {"function": {"arguments": piece}}}}
            yield {"type": "tool-call-delta", "index": index, "delta": delta}
        yield {"type": "tool-call-end", "index": index}
    yield {"type": "message-end", "delta": end}
