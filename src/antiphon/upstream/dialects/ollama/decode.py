"""Ollama's lines, to deltas.

    line*  then  a line with "done": true
    line   = message {content, thinking, tool_calls, images} | logprobs | done_reason, counts | error

Every line is a piece of the message; a call comes whole in one line, its arguments an object (O2), from older
servers without an id: then the assembler makes one. `done_reason` stays "stop" when there are calls. A
stream without its last line was cut. A whole answer is one line.

`prompt_eval_count` and `eval_count` are OpenAI's arithmetic, thoughts among the output; how many of these are
thoughts, or cached, nobody counts. Log probabilities belong to the text of their line; those of thoughts
have no place in the Responses API. A picture that a model draws is said as one that a tool drew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from antiphon.core.deltas import (
    MOST_TOKENS,
    Arguments,
    Call,
    Delta,
    End,
    Hosted,
    Reasoning,
    Stop,
    StopReason,
    Text,
    Usage,
)
from antiphon.protocol.errors import ProtocolViolation, UpstreamDisconnected
from antiphon.protocol.json import JSON, MalformedJSON, decode_leniently, encode
from antiphon.upstream.base import Frame
from antiphon.upstream.dialects.ollama.errors import failure

TEXT, REASONING = "text", "reasoning"

STOP_REASONS: dict[Any, StopReason] = {"stop": "stop", "length": "length"}
"""Whatever is not here is taken for "stop": "load" and "unload" of a request without messages."""


class OllamaDecoder:
    """The state of one answer."""

    __slots__ = ("_calls", "ended")

    def __init__(self) -> None:
        self._calls = 0
        self.ended = False

    @property
    def answered(self) -> bool:
        return self.ended

    def feed(self, frame: Frame) -> Iterable[Delta]:
        if self.ended:
            return ()
        try:
            line = decode_leniently(frame.data)
        except MalformedJSON:
            raise ProtocolViolation("The provider sent a line that is not JSON.") from None
        if not isinstance(line, dict):
            raise ProtocolViolation("The provider sent a line that is not an object.")
        return self._line(line)

    def finish(self) -> Iterable[Delta]:
        if not self.ended:
            raise UpstreamDisconnected("The provider's stream broke off before its end.")
        return ()

    def answer(self, body: JSON) -> Iterable[Delta]:
        """A whole answer."""
        if not isinstance(body.get("message"), dict):
            raise failure(body, None if body.get("error") else 200)
        return self._line({**body, "done": True})

    def _line(self, line: JSON) -> list[Delta]:
        if line.get("error"):
            raise failure(line, None)
        deltas: list[Delta] = []
        message = line.get("message")
        if isinstance(message, dict):
            self._say(message, line.get("logprobs"), deltas)
        if line.get("done") is True:
            self._end(line, deltas)
        return deltas

    def _say(self, message: JSON, logprobs: Any, deltas: list[Delta]) -> None:
        thinking, content = message.get("thinking"), message.get("content")
        if isinstance(thinking, str) and thinking:
            deltas.append(Reasoning(REASONING, thinking))
        if isinstance(content, str) and content:
            deltas.append(Text(TEXT, content, _logprobs(logprobs)) if logprobs else Text(TEXT, content))
        for picture in _listed(message.get("images")):
            if isinstance(picture, str):
                item = {"type": "image_generation_call", "status": "completed", "result": picture}
                deltas.append(Hosted("image", item))
        for call in _listed(message.get("tool_calls")):
            self._call(call, deltas)

    def _call(self, call: Any, deltas: list[Delta]) -> None:
        function = call.get("function") if isinstance(call, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if function is None or not isinstance(name, str) or not name:
            raise ProtocolViolation("The provider sent a tool call without a name.")
        part, call_id = f"call:{self._calls}", call.get("id")
        self._calls += 1
        deltas.append(Call(part, call_id if isinstance(call_id, str) else "", name))
        if text := _text(function.get("arguments")):
            deltas.append(Arguments(part, text))
        deltas.append(End(part))

    def _end(self, line: JSON, deltas: list[Delta]) -> None:
        self.ended = True
        read, written = _count(line.get("prompt_eval_count")), _count(line.get("eval_count"))
        if read or written:
            deltas.append(Usage(input_tokens=read, output_tokens=written))
        reason = line.get("done_reason")
        stop = STOP_REASONS.get(reason, "stop") if isinstance(reason, str) else "stop"
        deltas.append(Stop("tool_calls" if stop == "stop" and self._calls else stop))


def _text(arguments: Any) -> str:
    """Arguments are an object; some servers send its text."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else encode(arguments).decode()


def _count(value: Any) -> int:
    return value if type(value) is int and 0 < value <= MOST_TOKENS else 0


def _logprobs(entries: Any) -> list[JSON]:
    """With exactly the fields of the Responses API."""
    return [
        {**_logprob(entry), "top_logprobs": [_logprob(top) for top in _objects(entry.get("top_logprobs"))]}
        for entry in _objects(entries)
    ]


def _logprob(entry: JSON) -> JSON:
    token = str(entry.get("token", ""))
    raw = entry.get("bytes")
    return {
        "token": token,
        "logprob": entry.get("logprob", 0.0),
        "bytes": raw if isinstance(raw, list) else list(token.encode("utf-8", "replace")),
    }


def _objects(values: Any) -> list[JSON]:
    return [value for value in _listed(values) if isinstance(value, dict)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
