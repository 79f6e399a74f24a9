"""What the layer must know of a kind of tool: how a function says it, and how its calls and items are read.

    offer       tool of the request  →  description and parameters of a function
    arguments   call in the history  →  the arguments with which the function was called
    output      output in the history →  what the function gave back
    call        call that comes back →  an EmulatedCall, which says it in the deltas of the item asked for

A call lives as long as its arguments arrive:

    open ──take*──▶ whole          its JSON is over and makes sense; whatever comes is not read
            ├over─▶ whole | open   it is the last of its text, if that was not cut
            └─end─▶ whole | torn   the model stopped of its own accord; a torn call is never run
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from antiphon.core.deltas import Call, CallKind, Delta, End
from antiphon.core.json_strings import JSONStrings, Piece
from antiphon.protocol.json import JSON, MalformedJSON, decode_leniently


class EmulatedCall:
    """A call whose arguments arrive. `begun` is the delta that begins the item asked for."""

    __slots__ = ("_read", "_strings", "_text", "begun", "whole")

    def __init__(self, begun: Call) -> None:
        self.begun = begun
        self.whole = False
        self._read = False  # there is nothing to read but what came
        self._strings = JSONStrings()
        self._text: list[str] = []

    @property
    def part(self) -> str:
        return self.begun.part

    @property
    def text(self) -> str:
        """The arguments so far."""
        return "".join(self._text)

    def open(self) -> Iterable[Delta]:
        """What is told of the call before its arguments come."""
        return (self.begun,)

    def take(self, text: str) -> Iterator[Delta]:
        """A piece of the arguments."""
        if self._read:
            return
        self._text.append(text)
        for piece in self._strings.feed(text):
            yield from self.hear(piece)
        if self._strings.closed:
            yield from self._settle()

    def over(self) -> Iterable[Delta]:
        """No more will come, but what came may have been cut."""
        return ()

    def end(self) -> Iterator[Delta]:
        """The model stopped, and nothing was cut: some servers leave out arguments that are empty."""
        if not self._read:
            yield from self._settle()

    def hear(self, piece: Piece) -> Iterable[Delta]:
        """What is told of a piece of a string while it is being written."""
        return ()

    def settle(self, value: JSON) -> Iterable[Delta] | None:
        """What is left to tell when the arguments are whole; None if they make no sense."""
        raise NotImplementedError

    def finished(self, **fields: Any) -> Delta:
        """The end of a whole call; the fields complete its item."""
        return End(self.part, fields)

    def _settle(self) -> Iterator[Delta]:
        self._read = True
        value = object_of(self.text)
        told = None if value is None else self.settle(value)
        if told is not None:
            self.whole = True
            yield from told


class Kind(Protocol):
    """A kind of tool that functions can stand for. Without state."""

    @property
    def kind(self) -> CallKind: ...

    @property
    def call_type(self) -> str:
        """The type of the items that are its calls."""
        ...

    @property
    def output_type(self) -> str: ...

    def offer(self, tool: JSON) -> JSON:
        """`description` and `parameters` of the function."""
        ...

    def arguments(self, call: JSON) -> Any: ...

    def output(self, item: JSON) -> str | list[JSON]: ...

    def call(self, call: Call, tool: JSON) -> EmulatedCall:
        """`call` names the tool as the client knows it."""
        ...


def object_of(text: str) -> JSON | None:
    """The object that a model wrote as arguments, if it is one; nothing at all is the empty one.

    Line breaks that it forgot to escape are read as they are meant.
    """
    if not text.strip():
        return {}
    try:
        value = decode_leniently(text.encode("utf-8", "replace"))
    except MalformedJSON:
        try:
            value = decode_leniently(json.dumps(json.loads(text, strict=False)).encode())
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def whole_number(value: Any) -> int | None:
    """A count, of models that also write `1000.0`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def given(value: JSON, *without: str) -> JSON:
    """The fields that say something."""
    return {name: field for name, field in value.items() if field is not None and name not in without}


def described(*paragraphs: str | None) -> str:
    """A description in paragraphs, of those that say something."""
    return "\n\n".join(filter(None, paragraphs))
