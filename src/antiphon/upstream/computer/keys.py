"""What keys are called, by three who press them.

    OpenAI   CTRL, ENTER, ARROWUP       the actions of the Responses API
    X11      ctrl, Return, Up           Anthropic's models; combinations are joined by "+"
    the web  Control, Enter, ArrowUp    Gemini's models, after `KeyboardEvent.key`

A key that prints a character is called by it. Names that nobody here knows stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import MappingProxyType

_ROWS = (
    ("CTRL", "ctrl", "Control"),
    ("ALT", "alt", "Alt"),
    ("SHIFT", "shift", "Shift"),
    ("CMD", "super", "Meta"),
    ("ENTER", "Return", "Enter"),
    ("ESC", "Escape", "Escape"),
    ("TAB", "Tab", "Tab"),
    ("SPACE", "space", "Space"),
    ("BACKSPACE", "BackSpace", "Backspace"),
    ("DELETE", "Delete", "Delete"),
    ("INSERT", "Insert", "Insert"),
    ("HOME", "Home", "Home"),
    ("END", "End", "End"),
    ("PAGEUP", "Page_Up", "PageUp"),
    ("PAGEDOWN", "Page_Down", "PageDown"),
    ("ARROWUP", "Up", "ArrowUp"),
    ("ARROWDOWN", "Down", "ArrowDown"),
    ("ARROWLEFT", "Left", "ArrowLeft"),
    ("ARROWRIGHT", "Right", "ArrowRight"),
    ("CAPSLOCK", "Caps_Lock", "CapsLock"),
)
_ALIASES = {
    "CTRL": ("control_l", "control_r", "ctrl_l", "ctrl_r"),
    "ALT": ("alt_l", "alt_r", "option"),
    "SHIFT": ("shift_l", "shift_r"),
    "CMD": ("command", "win", "windows", "super_l", "super_r", "meta_l", "meta_r"),
    "ENTER": ("kp_enter",),
    "PAGEUP": ("prior", "pgup"),
    "PAGEDOWN": ("next", "pgdn"),
    "DELETE": ("del",),
    "+": ("plus", "kp_add"),
    "-": ("minus", "kp_subtract"),
    "=": ("equal",),
    ".": ("period",),
    ",": ("comma",),
    "/": ("slash",),
    "\\": ("backslash",),
    ";": ("semicolon",),
    "'": ("apostrophe",),
    "`": ("grave",),
    "[": ("bracketleft",),
    "]": ("bracketright",),
}
_KNOWN = MappingProxyType(
    {name.lower(): row[0] for row in _ROWS for name in row}
    | {alias: key for key, aliases in _ALIASES.items() for alias in aliases}
)
_OF_X11 = MappingProxyType({row[0]: row[1] for row in _ROWS})
_OF_THE_WEB = MappingProxyType({row[0]: row[2] for row in _ROWS})
_JOINT = re.compile(r"(?<=.)\+(?=.)")


def keys_of(combination: str) -> list[str]:
    """The keys of "ctrl+shift+t", in OpenAI's words."""
    return [known(key) for key in _JOINT.split(combination)]


def presses(text: str) -> list[list[str]]:
    """The keys of combinations with spaces between, which are pressed one after another."""
    return [keys_of(combination) for combination in text.split()] or [["SPACE"]] * bool(text)


def known(key: str) -> str:
    return _KNOWN.get(key.lower(), key)


def x11(keys: Iterable[str]) -> str:
    """A combination of keys in OpenAI's words."""
    return "+".join(_OF_X11.get(known(key), key) for key in keys)


def web(keys: Iterable[str]) -> list[str]:
    """Keys in OpenAI's words, by the names of the web."""
    return [_OF_THE_WEB.get(known(key), key) for key in keys]
