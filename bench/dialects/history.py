"""A conversation of 100 KB as an agent sends it: instructions, tools, words, thoughts, calls and outputs."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from antiphon.core.records import Target
from antiphon.core.turn import Turn
from antiphon.engine.plan import turn_of
from antiphon.protocol.request import Limits, create_response
from bench.bodies import PROSE

HISTORY_BYTES = 100_000

_PATH = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
_PATCH = "*** Begin Patch\n*** Update File: a.py\n@@\n-old = 1\n+new = 2\n*** End Patch\n"
TOOLS: list[dict[str, Any]] = [
    *(
        {"type": "function", "name": name, "description": PROSE, "parameters": _PATH, "strict": False}
        for name in ("read_file", "list_files", "delete_file", "run_tests")
    ),
    {"type": "custom", "name": "apply_patch", "description": PROSE},
    {
        "type": "namespace",
        "name": "tickets",
        "description": PROSE,
        "tools": [{"type": "function", "name": "list", "parameters": _PATH, "strict": False}],
    },
]


def history(model: str) -> Turn:
    """The turn, read from a request as any other is. Its items are HISTORY_BYTES of JSON, or a bit more."""
    items: list[dict[str, Any]] = []
    size = 0
    for number in count():
        if size >= HISTORY_BYTES:
            break
        more = _exchange(number)
        items += more
        size += len(json.dumps(more, separators=(",", ":")))
    items.append(_said("user", "input_text", PROSE))
    body = {"model": model, "instructions": PROSE * 20, "input": items, "tools": TOOLS, "store": False}
    request = create_response(body, Limits())
    assert isinstance(request.input, list)
    return turn_of(request, Target("bench", model), request.input)


def _exchange(number: int) -> list[dict[str, Any]]:
    """The user asks, two tools are called at once, then a third that takes text; 2.8 KB."""
    read, listed, patched = (f"call_{number:04d}{letter}" for letter in "abc")
    return [
        _said("user", "input_text", PROSE * 4),
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": PROSE * 3}]},
        _called(read, "read_file", {"path": f"src/{number}.py"}),
        _called(listed, "list", {"path": "src"}, namespace="tickets"),
        _gave("function_call_output", read, PROSE * 20),
        _gave("function_call_output", listed, "a.py\nb.py\nc.py\n" * 10),
        {"type": "custom_tool_call", "call_id": patched, "name": "apply_patch", "input": _PATCH},
        _gave("custom_tool_call_output", patched, "Done."),
        _said("assistant", "output_text", PROSE * 6),
    ]


def _said(role: str, kind: str, text: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def _called(call_id: str, name: str, arguments: Any, **more: str) -> dict[str, Any]:
    call = {"type": "function_call", "call_id": call_id, "name": name, "arguments": json.dumps(arguments)}
    return call | more


def _gave(kind: str, call_id: str, output: str) -> dict[str, Any]:
    return {"type": kind, "call_id": call_id, "output": output}
