"""Is a text of a grammar? Earley's algorithm over places in the text; terminals are matched when asked for.

An item is a state of a rule and the place at which the rule began. At each place that some terminal can end:

    predict    the next symbol is a rule's: its rules begin here
    scan       it is a terminal: the item goes on where that ends
    complete   the rule is over: who waited for it, where it began, goes on

Of a rule that ends in itself, one completion stands for the whole chain (Leo), so that right recursion costs
no more than left. All of it is counted: `spend` may raise.

J. Earley, "An efficient context-free parsing algorithm", 1970; J. Leo, "A general context-free parsing
algorithm running in linear time on every LR(k) grammar without using lookahead", 1991.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable
from typing import TypeAlias

from antiphon.core.grammars.rules import DONE, Rules
from antiphon.core.json_schema.pattern import Subject

_ITEM = 3  # what an item costs, in positions of a pattern

Item: TypeAlias = tuple[int, int]
Waiting: TypeAlias = dict[int, list[Item]]


class Recogniser:
    """Made fresh for one text. `furthest` is the last place reached; `expected` could have gone on there."""

    def __init__(self, rules: Rules, text: str, spend: Callable[[int], None]) -> None:
        self.furthest = 0
        self.expected: list[str] = []
        self._rules = rules
        self._subject = Subject(text, spend)
        self._spend = spend
        self._waiting: dict[int, Waiting] = {}  # by place: who waits for a symbol there
        self._tops: dict[tuple[int, int], Item] = {}  # by place and symbol: the end of a chain
        self._ahead: dict[int, set[Item]] = {}  # places that are still to come
        self._order: list[int] = []  # … as a heap
        # At the place that is filled:
        self._place = 0
        self._seen: set[Item] = set()
        self._to_do: list[Item] = []
        self._over: set[int] = set()  # symbols that are made of nothing
        self._ends: dict[int, Collection[int]] = {}  # by terminal

    def accepts(self) -> bool:
        """Whether the whole text is of the grammar. Raises what `spend` raises."""
        (goal,) = self._rules.begins[self._rules.goal]
        self._go_on(0, [(goal, 0)])
        while self._order:
            self._fill(heapq.heappop(self._order))
            self._ignore()
        return self._place == len(self._subject.text) and (goal + 1, 0) in self._seen

    def _go_on(self, place: int, items: Iterable[Item]) -> None:
        if place not in self._ahead:
            self._ahead[place] = set()
            heapq.heappush(self._order, place)
        self._ahead[place].update(items)

    def _fill(self, place: int) -> None:
        self._place = place
        self._seen = self._ahead.pop(place)
        self._to_do = list(self._seen)
        self._over, self._ends = set(), {}
        self._waiting[place] = {}
        follows = self._rules.follows
        while self._to_do:
            self._spend(_ITEM)
            item = self._to_do.pop()
            symbol = follows[item[0]]
            if symbol is DONE:
                self._complete(self._rules.made[item[0]], item[1])
            elif symbol < 0:
                self._predict(symbol, item)
            else:
                self._scan(symbol, item)
        self.furthest = place
        self.expected = [self._rules.terminals[terminal].label for terminal in self._ends]

    def _add(self, item: Item) -> None:
        if item not in self._seen:
            self._seen.add(item)
            self._to_do.append(item)

    def _predict(self, symbol: int, item: Item) -> None:
        waiting = self._waiting[self._place]
        if symbol not in waiting:
            waiting[symbol] = []
            for state in self._rules.begins[symbol]:
                self._add((state, self._place))
        waiting[symbol].append(item)
        if symbol in self._over:
            self._add((item[0] + 1, item[1]))

    def _scan(self, terminal: int, item: Item) -> None:
        after, ends = (item[0] + 1, item[1]), self._ends_of(terminal)
        self._spend(len(ends))
        for end in ends:
            if end == self._place:
                self._add(after)
            else:
                self._go_on(end, (after,))

    def _ends_of(self, terminal: int) -> Collection[int]:
        ends = self._ends.get(terminal)
        if ends is None:
            ends = self._rules.terminals[terminal].ends(self._subject, self._place)
            self._ends[terminal] = ends
        return ends

    def _complete(self, symbol: int, origin: int) -> None:
        if origin == self._place:
            self._over.add(symbol)
            waiting: Collection[Item] = self._waiting[origin].get(symbol, ())
        else:
            waiting = self._waiters(symbol, origin)
        self._spend(len(waiting))
        for state, begun in list(waiting):
            self._add((state + 1, begun))

    def _waiters(self, symbol: int, origin: int) -> Collection[Item]:
        """Who waited for the symbol at an earlier place; of a chain of those who end with it, the last."""
        follows, made = self._rules.follows, self._rules.made
        chain: dict[tuple[int, int], Item] = {}
        link = (origin, symbol)
        while link not in self._tops and link not in chain:
            waiting = self._waiting[link[0]].get(link[1], ())
            if len(waiting) != 1 or follows[waiting[0][0] + 1] is not DONE:
                break
            chain[link] = waiting[0]
            link = (waiting[0][1], made[waiting[0][0]])
        self._spend(len(chain))
        top = self._tops.get(link) or (list(chain.values())[-1] if chain else None)
        if top is None:
            return self._waiting[origin].get(symbol, ())
        self._tops.update(dict.fromkeys(chain, top))
        return (top,)

    def _ignore(self) -> None:
        """What is ignored may stand wherever a terminal may, and at the end."""
        rules = self._rules
        for terminal in rules.ignored:
            for end in self._ends_of(terminal):
                if end > self._place:
                    self._spend(len(self._seen))
                    self._go_on(end, [item for item in self._seen if self._may_wait(item)])

    def _may_wait(self, item: Item) -> bool:
        symbol = self._rules.follows[item[0]]
        return symbol >= 0 if symbol is not DONE else self._rules.made[item[0]] == self._rules.goal
