"""Anthropic's own computer tools, which the client runs.

    computer_toolset_20260801     a call for each member: {name: left_click, toolset_name: computer, input}
    computer_20251124, _20250124  {name: computer, input: {action: left_click, …}}, behind a beta

Members that no action of the Responses API says (holding keys and buttons, the cursor's position, zooming,
clicking three times) are not offered in the toolset. The older tools cannot leave any out: three clicks
become two and one, a held key is pressed; for the others the client takes a screenshot, and the model reads
that it must do without. A scroll counts clicks of the wheel here, and pixels there.

The older tools must know how large the screen is; the toolset's coordinates are those of the screenshots.
(https://platform.claude.com/docs/en/agents-and-tools/tool-use/computer-use-tool)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from antiphon.core.adaptations import Adaptations
from antiphon.core.deltas import Call
from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON, MalformedJSON, decode, encode
from antiphon.protocol.tools import COMPUTER_PREVIEW
from antiphon.upstream.claude.models import abilities_of
from antiphon.upstream.computer import actions as act
from antiphon.upstream.computer.actions import Cannot, OwnCall, Point, actions_of
from antiphon.upstream.computer.calls import ComputerCalls
from antiphon.upstream.computer.keys import keys_of, presses, x11
from antiphon.upstream.computer.screens import Size, screen_of
from antiphon.upstream.computer.tools import computer_tool
from antiphon.upstream.dialects.anthropic.content import image
from antiphon.upstream.emulation.kinds.base import whole_number

if TYPE_CHECKING:
    from antiphon.upstream.dialects.anthropic import Anthropic

NAME = "computer"
"""The older tool's name, and that of the toolset."""
SEALED_CALLS = "anthropic:calls:"
"""How sealed calls begin; no signature has a colon."""
CLICK = 100  # pixels of a click of the wheel, as browsers on most systems have it

_TOOLSET, _NEWEST_BETA = "computer_toolset_20260801", "computer_20251124"
_BETAS = {_NEWEST_BETA: "computer-use-2025-11-24", "computer_20250124": "computer-use-2025-01-24"}
_WITHHELD = ("cursor_position", "hold_key", "left_mouse_down", "left_mouse_up", "triple_click", "zoom")
_BUTTONS = {"left": "left_click", "right": "right_click", "wheel": "middle_click"}
_WAIT = 2  # seconds


@dataclass(frozen=True, slots=True)
class Computer:
    """The tool of one turn, and how its calls are said. `several`: the client takes many actions a call."""

    kind: str
    size: Size | None
    several: bool

    @property
    def tool(self) -> JSON:
        if self.kind == _TOOLSET:
            return {"type": self.kind, "configs": {name: {"enabled": False} for name in _WITHHELD}}
        width, height = self.size or (0, 0)
        return {"type": self.kind, "name": NAME, "display_width_px": width, "display_height_px": height}

    @property
    def betas(self) -> list[str]:
        return [_BETAS[self.kind]] if self.kind in _BETAS else []

    def filter(self) -> ComputerCalls:
        return ComputerCalls(self, self.several)

    def use(self, call: OwnCall) -> JSON:
        """The fields of a `tool_use` that say which tool is used, and for what."""
        if self.kind == _TOOLSET:
            return {"name": call.name, "toolset_name": NAME, "input": call.input}
        return {"name": NAME, "input": {"action": call.name, **call.input}}

    # Language

    def is_own(self, call: Call) -> bool:
        """A member of a toolset comes with the toolset's name as its namespace."""
        return (call.namespace if self.kind == _TOOLSET else call.name) == NAME

    def own_call(self, call: Call, given: JSON) -> OwnCall:
        if self.kind == _TOOLSET:
            return OwnCall(call.call_id, call.name, given)
        rest = {name: value for name, value in given.items() if name != "action"}
        return OwnCall(call.call_id, str(given.get("action")), rest)

    def actions(self, name: str, given: JSON, pointer: Point | None) -> list[JSON]:
        if name not in _ACTIONS:
            raise Cannot(f"{name[:32]} cannot be done here. The screen is as it was.")
        return _ACTIONS[name](given, pointer)

    def said(self, actions: list[JSON]) -> list[tuple[str, JSON]]:
        return [said for action in actions for said in _said(action)]

    def check(self, call: OwnCall) -> JSON | None:
        return None

    def seal(self, calls: list[OwnCall]) -> str:
        return SEALED_CALLS + encode([msgspec.to_builtins(call) for call in calls]).decode()


def computer_of(turn: Turn, dialect: Anthropic) -> Computer | None:
    """The turn's computer, if this model has a tool for it and what must be known for that is."""
    tool = computer_tool(turn) if dialect.computer else None
    if tool is None:
        return None
    kind = (dialect.abilities or abilities_of(turn.model)).computer
    if kind == _TOOLSET and dialect.platform == "bedrock":
        kind = _NEWEST_BETA
    size = screen_of(tool, turn.items)
    if kind is None or (kind != _TOOLSET and size is None):
        return None
    return Computer(kind, size, tool["type"] != COMPUTER_PREVIEW)


def screenshot(item: JSON, path: str, adapted: Adaptations) -> JSON:
    """The image of a computer_call_output, as a block. Raises InvalidRequest naming what cannot be read."""
    shown = item.get("output")
    part = shown if isinstance(shown, dict) else {}
    kept = {field: value for field, value in part.items() if field != "detail" or value == "low"}
    return image(kept, f"{path}.output", adapted)


def results(
    computer: Computer,
    item: JSON,
    sealed: list[OwnCall],
    path: str,
    shown: JSON | None,
    adapted: Adaptations,
) -> Iterator[tuple[OwnCall, JSON | None]]:
    """The calls of a computer_call, and what the result of each says; None: nothing came of it.

    `sealed`: the calls that came sealed last, which may be those of another computer_call.
    """
    call_id = str(item.get("call_id") or "")
    calls = sealed if sealed and sealed[0].id == call_id else []
    if not calls:
        actions = actions_of(item)
        if any(map(_loses, actions)):
            adapted.translated(path, "some keys that were held, or the way of a drag, are not told")
        calls = [OwnCall(call_id, name, given) for name, given in computer.said(actions or [act.SCREENSHOT])]
    shown_at = act.shown_with(calls)
    for index, call in enumerate(calls):
        said = [{"type": "text", "text": call.told or "OK"}] if call.told or index != shown_at else []
        halted = {"is_error": True} if call.told == act.NOT_EXECUTED else {}
        content = said if index != shown_at or shown is None else [*said, shown]
        yield call, None if shown is None else {"content": content, **halted}


def _loses(action: JSON) -> bool:
    """Whether the tool cannot say all of it."""
    path = action.get("path")
    wandering = isinstance(path, list) and len(path) > 2
    return wandering or (action.get("type") == "move" and bool(act.keys_held(action)))


def opened_calls(blob: str) -> list[OwnCall]:
    """What was sealed; nothing if it is not ours or was damaged."""
    try:
        return msgspec.convert(decode(blob.removeprefix(SEALED_CALLS).encode()), list[OwnCall])
    except (MalformedJSON, UnicodeEncodeError, msgspec.ValidationError):
        return []


# Members, as actions


def _place(given: JSON, pointer: Point | None, field: str = "coordinate") -> Point:
    place = given.get(field)
    found = act.point(*place) if isinstance(place, list) and len(place) == 2 else None
    if found is None and (field in given or pointer is None):
        raise Cannot("Say where: the cursor's position is not known here.")
    return found or pointer or (0, 0)


def _held(given: JSON) -> list[str]:
    text = given.get("text")
    return keys_of(text) if isinstance(text, str) and text else []


def _click(button: str) -> Callable[[JSON, Point | None], list[JSON]]:
    return lambda given, pointer: [act.click(_place(given, pointer), button, _held(given))]


def _double_click(given: JSON, pointer: Point | None) -> list[JSON]:
    return [act.double_click(_place(given, pointer), _held(given))]


def _triple_click(given: JSON, pointer: Point | None) -> list[JSON]:
    return [*_double_click(given, pointer), *_click("left")(given, pointer)]


def _move(given: JSON, pointer: Point | None) -> list[JSON]:
    return [{"type": "move", **act.at(_place(given, None))}]


def _drag(given: JSON, pointer: Point | None) -> list[JSON]:
    start = _place(given, pointer, "start_coordinate")
    return [act.drag(start, _place(given, None), _held(given))]


def _scroll(given: JSON, pointer: Point | None) -> list[JSON]:
    clicks = whole_number(given.get("scroll_amount"))
    if clicks is None:
        raise Cannot("scroll: the amount is a whole number.")
    way = str(given.get("scroll_direction"))
    return [act.scroll(_place(given, pointer), way, CLICK * clicks, _held(given))]


def _key(given: JSON, pointer: Point | None) -> list[JSON]:
    text, times = given.get("text"), whole_number(given.get("repeat", 1))
    if not isinstance(text, str) or not text or times is None or not 1 <= times <= 100:
        raise Cannot("A key has a name, and is repeated 1 to 100 times.")
    return [act.keypress(keys) for keys in presses(text)] * times


def _type(given: JSON, pointer: Point | None) -> list[JSON]:
    return [act.typed(given.get("text"))]


_ACTIONS: MappingProxyType[str, Callable[[JSON, Point | None], list[JSON]]] = MappingProxyType(
    {
        **{name: _click(button) for button, name in _BUTTONS.items()},
        "double_click": _double_click,
        "triple_click": _triple_click,
        "mouse_move": _move,
        "left_click_drag": _drag,
        "scroll": _scroll,
        "key": _key,
        "hold_key": _key,
        "type": _type,
        "wait": lambda given, pointer: [act.WAIT],
        "screenshot": lambda given, pointer: [act.SCREENSHOT],
    }
)


# Actions, as members


def _said(action: JSON) -> Iterator[tuple[str, JSON]]:
    keys, place = act.keys_held(action), act.place_of(action)
    where = {"coordinate": list(place)} if place is not None else {}
    held = {"text": x11(keys)} if keys else {}
    match action.get("type"):
        case "click":
            yield from _said_of_click(action.get("button"), where | held)
        case "double_click":
            yield "double_click", where | held
        case "move":
            yield "mouse_move", where
        case "drag" if ends := act.ends_of(action):
            start, end = map(list, ends)
            yield "left_click_drag", {"start_coordinate": start, "coordinate": end} | held
        case "scroll":
            for way, pixels in act.scrolled(action):
                clicks = -(-pixels // CLICK)
                yield "scroll", {**where, "scroll_direction": way, "scroll_amount": clicks, **held}
        case "keypress":
            yield "key", held
        case "type":
            yield "type", {"text": action.get("text")}
        case "wait":
            yield "wait", {"duration": _WAIT}
        case _:
            yield "screenshot", {}


def _said_of_click(button: Any, given: JSON) -> Iterator[tuple[str, JSON]]:
    """The buttons that go through the pages of a browser have keys that do the same."""
    if button in ("back", "forward"):
        yield "key", {"text": "alt+Left" if button == "back" else "alt+Right"}
    else:
        yield _BUTTONS.get(str(button), "left_click"), given
