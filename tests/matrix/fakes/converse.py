"""Amazon Bedrock's Converse, with Claude Sonnet 4.5 behind it.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html; what Claude demands of its
thoughts is demanded here, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from antiphon.upstream.base import WireRequest
from tests.matrix.conversation import Call, Refusal, Thought, Words
from tests.matrix.fakes.anthropic import is_image
from tests.matrix.fakes.base import ANSWER_TOOL, Body, Fake, Offered, function_of, offered, pieces, require
from tests.upstream.dialects.converse.official import problems
from tests.upstream.wire.aws_messages import event

_OPERATIONS = {"converse", "converse-stream"}


class Converse(Fake):
    dialect = "converse"
    model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    stream_type = "application/vnd.amazon.eventstream"

    def is_streamed(self, request: WireRequest) -> bool:
        return request.path.endswith("/converse-stream")

    too_long = "The model returned the following errors: Input is too long for requested model."

    def error(self, message: str, status: int) -> Any:
        return {"message": message}

    def tools(self, body: Body) -> list[Offered]:
        tools = [tool["toolSpec"] for tool in _tools(body)]
        return [Offered(tool["name"], tool["inputSchema"]["json"]) for tool in tools]

    # Rules

    def check(self, request: WireRequest) -> None:
        *_, model, operation = request.path.split("/")
        known = {quote(name, safe="") for name in self.known_as}
        require(model in known and operation in _OPERATIONS, "UnknownOperationException")
        found = problems(request)
        require(not found, "; ".join(found))
        body = request.body
        for at, message in enumerate(body["messages"]):
            for place, block in enumerate(message["content"]):
                self._block(block, message, f"messages.{at}.content.{place}")
        self._thinking(body)
        named = body.get("toolConfig", {}).get("toolChoice", {}).get("tool")
        require(named is None or named["name"] in _names(body), "toolChoice names a tool that is not there")

    def _block(self, block: Body, message: Body, where: str) -> None:
        ((kind, value),) = block.items()
        require(kind != "toolUse" or message["role"] == "assistant", f"{where}: toolUse is the assistant's")
        require(kind != "toolResult" or message["role"] == "user", f"{where}: toolResult is the user's")
        if kind == "reasoningContent":
            require(message["role"] == "assistant", f"{where}: reasoningContent is the assistant's")
            require(block is not message["content"][-1], f"{where}: The final block cannot be `thinking`.")
            said = value["reasoningText"]
            self.recognise(
                said["signature"],
                said["text"],
                f"The model returned the following errors: {where}: Invalid `signature` in `thinking` block",
            )
        elif kind == "toolResult":
            for inner in value["content"]:
                self._block(inner, message, where)
        elif kind == "image":
            is_image(f"image/{value['format']}", value["source"]["bytes"], where)

    def _thinking(self, body: Body) -> None:
        _with_thoughts(body)

    # Answers

    def say(self, request: WireRequest, streamed: bool) -> bytes:
        content, stop = list(self._blocks(request.body)), "end_turn"
        if any("toolUse" in block for block in content):
            stop = "tool_use"
        if any(isinstance(part, Refusal) for part in self.answer.parts):
            stop, self.said.incomplete = "content_filtered", "content_filter"
        if self.answer.cut:
            stop = "max_tokens"
        about = {
            "usage": {"inputTokens": 9, "outputTokens": 5, "totalTokens": 14},
            "metrics": {"latencyMs": 7},
        }
        if streamed:
            return b"".join(
                event(name, json.dumps(payload).encode()) for name, payload in _events(content, stop, about)
            )
        message = {"role": "assistant", "content": content}
        return json.dumps({"output": {"message": message}, "stopReason": stop, **about}).encode()

    def _answer(self, given: Any) -> Body:
        return {"toolUse": {"toolUseId": self.new("tooluse_", 14), "name": ANSWER_TOOL, "input": given}}

    def _blocks(self, body: Body) -> Iterator[Body]:
        for part in self.answer.parts:
            match part:
                case Thought(text):
                    if "thinking" in body.get("additionalModelRequestFields", {}):
                        self.hear(("thought", text))
                        said = {"text": text, "signature": self.seal(text, "EqQB")}
                        yield {"reasoningContent": {"reasoningText": said}}
                case Words(text) | Refusal(text):
                    self.hear(("text", text))
                    yield self._answer(json.loads(text)) if ANSWER_TOOL in _names(body) else {"text": text}
                case Call():
                    name, given = function_of(part)
                    offered(name, self.tools(body))
                    self.hear(self.heard_call(part))
                    use = {"toolUseId": self.new("tooluse_", 14), "name": name, "input": given}
                    yield {"toolUse": use}


def _tools(body: Body) -> list[Body]:
    return [tool for tool in body.get("toolConfig", {}).get("tools", ()) if "toolSpec" in tool]


def _names(body: Body) -> list[str]:
    return [tool["toolSpec"]["name"] for tool in _tools(body)]


def _with_thoughts(body: Body) -> None:
    thinking = body.get("additionalModelRequestFields", {}).get("thinking", {})
    if thinking.get("type") != "enabled":
        return
    config = body.get("inferenceConfig", {})
    require(
        thinking["budget_tokens"] >= 1024, "thinking.enabled.budget_tokens: Input should be at least 1024"
    )
    require(
        thinking["budget_tokens"] < config.get("maxTokens", 64_000),
        "`max_tokens` must be greater than `thinking.budget_tokens`.",
    )
    require(config.get("temperature", 1) == 1, "`temperature` may only be set to 1 when thinking is enabled.")
    choice = body.get("toolConfig", {}).get("toolChoice", {"auto": {}})
    require("auto" in choice, "Thinking may not be enabled when tool_choice forces tool use.")
    if "toolResult" in body["messages"][-1]["content"][0]:
        first = body["messages"][-2]["content"][0]
        require(
            "reasoningContent" in first, "Expected `thinking` or `redacted_thinking`, but found `tool_use`."
        )


def _events(content: list[Body], stop: str, about: Body) -> Iterator[tuple[str, Body]]:
    yield "messageStart", {"role": "assistant", "p": "abcdef"}
    for index, block in enumerate(content):
        at = {"contentBlockIndex": index}
        if "toolUse" in block:
            begun = {name: block["toolUse"][name] for name in ("toolUseId", "name")}
            yield "contentBlockStart", {**at, "start": {"toolUse": begun}}
        for delta in _deltas(block):
            yield "contentBlockDelta", {**at, "delta": delta, "p": "abc"}
        yield "contentBlockStop", at
    yield "messageStop", {"stopReason": stop}
    yield "metadata", about


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _deltas(block: Body) -> Iterator[Body]:
    ((kind, value),) = block.items()
    match kind:
        case "text":
            yield from ({"text": piece} for piece in pieces(value))
        case "reasoningContent":
            said = value["reasoningText"]
            yield from ({kind: {"text": piece}} for piece in pieces(said["text"]))
            yield {kind: {"signature": said["signature"]}}
        case _:
            yield from ({kind: {"input": piece}} for piece in pieces(_compact(value["input"])))
