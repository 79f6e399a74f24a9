"""How a step is delivered to a request: head and body, as acts. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from email.utils import formatdate
from http import HTTPStatus

from antiphon.fake_upstream import bodies
from antiphon.fake_upstream.acts import Act, Pause, Send
from antiphon.fake_upstream.answers import Answer, trouble_of
from antiphon.fake_upstream.bodies import Body
from antiphon.fake_upstream.faults import INTERIM, MANY, PADDING, SLOW_HEAD, Fault
from antiphon.fake_upstream.script import Step
from antiphon.fake_upstream.wires import Asked

_PLACEHOLDER = re.compile(r"\{(?:(key)|in (-?\d{1,9}) s)\}")


def acts(step: Step, asked: Asked, answer: Answer, now: float) -> Iterator[Act]:
    """Everything that happens on the connection; `now` in seconds since 1970."""
    fault = step.fault if asked.reused or not step.fault.on_reuse else Fault()
    if step.wait:
        yield Pause(step.wait)
    if fault.is_before_head and fault.then in ("close", "reset", "stall"):
        yield fault.then
        return
    if fault.head == "garbage":
        yield Send(b"SSH-2.0-Fake_1.0\r\n")
        yield "close"
        return
    body = _body(step, asked, answer, fault, now)
    yield from _head(
        step, body, fault, {name: _filled(value, asked, now) for name, value in step.headers.items()}
    )
    yield from body.acts if _is_plain(body, fault) else _chunked(body.acts)
    if fault.body == "unframed":
        yield "close"


def _body(step: Step, asked: Asked, answer: Answer, fault: Fault, now: float) -> Body:
    wire, trouble = asked.wire, trouble_of(step)
    trouble = replace(trouble, message=_filled(trouble.message, asked, now))
    if step.status >= 300:
        return bodies.refusal(wire, trouble, fault)
    if fault.body == "web-page":
        return bodies.web_page()
    if asked.streamed != (fault.body == "other-mode"):
        return bodies.streamed(wire, answer, trouble, fault, step.pause)
    return bodies.documented(wire, answer, trouble, fault)


def _is_plain(body: Body, fault: Fault) -> bool:
    """Not in chunks."""
    return body.length is not None or fault.body == "unframed" or fault.head == "two-lengths"


def _head(step: Step, body: Body, fault: Fault, more: Mapping[str, str]) -> Iterator[Act]:
    fields = [("Content-Type", body.content_type), *_lengths(body, fault)]
    if body.encoding:
        fields.append(("Content-Encoding", body.encoding))
    if fault.head == "padded":
        fields.append(("X-Padding", "x" * PADDING))
    given = {name.lower() for name in more}
    lines = [f"{name}: {value}" for name, value in fields if name.lower() not in given]
    lines += [f"{name}: {value}" for name, value in more.items()]
    head = "\r\n".join((_status_line(step.status), *lines, "", "")).encode("utf-8", "replace")
    if fault.head == "interim":
        for _ in range(INTERIM // MANY):
            yield Send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * MANY)
    if fault.head == "slow":
        for byte in head:
            yield Send(bytes((byte,)))
            yield Pause(SLOW_HEAD)
    else:
        yield Send(head)


def _lengths(body: Body, fault: Fault) -> Iterator[tuple[str, str]]:
    if fault.head == "two-lengths":
        yield from (("Content-Length", "2"), ("Content-Length", "3"))
    elif fault.body == "unframed":
        yield "Connection", "close"
    elif body.length is not None:
        yield "Content-Length", str(body.length)
    else:
        yield "Transfer-Encoding", "chunked"


def _status_line(status: int) -> str:
    phrase = next((each.phrase for each in HTTPStatus if each == status), "Status")
    return f"HTTP/1.1 {status} {phrase}"


def _chunked(body: Iterator[Act]) -> Iterator[Act]:
    """Each `Send` as a chunk; the last chunk, when nothing cuts the body before."""
    for act in body:
        if isinstance(act, Send):
            if act.data:
                size = act.announced or len(act.data)
                end = b"" if act.announced else b"\r\n"
                yield replace(act, data=b"%x\r\n%b%b" % (size, act.data, end))
        elif isinstance(act, Pause):
            yield act
        elif act == "whole":
            break
        else:
            yield act
            return
    yield Send(b"0\r\n\r\n")
    yield from body


def _filled(text: str, asked: Asked, now: float) -> str:
    """With the caller's key, and dates, where the script has a place for them; on one line."""

    def found(place: re.Match[str]) -> str:
        return asked.key if place[1] else formatdate(now + int(place[2]), usegmt=True)

    return " ".join(_PLACEHOLDER.sub(found, text).splitlines())
