"""Anthropic's Messages API, as Claude Sonnet 4.5 takes it: thoughts with a budget.

https://platform.claude.com/docs/en/api/messages, /build-with-claude/extended-thinking, /tool-use.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from antiphon.upstream.base import WireRequest
from tests.matrix.conversation import Call, Ran, Refusal, Thought, Words
from tests.matrix.fakes import hosted
from tests.matrix.fakes.base import Body, Fake, Offered, function_of, offered, pieces, require, sse
from tests.matrix.fakes.computers import check_claude, of_claude
from tests.matrix.fakes.prefixes import PrefixCache, check_markers
from tests.upstream.dialects.anthropic.official import judge

THINKS = ("thinking", "redacted_thinking")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
_ERRORS = {400: "invalid_request_error", 429: "rate_limit_error", 529: "overloaded_error"}
_MAGIC = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8", "image/webp": b"RIFF"}


class Anthropic(Fake):
    dialect = "anthropic"
    model = "claude-sonnet-4-5"
    kin = "claude"
    thinks: ClassVar[str] = "budget"
    by_default: ClassVar[bool] = False
    """It thinks unless told not to."""
    later_system: ClassVar[bool] = False

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.prefixes = PrefixCache()

    too_long = "prompt is too long: 200001 tokens > 200000 maximum"

    def error(self, message: str, status: int) -> Any:
        return {"type": "error", "error": {"type": _ERRORS.get(status, "api_error"), "message": message}}

    def tools(self, body: Body) -> list[Offered]:
        functions = [tool for tool in body.get("tools", ()) if "input_schema" in tool]
        return [Offered(tool["name"], tool["input_schema"]) for tool in functions]

    # Rules

    def check(self, request: WireRequest) -> None:
        require(request.path == "/v1/messages", "Not Found")
        require(request.headers["anthropic-version"], "anthropic-version: header is required")
        body = request.body
        judge(body)
        self._messages(body["messages"])
        _tools(body)
        betas = str([request.headers.get("anthropic-beta"), body.get("anthropic_beta")])
        check_claude(body, betas)
        hosted.check_servers(body, betas)
        hosted.paired(body["messages"])
        self._thinking(body)
        check_markers(body)

    def _messages(self, messages: list[Body]) -> None:
        roles = [message["role"] for message in messages if message["role"] != "system"]
        require(
            roles == (["user", "assistant"] * len(roles))[: len(roles)] and roles[-1] == "user",
            f"messages: roles must alternate between user and assistant: {roles}",
        )
        owed: list[str] = []
        seen: set[str] = set()
        for at, message in enumerate(messages):
            where, content = f"messages.{at}", message["content"]
            if message["role"] == "system":
                require(self.later_system, f"{where}.role: Input should be 'user' or 'assistant'")
                follows = messages[at + 1]["role"] if at + 1 < len(messages) else "assistant"
                require(
                    (messages[at - 1]["role"], follows) == ("user", "assistant"), f"{where}: system messages"
                )
                require(all(block["type"] == "text" for block in content), f"{where}: text only")
                continue
            _paid(where, content, owed)
            owed = [block["id"] for block in content if block["type"] == "tool_use"]
            require(not seen & set(owed), f"{where}: `tool_use` ids must be unique")
            require(len(owed) == len(set(owed)), f"{where}: `tool_use` ids must be unique")
            seen.update(owed)
            for place, block in enumerate(content):
                self._block(block, message["role"], f"{where}.content.{place}")
            if message["role"] == "assistant":
                require(
                    content[-1]["type"] not in THINKS,
                    f"{where}: The final block in an assistant message cannot be `thinking`.",
                )
        require(not owed, "`tool_use` ids were found without `tool_result` blocks")

    def _block(self, block: Body, role: str, where: str) -> None:
        match block["type"]:
            case "text":
                require(
                    block["text"].strip(), f"{where}: text content blocks must contain non-whitespace text"
                )
            case "thinking":
                require(role == "assistant", f"{where}: thinking blocks are the assistant's")
                self.recognise(
                    block["signature"],
                    block["thinking"],
                    f"{where}: Invalid `signature` in `thinking` block",
                )
            case "tool_use":
                require(
                    role == "assistant", f"{where}: `tool_use` blocks can only be in `assistant` messages"
                )
                require(_TOOL_ID.fullmatch(block["id"]), f"{where}.id: String should match pattern")
                require(_TOOL_NAME.fullmatch(block["name"]), f"{where}.name: String should match pattern")
            case "image":
                require(role == "user", f"{where}: images are the user's")
                is_image(block["source"]["media_type"], block["source"]["data"], where)
            case "tool_result":
                require(role == "user", f"{where}: `tool_result` blocks can only be in `user` messages")
                for inner in block.get("content", ()):
                    self._block(inner, role, where)
            case kind if kind in (*hosted.USES, *hosted.RESULTS):
                hosted.recognised(block, self, where)
            case kind:
                require(False, f"{where}: unexpected block {kind}")

    def _thinking(self, body: Body) -> None:
        usual = self.thinks if self.by_default else "disabled"
        thinking = body.get("thinking", {"type": usual})
        allowed = {"budget": ("enabled", "disabled"), "adaptive": ("adaptive", "disabled")}[self.thinks]
        require(thinking["type"] in allowed, f'"thinking.type.{thinking["type"]}" is not supported')
        require(self.thinks == "adaptive" or "effort" not in body.get("output_config", {}), "no effort")
        if thinking["type"] != "disabled":
            _with_thoughts(body)
        if self.thinks == "budget" and thinking["type"] == "enabled":
            _with_budget(body, thinking["budget_tokens"])

    # Answers

    def say(self, request: WireRequest, streamed: bool) -> bytes:
        body = request.body
        content, stop = list(self._blocks(body)), "end_turn"
        if self.answer.calls:
            stop = "tool_use"
        if any(isinstance(part, Refusal) for part in self.answer.parts):
            stop, self.said.incomplete = "refusal", "content_filter"
        if self.answer.cut:
            stop = "max_tokens"
        message = {
            "id": self.new("msg_01"),
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {**self.prefixes.usage(body), "output_tokens": 5},
        }
        return self.streamed(_events(message)) if streamed else json.dumps(message).encode()

    def streamed(self, events: Iterable[tuple[str, Body]]) -> bytes:
        return sse(events)

    def _blocks(self, body: Body) -> Iterator[Body]:
        for part in self.answer.parts:
            match part:
                case Thought(text):
                    if body.get("thinking", {}).get("type") in ("enabled", "adaptive"):
                        self.hear(("thought", text))
                        yield {"type": "thinking", "thinking": text, "signature": self.seal(text, "EqQB")}
                case Words(text) | Refusal(text):
                    self.hear(("text", text))
                    yield {"type": "text", "text": text}
                case Call() if uses := of_claude(part, body):
                    yield from ({"type": "tool_use", "id": self.new("toolu_01"), **use} for use in uses)
                case Ran():
                    yield from hosted.of_anthropic(part, body, self)
                case Call():
                    name, given = function_of(part)
                    offered(name, self.tools(body))
                    self.hear(self.heard_call(part))
                    yield {"type": "tool_use", "id": self.new("toolu_01"), "name": name, "input": given}


def is_image(media_type: str, data: str, where: str) -> None:
    known = _MAGIC.get(media_type)
    require(known, f"{where}.source.media_type: Input should be 'image/jpeg', 'image/png', …")
    require(
        base64.b64decode(data, validate=True).startswith(known or b"-"),
        f"{where}: Image does not match the provided media type {media_type}",
    )


def _paid(where: str, content: list[Body], owed: list[str]) -> None:
    results = [block["tool_use_id"] for block in content if block["type"] == "tool_result"]
    require(
        set(owed) <= set(results),
        f"{where}: `tool_use` ids were found without `tool_result` blocks immediately after",
    )
    require(
        set(results) <= set(owed) and len(results) == len(set(results)),
        f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {results}",
    )
    first = content[: len(results)]
    require(all(block["type"] == "tool_result" for block in first), f"{where}: tool_result blocks come first")


def _tools(body: Body) -> None:
    names = [tool.get("name") or tool["type"] for tool in body.get("tools", ())]
    require(len(names) == len(set(names)), "tools: Tool names must be unique.")
    for name in names:
        require(_TOOL_NAME.fullmatch(name), "tools.name: String should match pattern")
    choice = body.get("tool_choice")
    require(choice is None or names, "tool_choice may only be specified while providing tools")
    if choice is not None and choice["type"] == "tool":
        require(choice["name"] in names, f"Tool '{choice['name']}' not found in provided tools")


def _with_thoughts(body: Body) -> None:
    require(body.get("temperature", 1) == 1, "`temperature` may only be set to 1 when thinking is enabled")
    require("top_k" not in body, "`top_k` must be unset when thinking is enabled")
    require(
        body.get("tool_choice", {"type": "auto"})["type"] in ("auto", "none"),
        "Thinking may not be enabled when tool_choice forces tool use.",
    )


def _with_budget(body: Body, budget: int) -> None:
    require(budget >= 1024, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    require(budget < body["max_tokens"], "`max_tokens` must be greater than `thinking.budget_tokens`")
    if body["messages"][-1]["content"][0]["type"] == "tool_result":
        first = body["messages"][-2]["content"][0]["type"]
        require(
            first in THINKS,
            f"Expected `thinking` or `redacted_thinking`, but found `{first}`. When `thinking`",
        )


def _events(message: Body) -> Iterator[tuple[str, Body]]:
    begun = {**message, "content": [], "stop_reason": None}
    yield "message_start", {"type": "message_start", "message": begun}
    for index, block in enumerate(message["content"]):
        at = {"index": index}
        yield (
            "content_block_start",
            {"type": "content_block_start", **at, "content_block": block | _EMPTY.get(block["type"], {})},
        )
        for delta in _deltas(block):
            yield "content_block_delta", {"type": "content_block_delta", **at, "delta": delta}
        yield "content_block_stop", {"type": "content_block_stop", **at}
    stop = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield "message_delta", {"type": "message_delta", "delta": stop, "usage": message["usage"]}
    yield "message_stop", {"type": "message_stop"}


_EMPTY: dict[str, Body] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
    **{kind: {"input": {}} for kind in hosted.USES},
}


def _deltas(block: Body) -> Iterator[Body]:
    match block["type"]:
        case "text":
            yield from ({"type": "text_delta", "text": piece} for piece in pieces(block["text"]))
        case "thinking":
            yield from ({"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"]))
            yield {"type": "signature_delta", "signature": block["signature"]}
        case kind if kind not in hosted.RESULTS:  # which come whole
            given = json.dumps(block["input"])
            yield from ({"type": "input_json_delta", "partial_json": piece} for piece in pieces(given))
