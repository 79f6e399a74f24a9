"""Actions of the Responses API, as the functions of Gemini's computer tool, in both of its vocabularies.

Actions that Gemini's own calls came to go back as these were; this is for those of others.
"""

from __future__ import annotations

from collections.abc import Iterator

from antiphon.protocol.json import JSON
from antiphon.upstream.computer import actions as act
from antiphon.upstream.computer.actions import Point
from antiphon.upstream.computer.keys import web
from antiphon.upstream.computer.screens import Size

GRID = 1000
"""Places are told on a grid of so many lines and columns over the screen."""

_BUTTONS = {"left": "click", "right": "right_click", "wheel": "middle_click"}
_PAGES = {"back": "ArrowLeft", "forward": "ArrowRight"}
_SECONDS = 2


def actions(action: JSON, size: Size) -> Iterator[tuple[str, JSON]]:
    """From 3.5 on. Keys that are held in the meantime are pressed before, and let go after."""
    keys = web(act.keys_held(action)) if action.get("type") != "keypress" else []
    yield from (("key_down", {"key": key}) for key in keys)
    yield from _action(action, size)
    yield from (("key_up", {"key": key}) for key in reversed(keys))


def _action(action: JSON, size: Size) -> Iterator[tuple[str, JSON]]:
    where, button = _where(action, size), str(action.get("button"))
    match action.get("type"):
        case "click" if button in _PAGES:
            yield "hotkey", {"keys": ["Alt", _PAGES[button]]}
        case "click":
            yield _BUTTONS.get(button, "click"), where
        case "double_click" | "move":
            yield action["type"], where
        case "drag" if ends := act.ends_of(action):
            yield "drag_and_drop", _ends(ends, size, "start_x", "start_y", "end_x", "end_y")
        case "scroll":
            for way, pixels in act.scrolled(action):
                yield "scroll", {**where, "direction": way, "magnitude_in_pixels": min(pixels, GRID - 1)}
        case "keypress":
            keys = web(act.keys_held(action))
            yield ("press_key", {"key": keys[0]}) if len(keys) == 1 else ("hotkey", {"keys": keys})
        case "type":
            yield "type", {"text": action.get("text")}
        case "wait":
            yield "wait", {"seconds": _SECONDS}
        case _:
            yield "take_screenshot", {}


def places(action: JSON, size: Size) -> Iterator[tuple[str, JSON]]:
    """Before 3.5: there is one button, and a text is typed at a place."""
    where, button = _where(action, size), str(action.get("button"))
    match action.get("type"):
        case "click" if button in _PAGES:
            yield "key_combination", {"keys": f"Alt+{_PAGES[button]}"}
        case "click":
            yield "click_at", where
        case "double_click":
            yield from [("click_at", where)] * 2
        case "move":
            yield "hover_at", where
        case "drag" if ends := act.ends_of(action):
            yield "drag_and_drop", _ends(ends, size, "x", "y", "destination_x", "destination_y")
        case "scroll":
            for way, pixels in act.scrolled(action):
                far = pixels * GRID // size[way in ("up", "down")]
                yield "scroll_at", {**where, "direction": way, "magnitude": min(far, GRID - 1)}
        case "keypress":
            yield "key_combination", {"keys": "+".join(web(act.keys_held(action)))}
        case "type":
            kept = {"press_enter": False, "clear_before_typing": False}
            yield "type_text_at", {"x": GRID // 2, "y": GRID // 2, "text": action.get("text"), **kept}
        case "wait":
            yield "wait_5_seconds", {}
        case _:
            yield "open_web_browser", {}


def _where(action: JSON, size: Size) -> JSON:
    place = act.place_of(action)
    return {} if place is None else _on_grid(place, size, "x", "y")


def _ends(ends: tuple[Point, Point], size: Size, *names: str) -> JSON:
    return _on_grid(ends[0], size, *names[:2]) | _on_grid(ends[1], size, *names[2:])


def _on_grid(place: Point, size: Size, *names: str) -> JSON:
    """The line or column that leads back to the same pixel, where the grid is fine enough."""
    lines = (-(-pixel * GRID // extent) for pixel, extent in zip(place, size, strict=True))
    return {name: min(max(line, 0), GRID - 1) for name, line in zip(names, lines, strict=True)}
