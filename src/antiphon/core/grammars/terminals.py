"""What stands at the leaves of a grammar: literals, ranges and regular expressions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from antiphon.core.json_schema.pattern import Character, Node, Positions, Subject


@dataclass(frozen=True, slots=True)
class Literal:
    """A pattern's node. `folds`: case makes no difference, and `text` is in lower case."""

    text: str
    folds: bool = False

    def ends(self, subject: Subject, starts: Positions) -> Positions:
        subject.spend(len(starts))
        return frozenset(at + len(self.text) for at in starts if self._stands(subject.text, at))

    def _stands(self, text: str, at: int) -> bool:
        if self.folds:
            return text[at : at + len(self.text)].lower() == self.text
        return text.startswith(self.text, at)

    def example(self, repeats: int, variant: int) -> str:
        return self.text.upper() if self.folds and variant % 2 else self.text


@dataclass(frozen=True, slots=True, eq=False)
class Terminal:
    """`label` is what it is called when it is missing."""

    label: str
    node: Node
    greedy: bool = True

    def ends(self, subject: Subject, at: int) -> Collection[int]:
        """Where it can end when it begins at `at`: as late as possible, or with a lazy quantifier anywhere.

        As late as possible is how the engines that hold models to such grammars cut a text, too.
        """
        found = self.node.ends(subject, frozenset((at,)))
        return (max(found),) if found and self.greedy else found


def between(low: str, high: str) -> Character:
    return Character(lambda character: low <= character <= high, low)
