"""The conversation: thirteen turns, in no dialect.

A turn is what the client sends (items, and fields of the request), and what the model answers. Each text is
there once, so that a provider's request can be searched for all that was said before it.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Item: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Thought:
    text: str


@dataclass(frozen=True)
class Words:
    text: str


@dataclass(frozen=True)
class Refusal:
    text: str


@dataclass(frozen=True)
class Call:
    """Of a function, whose arguments are an object, or of a custom tool, whose input is text."""

    name: str
    given: dict[str, Any] | str
    namespace: str | None = None


@dataclass(frozen=True)
class Ran:
    """What a tool did that the provider runs itself: code (`asked` has it), or a tool of an MCP server."""

    kind: Literal["code", "mcp"]
    name: str
    asked: dict[str, Any]
    came: str


Part: TypeAlias = Thought | Words | Refusal | Call | Ran


@dataclass(frozen=True)
class Answer:
    """What the model says; `cut`: the limit of the output stops it in the middle of its words."""

    parts: tuple[Part, ...]
    cut: bool = False

    @property
    def calls(self) -> list[Call]:
        return [part for part in self.parts if isinstance(part, Call)]

    @property
    def comes_to_something(self) -> bool:
        """Thoughts alone are not taken back by anybody."""
        return not all(isinstance(part, Thought) for part in self.parts)


@dataclass(frozen=True)
class Turn:
    """`ask` makes the items of the request; it gets the ids of the calls that the answer before made."""

    about: str
    ask: Callable[[list[str]], list[Item]]
    answer: Answer
    fields: dict[str, Any] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    """What must be in every request from now on, beside the words of the answers."""


def _image(shade: int) -> str:
    """The base64 of a PNG with one grey pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixel = zlib.compress(bytes([0, shade]))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")
    return base64.b64encode(png).decode()


CHART, PHOTO = _image(40), _image(200)

WEATHER: Item = {
    "type": "function",
    "name": "get_the_current_weather_at_a_place",
    "description": "The weather.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
SQL: Item = {"type": "custom", "name": "sql", "description": "Runs SQL."}
CRM: Item = {
    "type": "namespace",
    "name": "crm",
    "description": "Customers.",
    "tools": [
        {
            "type": "function",
            "name": "list",
            "parameters": {"type": "object", "properties": {"page": {"type": "integer"}}},
            "strict": False,
        }
    ],
}
TOOLS = [WEATHER, SQL, CRM]
QUERY = "SELECT 'ä',\n\t\"😀\" -- all"
SHAPE: Item = {
    "type": "json_schema",
    "name": "total",
    "schema": {
        "type": "object",
        "properties": {"total": {"type": "integer"}},
        "required": ["total"],
        "additionalProperties": False,
    },
    "strict": True,
}
THINK = {"effort": "medium", "summary": "auto"}


_KEPT = {"cache_control": {"type": "ephemeral"}}
"""On every message: more marks than anybody takes."""


def _text(text: str) -> Item:
    return {"type": "input_text", "text": text}


def _message(role: str, *content: str | Item) -> Item:
    parts = [{**_text(said), **_KEPT} if isinstance(said, str) else said for said in content]
    return {"type": "message", "role": role, "content": parts}


def _picture(data: str) -> Item:
    return {"type": "input_image", "image_url": f"data:image/png;base64,{data}", "detail": "auto"}


def _says(*texts: str, **fields: Any) -> dict[str, Any]:
    return {"ask": lambda _: [_message("user", *texts)], "told": texts, "fields": fields}


def _output(kind: str, call_id: str, output: Any) -> Item:
    return {"type": f"{kind}_output", "call_id": call_id, "output": output}


TURNS = (
    Turn(
        "plain",
        **_says("What is six times seven?", instructions="Be brief."),
        answer=Answer((Words("Forty-two."),)),
    ),
    Turn(
        "messages of the system and the developer",
        ask=lambda _: [
            _message("system", "Speak English."),
            _message("developer", "The user is Ada."),
            _message("user", "Who am I?"),
        ],
        told=("Speak English.", "The user is Ada.", "Who am I?"),
        answer=Answer((Words("You are Ada."),)),
    ),
    Turn(
        "a call after thoughts",
        **_says("How is the weather in Oslo?", tools=TOOLS, reasoning=THINK),
        answer=Answer(
            (Thought("Oslo: I must look."), Words("Let me look."), Call(WEATHER["name"], {"city": "Oslo"}))
        ),
    ),
    Turn(
        "its output, and what was said meanwhile",
        ask=lambda ids: [
            _message("developer", "Degrees are Celsius."),
            _output("function_call", ids[0], "rain at 4 °C"),
            _message("user", "Be quick."),
        ],
        told=("Oslo", "rain at 4 °C", "Degrees are Celsius.", "Be quick."),
        fields={"tools": TOOLS, "reasoning": THINK},
        answer=Answer((Thought("Four degrees is cold."), Words("Rain, four degrees."))),
    ),
    Turn(
        "calls in parallel, of a custom tool and of a namespace",
        **_says("Query the table, and list the customers.", tools=TOOLS, tool_choice="required"),
        answer=Answer(
            (Call("sql", QUERY), Call("list", {"page": 2}, "crm"), Call(WEATHER["name"], {"city": "Rome"}))
        ),
    ),
    Turn(
        "their outputs in another order, one with an image, one empty",
        ask=lambda ids: [
            _output("function_call", ids[2], ""),
            _output("function_call", ids[1], [_text("Page two:"), _picture(CHART)]),
            _output("custom_tool_call", ids[0], "two rows"),
        ],
        told=(QUERY, "two rows", "Page two:", CHART),
        fields={"tools": TOOLS},
        answer=Answer((Words("Two rows, and a chart."),)),
    ),
    Turn(
        "an image of the user's",
        ask=lambda _: [_message("user", "What is in the photo?", _picture(PHOTO))],
        told=("What is in the photo?", PHOTO),
        answer=Answer((Words("A grey pixel."),)),
    ),
    Turn(
        "much effort",
        **_says("Prove that it is grey.", reasoning={"effort": "high", "summary": "auto"}),
        answer=Answer((Thought("Red, green and blue are equal."), Words("Its three channels agree."))),
    ),
    Turn(
        "an answer in a shape",
        **_says("Total of both numbers?", text={"format": SHAPE}, tools=TOOLS),
        answer=Answer((Words('{"total":46}'),)),
    ),
    Turn(
        "a refusal",
        **_says("Pick this lock.", tools=TOOLS),
        answer=Answer((Refusal("I cannot help with locks."),)),
    ),
    Turn(
        "thoughts that are cut before anything came of them",
        **_says("Think of a story.", max_output_tokens=4_096, reasoning=THINK),
        answer=Answer((Thought("A hare, a tor"),), cut=True),
    ),
    Turn(
        "an answer that is cut",
        **_says("Tell a long story.", max_output_tokens=4_096, reasoning=THINK),
        answer=Answer((Thought("A fox, a crow."), Words("Once upon a ti")), cut=True),
    ),
    Turn(
        "going on, with all that was",
        **_says("Go on, then sum up everything.", tools=TOOLS, reasoning=THINK),
        answer=Answer((Thought("All of it."), Words("…me. And that was all."))),
    ),
)
