"""Gemini's own computer tool, which the client runs: functions that Google has declared.

    computerUse  {environment, excludedPredefinedFunctions}
    from 3.5     click, type, hotkey, scroll, …                in a browser or on a desktop
    before       click_at, type_text_at, key_combination, …    in a browser only

Places are told on a grid of 1000 by 1000 over the screen. Its size is the one that the tool declares, or that
of the last screenshot; as long as nobody knows it, what needs a place becomes a screenshot. Functions that
no action of the Responses API says (to navigate, to hold keys and buttons, to click three times) are
excluded; so are those that have the name of a function of the request.

A `safety_decision` among the arguments is a pending safety check; once the client has acknowledged it, the
response says so. (https://ai.google.dev/gemini-api/docs/computer-use)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from antiphon.core.adaptations import Adaptations
from antiphon.core.deltas import Call
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.protocol.tools import COMPUTER_PREVIEW
from antiphon.upstream.computer import actions as act
from antiphon.upstream.computer.actions import Cannot, OwnCall, Point
from antiphon.upstream.computer.calls import ComputerCalls
from antiphon.upstream.computer.keys import known, presses
from antiphon.upstream.computer.screens import Size, screen_of
from antiphon.upstream.computer.tools import computer_tool
from antiphon.upstream.dialects.gemini import clicking
from antiphon.upstream.dialects.gemini.models import abilities_of
from antiphon.upstream.dialects.gemini.parts import parts_of
from antiphon.upstream.dialects.gemini.seals import seal
from antiphon.upstream.dialects.gemini.wire import mapping, mappings, string
from antiphon.upstream.emulation.kinds.base import whole_number

if TYPE_CHECKING:
    from antiphon.upstream.dialects.gemini import Gemini

_BROWSER, _DESKTOP = "ENVIRONMENT_BROWSER", "ENVIRONMENT_DESKTOP"
_NOWHERE = "about:blank"
_NAVIGATING = ("go_back", "go_forward", "navigate", "search")
_HOLDING = ("mouse_down", "mouse_up", "key_down", "key_up", "triple_click")
_SCROLL, _SCROLL_AT = 300, 800  # what a scroll goes if it does not say how far

Do: TypeAlias = Callable[["Screen", JSON], list[JSON]]


@dataclass(frozen=True, slots=True)
class Screen:
    """From the grid to pixels."""

    size: Size | None

    def place(self, given: JSON, across: str = "x", down: str = "y") -> Point:
        """Raises Cannot where there is none, or nobody knows how large the screen is."""
        place = act.point(given.get(across), given.get(down))
        if place is None or not all(0 <= each < clicking.GRID for each in place):
            raise Cannot(f"{across} and {down} are whole numbers from 0 to {clicking.GRID - 1}.")
        if self.size is None:
            raise Cannot("There was no screenshot yet. This is the first: say again where.")
        width, height = self.size
        return place[0] * width // clicking.GRID, place[1] * height // clicking.GRID

    @property
    def middle(self) -> Point:
        """Raises Cannot if nobody knows."""
        return self.place({"x": clicking.GRID // 2, "y": clicking.GRID // 2})


@dataclass(frozen=True, slots=True)
class Computer:
    """The tool of one turn, and how its calls are said. `several`: the client takes several actions a call.

    `functions`: the names of the request's own functions.
    """

    vocabulary: Literal["places", "actions"]
    environment: str
    size: Size | None
    several: bool
    functions: frozenset[str]

    @property
    def tool(self) -> JSON:
        withheld = {*_HOLDING, *_NAVIGATING, *self.functions}
        return {
            "environment": self.environment,
            "excludedPredefinedFunctions": [name for name in _DO if name in withheld and self._has(name)],
        }

    def _has(self, name: str) -> bool:
        """Whether Google declares this function, here."""
        if self.vocabulary == "places":
            return name in _PLACES
        browses = self.environment == _BROWSER
        return name in _ACTIONS or (browses and name in _NAVIGATING and name != "search")

    def filter(self) -> ComputerCalls:
        return ComputerCalls(self, self.several)

    # Language

    def is_own(self, call: Call) -> bool:
        return call.name in _DO and call.name not in self.functions

    def own_call(self, call: Call, given: JSON) -> OwnCall:
        return OwnCall(call.call_id, call.name, given)

    def actions(self, name: str, given: JSON, pointer: Point | None) -> list[JSON]:
        return _DO[name](Screen(self.size), given)

    def said(self, actions: list[JSON]) -> list[tuple[str, JSON]]:
        say = clicking.places if self.vocabulary == "places" else clicking.actions
        size = self.size or (clicking.GRID, clicking.GRID)
        return [said for action in actions for said in say(action, size)]

    def check(self, call: OwnCall) -> JSON | None:
        decision = mapping(call.input.get("safety_decision"))
        code = string(decision.get("decision"))
        if code in ("", "regular", "allowed"):
            return None
        return {"code": code, "message": string(decision.get("explanation"))}

    def seal(self, calls: list[OwnCall]) -> str:
        return seal([{"computer": [msgspec.to_builtins(call) for call in calls]}])


def computer_of(turn: Turn, dialect: Gemini) -> Computer | None:
    """The turn's computer, if this model has a tool for it."""
    tool = computer_tool(turn) if dialect.computer else None
    vocabulary = abilities_of(turn.model).computer
    if tool is None or vocabulary is None:
        return None
    browses = vocabulary == "places" or tool.get("environment") == "browser"
    return Computer(
        vocabulary,
        _BROWSER if browses else _DESKTOP,
        screen_of(tool, turn.items),
        tool["type"] != COMPUTER_PREVIEW,
        frozenset(string(each.get("name")) for each in turn.tools if each.get("type") == "function"),
    )


def results(
    computer: Computer,
    item: JSON,
    sealed: list[OwnCall],
    output: JSON | None,
    where: str,
    adapted: Adaptations,
) -> Iterator[tuple[OwnCall, JSON | None]]:
    """The calls of a computer_call, and the fields of the response to each; None: nothing came of it.

    `sealed`: the calls that came sealed right before it. `where`: the path of its output.
    """
    call_id = string(item.get("call_id"))
    calls = sealed if sealed and sealed[0].id in ("", call_id) else []
    if not calls:
        said = computer.said(act.actions_of(item) or [act.SCREENSHOT])
        checks = mappings(item.get("pending_safety_checks"))
        calls = [OwnCall("", name, {**given, **_decided(checks)}) for name, given in said]
    for index, call in enumerate(calls):
        shown = [_screenshot(output, where, adapted)] if output and index == act.shown_with(calls) else []
        told = None if output is None else _response(computer, call, output)
        named = OwnCall(call.id or (f"{call_id}_{index + 1}" if index else call_id), call.name, call.input)
        yield named, None if told is None else {"response": told, **({"parts": shown} if shown else {})}


def _decided(checks: list[JSON]) -> JSON:
    if not checks:
        return {}
    decision = {"decision": checks[0].get("code"), "explanation": checks[0].get("message")}
    return {"safety_decision": {name: text for name, text in decision.items() if isinstance(text, str)}}


def _response(computer: Computer, call: OwnCall, output: JSON) -> JSON:
    """In a browser the page's URL must be told."""
    shown = mapping(output.get("output"))
    told: JSON = {"error": call.told} if call.told else {"output": "OK"}
    if computer.environment == _BROWSER:
        told["url"] = string(shown.get("current_url")) or _NOWHERE
    if output.get("acknowledged_safety_checks") and computer.check(call) is not None:
        told["safety_acknowledgement"] = "true"
    return told


def _screenshot(output: JSON, where: str, adapted: Adaptations) -> JSON:
    shown = mapping(output.get("output"))
    if shown.get("detail") == "low":
        adapted.dropped(f"{where}.detail", NOT_OFFERED)
    part = {"type": "input_image", "image_url": shown.get("image_url"), "file_id": shown.get("file_id")}
    try:
        (said,) = parts_of([part], where, adapted, fetches=False)
    except InvalidRequest as refusal:
        refusal.param = (refusal.param or where).replace(f"{where}[0]", where)
        raise
    return said


def note_environment(tool: JSON, computer: Computer, path: str, adapted: Adaptations) -> None:
    if computer.environment == _BROWSER and tool.get("environment") not in (None, "browser"):
        adapted.translated(f"{path}.environment", "this model knows browsers alone, it is told of one")


def opened_calls(sealed: list[JSON]) -> list[OwnCall]:
    """What was sealed; nothing if it was damaged."""
    try:
        return msgspec.convert(sealed, list[OwnCall])
    except msgspec.ValidationError:
        return []


# Functions, as actions


def _click(button: str) -> Do:
    return lambda screen, given: [act.click(screen.place(given), button)]


def _move(screen: Screen, given: JSON) -> list[JSON]:
    return [{"type": "move", **act.at(screen.place(given))}]


def _drag(across: str, down: str, to_across: str, to_down: str) -> Do:
    return lambda screen, given: [
        act.drag(screen.place(given, across, down), screen.place(given, to_across, to_down))
    ]


def _type(screen: Screen, given: JSON) -> list[JSON]:
    return [act.typed(given.get("text")), *_entered(given.get("press_enter"))]


def _type_at(screen: Screen, given: JSON) -> list[JSON]:
    """What is there is replaced, unless it is to stay."""
    clear = [act.keypress(["CTRL", "A"]), act.keypress(["BACKSPACE"])]
    return [
        act.click(screen.place(given)),
        *(clear if given.get("clear_before_typing", True) is True else []),
        act.typed(given.get("text")),
        *_entered(given.get("press_enter", True)),
    ]


def _entered(wanted: Any) -> list[JSON]:
    return [act.keypress(["ENTER"])] if wanted is True else []


def _press(field: str) -> Do:
    return lambda screen, given: [act.keypress(keys) for keys in presses(_text(given, field))]


def _hotkey(screen: Screen, given: JSON) -> list[JSON]:
    keys = given.get("keys")
    if isinstance(keys, str):
        return _press("keys")(screen, given)
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys):
        raise Cannot("Say which keys.")
    return [act.keypress([known(key) for key in keys])]


def _text(given: JSON, field: str) -> str:
    if not (text := string(given.get(field))):
        raise Cannot(f"Say which {field}.")
    return text


def _scroll(field: str, usual: int) -> Do:
    def scroll(screen: Screen, given: JSON) -> list[JSON]:
        far = whole_number(given.get(field, usual))
        return [act.scroll(screen.place(given), string(given.get("direction")), far or usual)]

    return scroll


def _scroll_at(screen: Screen, given: JSON) -> list[JSON]:
    """How far is told on the grid, too."""
    place = screen.place(given)
    far = min(whole_number(given.get("magnitude", _SCROLL_AT)) or _SCROLL_AT, clicking.GRID - 1)
    across, down = screen.place({"x": far, "y": far})
    direction = string(given.get("direction"))
    return [act.scroll(place, direction, across if direction in ("left", "right") else down)]


def _scroll_page(screen: Screen, given: JSON) -> list[JSON]:
    across, down = screen.middle
    direction = string(given.get("direction"))
    return [act.scroll(screen.middle, direction, across if direction in ("left", "right") else down)]


def _wait(screen: Screen, given: JSON) -> list[JSON]:
    return [act.WAIT]


def _look(screen: Screen, given: JSON) -> list[JSON]:
    return [act.SCREENSHOT]


def _cannot(screen: Screen, given: JSON) -> list[JSON]:
    raise Cannot("This cannot be done here. The screen is as it was.")


_PLACES: MappingProxyType[str, Do] = MappingProxyType(
    {
        "click_at": _click("left"),
        "hover_at": _move,
        "type_text_at": _type_at,
        "key_combination": _press("keys"),
        "scroll_at": _scroll_at,
        "scroll_document": _scroll_page,
        "drag_and_drop": _drag("x", "y", "destination_x", "destination_y"),
        "wait_5_seconds": _wait,
        "open_web_browser": _look,
        **dict.fromkeys(_NAVIGATING, _cannot),
    }
)
_ACTIONS: MappingProxyType[str, Do] = MappingProxyType(
    {
        "click": _click("left"),
        "right_click": _click("right"),
        "middle_click": _click("wheel"),
        "double_click": lambda screen, given: [act.double_click(screen.place(given))],
        "move": _move,
        "drag_and_drop": _drag("start_x", "start_y", "end_x", "end_y"),
        "type": _type,
        "press_key": _press("key"),
        "hotkey": _hotkey,
        "scroll": _scroll("magnitude_in_pixels", _SCROLL),
        "wait": _wait,
        "take_screenshot": _look,
        **dict.fromkeys(_HOLDING, _cannot),
    }
)


def _drag_either(screen: Screen, given: JSON) -> list[JSON]:
    """Both vocabularies have it, with other arguments."""
    return (_ACTIONS if "start_x" in given else _PLACES)["drag_and_drop"](screen, given)


_DO: MappingProxyType[str, Do] = MappingProxyType({**_PLACES, **_ACTIONS, "drag_and_drop": _drag_either})
