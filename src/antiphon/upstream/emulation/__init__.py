"""Every type of tool on every model: what a provider does not have is met by functions.

    turn ──adapt──▶ a turn that the dialect can say ──encode──▶ …
    calls ◀──filter── calls of functions            ◀──decode── …

    offer.py     the tools        names.py    what they are called
    choice.py    tool_choice      history.py  calls and outputs of the past
    calls.py     the way back     kinds/      what a function must say, and how its call is read
    agents.py    messages between agents
    relayed.py   calls among the events of an upstream that speaks Responses

The layer is pure and knows no dialect: it asks which types a dialect has of its own (`native_tools`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from antiphon.core.adaptations import Adaptation, Adaptations
from antiphon.core.grammars.judge import HeldTool, ToolName
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED, familiar, strange_fields
from antiphon.protocol.errors import InvalidRequest
from antiphon.upstream.base import Filter
from antiphon.upstream.emulation.calls import CallsBack
from antiphon.upstream.emulation.choice import chosen
from antiphon.upstream.emulation.history import is_native, is_told_anew, retold
from antiphon.upstream.emulation.offer import Offer, Offered
from antiphon.upstream.emulation.relayed import CallsApart

__all__ = ["Adapted", "adapt"]

Encoded = TypeVar("Encoded")

_IN_PARTS = re.compile(r"\]\.output\[")  # which are told as they are
_INDEXED = re.compile(r"(tools|input)\[(\d+)\]")


class Adapted(Struct, frozen=True):
    """A turn that the dialect can say. `filters` turn its calls into what the client asked for.

    `grammars` are those of custom tools, which a function does not hold the model to.
    """

    turn: Turn
    filters: tuple[Callable[[], Filter], ...] = ()
    adaptations: tuple[Adaptation, ...] = ()
    tools: tuple[str, ...] | None = None  # the place of each tool in the turn as it was; None: the same
    items: tuple[int, ...] | None = None  # … of each item
    grammars: Mapping[ToolName, HeldTool] = {}

    def place(self, param: str | None) -> str | None:
        """A path in this turn, as it is in the turn as it was."""
        found = _INDEXED.match(param or "")
        if found is None or param is None:
            return param
        index, rest = int(found[2]), param[found.end() :]
        if found[1] == "tools" and self.tools is not None and index < len(self.tools):
            return self.tools[index] + rest
        if found[1] == "input" and self.items is not None and index < len(self.items):
            return f"input[{self.items[index]}]{rest}"
        return param

    def encoded(self, encode: Callable[[Turn], Encoded]) -> Encoded:
        """What a dialect makes of it. What it refuses is named by its place in the turn as it was."""
        try:
            return encode(self.turn)
        except InvalidRequest as error:
            error.param = self.place(error.param)
            raise

    def placed(self, adaptations: tuple[Adaptation, ...]) -> tuple[Adaptation, ...]:
        """All adaptations: the layer's, and the dialect's at their places in the turn as it was."""
        if not adaptations:
            return self.adaptations
        return (
            *self.adaptations,
            *(Adaptation(self.place(each.param) or "", each.action, each.detail) for each in adaptations),
        )


def adapt(
    turn: Turn, native_tools: frozenset[str] | None, own_fields: frozenset[str] | None = frozenset()
) -> Adapted:
    """For a dialect with these types of tools of its own (None: all, and nothing is done), and these fields.

    `own_fields` None: it carries every field, and its answers are events of Responses.

    Raises InvalidRequest if `tool_choice` demands what cannot be offered, or a tool that changes how all
    others are called cannot be.
    """
    if native_tools is None:
        return Adapted(turn)
    adapted = Adaptations()
    if strange := _strangers(turn, native_tools, own_fields):
        for path in strange:
            adapted.dropped(path, NOT_OFFERED)
        if own_fields is not None:
            turn = familiar(turn)  # an object that is sent as it is has nothing more in it than is told
    if not turn.tools and turn.tool_choice is None and not any(is_told_anew(item) for item in turn.items):
        return Adapted(turn, adaptations=adapted.noted)  # the common case is spared what follows
    offer = Offer(turn, native_tools, adapted)
    choice = chosen(turn.tool_choice, offer, native_tools, asked=bool(turn.tools))
    items, places = retold(turn.items, offer, native_tools, adapted)
    back = {tool.name: tool for tool in offer.by_key.values() if tool.differs}
    return Adapted(
        replace(turn, tools=offer.tools, tool_choice=choice, items=items),
        _filters(back, carries=own_fields is None),
        adapted.noted,
        tuple(offer.places),
        tuple(places),
        offer.grammars,
    )


def _strangers(turn: Turn, native: frozenset[str], own_fields: frozenset[str] | None) -> list[str]:
    """The paths of the fields that do not get through; where all are carried, those of what is told anew."""
    if own_fields is not None:
        return [path for path in strange_fields(turn) if path not in own_fields]
    anew = (
        *(f"tools[{at}]." for at, tool in enumerate(turn.tools) if tool.get("type") not in native),
        *(f"input[{at}]." for at, item in enumerate(turn.items) if not is_native(item, native)),
    )
    if not anew:
        return []
    return [path for path in strange_fields(turn) if path.startswith(anew) and not _IN_PARTS.search(path)]


def _filters(back: Mapping[str, Offered], *, carries: bool) -> tuple[Callable[[], Filter], ...]:
    if not back:
        return ()
    return (*([partial(CallsApart, back.keys())] if carries else ()), partial(CallsBack, back))
