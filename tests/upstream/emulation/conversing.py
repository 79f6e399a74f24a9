"""A model that knows nothing but functions, and a client that asks it for other tools."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from antiphon.core import deltas as d
from antiphon.core.assembler import Assembler
from antiphon.core.fold import fold
from antiphon.core.turn import Turn
from antiphon.protocol.events import Event
from antiphon.protocol.items import normalised
from antiphon.protocol.json import JSON
from antiphon.protocol.request import Limits, create_response
from antiphon.protocol.response import begun
from antiphon.upstream.emulation import Adapted, adapt
from tests.contract import specifications
from tests.play import counting_ids

FUNCTIONS = frozenset({"function"})
UNDOCUMENTED = "response.apply_patch_call_operation_diff."


def asked(
    *tools: JSON, items: Any = "hello", native: frozenset[str] | None = FUNCTIONS, **fields: Any
) -> Adapted:
    """The turn as the dialect gets it."""
    return adapt(Turn(model="m", items=normalised(items), tools=list(tools), **fields), native)


@dataclass(frozen=True)
class Answer:
    """What the client is told. `items` is the output, without ids."""

    events: list[Event]
    response: JSON

    @property
    def items(self) -> list[JSON]:
        return [
            {key: value for key, value in item.items() if key != "id"} for item in self.response["output"]
        ]

    @property
    def item(self) -> JSON:
        (item,) = self.items
        return item

    def said(self, kind: str, field: str = "delta") -> list[Any]:
        """One field of all events of this type."""
        return [event[field] for event in self.events if event["type"] == f"response.{kind}"]

    @property
    def types(self) -> list[str]:
        """Of all events about items, each run of one type once."""
        types = [event["type"].removeprefix("response.") for event in self.events[2:-1]]
        return [kind for at, kind in enumerate(types) if at == 0 or types[at - 1] != kind]


def function_of(turn: Adapted) -> JSON:
    """The one tool that the model is offered."""
    (tool,) = turn.turn.tools
    assert tool["type"] == "function"
    return tool


def call(name: str, arguments: Any, part: str = "0") -> list[d.Delta]:
    """A call in pieces of three characters; arguments that are no text are written as JSON."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    pieces = [d.Arguments(part, text[at : at + 3]) for at in range(0, len(text), 3)]
    return [d.Call(part, f"call_{part}", name), *pieces]


def answered(adapted: Adapted, *deltas: d.Delta, stop: d.StopReason | None = "tool_calls") -> Answer:
    """The model's deltas, as the client is told them, each event checked. `stop` None: the line went dead."""
    request = create_response({"model": "p/m", "input": "x"}, Limits())
    response = begun(request, response_id="resp_1", created_at=1, provider="p", model="p/m")
    assembler = Assembler(response, new_id=counting_ids(), reveal_sealed=False)
    events = assembler.begin()
    for delta in filtered(adapted, [*deltas, *([d.Stop(stop)] if stop else [])]):
        events += assembler.apply(delta)
    if stop is None:
        events += assembler.fail("upstream_disconnected", "gone", error_code="server_error")
    else:
        events += assembler.end_turn()[1] + assembler.finish(2)
    assert fold(events) == assembler.response
    if specifications.FOLDER.name:
        for event in events:
            if not event["type"].startswith(UNDOCUMENTED):
                specifications.openai().check_event(event)
    return Answer(events, assembler.response)


def filtered(adapted: Adapted, deltas: Iterable[d.Delta]) -> Iterator[d.Delta]:
    (make,) = adapted.filters
    each = make()
    for delta in deltas:
        yield from each.feed(delta)
    yield from each.finish()


def noted(adapted: Adapted) -> list[tuple[str, str]]:
    """(param, action)"""
    return [(adaptation.param, adaptation.action) for adaptation in adapted.adaptations]
