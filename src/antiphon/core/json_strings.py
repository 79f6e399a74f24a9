"""The strings of a JSON text that is still being written: each piece as it arrives, with its place.

    value  := string | number | word | "{" (key ":" value),* "}" | "[" value,* "]"

The text may be cut anywhere: in an escape, between the halves of a surrogate pair. What is not yet certain
is held back. Of JSON it gives out exactly what a parser would find. It is not a validator: models forget
to escape line breaks, and those are text like any other; of a text that is no JSON it says anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

from msgspec import Struct

Path: TypeAlias = tuple[str | int, ...]

_PLAIN = re.compile(r'[^"\\]+')
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([^u]))")
_CUT_ESCAPE = re.compile(r"(?:\\(?:u[0-9a-fA-F]{0,3})?)?")  # or nothing at all, yet
_CHARACTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_REPLACEMENT = "\ufffd"
_STRUCTURE = re.compile(r'["{}\[\],:]')


class Piece(Struct, frozen=True):
    """Some text of the string at `path` (keys and indexes from the root); the first may be empty."""

    path: Path
    text: str


class _Container(Struct):
    """An object or array that is open; `at` is the key or index of the value that comes or is read."""

    at: str | int
    in_key: bool = False  # an object, before the colon


class JSONStrings:
    """Made fresh for one text."""

    __slots__ = ("_held", "_open", "closed", "in_string")

    def __init__(self) -> None:
        self.closed = False
        """The outermost value is over. What follows is not read."""
        self.in_string = False
        """A string has begun, and not ended."""
        self._open: list[_Container] = []
        self._held = ""  # the beginning of an escape

    def feed(self, text: str) -> Iterator[Piece]:
        text, self._held = self._held + text, ""
        at = 0
        while at < len(text) and not self.closed:
            if not self.in_string:
                mark = _STRUCTURE.search(text, at)
                if mark is None:
                    return
                at = mark.end()
                self._structure(mark[0])
                if not self.in_string:
                    continue
            said, at = self._string(text, at)
            if self._open and self._open[-1].in_key:
                self._open[-1].at = f"{self._open[-1].at}{said}"
            else:
                yield Piece(tuple(container.at for container in self._open), said)
            self.closed = not self.in_string and not self._open
            if self._held:
                return

    def _structure(self, mark: str) -> None:
        inner = self._open[-1] if self._open else None
        match mark:
            case '"':
                self.in_string = True
            case "{":
                self._open.append(_Container("", in_key=True))
            case "[":
                self._open.append(_Container(0))
            case "}" | "]":
                del self._open[-1:]
                self.closed = not self._open
            case ":" if inner is not None:
                inner.in_key = False
            case "," if inner is not None and isinstance(inner.at, int):
                inner.at += 1
            case "," if inner is not None:
                inner.at, inner.in_key = "", True

    def _string(self, text: str, at: int) -> tuple[str, int]:
        """What the string goes on with, and where that ends. Sets `_held` for an escape that is cut."""
        said: list[str] = []
        while at < len(text):
            if plain := _PLAIN.match(text, at):
                said.append(plain[0])
                at = plain.end()
            elif text[at] == '"':
                self.in_string = False
                return "".join(said), at + 1
            else:
                character, end = _unescaped(text, at)
                if end == at:
                    self._held = text[at:]
                    break
                said.append(character)
                at = end
        return "".join(said), at


def _unescaped(text: str, at: int) -> tuple[str, int]:
    """The character of the escape at `at` and where it ends; ("", at) if it is cut.

    A surrogate without its other half becomes U+FFFD, as everywhere in what providers send.
    """
    escape = _ESCAPE.match(text, at)
    if escape is None:
        return ("", at) if _CUT_ESCAPE.fullmatch(text, at) else (_REPLACEMENT, at + 2)
    if escape[2]:
        return _CHARACTERS.get(escape[2], escape[2]), escape.end()
    code = int(escape[1], 16)
    if not 0xD800 <= code < 0xE000:
        return chr(code), escape.end()
    if code >= 0xDC00:
        return _REPLACEMENT, escape.end()
    if _CUT_ESCAPE.fullmatch(text, escape.end()):
        return "", at
    other = _ESCAPE.match(text, escape.end())
    low = int(other[1], 16) if other is not None and other[1] else 0
    if other is None or not 0xDC00 <= low < 0xE000:
        return _REPLACEMENT, escape.end()
    return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)), other.end()
