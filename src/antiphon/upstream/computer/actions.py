"""What a model does with a computer: calls of its own tool, and the actions of the Responses API.

A call may come to several actions, and several calls in a row are one computer_call. They are done in order;
if one of them cannot be said in actions, the client takes a screenshot instead, nothing after it is done, and
the model reads why.

Actions: https://developers.openai.com/api/docs/guides/tools-computer-use
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from antiphon.core.deltas import Call
from antiphon.protocol.json import JSON
from antiphon.upstream.emulation.kinds.base import whole_number

Point: TypeAlias = tuple[int, int]
"""Pixels from the left and from the top."""

SCREENSHOT: JSON = {"type": "screenshot"}
WAIT: JSON = {"type": "wait"}
NOT_EXECUTED = "Not executed: an earlier computer action in this turn failed."
"""Anthropic's words, which its models were trained on."""


class Cannot(Exception):
    """A call that no action says. The text is for the model."""


class OwnCall(Struct, frozen=True):
    """A call of the model's own tool. `told`: what its result says beside the screenshot, if anything."""

    id: str
    name: str
    input: JSON
    told: str | None = None


class Deed(Struct, frozen=True):
    """A call, and the actions that it comes to."""

    call: OwnCall
    actions: list[JSON]


class Language(Protocol):
    """How a dialect's models speak of a computer. Without state."""

    def is_own(self, call: Call) -> bool:
        """Whether it is a call of the tool."""
        ...

    def own_call(self, call: Call, given: JSON) -> OwnCall: ...

    def actions(self, name: str, given: JSON, pointer: Point | None) -> list[JSON]:
        """`pointer`: where the call before has left it. Raises Cannot."""
        ...

    def said(self, actions: list[JSON]) -> list[tuple[str, JSON]]:
        """The names and inputs of calls that do this."""
        ...

    def check(self, call: OwnCall) -> JSON | None:
        """What the user must be asked before, as `code` and `message`."""
        ...

    def seal(self, calls: list[OwnCall]) -> str: ...


def deeds(calls: Iterable[OwnCall], language: Language) -> list[Deed]:
    """What calls in a row come to."""
    done: list[Deed] = []
    pointer: Point | None = None
    failed = False
    for call in calls:
        if failed:
            done.append(Deed(replace(call, told=NOT_EXECUTED), []))
            continue
        try:
            actions = language.actions(call.name, call.input, pointer)
        except Cannot as why:
            failed = True
            done.append(Deed(replace(call, told=str(why)), [SCREENSHOT]))
        else:
            pointer = next(filter(None, map(_left_at, reversed(actions))), pointer)
            done.append(Deed(call, actions))
    return done


def shown_with(calls: list[OwnCall]) -> int:
    """The index of the call whose result has the screenshot: the last one that was done, or tried."""
    return max((index for index, call in enumerate(calls) if call.told != NOT_EXECUTED), default=0)


def actions_of(item: JSON) -> list[JSON]:
    """The actions of a computer_call, in either form."""
    given = item.get("actions")
    several = given if isinstance(given, list) else [item.get("action")]
    return [action for action in several if isinstance(action, dict)]


def point(x: Any, y: Any) -> Point | None:
    left, top = whole_number(x), whole_number(y)
    return None if left is None or top is None else (left, top)


def at(place: Point) -> JSON:
    return {"x": place[0], "y": place[1]}


def click(place: Point, button: str = "left", keys: list[str] | None = None) -> JSON:
    return {"type": "click", "button": button, **at(place), **({"keys": keys} if keys else {})}


def double_click(place: Point, keys: list[str] | None = None) -> JSON:
    """Its schema demands `keys`, also where there are none."""
    return {"type": "double_click", **at(place), "keys": keys or None}


def drag(start: Point, end: Point, keys: list[str] | None = None) -> JSON:
    return {"type": "drag", "path": [at(start), at(end)], **({"keys": keys} if keys else {})}


def scroll(place: Point, direction: str, pixels: int, keys: list[str] | None = None) -> JSON:
    """Raises Cannot for a direction that is none."""
    along = {"up": (0, -pixels), "down": (0, pixels), "left": (-pixels, 0), "right": (pixels, 0)}
    if direction not in along:
        raise Cannot("scroll: the direction is up, down, left or right.")
    across, down = along[direction]
    held = {"keys": keys} if keys else {}
    return {"type": "scroll", **at(place), "scroll_x": across, "scroll_y": down, **held}


def keypress(keys: list[str]) -> JSON:
    return {"type": "keypress", "keys": keys}


def typed(text: Any) -> JSON:
    """Raises Cannot for what is no text."""
    if not isinstance(text, str):
        raise Cannot("There is no text to type.")
    return {"type": "type", "text": text}


def place_of(action: JSON) -> Point | None:
    """Where an action is done."""
    return point(action.get("x"), action.get("y"))


def ends_of(action: JSON) -> tuple[Point, Point] | None:
    """Where a drag begins and ends."""
    path = action.get("path")
    ends = [place_of(each) for each in path if isinstance(each, dict)] if isinstance(path, list) else []
    known = [each for each in ends if each is not None]
    return (known[0], known[-1]) if known else None


def keys_held(action: JSON) -> list[str]:
    """The keys of an action: those that it presses, or that are held in the meantime."""
    keys = action.get("keys")
    return [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []


def scrolled(action: JSON) -> list[tuple[str, int]]:
    """The directions and pixels of a scroll; down by none if it goes nowhere."""
    down, across = whole_number(action.get("scroll_y")) or 0, whole_number(action.get("scroll_x")) or 0
    ways = [("down" if down > 0 else "up", abs(down)), ("right" if across > 0 else "left", abs(across))]
    return [way for way in ways if way[1]] or [("down", 0)]


def _left_at(action: JSON) -> Point | None:
    ends = ends_of(action)
    return place_of(action) if ends is None else ends[1]
