"""`custom`: freeform text, told as a function with one parameter, `input`.

The text is given out while its JSON string is being written. Models that take "freeform" at its word and
write no JSON at all, or other JSON, are taken at theirs: then what they wrote is the input.

A grammar is told in words. Whether the text keeps to it the engine checks (engine/held_calls.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from antiphon.core.deltas import Arguments, Call, CallKind, Delta
from antiphon.core.json_strings import Piece
from antiphon.protocol.json import JSON
from antiphon.upstream.emulation.kinds.base import EmulatedCall, described, object_of

_SYNTAX = {"lark": "Lark grammar", "regex": "regular expression"}
_INPUT = ((), ("input",))  # a bare string is meant as the input, too


class Custom:
    """The kind `custom`."""

    kind: CallKind = "custom"
    call_type = "custom_tool_call"
    output_type = "custom_tool_call_output"

    def offer(self, tool: JSON) -> JSON:
        about = "The input of the tool, as plain text."
        shape = tool.get("format") or {}
        grammar = ""
        if shape.get("type") == "grammar":
            syntax = _SYNTAX.get(str(shape.get("syntax")), "grammar")
            grammar = f"`input` must match this {syntax}, from beginning to end:\n{shape.get('definition')}"
        return {
            "description": described(tool.get("description"), grammar),
            "parameters": {
                "type": "object",
                "properties": {"input": {"type": "string", "description": about}},
                "required": ["input"],
                "additionalProperties": False,
            },
        }

    def arguments(self, call: JSON) -> Any:
        return {"input": call.get("input") or ""}

    def output(self, item: JSON) -> Any:
        return item.get("output")

    def call(self, call: Call, tool: JSON) -> EmulatedCall:
        return CustomCall(call)


class CustomCall(EmulatedCall):
    """A call whose input is said as it comes."""

    __slots__ = ("_bare", "_heard")

    def __init__(self, begun: Call) -> None:
        super().__init__(begun)
        self._bare: bool | None = None  # text without JSON around it; None: nothing came yet
        self._heard = False  # the input has begun

    def take(self, text: str) -> Iterator[Delta]:
        if self._bare is None and (begun := (self.text + text).lstrip()):
            self._bare = begun[0] not in '{"'
            text, self._text = self.text + text, []
        if not self._bare:
            yield from super().take(text)
        elif text:
            yield Arguments(self.part, text)

    def hear(self, piece: Piece) -> Iterable[Delta]:
        if piece.path not in _INPUT:
            return ()
        self._heard = True
        return (Arguments(self.part, piece.text),) if piece.text else ()

    def over(self) -> Iterator[Delta]:
        if self._strings.closed and object_of(self.text) is not None:
            yield from self.end()

    def end(self) -> Iterator[Delta]:
        if self.whole or (self._heard and self._strings.in_string):
            return
        self._read = self.whole = True
        if not self._bare and not self._heard and self.text.strip():
            yield Arguments(self.part, self.text)
        yield self.finished()

    def _settle(self) -> Iterator[Delta]:
        """The JSON is over. Without an input in it, it is the input itself, with what may follow."""
        if self._heard:
            yield from self.end()
