"""Mistral's own library as the judge of a body, and as the reader of an answer.

Its types skip fields that they do not have, so a body is understood only if they would write it again as it
is. Their enumerations are open, but not if they read strictly.
"""

from __future__ import annotations

import json
from typing import Any

import httpx2
from mistralai.client import Mistral
from mistralai.client.models import (
    AssistantMessage,
    ChatCompletionRequest,
    ChatCompletionStreamRequest,
    DeltaMessage,
    TextChunk,
    ThinkChunk,
    UsageInfo,
)

from antiphon.protocol.json import JSON
from tests.recordings import Recording
from tests.upstream.dialects.chat.oracle import Said


def judge(body: JSON) -> None:
    """Raises ValidationError or AssertionError if the body is no request to `POST /v1/chat/completions`."""
    kind = ChatCompletionStreamRequest if body.get("stream") else ChatCompletionRequest
    known = _with_plain_audio(body)
    request = kind.model_validate_json(json.dumps(known), strict=True)
    assert request.model_dump(mode="json", by_alias=True, exclude_unset=True) == known


def _with_plain_audio(value: Any) -> Any:
    """Audio as the library's type has it, which is base64 alone.

    The API also takes data and format in an object, as OpenAI does: https://docs.mistral.ai/capabilities/audio,
    and the recording of Voxtral. So the format is not lost.
    """
    if isinstance(value, list):
        return [_with_plain_audio(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "input_audio":
        assert value["input_audio"].keys() == {"data", "format"}
        return {**value, "input_audio": value["input_audio"]["data"]}
    return {name: _with_plain_audio(inner) for name, inner in value.items()}


def read(recording: Recording) -> Said:
    """What the library makes of the answer, as it comes over HTTP."""
    said = Said()
    calls: list[tuple[str, str, str]] = []
    client = httpx2.Client(transport=httpx2.MockTransport(lambda _: _answer(recording)))
    with Mistral(api_key="k", client=client) as mistral:
        asked: JSON = {"model": "m", "messages": [{"role": "user", "content": "?"}]}
        if recording.streamed:
            with mistral.chat.stream(**asked) as events:
                for event in events:
                    for choice in event.data.choices:
                        if choice.index == 0:
                            _hear(said, calls, choice.delta)
                    said.usage = _usage(event.data.usage) if event.data.usage else said.usage
        else:
            answer = mistral.chat.complete(**asked)
            assert answer.choices[0].message
            _hear(said, calls, answer.choices[0].message)
            said.usage = _usage(answer.usage)
    said.calls = calls
    return said


def _answer(recording: Recording) -> httpx2.Response:
    kind = "text/event-stream" if recording.streamed else "application/json"
    return httpx2.Response(recording.status, headers={"Content-Type": kind}, content=recording.wire)


def _hear(said: Said, calls: list[tuple[str, str, str]], message: AssistantMessage | DeltaMessage) -> None:
    content = message.content or []
    for part in [TextChunk(text=content)] if isinstance(content, str) else content:
        match part:
            case TextChunk():
                said.text += part.text
            case ThinkChunk():
                said.reasoning += "".join(each.text for each in part.thinking if isinstance(each, TextChunk))
            case _:
                raise AssertionError(part)
    for call in message.tool_calls or []:  # Mistral sends them whole (C8)
        assert isinstance(call.function.arguments, str)
        assert call.id
        calls.append((call.function.name, call.id, call.function.arguments))


def _usage(usage: UsageInfo) -> tuple[int, int, int, int, int]:
    """The library does not type cached tokens; audio it counts in the total alone."""
    assert usage.total_tokens is not None
    assert usage.completion_tokens is not None
    details = usage.additional_properties.get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens", 0)
    return usage.total_tokens - usage.completion_tokens, usage.completion_tokens, cached, 0, 0
