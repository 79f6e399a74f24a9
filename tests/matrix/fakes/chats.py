"""Other servers of Chat Completions, each with the rules that it has beside OpenAI's."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from antiphon.upstream.base import WireRequest
from tests.matrix.conversation import Call
from tests.matrix.fakes.base import Body, require
from tests.matrix.fakes.chat import Chat
from tests.upstream.dialects.chat.official_mistral import judge

_MISTRALS_ID = re.compile(r"[a-zA-Z0-9]{9}")


class OpenAIChat(Chat):
    """OpenAI itself: custom tools, messages of the developer, no thoughts."""

    model = "gpt-5.2"
    shows_thoughts = False
    seals = False
    more: ClassVar[frozenset[str]] = frozenset()
    more_said: ClassVar[frozenset[str]] = frozenset()
    settings: ClassVar[dict[str, Any]] = {
        "dialect": "chat",
        "quirks": {
            "developer_role": True,
            "system_first": False,
            "custom_tools": True,
            "call_ids": "short",
            "allowed_tools": True,
            "max_tokens": "max_completion_tokens",
            "verbosity": True,
            "store": True,
        },
    }

    def thought(self, text: str) -> Body:
        self.said.items.pop()
        return {}

    def called(self, call: Call, body: Body) -> Body:
        if not isinstance(call.given, str):
            return super().called(call, body)
        return {"id": self.call_id(), "type": "custom", "custom": {"name": call.name, "input": call.given}}


class Mistral(Chat):
    """https://docs.mistral.ai/api: few fields, short ids, thoughts as parts of the content."""

    model = "magistral-medium-latest"
    more: ClassVar[frozenset[str]] = frozenset()
    more_said: ClassVar[frozenset[str]] = frozenset()

    def check(self, request: WireRequest) -> None:
        body = request.body
        judge(body)
        before = ""
        for message in body["messages"]:
            require((before, message["role"]) != ("tool", "user"), "Unexpected role 'user' after role 'tool'")
            before = message["role"]
            for call in message.get("tool_calls", ()):
                require(
                    _MISTRALS_ID.fullmatch(call["id"]), f"Tool call id was {call['id']} but must be a-z, …"
                )
        require(before in ("user", "tool"), f"Expected last role User or Tool for serving but got {before}")
        texts = [self._without_thoughts(message) for message in body["messages"]]
        super().check(WireRequest(request.path, {**body, "messages": texts}))

    def _without_thoughts(self, message: Body) -> Body:
        content = message["content"]
        if message["role"] != "assistant" or not isinstance(content, list):
            return message
        for part in content:
            if part["type"] == "thinking" and "signature" in part:
                rest = {name: value for name, value in part.items() if name != "signature"}
                self.recognise(part["signature"], rest, "Invalid signature of a thinking chunk")
        said = [part for part in content if part["type"] != "thinking"]
        return {**message, "content": said or None}

    def thought(self, text: str) -> Body:
        chunk = {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
        return {"content": [{**chunk, "signature": self.seal(chunk)}]}

    def words(self, message: Body, text: str) -> Body:
        before = message["content"] or []
        return {"content": [*before, {"type": "text", "text": text}] if before else text}

    def call_id(self) -> str:
        self._count += 1
        return f"call{self._count:05d}"


class DeepSeek(Chat):
    """https://api-docs.deepseek.com/guides/thinking_mode. It numbers calls anew in each answer, and is given
    images here, which it does not take."""

    model = "deepseek-v4-pro"
    longest_call_id = 256
    seals = False
    base = ""
    more: ClassVar[frozenset[str]] = frozenset({"thinking"})
    more_said: ClassVar[frozenset[str]] = frozenset({"reasoning_content"})
    settings: ClassVar[dict[str, Any]] = {"quirks": {"images": True}}

    def check(self, request: WireRequest) -> None:
        body = request.body
        super().check(request)
        shape = body.get("response_format", {"type": "text"})["type"]
        require(shape in ("text", "json_object"), "This response_format type is unavailable now")
        if body.get("thinking", {}).get("type") != "disabled":
            require(
                body.get("tool_choice", "auto") in ("auto", "none"),
                "Thinking mode does not support this tool_choice",
            )
            for at, message in enumerate(body["messages"]):
                require(
                    message["role"] != "assistant" or "reasoning_content" in message,
                    f"Missing `reasoning_content` field in the assistant message at message index {at}.",
                )
        self._calls = 0

    def thoughts(self, message: Body, where: str) -> None:
        self.returned.update(text for text in self.sealed if text in message.get("reasoning_content", ""))

    def thought(self, text: str) -> Body:
        self.sealed[text] = None
        return {"reasoning_content": text}

    def call_id(self) -> str:
        self._calls += 1
        return f"call_{self._calls - 1}"
