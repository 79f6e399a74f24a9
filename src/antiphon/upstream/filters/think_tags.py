"""Thoughts in `<think>` tags at the beginning of the text, to thoughts.

Some servers leave a model's thoughts where its template put them (C40): the text begins, perhaps after
white space, with `<think>`, the thoughts follow, then `</think>` and the answer. The tags may be cut
anywhere. White space around the tags belongs to nobody and is dropped.

    BEFORE ──"<think>"──▶ OPENED ──a word──▶ INSIDE ──"</think>"──▶ AFTER ──a word──▶ PASSING
       └──────────────────────────── anything else ─────────────────────────────────────▲

Tags further on in a text are text: an answer may be about them. Thoughts that never end (the answer was
cut) are thoughts all the same. Log probabilities follow their tokens, those of thoughts are dropped.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import ClassVar

from antiphon.core.deltas import Delta, Logprob, Reasoning, Served, Text, Usage

THOUGHTS = "think"


class _State(Enum):
    BEFORE = auto()
    OPENED = auto()
    INSIDE = auto()
    AFTER = auto()
    PASSING = auto()


class ThinkTags:
    """A Filter: the state of one answer."""

    opening: ClassVar = "<think>"
    closing: ClassVar = "</think>"

    __slots__ = ("_held", "_logprobs", "_part", "_state")

    def __init__(self) -> None:
        self._state = _State.BEFORE
        self._held = ""  # text that may belong to a tag
        self._logprobs: list[Logprob] = []  # of the text that is held
        self._part = ""

    def feed(self, delta: Delta) -> Iterable[Delta]:
        if self._state is _State.PASSING or isinstance(delta, Usage | Served):
            return (delta,)
        if not isinstance(delta, Text):
            return (*self.finish(), delta)
        self._part = delta.part
        self._held += delta.text
        if delta.logprobs:
            self._logprobs = [*self._logprobs, *delta.logprobs]
        deltas: list[Delta] = []
        while (step := self._step(deltas)) is not None:
            self._state = step
        self._logprobs = _of_end(self._logprobs, len(self._held))
        return deltas

    def finish(self) -> Iterable[Delta]:
        """What was held turns out to be no tag."""
        held, self._held = self._held, ""
        if self._state is _State.INSIDE:
            return (Reasoning(THOUGHTS, held),) if held.strip() else ()
        if self._state is _State.BEFORE and held:
            self._state = _State.PASSING
            return (Text(self._part, held, self._logprobs),)
        return ()

    def _step(self, deltas: list[Delta]) -> _State | None:
        """One transition, or None when more text is needed."""
        match self._state:
            case _State.BEFORE:
                return self._before(deltas)
            case _State.OPENED:
                self._held = self._held.lstrip()
                return _State.INSIDE if self._held else None
            case _State.INSIDE:
                return self._inside(deltas)
            case _State.AFTER:
                return self._after(deltas)
            case _State.PASSING:
                return None

    def _before(self, deltas: list[Delta]) -> _State | None:
        begun = self._held.lstrip()
        if begun.startswith(self.opening):
            self._held = begun[len(self.opening) :]
            return _State.OPENED
        if self.opening.startswith(begun):
            return None
        deltas.append(Text(self._part, self._held, self._logprobs))
        self._held = ""
        return _State.PASSING

    def _inside(self, deltas: list[Delta]) -> _State | None:
        thought, tag, rest = self._held.partition(self.closing)
        if tag:
            if thought := thought.rstrip():
                deltas.append(Reasoning(THOUGHTS, thought))
            self._held = rest
            return _State.AFTER
        safe = len(self._held) - _beginning_of(self.closing, self._held)
        safe = len(self._held[:safe].rstrip())
        if safe:
            deltas.append(Reasoning(THOUGHTS, self._held[:safe]))
            self._held = self._held[safe:]
        return None

    def _after(self, deltas: list[Delta]) -> _State | None:
        answer = self._held.lstrip()
        if not answer:
            return None
        deltas.append(Text(self._part, answer, _of_end(self._logprobs, len(answer))))
        self._held = ""
        return _State.PASSING


def _of_end(logprobs: list[Logprob], length: int) -> list[Logprob]:
    """Of the tokens that lie wholly in the last `length` characters."""
    kept = 0
    for logprob in reversed(logprobs):
        length -= len(logprob["token"])
        if length < 0:
            break
        kept += 1
    return logprobs[len(logprobs) - kept :]


def _beginning_of(tag: str, text: str) -> int:
    """How many characters at the end of `text` may be the beginning of `tag`."""
    for length in range(min(len(tag) - 1, len(text)), 0, -1):
        if text.endswith(tag[:length]):
            return length
    return 0
