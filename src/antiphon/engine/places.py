"""Places: from the paths of a turn to those of the request that it was made from.

A dialect counts the turn's items and tools. The history is among those items, and tools that came as items
are among those tools; the client knows only what it sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from antiphon.protocol.json import JSON

HISTORY = "previous_response_id"
_INDEXED = re.compile(r"(input|tools)\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Places:
    """For each item and each tool of a turn, its path in the request; that of history is `HISTORY`."""

    items: tuple[str, ...]
    tools: tuple[str, ...]

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
        return place if place == HISTORY else place + param[found.end() :]


def places_of(history: Sequence[JSON], own_input: Sequence[JSON], tools: Sequence[JSON]) -> Places:
    """Items that bring tools are not among the turn's; their tools are, after the request's own `tools`."""
    placed = [
        *((HISTORY, item) for item in history),
        *((f"input[{index}]", item) for index, item in enumerate(own_input)),
    ]
    brought = (
        (path if path == HISTORY else f"{path}.tools[{at}]", tool)
        for path, item in placed
        if item["type"] == "additional_tools"
        for at, tool in enumerate(item["tools"])
    )
    return Places(
        items=tuple(path for path, item in placed if item["type"] != "additional_tools"),
        tools=(
            *(f"tools[{index}]" for index in range(len(tools))),
            *(path for path, tool in brought if tool not in tools),
        ),
    )
