"""`apply_patch`: one change of one file, as a V4A diff; a function with the operation's fields.

The item begins when the kind of change and the path are known, which models write first; the diff is
then given out as it comes. Of a patch that is cut before, nothing is told but that the answer is cut.

Format: https://developers.openai.com/api/docs/guides/tools-apply-patch
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from antiphon.core.deltas import Arguments, Call, CallKind, Delta
from antiphon.core.json_strings import Piece
from antiphon.protocol.json import JSON
from antiphon.upstream.emulation.kinds.base import EmulatedCall, given

_WITH_DIFF = ("create_file", "update_file")
_DESCRIPTION = """\
Creates, updates or deletes one file. Call it once for each file.

`diff` is a diff in the V4A format, without a header:
- to create a file: its lines, each with a "+" in front;
- to update a file: sections, each beginning with a line "@@", which may name the class or function it is in
  ("@@ def name():"). A section has about three unchanged lines before and after the change, each with a space
  in front; lines to be removed begin with "-", new lines with "+". There are no line numbers;
- to delete a file: nothing."""
_PARAMETERS: JSON = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": [*_WITH_DIFF, "delete_file"]},
        "path": {"type": "string", "description": "The path of the file."},
        "diff": {"type": "string", "description": "The diff; left out when the file is deleted."},
    },
    "required": ["type", "path"],
    "additionalProperties": False,
}


class ApplyPatch:
    """The kind `apply_patch`."""

    kind: CallKind = "apply_patch"
    call_type = "apply_patch_call"
    output_type = "apply_patch_call_output"

    def offer(self, tool: JSON) -> JSON:
        return {"description": _DESCRIPTION, "parameters": _PARAMETERS}

    def arguments(self, call: JSON) -> Any:
        return call.get("operation") or {}

    def output(self, item: JSON) -> Any:
        return given({"status": item.get("status"), "output": item.get("output")})

    def call(self, call: Call, tool: JSON) -> EmulatedCall:
        return PatchCall(call)


class PatchCall(EmulatedCall):
    """A call whose diff is said as it comes."""

    __slots__ = ("_begun", "_known")

    def __init__(self, begun: Call) -> None:
        super().__init__(begun)
        self._known: dict[str | int, str] = {}
        self._begun = False

    def open(self) -> Iterable[Delta]:
        return ()

    def hear(self, piece: Piece) -> Iterable[Delta]:
        if len(piece.path) != 1 and piece.path[:-1] != ("operation",):
            return
        name = piece.path[-1]
        if name != "diff":
            self._known[name] = self._known.get(name, "") + piece.text
            return
        operation = {name: self._known.get(name) for name in ("type", "path")}
        if not self._begun and operation["type"] in _WITH_DIFF and operation["path"] is not None:
            yield self._begin({**operation, "diff": ""})
        if self._begun and piece.text:
            yield Arguments(self.part, piece.text)

    def settle(self, value: JSON) -> Iterable[Delta] | None:
        inner = value.get("operation")
        operation = inner if isinstance(inner, dict) else value
        kind, path, diff = (operation.get(name) for name in ("type", "path", "diff"))
        if not isinstance(path, str) or not (kind == "delete_file" or self._has_diff(kind, diff)):
            return None
        if self._begun:
            return (self.finished(),)
        if kind == "delete_file":
            return (self._begin({"type": kind, "path": path}), self.finished())
        told = [Arguments(self.part, diff)] if diff else []
        return (self._begin({"type": kind, "path": path, "diff": ""}), *told, self.finished())

    def _has_diff(self, kind: Any, diff: Any) -> bool:
        return kind in _WITH_DIFF and isinstance(diff, str)

    def _begin(self, operation: JSON) -> Call:
        self._begun = True
        call = self.begun
        return Call(call.part, call.call_id, call.name, call.kind, fields={"operation": operation})
