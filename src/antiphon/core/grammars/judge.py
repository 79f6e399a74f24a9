"""Is a text of a grammar, and if not, where does it leave it? The two syntaxes of a custom tool's `format`.

    regex    as Rust's crate `regex` reads it; the whole text must match
    lark     from the rule `start`; each terminal is cut off as long as it can be

Nothing of a grammar is run, and work is bounded, both for reading and for judging.

Formats: https://developers.openai.com/api/docs/guides/function-calling#context-free-grammars
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeAlias

from antiphon.core.grammars.expressions import parse
from antiphon.core.grammars.notation import UnsupportedGrammar, read
from antiphon.core.grammars.recogniser import Recogniser
from antiphon.core.grammars.rules import Rules, rules_of
from antiphon.core.json_schema.pattern import Node, Subject, UnsupportedPattern

LONGEST = 16_384
"""Characters of a definition that is read, in at most 60 ms. Codex's for patches has 900 and takes 0.6."""

WORK = 2_500_000
"""What one judgement may cost, in positions looked at: 0.4 to 1.1 µs each. 600 KB of a patch take as much."""

_MOST_EXPECTED = 8
_LONGEST_LABEL = 60
_TOO_LARGE = "it is too large to be checked"

__all__ = ["LONGEST", "WORK", "Grammar", "HeldTool", "ToolName", "UnsupportedGrammar", "grammar_of"]


class Grammar(Protocol):
    """What texts are held to. Without state."""

    def fault(self, text: str) -> str | None:
        """What is wrong, and where; None: the text is of the grammar."""
        ...


@dataclass(frozen=True, slots=True)
class HeldTool:
    """A custom tool with a grammar that can be checked. `place` is its path in the turn, as in `tools[0]`."""

    place: str
    grammar: Grammar


ToolName: TypeAlias = tuple[str | None, str]
"""The namespace of a tool, if it has one, and its name."""


class _Spent(Exception):
    """The work ran out."""


@dataclass(frozen=True, slots=True)
class _Lark:
    rules: Rules

    def fault(self, text: str) -> str | None:
        recogniser = Recogniser(self.rules, text, _budget())
        try:
            if recogniser.accepts():
                return None
        except (_Spent, RecursionError):
            return _TOO_LARGE
        expected = [label[:_LONGEST_LABEL] for label in recogniser.expected[:_MOST_EXPECTED]]
        where = _placed(text, recogniser.furthest)
        return f"{where}, expected {' or '.join(expected)}" if expected else f"{where}, expected the end"


@dataclass(frozen=True, slots=True)
class _Regex:
    node: Node

    def fault(self, text: str) -> str | None:
        try:
            ends = self.node.ends(Subject(text, _budget()), frozenset((0,)))
        except (_Spent, RecursionError):
            return _TOO_LARGE
        if len(text) in ends:
            return None
        if not ends:
            return "it does not match the regular expression"
        return f"{_placed(text, max(ends))}, where the regular expression ends"


@lru_cache(maxsize=16)
def grammar_of(syntax: str, definition: str) -> Grammar:
    """Raises UnsupportedGrammar, which says why nothing can be checked by it."""
    if len(definition) > LONGEST:
        raise UnsupportedGrammar(f"it has more than {LONGEST:,} characters")
    try:
        if syntax == "regex":
            return _Regex(parse(definition).node)
        if syntax == "lark":
            return _Lark(rules_of(read(definition)))
    except UnsupportedPattern:
        raise UnsupportedGrammar("the regular expression uses what is not read here") from None
    except RecursionError:
        raise UnsupportedGrammar("it is nested too deeply") from None
    raise UnsupportedGrammar("its syntax is not known here")


def _budget() -> Callable[[int], None]:
    left = WORK

    def spend(positions: int) -> None:
        nonlocal left
        left -= positions
        if left < 0:
            raise _Spent

    return spend


def _placed(text: str, at: int) -> str:
    line = text.count("\n", 0, at) + 1
    return f"at line {line}, column {at - text.rfind(chr(10), 0, at)}"
