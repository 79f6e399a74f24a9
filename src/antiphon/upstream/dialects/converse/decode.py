"""ConverseStream, to deltas.

    messageStart                           the role
      contentBlockStart (index)            a call, a server tool, its result, an image; nothing else has one
        contentBlockDelta (index)          text, thoughts, signature, pieces of input, citations
      contentBlockStop (index)
    messageStop                            why it stopped: the answer is whole
    metadata                               usage, service tier: the end (B3)

An exception may come at any place (`upstream/aws_errors`). Each payload has a field `p` of random length,
against those who measure it (B1); it, and events and blocks that we have not met, are skipped. A block's
`part` is its index. A whole answer is played as the stream that it would have been.

Not carried: the trace of guardrails (B7) and of prompt routers, latencies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from antiphon.core import deltas as d
from antiphon.protocol.errors import ProtocolViolation, UpstreamDisconnected, UpstreamFailed
from antiphon.protocol.json import JSON, MalformedJSON, decode_leniently
from antiphon.upstream.aws_errors import raise_exception, unexpected
from antiphon.upstream.base import Frame
from antiphon.upstream.dialects.converse.blocks import (
    Answer,
    Block,
    Call,
    Image,
    ServerResult,
    ServerUse,
    Text,
    Thoughts,
    taken_apart,
)
from antiphon.upstream.dialects.converse.hosted import ServerTools
from antiphon.upstream.dialects.converse.tools import ANSWER_TOOL

STOP_REASONS: dict[Any, d.StopReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
_MALFORMED = frozenset({"malformed_model_output", "malformed_tool_use"})
_SERVER_USE = "server_tool_use"  # calls of the request's tools have no type, or `tool_use` (B6)
_SERVICE_TIERS = {"default": "default", "priority": "priority", "flex": "flex", "reserved": "scale"}


class ConverseDecoder:
    """The state machine of one answer. The provider's end marker is messageStop; usage follows it."""

    __slots__ = ("_answer_told", "_called", "_open", "_server_tools", "_text_part", "answered", "ended")

    def __init__(self) -> None:
        self._open: dict[int, Block] = {}
        self._server_tools = ServerTools()
        self._text_part = ""  # the last block that had text
        self._answer_told = False  # through the tool that stands for the answer
        self._called = False
        self.answered = False
        self.ended = False

    def feed(self, frame: Frame) -> Iterable[d.Delta]:
        if self.ended:
            return ()
        raise_exception(frame)
        try:
            event = decode_leniently(frame.data)
        except MalformedJSON:
            raise ProtocolViolation("The provider sent an event that is not JSON.") from None
        if not isinstance(event, dict):
            raise ProtocolViolation("The provider sent an event that is not an object.")
        match frame.event:
            case "contentBlockDelta":
                return self._delta(_index(event), _object(event, "delta"))
            case "contentBlockStart":
                return self._start(_index(event), _object(event, "start"))
            case "contentBlockStop":
                return self._stop(_index(event))
            case "messageStop":
                return self._message_stop(event)
            case "metadata":
                return self._metadata(event)
        return ()

    def finish(self) -> Iterable[d.Delta]:
        if not self.answered:
            raise UpstreamDisconnected("The provider's stream ended before its answer did.")
        return ()

    def whole(self, body: JSON) -> Iterator[d.Delta]:
        """The deltas of an answer that was not streamed."""
        output = body.get("output")
        message = output.get("message") if isinstance(output, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        if not isinstance(content, list):
            raise unexpected(body)
        for index, block in enumerate(content):
            start, deltas = taken_apart(block)
            if start:
                yield from self._start(index, start)
            for delta in deltas:
                yield from self._delta(index, delta)
            if index in self._open:
                yield from self._stop(index)
        yield from self._message_stop(body)
        yield from self._metadata(body)

    # Blocks

    def _start(self, index: int, start: JSON) -> Iterable[d.Delta]:
        if index in self._open:
            raise ProtocolViolation("The provider started the same block twice.")
        part = str(index)
        if isinstance(use := start.get("toolUse"), dict):
            return self._start_use(index, part, use)
        if isinstance(result := start.get("toolResult"), dict):
            self._open[index] = ServerResult(part, result, self._server_tools)
        elif isinstance(image := start.get("image"), dict):
            self._open[index] = Image(part, str(image.get("format") or ""))
        else:
            self._open[index] = Block(part)
        return ()

    def _start_use(self, index: int, part: str, use: JSON) -> Iterable[d.Delta]:
        if use.get("type") == _SERVER_USE:
            self._open[index] = ServerUse(part, use, self._server_tools)
            return ()
        if use.get("name") == ANSWER_TOOL:
            self._open[index] = Block(part) if self._answer_told else Answer(part)  # one answer is enough
            self._answer_told = True
            return ()
        self._open[index] = Call(part)
        self._called = True
        return (d.Call(part, _text(use, "toolUseId"), _text(use, "name")),)

    def _delta(self, index: int, delta: JSON) -> Iterable[d.Delta]:
        block = self._open.get(index)
        if block is None:
            block = self._open[index] = self._begun_by(delta, str(index))
        return block.take(delta)

    def _begun_by(self, delta: JSON, part: str) -> Block:
        """Blocks of text and thoughts have no start (B2)."""
        if "text" in delta or "citation" in delta:
            return Text(part, self._text_part or part)
        if "reasoningContent" in delta:
            return Thoughts(part)
        if "toolUse" in delta:
            raise ProtocolViolation("The provider went on with a call that it had not started.")
        return Block(part)

    def _stop(self, index: int) -> Iterable[d.Delta]:
        block = self._open.pop(index, None)
        if isinstance(block, Text) and block.spoken:
            self._text_part = block.part
        return block.end() if block is not None else ()  # a block that said nothing

    # The message

    def _message_stop(self, event: JSON) -> Iterator[d.Delta]:
        self.answered = True
        for index in list(self._open):
            yield from self._stop(index)
        yield from self._server_tools.unfinished()
        reason = event.get("stopReason")
        if reason in _MALFORMED:
            raise UpstreamFailed("The model's answer was malformed, the provider says.", code=reason)
        if reason == "tool_use" and self._answer_told and not self._called:
            reason = "end_turn"
        yield d.Stop(STOP_REASONS.get(reason, "stop"))

    def _metadata(self, event: JSON) -> Iterator[d.Delta]:
        self.ended = True
        tier = event.get("serviceTier")
        served = _SERVICE_TIERS.get(_text(tier, "type")) if isinstance(tier, dict) else None
        if served is not None:
            yield d.Served(served)
        if isinstance(counts := event.get("usage"), dict) and (usage := usage_of(counts)) != d.Usage():
            yield usage


def usage_of(usage: JSON) -> d.Usage:
    """AWS counts cached tokens beside the input, and says both under two names (B3)."""
    cached = _tokens(usage, "cacheReadInputTokens", "cacheReadInputTokenCount")
    written = _tokens(usage, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    return d.Usage(
        input_tokens=_tokens(usage, "inputTokens") + cached + written,
        output_tokens=_tokens(usage, "outputTokens"),
        cached_tokens=cached,
        cache_write_tokens=written,
    )


def _tokens(usage: JSON, *names: str) -> int:
    for name in names:
        value = usage.get(name)
        if type(value) is int:  # True is no count
            return value if 0 < value <= d.MOST_TOKENS else 0
    return 0


def _index(event: JSON) -> int:
    index = event.get("contentBlockIndex")
    if not isinstance(index, int):
        raise ProtocolViolation("The provider sent a block without an index.")
    return index


def _object(event: JSON, field: str) -> JSON:
    value = event.get(field)
    if not isinstance(value, dict):
        raise ProtocolViolation(f"The provider sent an event without {field}.")
    return value


def _text(value: JSON, field: str) -> str:
    text = value.get(field)
    return text if isinstance(text, str) else ""
