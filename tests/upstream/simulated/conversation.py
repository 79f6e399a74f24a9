"""Short ways to build a turn for the simulated model and to hear what it says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from antiphon.core import deltas as d
from antiphon.core.adaptations import Adaptation
from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProviderError
from antiphon.upstream.simulated import Script, Simulated

Item = dict[str, Any]

WEATHER: Item = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
        "required": ["location", "unit"],
        "additionalProperties": False,
    },
}
SHELL: Item = {"type": "custom", "name": "shell"}
CRM: Item = {
    "type": "namespace",
    "name": "crm",
    "description": "Customers",
    "tools": [
        {"type": "function", "name": "find", "parameters": {"type": "object", "properties": {}}},
        {"type": "custom", "name": "note"},
    ],
}


def user(text: str) -> Item:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def assistant(text: str) -> Item:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def call(call_id: str, name: str = "get_weather", arguments: str = "{}") -> Item:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def output(call_id: str, text: Any) -> Item:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


@dataclass
class Heard:
    """What came out of one turn."""

    deltas: list[d.Delta] = field(default_factory=list)
    error: ProviderError | None = None
    adaptations: tuple[Adaptation, ...] = ()

    def joined(self, kind: type[Any]) -> str:
        return "".join(delta.text for delta in self.deltas if isinstance(delta, kind))

    @property
    def text(self) -> str:
        return self.joined(d.Text)

    @property
    def calls(self) -> list[tuple[str | None, str, str]]:
        """(namespace, name, arguments) of each call."""
        return [
            (
                made.namespace,
                made.name,
                "".join(
                    piece.text
                    for piece in self.deltas
                    if isinstance(piece, d.Arguments) and piece.part == made.part
                ),
            )
            for made in self.deltas
            if isinstance(made, d.Call)
        ]

    @property
    def usage(self) -> d.Usage:
        return next(delta for delta in self.deltas if isinstance(delta, d.Usage))

    @property
    def stop(self) -> str | None:
        return next((delta.reason for delta in self.deltas if isinstance(delta, d.Stop)), None)

    @property
    def pieces(self) -> int:
        spoken = (d.Text, d.Refusal, d.Reasoning, d.Arguments)
        return sum(isinstance(delta, spoken) for delta in self.deltas)


def turn(said: str | Iterable[Item], **fields: Any) -> Turn:
    items = [user(said)] if isinstance(said, str) else list(said)
    return Turn(model="echo", items=items, **fields)


async def hear(
    said: str | Iterable[Item], *, model: str = "echo", script: Script | None = None, **fields: Any
) -> Heard:
    """One turn, to its end."""
    speech = Simulated(script).speech(turn(said, **fields), model)
    heard = Heard(adaptations=speech.adaptations)
    try:
        async for batch in speech.deltas():
            heard.deltas += batch
    except ProviderError as error:
        heard.error = error
    return heard
