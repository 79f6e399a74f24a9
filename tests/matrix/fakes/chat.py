"""Chat Completions, as OpenRouter serves it: OpenAI's rules, and thoughts that must come back as they were.

https://platform.openai.com/docs/api-reference/chat, https://openrouter.ai/docs/api/reference,
https://openrouter.ai/docs/use-cases/reasoning-tokens.
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
from tests.upstream.dialects.chat.official import judge

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DATA_URL = re.compile(r"data:image/(png|jpeg|gif|webp);base64,(.+)")


class Chat(Fake):
    dialect = "chat"
    model = "some/model"
    base = "/v1"
    longest_call_id: ClassVar[int] = 40
    more: ClassVar[frozenset[str]] = frozenset({"reasoning", "usage"})
    more_said: ClassVar[frozenset[str]] = frozenset({"reasoning", "reasoning_details"})

    too_long = "This model's maximum context length is 8 tokens. However, your messages resulted in 9 tokens."

    def error(self, message: str, status: int) -> Any:
        code = "context_length_exceeded" if message == self.too_long else None
        return {
            "error": {"message": message, "type": "invalid_request_error", "param": "messages", "code": code}
        }

    def tools(self, body: Body) -> list[Offered]:
        return [Offered(each["name"], each.get("parameters")) for each in _callable(body)]

    # Rules

    def check(self, request: WireRequest) -> None:
        require(request.path == "/chat/completions", "Not Found")
        body = request.body
        judge(_without_marks(_without_servers(body)), self.more, self.more_said)
        _tools(body)
        _shape(body.get("response_format", {"type": "text"}))
        owed: list[str] = []
        for at, message in enumerate(body["messages"]):
            where, role = f"messages.[{at}]", message["role"]
            if role == "tool":
                require(
                    message["tool_call_id"] in owed,
                    "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                )
                owed.remove(message["tool_call_id"])
                _text_only(message["content"], where)
                continue
            require(
                not owed,
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                f"'tool_call_id'. The following tool_call_ids did not have response messages: {owed}",
            )
            if role == "assistant":
                owed = [self._call_id(call, where) for call in message.get("tool_calls", ())]
                require(len(owed) == len(set(owed)), f"{where}: ids of calls must differ")
                require(owed or message["content"], f"{where}: content is required")
                self.thoughts(message, where)
            elif role == "user":
                _content(message["content"], where)
            else:
                _text_only(message["content"], where)
        require(not owed, f"tool_call_ids without response messages: {owed}")

    def _call_id(self, call: Body, where: str) -> str:
        call_id, kind = call["id"], call["type"]
        require(
            0 < len(call_id) <= self.longest_call_id, f"Invalid '{where}.tool_calls.id': string too long."
        )
        require(_NAME.fullmatch(call[kind]["name"]), f"Invalid '{where}.tool_calls.name': no such pattern.")
        if kind == "function":
            require(isinstance(json.loads(call["function"]["arguments"]), dict), f"{where}: arguments")
        return str(call_id)

    def thoughts(self, message: Body, where: str) -> None:
        details = message.get("reasoning_details")
        if details is not None:
            require(details, f"{where}: reasoning_details are not empty")
            for detail in details:
                self.recognise(
                    detail["signature"],
                    {name: value for name, value in detail.items() if name != "signature"},
                    f"{where}: reasoning_details: invalid thought signature",
                )

    # Answers

    def say(self, request: WireRequest, streamed: bool) -> bytes:
        message: Body = {"role": "assistant", "content": None}
        for part in self.answer.parts:
            match part:
                case Thought(text):
                    self.hear(("thought", text))
                    message |= self.thought(text)
                case Words(text):
                    self.hear(("text", text))
                    message |= self.words(message, text)
                case Refusal(text):
                    self.hear(("refusal", text))
                    message["refusal"] = text
                case Call():
                    self.hear(self.heard_call(part))
                    message.setdefault("tool_calls", []).append(self.called(part, request.body))
        finish = "length" if self.answer.cut else "tool_calls" if self.answer.calls else "stop"
        about = {"id": self.new("gen-"), "created": 1_764_000_000, "model": request.body["model"]}
        usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
        if streamed:
            return sse(_events(about, message, finish, usage)) + b"data: [DONE]\n\n"
        choice = {"index": 0, "message": message, "finish_reason": finish}
        whole = {**about, "object": "chat.completion", "choices": [choice], "usage": usage}
        return json.dumps(whole).encode()

    def thought(self, text: str) -> Body:
        detail = {"type": "reasoning.text", "text": text, "format": "anthropic-claude-v1", "index": 0}
        return {"reasoning": text, "reasoning_details": [{**detail, "signature": self.seal(detail)}]}

    def words(self, message: Body, text: str) -> Body:
        return {"content": text}

    def call_id(self) -> str:
        return self.new("call_")

    def called(self, call: Call, body: Body) -> Body:
        name, given = function_of(call)
        offered(name, self.tools(body))
        function = {"name": name, "arguments": json.dumps(given)}
        return {"id": self.call_id(), "type": "function", "function": function}


def _without_marks(value: Any) -> Any:
    """OpenRouter takes Anthropic's cache marks on parts, and passes them on or not."""
    if isinstance(value, dict):
        return {name: _without_marks(inner) for name, inner in value.items() if name != "cache_control"}
    return [_without_marks(inner) for inner in value] if isinstance(value, list) else value


def _without_servers(body: Body) -> Body:
    """OpenRouter runs tools itself, whose types begin with its name."""
    tools = [tool for tool in body.get("tools", ()) if not tool["type"].startswith("openrouter:")]
    rest = {name: value for name, value in body.items() if name != "tools"}
    return {**rest, "tools": tools} if "tools" in body else rest


def _callable(body: Body) -> list[Body]:
    """The functions and custom tools: what is called by a name."""
    return [tool[tool["type"]] for tool in body.get("tools", ()) if tool["type"] in tool]


def _tools(body: Body) -> None:
    names = [tool["name"] for tool in _callable(body)]
    require(len(names) == len(set(names)), "Tool names must be unique.")
    for name in names:
        require(_NAME.fullmatch(name), "Invalid 'tools.function.name': string does not match pattern.")
    for tool in _callable(body):
        parameters = tool.get("parameters", {"properties": {}})
        require(
            "properties" in parameters or parameters.get("type") != "object",
            "Invalid schema for function: In context=(), object schema missing properties.",
        )
    require(body.get("tools", names or None) != [], "Invalid 'tools': empty array.")
    for field in ("tool_choice", "parallel_tool_calls"):
        require(names or field not in body, f"'{field}' is only allowed when 'tools' are specified.")
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice["type"] != "allowed_tools":
        require(choice[choice["type"]]["name"] in names, "Invalid value for 'tool_choice': no such tool")


def _shape(shape: Body) -> None:
    if shape["type"] == "json_schema":
        require(_NAME.fullmatch(shape["json_schema"]["name"]), "Invalid 'response_format.json_schema.name'")


def _content(content: Any, where: str) -> None:
    require(content, f"{where}: content is not empty")
    for part in content if isinstance(content, list) else ():
        if part["type"] == "image_url":
            found = _DATA_URL.fullmatch(part["image_url"]["url"])
            require(found, f"{where}: Invalid image data URL")
            base64.b64decode(found[2] if found else "", validate=True)


def _text_only(content: Any, where: str) -> None:
    for part in content if isinstance(content, list) else ():
        require(
            part["type"] == "text",
            f"Invalid content type. image_url is only supported by certain roles. ({where})",
        )


def _events(about: Body, message: Body, finish: str, usage: Body) -> Iterator[tuple[None, Body]]:
    for delta in _deltas(message):
        yield None, _chunk(about, delta, None)
    yield None, _chunk(about, {}, finish)
    yield None, {**about, "object": "chat.completion.chunk", "choices": [], "usage": usage}


def _pieces_of(part: Body) -> Iterator[Body]:
    """A signed chunk of thoughts comes piece by piece, with the signature last."""
    if part["type"] != "thinking":
        yield part
        return
    for piece in pieces(part["thinking"][0]["text"]):
        yield {"type": "thinking", "thinking": [{"type": "text", "text": piece}]}
    yield {**part, "thinking": []}


def _chunk(about: Body, delta: Body, finish: str | None) -> Body:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {**about, "object": "chat.completion.chunk", "choices": [choice]}


def _deltas(message: Body) -> Iterator[Body]:
    yield {"role": "assistant", "content": ""}
    for detail in message.get("reasoning_details", ()):
        for piece in pieces(detail["text"]):
            said = {**detail, "text": piece}
            del said["signature"]
            yield {"reasoning": piece, "reasoning_details": [said]}
        sealed = {**detail, "text": ""}
        yield {"reasoning_details": [sealed]}
    yield from ({"reasoning_content": piece} for piece in pieces(message.get("reasoning_content", "")))
    content = message["content"]
    if isinstance(content, str):
        yield from ({"content": piece} for piece in pieces(content))
    elif content is not None:  # Mistral's parts
        for part in content:
            yield from ({"content": [piece]} for piece in _pieces_of(part))
    yield from ({"refusal": piece} for piece in pieces(message.get("refusal", "")))
    for index, call in enumerate(message.get("tool_calls", ())):
        kind, field = call["type"], "input" if call["type"] == "custom" else "arguments"
        begun = {**call, kind: {**call[kind], field: ""}}
        yield {"tool_calls": [{"index": index, **begun}]}
        for piece in pieces(call[kind][field]):
            yield {"tool_calls": [{"index": index, kind: {field: piece}}]}
