"""Regular expressions, read so that a text can be made for them, and matched without ever backtracking.

    choice   := sequence ("|" sequence)*
    sequence := (atom quantifier?)*
    atom     := character | "." | escape | "[" class "]" | "(" choice ")" | look | "^" | "$" | "\\b"
    look     := ("(?=" | "(?!" | "(?<=" | "(?<!") choice ")"

This is the part of ECMA 262 that JSON schemas use. Flags, back references and Unicode properties raise
UnsupportedPattern. Matching walks sets of positions, so a hostile pattern of a client costs
polynomial time and never more; who wants a firmer bound counts the positions.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

LONGEST = 4_096  # characters of an example; what asks for more is not served

_PICKS = string.ascii_lowercase + string.digits + string.ascii_uppercase + "_- " + string.punctuation
_WORD = frozenset(string.ascii_letters + string.digits + "_")
_SPACE = frozenset(" \t\n\r\f\v")
_DIGIT = frozenset(string.digits)
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}

Positions: TypeAlias = frozenset[int]


class UnsupportedPattern(ValueError):
    """The pattern uses what is not read here, or is not a pattern."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A text that is matched. `spend` is told of positions as they are looked at, and may raise."""

    text: str
    spend: Callable[[int], None]


class Node(Protocol):
    """A piece of a pattern."""

    def ends(self, subject: Subject, starts: Positions) -> Positions:
        """Where a match of this piece can end, when it begins at one of `starts`."""
        ...

    def example(self, repeats: int, variant: int) -> str:
        """A text for this piece; `repeats` is how often to go round, `variant` which characters to pick."""
        ...


@dataclass(frozen=True, slots=True)
class Character:
    allows: Callable[[str], bool]
    picks: str

    def ends(self, subject: Subject, starts: Positions) -> Positions:
        subject.spend(len(starts))
        text = subject.text
        return frozenset(at + 1 for at in starts if at < len(text) and self.allows(text[at]))

    def example(self, repeats: int, variant: int) -> str:
        if not self.picks:
            raise UnsupportedPattern("a class that holds no character")
        return self.picks[variant % len(self.picks)]


@dataclass(frozen=True, slots=True)
class Edge:
    """A place between characters: it takes none."""

    holds: Callable[[str, int], bool]

    def ends(self, subject: Subject, starts: Positions) -> Positions:
        subject.spend(len(starts))
        return frozenset(at for at in starts if self.holds(subject.text, at))

    def example(self, repeats: int, variant: int) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Look:
    """What must, or must not, be matched ahead of a place or behind it: it takes no character."""

    node: Node
    ahead: bool
    wanted: bool

    def ends(self, subject: Subject, starts: Positions) -> Positions:
        subject.spend(len(starts))
        return frozenset(at for at in starts if self._sees(subject, at) is self.wanted)

    def _sees(self, subject: Subject, at: int) -> bool:
        if self.ahead:
            return bool(self.node.ends(subject, frozenset((at,))))
        subject.spend(at)
        return at in self.node.ends(subject, frozenset(range(at + 1)))

    def example(self, repeats: int, variant: int) -> str:
        """Nothing: what is made for the pieces around it may or may not fit."""
        return ""


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Node, ...]

    def ends(self, subject: Subject, starts: Positions) -> Positions:
        for part in self.parts:
            starts = part.ends(subject, starts)
        return starts

    def example(self, repeats: int, variant: int) -> str:
        return _bounded("".join(part.example(repeats, variant) for part in self.parts))


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple[Node, ...]

    def ends(self, subject: Subject, starts: Positions) -> Positions:
        return frozenset[int]().union(*(option.ends(subject, starts) for option in self.options))

    def example(self, repeats: int, variant: int) -> str:
        return self.options[variant % len(self.options)].example(repeats, variant)


@dataclass(frozen=True, slots=True)
class Repeat:
    node: Node
    low: int
    high: int | None

    def ends(self, subject: Subject, starts: Positions) -> Positions:
        if len(starts) == 1 and isinstance(self.node, Character):
            return self._run(subject, self.node.allows, *starts)
        low = min(self.low, len(subject.text) + 1)  # rounds beyond that can only be empty ones
        reached = set(starts) if low == 0 else set[int]()
        rounds = 0
        while starts and (self.high is None or rounds < self.high):
            subject.spend(len(starts))
            starts = self.node.ends(subject, starts)
            rounds += 1
            if rounds >= low:
                if starts <= reached:
                    break
                reached |= starts
        return frozenset(reached)

    def _run(self, subject: Subject, allows: Callable[[str], bool], start: int) -> Positions:
        """The common case, at a fraction of the cost: characters of one class, from one place."""
        text, end = subject.text, start
        last = len(text) if self.high is None else min(len(text), start + self.high)
        while end < last and allows(text[end]):
            end += 1
        subject.spend(1 + end - start)
        return frozenset(range(start + self.low, end + 1))

    def example(self, repeats: int, variant: int) -> str:
        times = max(self.low, repeats if self.high is None else min(repeats, self.high))
        once = self.node.example(repeats, variant) if times else ""
        if len(once) * times > LONGEST:
            raise UnsupportedPattern("a text for it would be too long")
        return once * times


@dataclass(frozen=True, slots=True)
class Pattern:
    """A whole pattern, unanchored as JSON schema wants it."""

    node: Node

    def matches(self, text: str, spend: Callable[[int], None] = lambda positions: None) -> bool:
        """Raises what `spend` raises."""
        return bool(self.node.ends(Subject(text, spend), frozenset(range(len(text) + 1))))

    def example(self, repeats: int = 0, variant: int = 0) -> str:
        return self.node.example(repeats, variant)


def parse(pattern: str) -> Pattern:
    """Raises UnsupportedPattern."""
    return Pattern(Reader(pattern).whole())


def _bounded(text: str) -> str:
    if len(text) > LONGEST:
        raise UnsupportedPattern("a text for it would be too long")
    return text


def _one_of(characters: frozenset[str], *, negated: bool = False) -> Character:
    def allows(character: str) -> bool:
        return (character in characters) is not negated

    return Character(allows, "".join(pick for pick in _PICKS if allows(pick)) or "".join(sorted(characters)))


def _word_boundary(text: str, at: int) -> bool:
    before = at > 0 and text[at - 1] in _WORD
    after = at < len(text) and text[at] in _WORD
    return before is not after


_LOOKS = ("?=", "?!", "?<=", "?<!")
_START = Edge(lambda text, at: at == 0)
_END = Edge(lambda text, at: at == len(text))
_EDGES = {
    "b": Edge(_word_boundary),
    "B": Edge(lambda text, at: not _word_boundary(text, at)),
    "A": _START,
    "Z": _END,
    "z": _END,
}
_CLASSES = {
    "d": _one_of(_DIGIT),
    "D": _one_of(_DIGIT, negated=True),
    "w": _one_of(_WORD),
    "W": _one_of(_WORD, negated=True),
    "s": Character(_SPACE.__contains__, " "),
    "S": _one_of(_SPACE, negated=True),
}
_ANY = _one_of(frozenset("\n\r"), negated=True)


class Reader:
    """Reads one pattern from left to right."""

    classes: Mapping[str, Character] = _CLASSES

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    @property
    def rest(self) -> bool:
        return self.at < len(self.pattern)

    def whole(self) -> Node:
        """Raises UnsupportedPattern."""
        node = self.choice()
        if self.rest:
            raise UnsupportedPattern(f"unbalanced ) in {self.pattern!r}")
        return node

    def choice(self) -> Node:
        options = [self.sequence()]
        while self._take("|"):
            options.append(self.sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def sequence(self) -> Node:
        parts: list[Node] = []
        while self.rest and self.pattern[self.at] not in "|)":
            parts.append(self._quantified(self._atom()))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _take(self, token: str) -> bool:
        if self.pattern.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def _next(self) -> str:
        if not self.rest:
            raise UnsupportedPattern(f"{self.pattern!r} ends too early")
        self.at += 1
        return self.pattern[self.at - 1]

    def _atom(self) -> Node:
        match character := self._next():
            case "(":
                return self._group()
            case "[":
                return self._class()
            case ".":
                return _ANY
            case "^":
                return _START
            case "$":
                return _END
            case "\\":
                return self._escape()
            case "*" | "+" | "?":
                raise UnsupportedPattern(f"nothing to repeat in {self.pattern!r}")
            case _:
                return self._one(character)

    def _one(self, character: str) -> Node:
        return Character(character.__eq__, character)

    def _group(self) -> Node:
        look = next((mark for mark in _LOOKS if self._take(mark)), None)
        if look is None and self._take("?") and not self._take(":"):
            if not (self._take("P<") or self._take("<")):
                raise UnsupportedPattern(f"a flag in {self.pattern!r}")
            while self._next() != ">":
                pass
        inside = self.choice()
        if not self._take(")"):
            raise UnsupportedPattern(f"unbalanced ( in {self.pattern!r}")
        return inside if look is None else Look(inside, "<" not in look, "=" in look)

    def _escape(self) -> Node:
        letter = self._next()
        if letter in _EDGES:
            return _EDGES[letter]
        if letter in self.classes:
            return self.classes[letter]
        return self._one(self._escaped(letter))

    def _escaped(self, letter: str) -> str:
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter in "xu":
            return self._code_point(2 if letter == "x" else 4)
        if letter.isalnum():
            raise UnsupportedPattern(f"\\{letter} in {self.pattern!r}")
        return letter

    def _code_point(self, digits: int) -> str:
        code = self.pattern[self.at : self.at + digits]
        self.at += digits
        if len(code) < digits or not frozenset(code) <= frozenset(string.hexdigits):
            raise UnsupportedPattern(f"a bad escape in {self.pattern!r}")
        return chr(int(code, 16))

    def _class(self) -> Node:
        negated = self._take("^")
        tests: list[Callable[[str], bool]] = []
        explicit: list[str] = []
        first = True
        while first or not self._take("]"):
            first = False
            low = self._member()
            if isinstance(low, Character):
                tests.append(low.allows)
                continue
            explicit.append(low)
            tests.append(_between(low, self._upper() or low))

        def allows(character: str) -> bool:
            for test in tests:  # and not `any`, which takes three times as long
                if test(character):
                    return not negated
            return negated

        picks = "".join(pick for pick in _PICKS if allows(pick))
        return Character(allows, picks or "".join(one for one in explicit if allows(one)))

    def _member(self) -> str | Character:
        if (character := self._next()) != "\\":
            return character
        letter = self._next()
        if letter == "b":
            return "\b"
        return self.classes.get(letter) or self._escaped(letter)

    def _upper(self) -> str | None:
        """The end of a range, if this is one: `-` before `]` is a hyphen."""
        following = self.pattern[self.at : self.at + 2]
        if len(following) < 2 or following[0] != "-" or following[1] == "]":
            return None
        self.at += 1
        high = self._member()
        if isinstance(high, Character):
            raise UnsupportedPattern(f"a class as the end of a range in {self.pattern!r}")
        return high

    def _quantified(self, node: Node) -> Node:
        if (bounds := self._bounds()) is None:
            return node
        if not self._take("?"):  # lazy or greedy is the same to a set of positions
            self._take("+")
        return Repeat(node, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        for mark, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(mark):
                return bounds
        end = self.pattern.find("}", self.at)
        if not self.pattern.startswith("{", self.at) or end < 0:
            return None
        low, comma, high = self.pattern[self.at + 1 : end].partition(",")
        if not _number(low) or (high and not _number(high)):
            return None
        self.at = end + 1
        return int(low), (int(high) if high else None) if comma else int(low)


def _between(low: str, high: str) -> Callable[[str], bool]:
    return lambda character: low <= character <= high


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
