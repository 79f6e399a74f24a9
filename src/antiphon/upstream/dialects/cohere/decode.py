"""Cohere's events, to deltas.

    message-start                            the id, and empty lists
      content-start  (index)                 a block: text or thinking
        content-delta  (index)               text or thinking, log probabilities
        citation-start  citation-end         inside of the block, after the text that they are on (H2)
      content-end  (index)
      tool-plan-delta                        what the model means to call, and why; calls may fail to follow
      tool-call-start  -delta  -end  (index) a function, its arguments in pieces
    message-end                              finish reason, usage, or an error under status 200
    "[DONE]"

A plan is thought and not said: it goes out as reasoning, and comes back as a plan. `message-end` is the end;
a stream without it was cut. Event types we have not met are skipped. A whole answer has one `message` with
`content`, `tool_plan`, `tool_calls` and `citations`; what it says is the same.

Log probabilities belong to the text of their event, one entry for each: where a piece of text has several
tokens, the sum of theirs. Citations of a plan or of thoughts have no place in the Responses API.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from antiphon.core.deltas import (
    Arguments,
    Call,
    Citation,
    Delta,
    End,
    Reasoning,
    Stop,
    StopReason,
    Text,
)
from antiphon.protocol.errors import ProtocolViolation, UpstreamDisconnected
from antiphon.protocol.json import JSON, MalformedJSON, decode_leniently
from antiphon.upstream.base import Frame
from antiphon.upstream.dialects.cohere.citations import annotations_of, is_on_text
from antiphon.upstream.dialects.cohere.errors import broken_off, failure
from antiphon.upstream.dialects.cohere.usage import usage_from

DONE = b"[DONE]"
PLAN = "plan"

STOP_REASONS: dict[Any, StopReason] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "TOOL_CALL": "tool_calls",
    "MAX_TOKENS": "length",
}
"""Those that say the answer failed are in `errors.broken_off`; whatever is in neither is taken for "stop"."""


class CohereDecoder:
    """The state of one answer."""

    __slots__ = ("_called", "_text", "ended")

    def __init__(self) -> None:
        self._called = False
        self._text = "content:0"  # the block of the last text, which citations without an index are on
        self.ended = False

    @property
    def answered(self) -> bool:
        return self.ended

    def feed(self, frame: Frame) -> Iterable[Delta]:
        if self.ended or frame.data == DONE or frame.data.isspace():
            return ()
        try:
            event = decode_leniently(frame.data)
        except MalformedJSON:
            raise ProtocolViolation("The provider sent an event that is not JSON.") from None
        if not isinstance(event, dict):
            raise ProtocolViolation("The provider sent an event that is not an object.")
        return self._event(event)

    def finish(self) -> Iterable[Delta]:
        if not self.ended:
            raise UpstreamDisconnected("The provider's stream broke off before its end.")
        return ()

    def answer(self, body: JSON) -> Iterator[Delta]:
        """A whole answer."""
        message = body.get("message")
        if not isinstance(message, dict):
            raise failure(body, 200)
        yield from self._plan(message)
        content = message.get("content")
        for index, block in enumerate(content if isinstance(content, list) else ()):
            if isinstance(block, dict):
                yield from self._block(index, block, _logprobs_of_all(body.get("logprobs"), block))
        for citation in _listed(message.get("citations")):
            yield from self._cite(citation)
        for index, call in enumerate(_listed(message.get("tool_calls"))):
            yield from self._call(index, call)
            yield End(f"call:{index}")
        yield from self._end(body)

    def _event(self, event: JSON) -> Iterable[Delta]:
        index = event.get("index")
        match event.get("type"):
            case "content-delta" | "content-start":
                return self._block(index, _in_message(event, "content"), _logprobs(event.get("logprobs")))
            case "tool-plan-delta":
                return self._plan(_message(event))
            case "tool-call-start":
                return self._call(index, _in_message(event, "tool_calls"))
            case "tool-call-delta":
                return self._arguments(index, _in_message(event, "tool_calls"))
            case "tool-call-end":
                return (End(f"call:{index}"),)
            case "citation-start":
                return self._cite(_in_message(event, "citations"))
            case "message-end":
                return self._end(_object(event.get("delta")))
            case None if "message" in event:
                raise failure(event, None)
            case _:
                return ()

    def _plan(self, message: JSON) -> Iterator[Delta]:
        if plan := _string(message.get("tool_plan")):
            yield Reasoning(PLAN, plan)

    def _block(self, index: Any, content: JSON, logprobs: list[JSON]) -> list[Delta]:
        """A block, or a piece of one."""
        part = f"content:{index}"
        deltas: list[Delta] = []
        if thought := _string(content.get("thinking")):
            deltas.append(Reasoning(part, thought))
        if text := _string(content.get("text")):
            deltas.append(Text(part, text, logprobs))
        if text or content.get("type") == "text":
            self._text = part
        return deltas

    def _cite(self, citation: JSON) -> Iterator[Delta]:
        index = citation.get("content_index")
        part = self._text if index is None else f"content:{index}"
        if is_on_text(citation):
            for annotation in annotations_of(citation):
                yield Citation(part, annotation)

    def _call(self, index: Any, call: JSON) -> Iterator[Delta]:
        name = _string(_object(call.get("function")).get("name"))
        if not name:
            raise ProtocolViolation("The provider sent a tool call without a name.")
        self._called = True
        yield Call(f"call:{index}", _string(call.get("id")), name)
        yield from self._arguments(index, call)

    def _arguments(self, index: Any, call: JSON) -> Iterator[Delta]:
        if text := _string(_object(call.get("function")).get("arguments")):
            yield Arguments(f"call:{index}", text)

    def _end(self, last: JSON) -> Iterator[Delta]:
        self.ended = True
        usage = usage_from(last.get("usage"))
        if usage is not None:
            yield usage
        reason = last.get("finish_reason")
        if failed := broken_off(reason, last):
            raise failed
        stop = STOP_REASONS.get(reason, "stop") if isinstance(reason, str) else "stop"
        yield Stop("tool_calls" if stop == "stop" and self._called else stop)


def _message(event: JSON) -> JSON:
    return _object(_object(event.get("delta")).get("message"))


def _in_message(event: JSON, name: str) -> JSON:
    return _object(_message(event).get(name))


def _logprobs(item: Any) -> list[JSON]:
    """From `{text, token_ids, logprobs}`, which is about one piece of text."""
    text, values = _string(_object(item).get("text")), _object(item).get("logprobs")
    if not text or not isinstance(values, list) or not all(type(value) in (int, float) for value in values):
        return []
    return [{"token": text, "logprob": float(sum(values)), "bytes": list(text.encode()), "top_logprobs": []}]


def _logprobs_of_all(items: Any, block: JSON) -> list[JSON]:
    """Of a whole answer, where nothing says which block they are on: those that spell the block."""
    found = [entry for item in _listed(items) for entry in _logprobs(item)]
    spelt = "".join(entry["token"] for entry in found)
    return found if found and spelt == block.get("text") else []


def _listed(value: Any) -> list[JSON]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _object(value: Any) -> JSON:
    return value if isinstance(value, dict) else {}


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
