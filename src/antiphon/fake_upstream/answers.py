"""An answer, in no dialect: what a step says to a request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from antiphon.fake_upstream.faults import AnswerFault
from antiphon.fake_upstream.script import Call, ErrorKind, Step

JSON: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal["thought", "text", "call"]

DEFAULT_TEXT = "Hello there. Grüße, 世界: this is the fake upstream, and all is said in pieces."
"""What is said when the script says nothing; with characters of two and three bytes, to be cut."""

DEFAULT_TOOL = "look_up"
INPUT_TOKENS = 10


@dataclass(frozen=True, slots=True)
class Part:
    """Thoughts, text, or a call, whose `pieces` are its arguments."""

    kind: Kind
    pieces: Sequence[str]
    name: str = ""
    call_id: str = ""

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def arguments(self) -> Any:
        """As an object, where the dialect has one; broken ones stay text."""
        try:
            return json.loads(self.text)
        except ValueError:
            return self.text


@dataclass(frozen=True, slots=True)
class Answer:
    """`usage`: what is told, `input` and `output`, or None; `pieces`: how many there are in all."""

    id: str
    model: str
    parts: tuple[Part, ...]
    stop: Literal["stop", "length", "content_filter", "calls"]
    usage: Mapping[str, Any] | None
    created: int

    @property
    def pieces(self) -> int:
        return sum(len(part.pieces) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error to be told."""

    status: int
    kind: ErrorKind | None
    message: str


def answer_of(step: Step, model: str, number: int, now: int, offered: str | None) -> Answer:
    """`number`: of the request, for ids; `offered`: the first tool that it offers."""
    parts = tuple(_numbered(_parts(step, offered), number))
    if step.fault.answer == "no-call-id":
        parts = tuple(replace(part, call_id="") for part in parts)
    told: dict[str, Any] | None = None
    if step.usage is not False:
        told = {**_counted(parts)}
        told.update((name, count) for name, count in (step.usage or {}).items())
    return Answer(f"fake-{number}", model, parts, "calls" if step.call else step.stop, told, now)


def billed(step: Step, answer: Answer, pieces: int) -> tuple[int, int]:
    """Tokens of input and output that a provider bills when the model has said so many pieces.

    Those of the script where they are counts; cut answers cost their share, rounded up.
    """
    counts = _counted(answer.parts)
    given = step.usage if isinstance(step.usage, dict) else {}
    counts |= {name: count for name, count in given.items() if type(count) is int and count >= 0}
    share = -(-counts["output"] * pieces // answer.pieces) if answer.pieces else 0
    return counts["input"], share


def trouble_of(step: Step) -> Trouble:
    """The error of a step; one that is told under status 200 is the provider's own failure."""
    status = step.status if step.status >= 300 else STATUSES.get(step.error or "overloaded", 503)
    kind = step.error or KINDS.get(status)
    return Trouble(status, kind, step.message or f"The script says so (key {{key}}, status {status}).")


KINDS: Mapping[int, ErrorKind] = {
    400: "invalid",
    401: "auth",
    403: "forbidden",
    404: "not_found",
    409: "invalid",
    413: "too_large",
    422: "invalid",
    429: "rate_limit",
    503: "overloaded",
    529: "overloaded",
}
STATUSES: Mapping[str, int] = {
    "invalid": 400,
    "auth": 401,
    "forbidden": 403,
    "not_found": 404,
    "too_large": 413,
    "context": 400,
    "filter": 400,
    "rate_limit": 429,
    "overloaded": 503,
}


def pieces_of(text: str, count: int) -> tuple[str, ...]:
    """The text in so many pieces, or in as many as it has characters."""
    if count >= len(text):
        return tuple(text)
    cuts = [len(text) * number // count for number in range(count + 1)]
    return tuple(text[start:end] for start, end in pairwise(cuts))


def _parts(step: Step, offered: str | None) -> Iterator[Part]:
    if step.think:
        yield Part("thought", pieces_of(step.think, step.chunks))
    said = step.say if step.say is not None or step.call else DEFAULT_TEXT
    if said:
        yield Part("text", pieces_of(said * step.repeat, step.chunks))
    for call in step.call:
        yield Part("call", _arguments(call, step), call.name or offered or DEFAULT_TOOL, call.id or "")


def _numbered(parts: Iterator[Part], number: int) -> Iterator[Part]:
    for place, part in enumerate(parts):
        made = part.kind == "call" and not part.call_id
        yield replace(part, call_id=f"call_{number}_{place}") if made else part


def _arguments(call: Call, step: Step) -> tuple[str, ...]:
    text = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
    odd: AnswerFault | None = step.fault.answer
    return (text, "\n", " ") if odd == "early-arguments" else pieces_of(text, step.chunks)


def _counted(parts: Sequence[Part]) -> dict[str, int]:
    return {"input": INPUT_TOKENS, "output": max(1, sum(len(part.pieces) for part in parts))}
