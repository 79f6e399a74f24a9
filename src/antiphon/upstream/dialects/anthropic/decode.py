"""Anthropic's stream, to deltas.

    message_start                         the service tier; usage of the input
      content_block_start  (index)        a block: text, thinking, a call, a server tool, its result
        content_block_delta (index)       text, thoughts, signature, partial JSON, citation, compaction
      content_block_stop   (index)
    message_delta                         stop reason, container; usage, cumulative
    message_stop                          the end marker

`ping` may stand anywhere. It, and events, blocks and deltas of types we have not met, are skipped, as
Anthropic asks of clients; a delta for a block that was not started is a violation. A block's `part` is its
index. A whole answer is played as the stream that it would have been.

Not carried: `caller` of a call (the gateway lets nobody but the model call) and the container's time of
expiry. In a stream the container's id comes after the calls that ran in it, too late for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from antiphon.core import deltas as d
from antiphon.protocol.errors import ProtocolViolation, UpstreamDisconnected
from antiphon.protocol.json import JSON, MalformedJSON, decode_leniently
from antiphon.upstream.base import Frame
from antiphon.upstream.dialects.anthropic.blocks import Answer, Block, Call, ServerTools, open_block
from antiphon.upstream.dialects.anthropic.errors import error_in_stream

STOP_REASONS: dict[Any, d.StopReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
    "pause_turn": "pause",
}
_SERVICE_TIERS = {"standard": "default", "priority": "priority"}


class AnthropicDecoder:
    """The state machine of one answer."""

    __slots__ = ("_answer_told", "_called", "_open", "_server_tools", "_usage", "ended")

    answered = False  # an answer without its end marker is never taken for whole

    def __init__(self) -> None:
        self._open: dict[int, Block] = {}
        self._server_tools = ServerTools()
        self._usage: JSON = {}
        self._answer_told = False  # through the tool that stands for the answer
        self._called = False
        self.ended = False

    def feed(self, frame: Frame) -> Iterable[d.Delta]:
        if self.ended:
            return ()
        try:
            event = decode_leniently(frame.data)
        except MalformedJSON:
            raise ProtocolViolation("The provider sent an event that is not JSON.") from None
        if not isinstance(event, dict):
            raise ProtocolViolation("The provider sent an event that is not an object.")
        return self._event(event)

    def finish(self) -> Iterable[d.Delta]:
        if not self.ended:
            raise UpstreamDisconnected("The provider's stream ended before its answer did.")
        return ()

    def whole(self, body: JSON) -> Iterator[d.Delta]:
        """The deltas of an answer that was not streamed."""
        content = body.get("content")
        if body.get("type") == "error" or not isinstance(content, list):
            yield from self._event({**body, "type": "error" if "error" in body else None})
            raise ProtocolViolation("The provider's answer is not a message.")
        yield from self._start({"message": body})
        for index, block in enumerate(content):
            yield from self._start_block({"index": index, "content_block": block})
            yield from self._stop_block({"index": index})
        yield from self._message_delta({"delta": body, "usage": body.get("usage")})

    def _event(self, event: JSON) -> Iterable[d.Delta]:
        match event.get("type"):
            case "content_block_delta":
                delta = _object(event, "delta")
                return self._block(event).take(delta)
            case "content_block_start":
                return self._start_block(event)
            case "content_block_stop":
                return self._stop_block(event)
            case "message_start":
                return self._start(event)
            case "message_delta":
                return self._message_delta(event)
            case "message_stop":
                self.ended = True
            case "error":
                raise error_in_stream(event)
        return ()

    # Blocks

    def _block(self, event: JSON) -> Block:
        block = self._open.get(_index(event))
        if block is None:
            raise ProtocolViolation("The provider went on with a block that it had not started.")
        return block

    def _start_block(self, event: JSON) -> Iterable[d.Delta]:
        index = _index(event)
        if index in self._open:
            raise ProtocolViolation("The provider started the same block twice.")
        content = _object(event, "content_block")
        block = open_block(content, str(index), self._server_tools)
        if isinstance(block, Answer) and self._answer_told:
            block = Block(block.part)  # one answer is enough
        self._called |= isinstance(block, Call)
        self._answer_told |= isinstance(block, Answer)
        self._open[index] = block
        return block.start(content)

    def _stop_block(self, event: JSON) -> Iterable[d.Delta]:
        deltas = self._block(event).end()
        del self._open[event["index"]]
        return deltas

    # The message

    def _start(self, event: JSON) -> Iterator[d.Delta]:
        message = _object(event, "message")
        self._server_tools.enter(message.get("container"))
        usage = message.get("usage")
        tier = usage.get("service_tier") if isinstance(usage, dict) else None
        if isinstance(tier, str) and tier in _SERVICE_TIERS:
            yield d.Served(_SERVICE_TIERS[tier])
        yield from self._count(usage)

    def _message_delta(self, event: JSON) -> Iterator[d.Delta]:
        delta = _object(event, "delta")
        self._server_tools.enter(delta.get("container"))
        yield from self._count(event.get("usage"))
        reason = delta.get("stop_reason")
        if not isinstance(reason, str):
            return
        yield from self._server_tools.unfinished()
        details = delta.get("stop_details")
        explanation = details.get("explanation") if isinstance(details, dict) else None
        if isinstance(explanation, str) and explanation:
            yield d.Refusal("refusal", explanation)
        if reason == "tool_use" and self._answer_told and not self._called:
            reason = "end_turn"
        yield d.Stop(STOP_REASONS.get(reason, "stop"))

    def _count(self, usage: Any) -> Iterator[d.Delta]:
        """Later counts take the place of earlier ones, field by field; those that are left out stay."""
        if not isinstance(usage, dict):
            return
        self._usage.update((field, value) for field, value in usage.items() if value is not None)
        if (counted := usage_of(self._usage)) != d.Usage():  # who tells zeros, or no counts, tells nothing
            yield counted


def usage_of(usage: JSON) -> d.Usage:
    """Anthropic counts cached tokens beside the input, and a compaction beside everything."""
    cached = written = fresh = output = 0
    iterations = usage.get("iterations")
    for counts in [usage, *(iterations if isinstance(iterations, list) else ())]:
        if counts is usage or (isinstance(counts, dict) and counts.get("type") == "compaction"):
            fresh += _tokens(counts, "input_tokens")
            cached += _tokens(counts, "cache_read_input_tokens")
            written += _tokens(counts, "cache_creation_input_tokens")
            output += _tokens(counts, "output_tokens")
    details = usage.get("output_tokens_details")
    return d.Usage(
        input_tokens=fresh + cached + written,
        output_tokens=output,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=_tokens(details, "thinking_tokens") if isinstance(details, dict) else 0,
    )


def _tokens(counts: JSON, field: str) -> int:
    value = counts.get(field)
    return value if type(value) is int and 0 < value <= d.MOST_TOKENS else 0  # True is no count


def _index(event: JSON) -> int:
    index = event.get("index")
    if not isinstance(index, int):
        raise ProtocolViolation("The provider sent a block without an index.")
    return index


def _object(event: JSON, field: str) -> JSON:
    value = event.get(field)
    if not isinstance(value, dict):
        raise ProtocolViolation(f"The provider sent an event without {field}.")
    return value
