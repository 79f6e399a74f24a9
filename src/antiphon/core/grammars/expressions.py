"""Regular expressions as grammars have them: the syntax of Rust's crate `regex`, matched as in pattern.py.

Beyond what JSON schemas have: the flags `i`, `s`, `m` and `u`, classes that know Unicode, `\\u{…}`. Classes
inside of classes and `\\p{…}` are not read. Of a lazy quantifier it is noted that there is one.

Syntax: https://docs.rs/regex/latest/regex/#syntax
"""

from __future__ import annotations

import re
import string
import unicodedata
from dataclasses import dataclass
from types import MappingProxyType

from antiphon.core.json_schema.pattern import Character, Edge, Node, Reader, Sequence, UnsupportedPattern

_DEEPEST = 40  # groups in one another
_FLAGS = re.compile(r"\?([a-z]+)([:)])")
_KNOWN_FLAGS = frozenset("imsu")
_MARKS = ("Mn", "Mc", "Me", "Pc")
_OF_SETS = ("[", "&&", "--", "~~")
_BRACED = re.compile(r"\{([0-9a-fA-F]{1,6})\}")


@dataclass(frozen=True, slots=True)
class Expression:
    """`greedy`: it has no lazy quantifier."""

    node: Node
    greedy: bool


def parse(text: str, flags: str = "") -> Expression:
    """Raises UnsupportedPattern."""
    if not _KNOWN_FLAGS.issuperset(flags):
        raise UnsupportedPattern("it has a flag other than i, m, s and u")
    reader = _RustReader(text, frozenset(flags))
    return Expression(reader.whole(), reader.greedy)


def _is_word(character: str) -> bool:
    return character == "_" or character.isalnum() or unicodedata.category(character) in _MARKS


def _is_space(character: str) -> bool:
    return character.isspace() and not "\x1c" <= character <= "\x1f"  # which only Python takes for space


_UNICODE = MappingProxyType(
    {
        "d": Character(str.isdecimal, string.digits),
        "D": Character(lambda character: not character.isdecimal(), "a"),
        "w": Character(_is_word, string.ascii_letters),
        "W": Character(lambda character: not _is_word(character), " "),
        "s": Character(_is_space, " "),
        "S": Character(lambda character: not _is_space(character), "a"),
    }
)
_NO_BREAK = Character(lambda character: character != "\n", "a")
_ALL = Character(lambda character: True, "a")
_LINE_START = Edge(lambda text, at: at == 0 or text[at - 1] == "\n")
_LINE_END = Edge(lambda text, at: at == len(text) or text[at] == "\n")


class _RustReader(Reader):
    """Flags hold to the end of the group in which they are set."""

    classes = _UNICODE

    def __init__(self, pattern: str, flags: frozenset[str]) -> None:
        super().__init__(pattern)
        self.greedy = True
        self._flags = flags
        self._depth = 0

    def _atom(self) -> Node:
        if self._take("."):
            return _ALL if "s" in self._flags else _NO_BREAK
        if "m" in self._flags:
            if self._take("^"):
                return _LINE_START
            if self._take("$"):
                return _LINE_END
        return super()._atom()

    def _one(self, character: str) -> Node:
        same = _cases(character) if "i" in self._flags else (character,)
        return Character(same.__contains__, character)

    def _group(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise UnsupportedPattern("it is nested too deeply")
        flags, found = self._flags, _FLAGS.match(self.pattern, self.at)
        if found is not None:
            if not _KNOWN_FLAGS.issuperset(found[1]):
                raise UnsupportedPattern("it has a flag other than i, m, s and u")
            self.at = found.end()
            self._flags = flags | set(found[1])
        if found is not None and found[2] == ")":
            node: Node = Sequence(())
            flags = self._flags
        elif found is not None:
            node = self._flagged()
        else:
            node = super()._group()
        self._flags = flags
        self._depth -= 1
        return node

    def _flagged(self) -> Node:
        inside = self.choice()
        if not self._take(")"):
            raise UnsupportedPattern("a group is not closed")
        return inside

    def _class(self) -> Node:
        negated = self.pattern.startswith("^", self.at)
        node = super()._class()
        if "i" not in self._flags or not isinstance(node, Character):
            return node
        allows, quantified = node.allows, all if negated else any
        return Character(lambda character: quantified(map(allows, _cases(character))), node.picks)

    def _member(self) -> str | Character:
        if self.pattern.startswith(_OF_SETS, self.at):
            raise UnsupportedPattern("it has a class inside of a class")
        return super()._member()

    def _upper(self) -> str | None:
        if self.pattern.startswith("--", self.at):
            raise UnsupportedPattern("it has a class without another")
        return super()._upper()

    def _escaped(self, letter: str) -> str:
        braced = _BRACED.match(self.pattern, self.at) if letter in "xuU" else None
        if braced is None:
            return super()._escaped(letter)
        self.at = braced.end()
        code = int(braced[1], 16)
        if code > 0x10FFFF:
            raise UnsupportedPattern("it has an escape that is no character")
        return chr(code)

    def _quantified(self, node: Node) -> Node:
        start = self.at
        repeated = super()._quantified(node)
        if self.at - start > 1 and self.pattern[self.at - 1] == "?":
            self.greedy = False
        return repeated


def _cases(character: str) -> tuple[str, ...]:
    """It, and what it is in the other case, of one character each."""
    return tuple({character, *(each for each in (character.lower(), character.upper()) if len(each) == 1)})
