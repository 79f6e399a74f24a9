"""The body of an answer, streamed or whole, and what goes wrong in it.

events ─▶ frames ─▶ broken after some events ─▶ line ends, gzip ─▶ broken after some bytes
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import repeat
from typing import cast

from antiphon.fake_upstream.acts import Act, Cut, Pause, Send
from antiphon.fake_upstream.answers import Answer, Trouble
from antiphon.fake_upstream.faults import AT_ONCE, NOISE_EVERY, Fault
from antiphon.fake_upstream.wires import stream, whole
from antiphon.fake_upstream.wires.base import Event, Wire, compact

_BLOCK = b"x" * 65536
_WEB_PAGE = b"<!doctype html><title>Gateway</title><h1>Welcome</h1>"
_CONTINUATION = re.compile(rb"[\x80-\xbf]")  # the bytes of a character in UTF-8 after its first
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Body:
    """`length`: its bytes, where all are known before."""

    acts: Iterator[Act]
    content_type: str
    length: int | None = None
    encoding: str | None = None


def refusal(wire: Wire, trouble: Trouble, fault: Fault) -> Body:
    return _document(compact(wire.refusal(trouble)), wire, trouble, fault)


def web_page() -> Body:
    return Body(iter((Send(_WEB_PAGE),)), "text/html", len(_WEB_PAGE))


def streamed(wire: Wire, answer: Answer, trouble: Trouble, fault: Fault, pause: float) -> Body:
    acts = _Stream(wire, answer, trouble, fault, pause).acts()
    if fault.body in wire.framing.line_ends:
        acts = _with_line_ends(acts, b"\r\n" if fault.body == "crlf" else b"\r")
    if fault.body == "byte-order-mark" and wire.framing.line_ends:
        acts = _after(b"\xef\xbb\xbf", acts)
    body = Body(acts, wire.framing.content_type)
    return _finished(body, fault, wire.framing.around(fault.size))


def documented(wire: Wire, answer: Answer, trouble: Trouble, fault: Fault) -> Body:
    """The answer in one piece of JSON."""
    data = compact(whole(wire, answer, fault.answer))
    if fault.body == "broken-utf8":
        data = _broken(data)
    if fault.place and fault.place > sum(1 for _ in stream(wire, answer, fault.answer)):
        return replace(_whole(data, answer), acts=_then(_whole(data, answer).acts, fault))
    return _document(data, wire, trouble, fault, answer)


def _whole(data: bytes, answer: Answer | None) -> Body:
    said = answer.pieces if answer else 0
    return Body(iter((Send(data, said, 1),)), _JSON, len(data))


def _document(data: bytes, wire: Wire, trouble: Trouble, fault: Fault, answer: Answer | None = None) -> Body:
    if fault.place is None:
        return _finished(_whole(data, answer), fault, (b'{"padding":"', b'"}'))
    begun = data[: _middle(data, fault)] if fault.place or fault.mid else b""
    match fault.then:
        case "end":
            return Body(iter((Send(begun),)), _JSON, len(begun))
        case "garbage":
            return _whole(data[: len(data) // 2] + b"garbage", answer)
        case "error":
            return _whole(compact(wire.failed(trouble)), None)
        case "large":
            return Body(_large((b'{"padding":"', b'"}'), fault.size), _JSON)
        case "noise":
            return Body(_after(begun, _noise(repeat(b" "))), _JSON)
        case cut:
            return Body(iter((Send(begun), cast("Cut", cut))), _JSON, len(data))


class _Stream:
    """The events of an answer, up to where it breaks, and what comes there."""

    def __init__(self, wire: Wire, answer: Answer, trouble: Trouble, fault: Fault, pause: float) -> None:
        self._wire = wire
        self._answer = answer
        self._trouble = trouble
        self._fault = fault
        self._pause = pause

    def acts(self) -> Iterator[Act]:
        number = -1
        for number, event in enumerate(stream(self._wire, self._answer, self._fault.answer)):
            if number == self._fault.place:
                yield from self._break(event)
                if self._fault.then not in ("garbage", "large"):
                    return
            yield self._sent(event)
            if self._pause:
                yield Pause(self._pause)
        if self._fault.place is not None and self._fault.place > number:
            yield from _then(iter(()), self._fault)

    def _break(self, event: Event) -> Iterator[Act]:
        framing, fault = self._wire.framing, self._fault
        if fault.mid:
            frame = self._framed(event)
            begun = frame[: _middle(frame, fault)]
            yield Send(begun, announced=len(frame) if fault.body == "short-chunk" else None)
        match fault.then:
            case "noise":
                yield from _noise(framing.noise())
            case "garbage":
                payload = event.payload
                yield Send(framing.frame(event.name, payload[: len(payload) // 2] or b"{"), events=1)
            case "error":
                for each in self._wire.failure(self._trouble):
                    yield self._sent(each)
            case "large":
                yield from _large(framing.around(fault.size), fault.size)
            case cut if cut in AT_ONCE:
                yield cast("Cut", cut)

    def _sent(self, event: Event) -> Send:
        return Send(self._framed(event), event.said, 1)

    def _framed(self, event: Event) -> bytes:
        payload = event.payload
        if self._fault.body == "broken-utf8":
            payload = _broken(payload)
        return self._wire.framing.frame(event.name, payload)


def _middle(data: bytes, fault: Fault) -> int:
    """Half of it, or within the first character that has several bytes."""
    found = _CONTINUATION.search(data) if fault.mid == "character" else None
    return found.start() if found else len(data) // 2


def _broken(data: bytes) -> bytes:
    return _CONTINUATION.sub(b"\xff", data)


def _noise(noise: Iterable[bytes]) -> Iterator[Act]:
    for each in noise:
        yield Send(each)
        yield Pause(NOISE_EVERY)


def _large(around: tuple[bytes, bytes], size: int) -> Iterator[Act]:
    before, after = around
    yield Send(before)
    for _ in range(size // len(_BLOCK)):
        yield Send(_BLOCK)
    yield Send(_BLOCK[: size % len(_BLOCK)] + after)


def _then(whole: Iterator[Act], fault: Fault) -> Iterator[Act]:
    """What comes after the whole answer."""
    yield from whole
    if fault.then in AT_ONCE:
        yield "whole"
        yield cast("Cut", fault.then)


def _after(data: bytes, acts: Iterator[Act]) -> Iterator[Act]:
    yield Send(data)
    yield from acts


def _with_line_ends(acts: Iterator[Act], end: bytes) -> Iterator[Act]:
    for act in acts:
        yield replace(act, data=act.data.replace(b"\n", end)) if isinstance(act, Send) else act


def _finished(body: Body, fault: Fault, around: tuple[bytes, bytes]) -> Body:
    match fault.body:
        case "gzip-bomb":
            return replace(body, acts=_gzipped(_large(around, fault.size)), length=None, encoding="gzip")
        case "false-gzip":
            body = replace(body, encoding="gzip")
        case "unknown-encoding":
            body = replace(body, encoding="x-fake")
    if fault.after_bytes is None:
        return body
    length = body.length
    if length is not None and fault.then == "end":
        length = min(length, fault.after_bytes)
    return replace(body, acts=_cut(body.acts, fault), length=length)


def _cut(acts: Iterator[Act], fault: Fault) -> Iterator[Act]:
    left = fault.after_bytes or 0
    for act in acts:
        if not isinstance(act, Send) or len(act.data) <= left:
            yield act
            left -= len(act.data) if isinstance(act, Send) else 0
            continue
        if left:
            announced = len(act.data) if fault.body == "short-chunk" else None
            yield Send(act.data[:left], announced=announced)
        break
    if fault.then in AT_ONCE:
        yield cast("Cut", fault.then)


def _gzipped(acts: Iterator[Act]) -> Iterator[Act]:
    packer = zlib.compressobj(wbits=31)
    for act in acts:
        if isinstance(act, Send) and (data := packer.compress(act.data)):
            yield Send(data)
    yield Send(packer.flush())
