"""The two languages of the fake providers, as far as the script needs them.

Formats: https://platform.openai.com/docs/api-reference/chat and https://docs.anthropic.com/en/api/messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.agents.script import Request

_PIECE = 5  # characters of text or arguments in one event


def _pieces(text: str) -> Iterator[str]:
    return (text[at : at + _PIECE] for at in range(0, len(text), _PIECE))


def _texts(value: Any) -> list[str]:
    """All text of a content: a string, a list of blocks, a block."""
    match value:
        case str():
            return [value]
        case list():
            return [text for each in value for text in _texts(each)]
        case {"type": "text", "text": str(text)}:
            return [text]
        case {"type": "tool_result", "content": content}:
            return _texts(content)
        case _:
            return []


def _request(messages: list[Any], speaks: Any) -> Request:
    """`speaks(message)`: its words, if they are the user's."""
    users = [at for at, message in enumerate(messages) if message["role"] == "user" and speaks(message)]
    last = users[-1] if users else 0
    since = [message for message in messages[last:] if message["role"] == "assistant"]
    said = "\n".join(text for message in messages for text in _texts(message.get("content")))
    return Request("\n".join(speaks(messages[last])), len(since), said)


class ChatWire:
    """OpenAI's Chat Completions."""

    def read(self, body: Any) -> Request:
        return _request(body["messages"], lambda message: _texts(message.get("content")))

    def offered(self, body: Any) -> dict[str, Any]:
        functions = [tool["function"] for tool in body.get("tools") or ()]
        return {each["name"]: each.get("parameters") for each in functions}

    def stream(self, parts: list[Any]) -> Iterator[bytes]:
        deltas = [delta for at, part in enumerate(parts) for delta in self._deltas(at, part)]
        choices = [{"index": 0, "delta": delta} for delta in deltas]
        for choice in [*choices, {"index": 0, "delta": {}, "finish_reason": self._reason(parts)}]:
            yield self._frame({**self._head("chat.completion.chunk"), "choices": [choice]})
        yield self._frame({**self._head("chat.completion.chunk"), "choices": [], "usage": self._usage()})
        yield b"data: [DONE]\n\n"

    def whole(self, parts: list[Any]) -> Any:
        texts = {kind: text for kind, text, *_ in parts}
        calls = [
            {"id": part[1], "type": "function", "function": {"name": part[2], "arguments": part[3]}}
            for part in parts
            if part[0] == "call"
        ]
        message = {"role": "assistant", "content": texts.get("text")}
        message |= {"reasoning_content": texts["think"]} if "think" in texts else {}
        message |= {"tool_calls": calls} if calls else {}
        choice = {"index": 0, "message": message, "finish_reason": self._reason(parts)}
        return {**self._head("chat.completion"), "choices": [choice], "usage": self._usage()}

    def failure(self, status: int) -> Any:
        code = "context_length_exceeded" if status == 400 else None
        return {"error": {"message": f"The script says {status}.", "type": "error", "code": code}}

    def _deltas(self, at: int, part: Any) -> Iterator[Any]:
        match part:
            case ("think", text):
                yield from ({"reasoning_content": piece} for piece in _pieces(text))
            case ("text", text):
                yield from ({"content": piece} for piece in _pieces(text))
            case (_, call_id, name, arguments):
                begun = {"id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
                for piece in (begun, *({"function": {"arguments": each}} for each in _pieces(arguments))):
                    yield {"tool_calls": [{"index": at, **piece}]}

    def _reason(self, parts: list[Any]) -> str:
        return "tool_calls" if parts[-1][0] == "call" else "stop"

    def _head(self, kind: str) -> Any:
        return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": "scripted"}

    def _usage(self) -> Any:
        return {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}

    def _frame(self, value: Any) -> bytes:
        return b"data: " + json.dumps(value).encode() + b"\n\n"


class AnthropicWire:
    """Anthropic's Messages."""

    def read(self, body: Any) -> Request:
        return _request(
            body["messages"],
            lambda message: [
                text
                for block in (
                    [message["content"]] if isinstance(message["content"], str) else message["content"]
                )
                if isinstance(block, str) or block["type"] == "text"
                for text in _texts(block)
            ],
        )

    def offered(self, body: Any) -> dict[str, Any]:
        return {tool["name"]: tool.get("input_schema") for tool in body.get("tools") or ()}

    def stream(self, parts: list[Any]) -> Iterator[bytes]:
        yield self._frame("message_start", message={**self._message(), "content": []})
        for index, part in enumerate(parts):
            block, *deltas = self._block(part)
            yield self._frame("content_block_start", index=index, content_block=block)
            for delta in deltas:
                yield self._frame("content_block_delta", index=index, delta=delta)
            yield self._frame("content_block_stop", index=index)
        usage = {"output_tokens": 5}
        yield self._frame("message_delta", delta={"stop_reason": self._reason(parts)}, usage=usage)
        yield self._frame("message_stop")

    def whole(self, parts: list[Any]) -> Any:
        filled: list[Any] = []
        for part in parts:
            match part:
                case ("think", text):
                    filled.append({"type": "thinking", "thinking": text, "signature": "c2lnbmVk"})
                case ("text", text):
                    filled.append({"type": "text", "text": text})
                case (_, call_id, name, arguments):
                    call = {"type": "tool_use", "id": call_id, "name": name, "input": json.loads(arguments)}
                    filled.append(call)
        return {**self._message(), "content": filled, "stop_reason": self._reason(parts)}

    def failure(self, status: int) -> Any:
        message = (
            "prompt is too long: 9 tokens > 8 maximum" if status == 400 else f"The script says {status}."
        )
        kind = {400: "invalid_request_error", 429: "rate_limit_error"}.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}}

    def _block(self, part: Any) -> Iterator[Any]:
        """The block as it opens, then its deltas."""
        match part:
            case ("think", text):
                yield {"type": "thinking", "thinking": "", "signature": ""}
                yield from ({"type": "thinking_delta", "thinking": piece} for piece in _pieces(text))
                yield {"type": "signature_delta", "signature": "c2lnbmVk"}
            case ("text", text):
                yield {"type": "text", "text": ""}
                yield from ({"type": "text_delta", "text": piece} for piece in _pieces(text))
            case (_, call_id, name, arguments):
                yield {"type": "tool_use", "id": call_id, "name": name, "input": {}}
                yield from (
                    {"type": "input_json_delta", "partial_json": piece} for piece in _pieces(arguments)
                )

    def _message(self) -> Any:
        usage = {"input_tokens": 10, "output_tokens": 5}
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": "scripted", "usage": usage}

    def _reason(self, parts: list[Any]) -> str:
        return "tool_use" if parts[-1][0] == "call" else "end_turn"

    def _frame(self, kind: str, **values: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **values})}\n\n".encode()
