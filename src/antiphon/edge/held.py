"""Responses that connections remember: for who continues what the store does not have.

A connection holds the newest response of each of its lanes, if the store cannot continue it: it was not to be
stored, or it continues one that was not. It is held as JSON, so that its size is known; all connections
together hold no more than a bound, and the oldest is forgotten first.
"""

from __future__ import annotations

from antiphon.core.records import Caller
from antiphon.protocol.json import JSON, decode, encode


class HeldResponses:
    """What all connections hold."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._sizes: dict[tuple[Memory, str | None], int] = {}  # the oldest first

    def entered(self, memory: Memory, lane: str | None, size: int) -> None:
        """Something new is held; forget of the oldest what is too much then."""
        self._sizes[memory, lane] = size
        self._bytes += size
        while self._bytes > self._most_bytes:
            oldest, its_lane = next(iter(self._sizes))
            oldest.forget_lane(its_lane)

    def left(self, memory: Memory, lane: str | None) -> None:
        self._bytes -= self._sizes.pop((memory, lane))


class Memory:
    """What one connection holds, by lane. Nothing is found for another project's caller."""

    def __init__(self, all_held: HeldResponses) -> None:
        self._all = all_held
        self._held: dict[str | None, tuple[str, str, bytes]] = {}  # the response's id, its project, its items

    @property
    def lanes(self) -> frozenset[str]:
        """The named lanes that hold something."""
        return frozenset(name for name in self._held if name is not None)

    def keep(self, lane: str | None, caller: Caller, response_id: str, transcript: list[JSON]) -> None:
        """In place of what this lane held. `transcript`: all items up to and with the response."""
        self.forget_lane(lane)
        items = encode(transcript)
        self._held[lane] = (response_id, caller.project_id, items)
        self._all.entered(self, lane, len(items))

    def find(self, caller: Caller, response_id: str) -> list[JSON] | None:
        """All items up to and with the response; None if it is not held."""
        for held_id, project_id, items in self._held.values():
            if held_id == response_id and project_id == caller.project_id:
                transcript: list[JSON] = decode(items)
                return transcript
        return None

    def holds(self, response_id: str | None) -> bool:
        return any(held_id == response_id for held_id, _, _ in self._held.values())

    def forget(self, response_id: str) -> None:
        """In whatever lane it is held."""
        for lane in [name for name, held in self._held.items() if held[0] == response_id]:
            self.forget_lane(lane)

    def forget_lane(self, lane: str | None) -> None:
        if self._held.pop(lane, None) is not None:
            self._all.left(self, lane)

    def forget_all(self) -> None:
        for lane in list(self._held):
            self.forget_lane(lane)
