"""The shapes of Chat Completions, as far as we act on them.

Only the skeleton is typed, so that a chunk of another shape is refused in one place; leaves are checked
where they are used, because servers put surprising things there (C10, C11, C23–C25). Unknown fields are
skipped while parsing, which also keeps the padding that some send (C2, C9) cheap.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from antiphon.protocol.errors import ProtocolViolation
from antiphon.protocol.json import DEEPEST, JSON, MalformedJSON, decode_leniently, may_be_deeper


class Function(Struct, gc=False):
    """What is called: a function with arguments, or a custom tool with input."""

    name: Any = None
    arguments: Any = None
    input: Any = None


class ToolCall(Struct, gc=False):
    """A tool call, or a piece of one."""

    index: Any = None
    id: Any = None
    type: Any = None
    function: Function | None = None
    custom: Function | None = None
    extra_content: Any = None


class Message(Struct, gc=False):
    """What the model said: whole (`message`), or the next piece (`delta`)."""

    content: Any = None
    reasoning: Any = None
    reasoning_content: Any = None
    reasoning_details: list[JSON] | None = None
    refusal: Any = None
    tool_calls: list[ToolCall] | None = None
    function_call: Function | None = None
    annotations: list[Any] | None = None
    audio: Any = None
    extra_content: Any = None
    executed_tools: Any = None


class Choice(Struct, gc=False):
    """One of n candidates."""

    index: Any = 0
    delta: Message | None = None
    message: Message | None = None
    finish_reason: Any = None
    logprobs: Any = None
    error: Any = None


class Chunk(Struct, gc=False):
    """One event of the stream, or the whole answer."""

    choices: list[Choice] | None = None
    service_tier: Any = None
    usage: Any = None
    error: Any = None
    object: Any = None
    detail: Any = None
    x_groq: Any = None
    citations: Any = None
    search_results: Any = None


_decoder = msgspec.json.Decoder(Chunk)


def chunk_from_bytes(data: bytes) -> Chunk:
    """Raises ProtocolViolation."""
    try:
        if not may_be_deeper(data, DEEPEST):
            return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # perhaps only an escaped lone surrogate: read again, leniently
    try:
        return chunk_from(decode_leniently(data))
    except MalformedJSON:
        raise ProtocolViolation("The provider sent a chunk that is not JSON.") from None


def chunk_from(value: Any) -> Chunk:
    """Raises ProtocolViolation."""
    try:
        return msgspec.convert(value, Chunk)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ProtocolViolation(f"The provider's answer is no chat completion: {error}.") from None
