"""The tool calls of one answer.

A call comes whole (C8, C11, C19) or in pieces: a first one with id and name, then arguments. `index` says
which call a piece belongs to, but servers leave it out, give every call the same, or say the name again:

    a piece begins another call if its index (without one: its id) is new, or if it brings a name and
    – another id than the call of that index has, or
    – that call was begun in the same chunk, or
    – arguments, although that call's are whole already, or
    – it has neither index nor id.
    Every other piece goes on with the call of its index, of its id, or with the last call.

Ids may be "" or null (C23, C24): then the assembler makes one.
"""

from __future__ import annotations

from typing import Any, Literal

from antiphon.core.deltas import Arguments, Call, Delta, Sealed
from antiphon.protocol.errors import ProtocolViolation
from antiphon.protocol.json import JSON, MalformedJSON, decode, encode
from antiphon.upstream.dialects.chat import signatures
from antiphon.upstream.dialects.chat.wire import Function, ToolCall


class OpenCall:
    """A call whose arguments may go on."""

    __slots__ = ("call_id", "name", "part", "said")

    def __init__(self, part: str, call_id: str) -> None:
        self.part = part
        self.call_id = call_id
        self.name = ""
        self.said: list[str] = []  # arguments so far; held back as long as the name is missing

    def take(
        self,
        name: str,
        kind: Literal["function", "custom"],
        text: str,
        deltas: list[Delta],
        signature: JSON | None = None,
    ) -> None:
        if signature is not None:
            place = "last" if self.name else "next"
            deltas.append(Sealed(f"seal:{self.part}", signatures.seal(place, signature)))
        if text:
            self.said.append(text)
        if self.name:
            if text:
                deltas.append(Arguments(self.part, text))
        elif name:
            self.name = name
            deltas.append(Call(self.part, self.call_id, name, kind))
            if self.said:
                deltas.append(Arguments(self.part, "".join(self.said)))

    def is_whole(self) -> bool:
        try:
            decode("".join(self.said).encode("utf-8", "replace"))
        except MalformedJSON:
            return False
        return True


class Calls:
    """Sorts pieces into calls. `keep_signatures`: what they are signed with must come back."""

    __slots__ = ("_by_id", "_by_index", "_keep_signatures", "_last", "opened")

    def __init__(self, *, keep_signatures: bool = False) -> None:
        self.opened: list[OpenCall] = []
        self._keep_signatures = keep_signatures
        self._by_index: dict[int, OpenCall] = {}
        self._by_id: dict[str, OpenCall] = {}
        self._last: OpenCall | None = None

    def take(self, pieces: list[ToolCall], deltas: list[Delta]) -> None:
        """The pieces of one chunk."""
        before = len(self.opened)
        for piece in pieces:
            name, kind, text = _content(piece)
            call_id = piece.id if isinstance(piece.id, str) else ""
            index = piece.index if isinstance(piece.index, int) else None
            call = self._find(index, call_id)
            if call is None or (name and self._is_another(call, index, call_id, text, before)):
                call = self._begin(index, call_id)
            self._last = call
            signature = piece.extra_content if self._keep_signatures else None
            call.take(name, kind, text, deltas, signature if isinstance(signature, dict) else None)

    def take_legacy(self, function: Function, deltas: list[Delta]) -> None:
        """The one call of the old `function_call` field (C37); servers also send it empty (C25)."""
        if function.name or function.arguments:
            self.take([ToolCall(index=-1, function=function)], deltas)

    def check(self) -> None:
        """The answer is over. Raises ProtocolViolation for a call that never got a name."""
        if any(not call.name for call in self.opened):
            raise ProtocolViolation("The provider sent a tool call without a name.")

    def _find(self, index: int | None, call_id: str) -> OpenCall | None:
        if index is not None:
            return self._by_index.get(index)
        return self._by_id.get(call_id) if call_id else self._last

    def _is_another(self, call: OpenCall, index: int | None, call_id: str, text: str, before: int) -> bool:
        """Of a piece with a name: whether it begins a call of its own, not `call` again."""
        if call_id and call.call_id:
            return call_id != call.call_id
        if index is None and not call_id:
            return True
        return bool(call.name) and (call in self.opened[before:] or (bool(text) and call.is_whole()))

    def _begin(self, index: int | None, call_id: str) -> OpenCall:
        call = OpenCall(f"call:{len(self.opened)}", call_id)
        self.opened.append(call)
        if index is not None:
            self._by_index[index] = call
        if call_id:
            self._by_id[call_id] = call
        return call


def _content(piece: ToolCall) -> tuple[str, Literal["function", "custom"], str]:
    """Name, kind and text of a piece. An empty `custom` may stand beside the function (C25)."""
    function, custom = piece.function, piece.custom
    if custom is not None and (custom.name or custom.input) and not (function and function.name):
        return _string(custom.name), "custom", _text(custom.input)
    if function is None:
        return "", "function", ""
    return _string(function.name), "function", _text(function.arguments)


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _text(arguments: Any) -> str:
    """Arguments are JSON text; some servers send the object itself."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else encode(arguments).decode()
