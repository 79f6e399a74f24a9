"""Streams as each provider sends them, made by hand: one of words, one of calls.

The words: `CHUNKS` pieces of text between the beginning and the end that the dialect has. The calls: a few
words, then one call whose arguments come in as many pieces; where calls come whole (Gemini, Ollama), as many
thoughts, then a call with the same arguments. Each stream is a list of the bytes of its events, with their
framing: server-sent events (with CRLF from Gemini), AWS's event stream, lines of JSON.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from zlib import crc32

from bench.bodies import CHUNKS

Data = dict[str, Any]
Event = tuple[str, Any]  # its name, "" where it has none, and its data

TEXT = [f" word{number:03d}" for number in range(CHUNKS)]
ARGUMENTS = json.dumps({"lines": [f"line {number}" for number in range(CHUNKS)]}, separators=(",", ":"))
_CUTS = [len(ARGUMENTS) * number // CHUNKS for number in range(CHUNKS + 1)]
PIECES = [ARGUMENTS[start:end] for start, end in pairwise(_CUTS)]
CALL_ID, NAME = "call_0123456789", "write_lines"


@dataclass(frozen=True)
class Streams:
    """The events of the two streams, as bytes."""

    words: list[bytes]
    calls: list[bytes]


def streams_of(dialect: str) -> Streams:
    """By the name of the dialect."""
    events, framed = _DIALECTS[dialect]
    words, calls = ([framed(event) for event in events(called)] for called in (False, True))
    return Streams(words, calls)


# Framings


def _sse(event: Event) -> bytes:
    name, data = event
    return (f"event: {name}\n" if name else "").encode() + b"data: " + _compact(data) + b"\n\n"


def _data(event: Event) -> bytes:
    return b"data: " + (event[1] if isinstance(event[1], bytes) else _compact(event[1])) + b"\n\n"


def _crlf(event: Event) -> bytes:
    return b"data: " + _compact(event[1]) + b"\r\n\r\n"


def _line(event: Event) -> bytes:
    return _compact(event[1]) + b"\n"


def _aws(event: Event) -> bytes:
    """https://docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html"""
    name, data = event
    said = ((":event-type", name), (":content-type", "application/json"), (":message-type", "event"))
    headers = b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for key, value in said
    )
    payload = _compact(data)
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return message + struct.pack(">I", crc32(message))


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


# Dialects: `called` asks for the stream of calls


def _responses(called: bool) -> Iterator[Event]:
    response = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5.2", "output": []}
    for number, event in enumerate(_response_events(response, called)):
        yield event["type"], {**event, "sequence_number": number}


def _response_events(response: Data, called: bool) -> Iterator[Data]:
    begun = {**response, "status": "in_progress"}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    empty, whole, events = _response_call() if called else _response_message()
    at = {"output_index": 0, "item_id": whole["id"]}
    yield {"type": "response.output_item.added", "output_index": 0, "item": empty}
    for event in events:
        yield {**event, **at}
    yield {"type": "response.output_item.done", "output_index": 0, "item": whole}
    usage = {"input_tokens": 400, "output_tokens": 200, "total_tokens": 600}
    done = {**response, "status": "completed", "output": [whole], "usage": usage}
    yield {"type": "response.completed", "response": done}


_Item = tuple[Data, Data, list[Data]]  # as it begins and ends, and between


def _response_call() -> _Item:
    item = {"id": "fc_1", "type": "function_call", "call_id": CALL_ID, "name": NAME}
    kind = "response.function_call_arguments"
    events = [{"type": f"{kind}.delta", "delta": piece, "obfuscation": "abcdefg"} for piece in PIECES]
    events.append({"type": f"{kind}.done", "arguments": ARGUMENTS})
    empty = {**item, "status": "in_progress", "arguments": ""}
    return empty, {**item, "status": "completed", "arguments": ARGUMENTS}, events


def _response_message() -> _Item:
    item = {"id": "msg_1", "type": "message", "role": "assistant"}
    part = {"type": "output_text", "text": "".join(TEXT), "annotations": [], "logprobs": []}
    at = {"content_index": 0}
    kind = "response.output_text"
    delta = {"type": f"{kind}.delta", **at, "logprobs": [], "obfuscation": "abcdefg"}
    events = [
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
        *({**delta, "delta": text} for text in TEXT),
        {"type": f"{kind}.done", **at, "text": part["text"], "logprobs": []},
        {"type": "response.content_part.done", **at, "part": part},
    ]
    empty = {**item, "status": "in_progress", "content": []}
    return empty, {**item, "status": "completed", "content": [part]}, events


def _chat(called: bool) -> Iterator[Event]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    begun: Data = {"id": CALL_ID, "type": "function", "function": {"name": NAME, "arguments": ""}}
    parts = [begun, *({"function": {"arguments": piece}} for piece in PIECES)]
    calls = [{"tool_calls": [{"index": 0, **part}]} for part in parts]
    said = [{"content": text} for text in (TEXT[:3] if called else TEXT)]
    for delta in [{"role": "assistant", "content": ""}, *said, *(calls if called else ())]:
        yield "", {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    reason = "tool_calls" if called else "stop"
    yield "", {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    usage = {"prompt_tokens": 400, "completion_tokens": 200, "total_tokens": 600}
    yield "", {**head, "choices": [], "usage": usage}
    yield "", b"[DONE]"


def _anthropic(called: bool) -> Iterator[Event]:
    usage = {"input_tokens": 400, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
    yield _typed("message_start", message={**message, "stop_reason": None, "usage": usage})
    words: Data = {"type": "text", "text": ""}
    blocks = [(words, "text_delta", "text", TEXT[:3] if called else TEXT)]
    if called:
        use: Data = {"type": "tool_use", "id": CALL_ID, "name": NAME, "input": {}}
        blocks.append((use, "input_json_delta", "partial_json", PIECES))
    for index, (block, kind, field, pieces) in enumerate(blocks):
        yield _typed("content_block_start", index=index, content_block=block)
        for piece in pieces:
            yield _typed("content_block_delta", index=index, delta={"type": kind, field: piece})
        yield _typed("content_block_stop", index=index)
    reason = {"stop_reason": "tool_use" if called else "end_turn", "stop_sequence": None}
    yield _typed("message_delta", delta=reason, usage={"output_tokens": 200})
    yield _typed("message_stop")


def _typed(kind: str, **values: Any) -> Event:
    return kind, {"type": kind, **values}


def _gemini(called: bool) -> Iterator[Event]:
    usage = {"promptTokenCount": 400, "candidatesTokenCount": 200, "totalTokenCount": 600}
    about = {"usageMetadata": usage, "modelVersion": "gemini-3-pro-preview", "responseId": "r1"}
    parts: list[Data] = [{"text": text, "thought": True} if called else {"text": text} for text in TEXT]
    if called:
        call = {"id": CALL_ID, "name": NAME, "args": json.loads(ARGUMENTS)}
        parts.append({"functionCall": call, "thoughtSignature": "c2lnbmVk"})
    for part in parts:
        content = {"role": "model", "parts": [part]}
        yield "", {"candidates": [{"content": content, "index": 0}], **about}
    last = {"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": "STOP", "index": 0}
    yield "", {"candidates": [last], **about}


def _converse(called: bool) -> Iterator[Event]:
    yield "messageStart", {"role": "assistant", "p": "abcdef"}
    text: list[Data] = [{"text": text} for text in (TEXT[:3] if called else TEXT)]
    calls: list[Data] = [{"toolUse": {"input": piece}} for piece in PIECES]
    for index, deltas in enumerate([text, calls] if called else [text]):
        at = {"contentBlockIndex": index}
        if index:
            start = {"toolUse": {"toolUseId": CALL_ID, "name": NAME}}
            yield "contentBlockStart", {**at, "start": start, "p": "abc"}
        for delta in deltas:
            yield "contentBlockDelta", {**at, "delta": delta, "p": "abcdefghijkl"}
        yield "contentBlockStop", {**at, "p": "abc"}
    yield "messageStop", {"stopReason": "tool_use" if called else "end_turn", "p": "abc"}
    usage = {"inputTokens": 400, "outputTokens": 200, "totalTokens": 600}
    yield "metadata", {"usage": usage, "metrics": {"latencyMs": 900}, "p": "abc"}


def _cohere(called: bool) -> Iterator[Event]:
    begun = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield _typed("message-start", id="m1", delta={"message": begun})
    if called:
        for text in TEXT[:3]:
            yield _typed("tool-plan-delta", delta={"message": {"tool_plan": text}})
        call = {"id": CALL_ID, "type": "function", "function": {"name": NAME, "arguments": ""}}
        yield _typed("tool-call-start", index=0, delta={"message": {"tool_calls": call}})
        for piece in PIECES:
            delta = {"message": {"tool_calls": {"function": {"arguments": piece}}}}
            yield _typed("tool-call-delta", index=0, delta=delta)
        yield _typed("tool-call-end", index=0)
    else:
        empty = {"message": {"content": {"type": "text", "text": ""}}}
        yield _typed("content-start", index=0, delta=empty)
        for text in TEXT:
            yield _typed("content-delta", index=0, delta={"message": {"content": {"text": text}}})
        yield _typed("content-end", index=0)
    units = {"input_tokens": 400, "output_tokens": 200}
    end = {"finish_reason": "TOOL_CALL" if called else "COMPLETE"}
    yield _typed("message-end", id="m1", delta={**end, "usage": {"billed_units": units, "tokens": units}})


def _ollama(called: bool) -> Iterator[Event]:
    about = {"model": "gpt-oss:20b", "created_at": "2026-11-21T12:00:00.000000000Z"}
    empty = {"role": "assistant", "content": ""}
    said: Iterable[Data] = ({"thinking" if called else "content": text} for text in TEXT)
    function = {"name": NAME, "arguments": json.loads(ARGUMENTS)}
    calls = [{"tool_calls": [{"id": CALL_ID, "function": function}]}] if called else []
    for part in (*said, *calls):
        yield "", {**about, "message": {**empty, **part}, "done": False}
    counts = {"total_duration": 9, "load_duration": 1, "prompt_eval_count": 400, "eval_count": 200}
    yield "", {**about, "message": empty, "done": True, "done_reason": "stop", **counts}


_DIALECTS: dict[str, tuple[Callable[[bool], Iterator[Event]], Callable[[Event], bytes]]] = {
    "responses": (_responses, _sse),
    "chat": (_chat, _data),
    "anthropic": (_anthropic, _sse),
    "gemini": (_gemini, _crlf),
    "converse": (_converse, _aws),
    "cohere": (_cohere, _sse),
    "ollama": (_ollama, _line),
}
