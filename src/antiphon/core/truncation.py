"""Truncation: what of a long conversation is left out so that a model can take the rest. Pure.

Whole items go, from the beginning: a call never without its output, and what is left begins with somebody
who asks. Instructions stay, and so does everything from the latest message of the user on.
"""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.core.compaction import estimated_tokens
from antiphon.protocol.json import JSON

_INSTRUCTIONS = ("system", "developer")


def left_out(items: Sequence[JSON], room: int) -> frozenset[int] | None:
    """The indexes of what has to go for the rest to take about `room` tokens; None if that cannot be."""
    sizes = [estimated_tokens([item]) for item in items]
    excess = sum(sizes) - room
    if excess <= 0:
        return frozenset()
    gone: set[int] = set()
    for begin in _beginnings(items):
        gone.update(at for at in range(begin) if not _is_instruction(items[at]))
        gone |= _torn(items, gone)
        if sum(sizes[at] for at in gone) >= excess:
            return frozenset(gone)
    return None


def _beginnings(items: Sequence[JSON]) -> list[int]:
    """Where what is left may begin: at a message of the user, but for the first thing said."""
    asks = [
        at for at, item in enumerate(items) if item.get("type") == "message" and item.get("role") == "user"
    ]
    return asks[1:] if asks and all(_is_instruction(item) for item in items[: asks[0]]) else asks


def _torn(items: Sequence[JSON], gone: set[int]) -> set[int]:
    """Calls whose output goes, and outputs whose call goes."""
    calls = {items[at].get("call_id") for at in gone} - {None}
    return {at for at, item in enumerate(items) if item.get("call_id") in calls} if calls else set()


def _is_instruction(item: JSON) -> bool:
    return item.get("type") == "message" and item.get("role") in _INSTRUCTIONS
