"""A Responses stream, to deltas.

    response.created, .queued, .in_progress     relayed for what their response object knows
    (item and content events)*                  relayed as they are
    response.completed | .incomplete            relayed; usage, tier, stop reason: the end marker
    error, then response.failed                 raised, with the usage there was (R19)

Kinds are read from `type`, because some upstreams send no `event:` lines (R7, R8); those outside
`response.*` (`keepalive`) are skipped. `[DONE]` may follow the end (R7); it is no end by itself. A whole
answer is played as the event that would have ended its stream.

Nothing is mended here but what the assembler cannot know: whose a sealed thought is. Gaps, changing ids,
missing and doubled events are `core.relay`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from antiphon.core import deltas as d
from antiphon.protocol.errors import ProtocolViolation, ProviderError, UpstreamDisconnected
from antiphon.protocol.events import TERMINAL
from antiphon.protocol.json import JSON, MalformedJSON, decode_leniently
from antiphon.upstream.base import Frame
from antiphon.upstream.costs import cost_from
from antiphon.upstream.dialects.responses.errors import error_in_stream

_STOPS: dict[Any, d.StopReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}
_CALLS = frozenset(
    {
        "function_call",
        "custom_tool_call",
        "computer_call",
        "local_shell_call",
        "shell_call",
        "apply_patch_call",
        "mcp_approval_request",
    }
)
"""What the model waits for an answer to."""


class ResponsesDecoder:
    """The state of one answer. `seal` is put in front of what this upstream sealed."""

    __slots__ = ("_called", "_error", "_seal", "ended")

    def __init__(self, seal: str) -> None:
        self._seal = seal
        self._error: ProviderError | None = None
        self._called = False
        self.ended = False

    @property
    def answered(self) -> bool:
        """An error was reported; `response.failed`, which should follow, adds no more than usage."""
        return self._error is not None

    def feed(self, frame: Frame) -> Iterable[d.Delta]:
        if self.ended or frame.data == b"[DONE]":
            return ()
        try:
            event = decode_leniently(frame.data)
        except MalformedJSON:
            raise ProtocolViolation("The provider sent an event that is not JSON.") from None
        if not isinstance(event, dict):
            raise ProtocolViolation("The provider sent an event that is not an object.")
        kind = event.get("type")
        if not isinstance(kind, str):
            kind = event["type"] = frame.event or ("error" if "error" in event else "")
        if kind in TERMINAL:
            return self._end(kind, event)
        if kind == "error":
            self._error = error_in_stream(event)
            return ()
        if kind == "response.output_item.done":
            self._finished(event.get("item"))
        return (d.Relayed(event),) if kind.startswith("response.") else ()

    def finish(self) -> Iterable[d.Delta]:
        if self._error is not None:
            raise self._error
        if not self.ended:
            raise UpstreamDisconnected("The provider's stream ended before its terminal event.")
        return ()

    def answer(self, body: JSON) -> Iterator[d.Delta]:
        """The deltas of a whole response object."""
        kind = "response.failed" if body.get("error") else f"response.{body.get('status') or 'completed'}"
        if kind not in TERMINAL or not (kind == "response.failed" or isinstance(body.get("output"), list)):
            raise ProtocolViolation("The provider's answer is not a finished response.")
        return self._end(kind, {"type": kind, "response": body})

    def _end(self, kind: str, event: JSON) -> Iterator[d.Delta]:
        self.ended = True
        response = event.get("response")
        if not isinstance(response, dict):
            response = event["response"] = {}
        if kind == "response.failed":
            yield from _usage(response)
            if response.get("error") or self._error is None:
                raise error_in_stream(response)
            raise self._error
        output = response.get("output")
        for item in output if isinstance(output, list) else ():
            self._finished(item)
        yield d.Relayed(event)
        yield from _usage(response)
        if isinstance(tier := response.get("service_tier"), str):
            yield d.Served(tier)
        yield d.Stop(self._stop_reason(kind, response))

    def _finished(self, item: Any) -> None:
        """Mark what is sealed in it as this upstream's, in place."""
        if not isinstance(item, dict):
            return
        self._called = self._called or item.get("type") in _CALLS
        blob = item.get("encrypted_content")
        if item.get("type") == "reasoning" and isinstance(blob, str) and blob:
            item["encrypted_content"] = self._seal + blob

    def _stop_reason(self, kind: str, response: JSON) -> d.StopReason:
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        if kind == "response.incomplete" or response.get("status") == "incomplete" or reason:
            return _STOPS.get(reason, "length")
        return "tool_calls" if self._called else "stop"


def _usage(response: JSON) -> Iterator[d.Delta]:
    usage = response.get("usage")
    if not isinstance(usage, dict):
        return
    taken, given = usage.get("input_tokens_details"), usage.get("output_tokens_details")
    counted = d.Usage(
        input_tokens=_count(usage, "input_tokens"),
        output_tokens=_count(usage, "output_tokens"),
        cached_tokens=_count(taken, "cached_tokens"),
        cache_write_tokens=_count(taken, "cache_write_tokens"),
        reasoning_tokens=_count(given, "reasoning_tokens"),
        provider_cost=cost_from(usage),
    )
    if counted != d.Usage():  # who tells zeros, or no counts, tells nothing
        yield counted


def _count(counts: Any, name: str) -> int:
    value: Any = counts.get(name) if isinstance(counts, dict) else None
    return int(value) if type(value) in (int, float) and 0 < value <= d.MOST_TOKENS else 0  # True is no count
