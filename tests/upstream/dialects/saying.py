"""Items of the Responses API, in few words; a long conversation that has all of them; how a turn is said."""

from __future__ import annotations

import random
from base64 import b64encode
from typing import Any

from msgspec.structs import replace

from antiphon.core.turn import Turn
from antiphon.upstream.base import Dialect, WireRequest
from antiphon.upstream.emulation import adapt

PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9aw"
    "AAAABJRU5ErkJggg=="
)

TOOLS = [
    {
        "type": "function",
        "name": name,
        "description": f"Does {name}.",
        "parameters": {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]},
        "strict": None,
    }
    for name in ("look", "roll")
]


def said_to(dialect: Dialect, turn: Turn) -> WireRequest:
    """The request, as the gateway makes it: with every tool a function."""
    adapted = adapt(turn, dialect.native_tools(turn), dialect.own_fields)
    request = adapted.encoded(dialect.encode)
    return replace(request, adaptations=adapted.placed(request.adaptations))


def user(*parts: dict[str, Any] | str) -> dict[str, Any]:
    return message("user", *parts)


def message(role: str, *parts: dict[str, Any] | str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": part} if isinstance(part, str) else part for part in parts]
    return {"type": "message", "role": role, "content": content}


def image(url: str = PNG, **fields: Any) -> dict[str, Any]:
    return {"type": "input_image", "image_url": url, **fields}


def file(text: str, name: str = "notes.txt") -> dict[str, Any]:
    data = f"data:text/plain;base64,{b64encode(text.encode()).decode()}"
    return {"type": "input_file", "filename": name, "file_data": data}


def thought(text: str, **fields: Any) -> dict[str, Any]:
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}], **fields}


def call(call_id: str, arguments: str = '{"x": "1"}', name: str = "look") -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def output(call_id: str, said: Any = "done") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": said}


def conversation(seed: int, turns: int) -> list[dict[str, Any]]:
    """Every kind of item that the gateway keeps, in orders that clients really send."""
    chance = random.Random(seed)
    items: list[dict[str, Any]] = [message("system", "Be brief."), message("developer", "Be kind.")]
    for turn in range(turns):
        items.append(user(*chance.choice((["a"], ["b", image()], [file("c"), "d"], [image(detail="low")]))))
        for step in range(chance.randrange(4)):
            items += _steps(chance, f"call_{turn}_{step}")
        if chance.random() < 0.4:
            items.append(thought("so", **chance.choice(({}, {"encrypted_content": "anthropic:x"}))))
        items += [message("assistant", "Answer.")] * chance.choice((1, 1, 1, 2))
        if chance.random() < 0.2:
            items.append(message(chance.choice(("system", "developer")), "Now in French."))
    return items


def _steps(chance: random.Random, call_id: str) -> list[dict[str, Any]]:
    said = [item for item in (thought("I look."), message("assistant", "Wait.")) if chance.random() < 0.5]
    match chance.randrange(5):
        case 0:
            patch = {"type": "custom_tool_call", "call_id": call_id, "name": "patch", "input": "*** Begin"}
            return [*said, patch, {**output(call_id), "type": "custom_tool_call_output"}]
        case 1:
            roll = {"type": "mcp_call", "id": call_id, "name": "roll", "arguments": "", "output": "4"}
            return [*said, roll, {"type": "web_search_call", "id": "ws", "status": "completed"}]
        case 2:
            shell = {"type": "shell_call", "call_id": call_id, "action": {"commands": ["ls"]}}
            return [
                *said,
                shell,
                {"type": "shell_call_output", "call_id": call_id, "output": [{"stdout": ""}]},
            ]
        case 3:
            parts = [{"type": "input_text", "text": "seen"}, image(), file("all")]
            return [*said, call(call_id), user("hurry"), output(call_id, parts[: chance.randrange(4)])]
        case _:
            ids = [f"{call_id}_{number}" for number in range(3)]
            outputs = [output(each, chance.choice(("", "x", [image()]))) for each in ids]
            chance.shuffle(outputs)
            return [*said, *(call(each, chance.choice(("{}", "", '{"x": 1}'))) for each in ids), *outputs]
