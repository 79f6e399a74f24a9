"""Places: from the paths of a turn to those of the request that it was made from.

A dialect counts the turn's items and tools. The history is among those items, and tools that came as items
are among those tools; the client knows only what it sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from antiphon.protocol.json import JSON

HISTORIES = ("previous_response_id", "conversation")
_INDEXED = re.compile(r"(input|tools)\[(\d+)\]")


Found: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]


class Places:
    """For each item and each tool of a turn, its path in the request; that of history is what it came by.

    `find` is asked when somebody first wants to know: of most turns there is nothing to tell.
    """

    __slots__ = ("_find", "_found")

    def __init__(self, find: Callable[[], Found]) -> None:
        self._find = find
        self._found: Found | None = None

    @classmethod
    def known(cls, items: tuple[str, ...], tools: tuple[str, ...]) -> Places:
        return cls(lambda: (items, tools))

    @property
    def items(self) -> tuple[str, ...]:
        return self._paths()[0]

    @property
    def tools(self) -> tuple[str, ...]:
        return self._paths()[1]

    def _paths(self) -> Found:
        if self._found is None:
            self._found = self._find()
        return self._found

    def of_client(self, param: str) -> str:
        """`input[7].content[0]`, counted over history and input, as the client would write it.

        What the model itself said in an earlier turn of this response is `output`.
        """
        found = _INDEXED.match(param)
        if found is None:
            return param
        known, index = self.items if found[1] == "input" else self.tools, int(found[2])
        if index < len(known):
            place = known[index]
        else:
            place = f"output[{index - len(known)}]" if found[1] == "input" else found[0]
        return place if place in HISTORIES else place + param[found.end() :]


def places_of(
    history: Sequence[JSON],
    own_input: Sequence[JSON],
    tools: Sequence[JSON],
    origin: str = "previous_response_id",
) -> Places:
    """Items that bring tools are not among the turn's; their tools are, after the request's own `tools`.

    `origin`: which of HISTORIES the history came by.
    """
    return Places(partial(_paths_of, origin, history, own_input, tools))


def _paths_of(
    origin: str, history: Sequence[JSON], own_input: Sequence[JSON], tools: Sequence[JSON]
) -> Found:
    placed = [
        *((origin, item) for item in history),
        *((f"input[{index}]", item) for index, item in enumerate(own_input)),
    ]
    brought = (
        (path if path == origin else f"{path}.tools[{at}]", tool)
        for path, item in placed
        if item["type"] == "additional_tools"
        for at, tool in enumerate(item["tools"])
    )
    return (
        tuple(path for path, item in placed if item["type"] != "additional_tools"),
        (
            *(f"tools[{index}]" for index in range(len(tools))),
            *(path for path, tool in brought if tool not in tools),
        ),
    )
