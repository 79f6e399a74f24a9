"""The definitions of a grammar, to rules and terminals with numbers.

    a terminal     0, 1, 2, …                what a rule stands for     -1, -2, …
    a state        a place in a rule: what follows there, or DONE; the next place is the next number

What is repeated, optional or in brackets becomes a rule of its own, so that the size of the rules is that of
the grammar, whatever it multiplies.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from antiphon.core.grammars.notation import (
    Definitions,
    Name,
    Options,
    Series,
    Times,
    Tree,
    UnsupportedGrammar,
)
from antiphon.core.grammars.terminals import Terminal
from antiphon.core.json_schema.pattern import Choice, Node, Repeat, Sequence

DONE: None = None

_START = "start"
_MOST_STATES = 20_000
_DEEPEST = 8  # terminals in one another


@dataclass(slots=True)
class Rules:
    """`begins` gives the first state of each rule for a symbol; `made` the symbol for which a state is.

    The one rule for `goal` is the rule `start`.
    """

    terminals: list[Terminal] = field(default_factory=list)
    ignored: list[int] = field(default_factory=list)
    follows: list[int | None] = field(default_factory=list)
    made: list[int] = field(default_factory=list)
    begins: dict[int, list[int]] = field(default_factory=dict)
    goal: int = -1


def rules_of(definitions: Definitions) -> Rules:
    """Raises UnsupportedGrammar."""
    return _Builder(definitions).build()


class _Builder:
    def __init__(self, definitions: Definitions) -> None:
        self._by_name = definitions.by_name
        self._ignored = definitions.ignored
        self._rules = Rules()
        self._terminals: dict[str, Terminal] = {}  # those with names
        self._numbers: dict[str, int] = {}  # by label, which is a name or as it is written
        self._symbols: dict[str, int] = {}  # of rules with names

    def build(self) -> Rules:
        if _START not in self._by_name:
            raise UnsupportedGrammar("it has no rule 'start'")
        for name in self._by_name:
            if not name.isupper():
                self._symbols[name] = -1 - len(self._symbols)
        self._rules.begins = {symbol: [] for symbol in self._symbols.values()}
        for name, symbol in self._symbols.items():
            self._define(symbol, self._by_name[name])
        for tree in self._ignored:
            self._rules.ignored.append(len(self._rules.terminals))
            self._rules.terminals.append(self._terminal(tree))
        self._rules.goal = self._new()
        self._add(self._rules.goal, [self._symbols[_START]])
        return self._rules

    # Rules

    def _define(self, symbol: int, tree: Tree) -> None:
        match tree:
            case Options():
                for option in tree.options:
                    self._add(symbol, self._series(option))
            case Times(high=None):
                once = self._symbol(tree.tree)
                self._add(symbol, [once] * tree.low)
                self._add(symbol, [symbol, once])
            case Times(low=low, high=int(high)):
                once = self._symbol(tree.tree)
                self._add(symbol, [once] * low + self._at_most(once, high - low))
            case _:
                self._add(symbol, self._series(tree))

    def _at_most(self, once: int, times: int) -> list[int]:
        """Nothing, or one and at most one less."""
        rest: list[int] = []
        for _ in range(times):
            symbol = self._new()
            self._add(symbol, [])
            self._add(symbol, [once, *rest])
            rest = [symbol]
        return rest

    def _series(self, tree: Tree) -> list[int]:
        parts = tree.parts if isinstance(tree, Series) else (tree,)
        return [self._symbol(part) for part in parts]

    def _symbol(self, tree: Tree) -> int:
        match tree:
            case Terminal():
                return self._number(tree)
            case Name() if tree.is_terminal:
                return self._number(self._terminal(tree))
            case Name():
                if tree.name not in self._symbols:
                    raise _undefined(tree)
                return self._symbols[tree.name]
            case _:
                symbol = self._new()
                self._define(symbol, tree)
                return symbol

    def _new(self) -> int:
        symbol = -1 - len(self._rules.begins)
        self._rules.begins[symbol] = []
        return symbol

    def _add(self, symbol: int, parts: list[int]) -> None:
        rules = self._rules
        if len(rules.follows) + len(parts) >= _MOST_STATES:
            raise UnsupportedGrammar("it is too large")
        rules.begins[symbol].append(len(rules.follows))
        rules.follows += [*parts, DONE]
        rules.made += [symbol] * (len(parts) + 1)

    # Terminals

    def _number(self, terminal: Terminal) -> int:
        if terminal.label not in self._numbers:
            self._numbers[terminal.label] = len(self._rules.terminals)
            self._rules.terminals.append(terminal)
        return self._numbers[terminal.label]

    def _terminal(self, tree: Tree) -> Terminal:
        return tree if isinstance(tree, Terminal) else self._joined(tree, 0)

    def _joined(self, tree: Tree, depth: int) -> Terminal:
        """One terminal of those in the tree."""
        match tree:
            case Terminal():
                return tree
            case Name():
                return self._named(tree, depth)
            case Times():
                inner = self._joined(tree.tree, depth)
                return Terminal("", Repeat(inner.node, tree.low, tree.high), inner.greedy)
            case Series():
                parts = [self._joined(part, depth) for part in tree.parts]
                node: Node = Sequence(tuple(part.node for part in parts))
            case Options():
                parts = [self._joined(option, depth) for option in tree.options]
                node = Choice(tuple(part.node for part in parts))
        return Terminal("", node, all(part.greedy for part in parts))

    def _named(self, name: Name, depth: int) -> Terminal:
        known = self._terminals.get(name.name)
        if known is not None:
            return known
        if not name.is_terminal:
            raise UnsupportedGrammar(f"line {name.line} puts a rule into a terminal")
        if name.name not in self._by_name:
            raise _undefined(name)
        if depth == _DEEPEST:
            raise UnsupportedGrammar(f"line {name.line} nests terminals too deeply")
        made = self._joined(self._by_name[name.name], depth + 1)
        self._terminals[name.name] = Terminal(name.name, made.node, made.greedy)
        return self._terminals[name.name]


def _undefined(name: Name) -> UnsupportedGrammar:
    return UnsupportedGrammar(f"line {name.line} names what is not defined")
