"""The calls of a model's own computer tool, as the items that the client asked for: a Filter.

    calls in a row          one computer_call with all of their actions; the older tool takes one action a
                            call, so there each is a computer_call
    anything between them   ends the row
    a call that is cut      the row is incomplete: what is torn never runs

A row is held back until it is over; nothing of it would be streamed anyway. What the actions do not say of it
goes before it, sealed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from antiphon.core.deltas import Arguments, Call, Delta, End, Sealed, Served, Stop, StopReason, Usage
from antiphon.protocol.json import JSON
from antiphon.upstream.computer.actions import Deed, Language, OwnCall, deeds
from antiphon.upstream.emulation.kinds.base import object_of

_CUT = ("length", "content_filter")


class _Held:
    """A call whose arguments arrive."""

    __slots__ = ("begun", "pieces")

    def __init__(self, begun: Call) -> None:
        self.begun = begun
        self.pieces: list[str] = []


class _Row(Struct, frozen=True):
    """What becomes one computer_call. `whole`: it has all actions of its calls, and no others."""

    call_id: str
    actions: list[JSON]
    calls: list[OwnCall]
    whole: bool = True


class ComputerCalls:
    """The state of one answer. `several`: the client takes several actions in a call."""

    __slots__ = ("_held", "_language", "_several", "_stopped", "_torn")

    def __init__(self, language: Language, several: bool) -> None:
        self._language = language
        self._several = several
        self._held: dict[str, _Held] = {}
        self._torn = False
        self._stopped = False

    def feed(self, delta: Delta) -> Iterable[Delta]:
        match delta:
            case Call() if self._language.is_own(delta):
                self._held[delta.part] = _Held(delta)
                return ()
            case Arguments() if delta.part in self._held:
                self._held[delta.part].pieces.append(delta.text)
                return ()
            case End() if delta.part in self._held:
                return ()
            case Stop():
                return self._stop(delta.reason)
            case Usage() | Served():
                return (delta,)
            case _:
                return (*self._release(cut=False), delta)

    def finish(self) -> Iterator[Delta]:
        """The answer ended without saying why: nobody knows whether it was cut."""
        yield from self._release(cut=True)
        if self._torn and not self._stopped:
            yield Stop("length")

    def _stop(self, reason: StopReason) -> Iterator[Delta]:
        self._stopped, cut = True, reason in _CUT
        yield from self._release(cut)
        yield Stop("length" if self._torn and not cut else reason)

    def _release(self, cut: bool) -> Iterator[Delta]:
        """All that is held. `cut`: the last of it may lack its end, also where nothing has come of it."""
        held, self._held = list(self._held.values()), {}
        if not held:
            return
        read = [(each.begun, object_of("".join(each.pieces))) for each in held]
        calls = [self._language.own_call(begun, given) for begun, given in read if given is not None]
        if len(calls) < len(read) or (cut and not held[-1].pieces):
            self._torn = True
            yield self._begin(held[0].begun.part, held[0].begun.call_id)
            return
        part = held[0].begun.part
        for index, row in enumerate(self._rows(deeds(calls, self._language))):
            yield from self._say(row, f"{part}:{index}" if index else part)

    def _rows(self, done: list[Deed]) -> Iterator[_Row]:
        if self._several:
            actions = [action for deed in done for action in deed.actions]
            yield _Row(done[0].call.id, actions, [deed.call for deed in done])
            return
        for deed in done:
            for number, action in enumerate(deed.actions):
                call_id = f"{deed.call.id}_{number + 1}" if number and deed.call.id else deed.call.id
                yield _Row(call_id, [action], [] if number else [deed.call], len(deed.actions) == 1)

    def _say(self, row: _Row, part: str) -> Iterator[Delta]:
        if row.whole and not self._can_be_said_again(row):
            yield Sealed(f"{part}:own", self._language.seal(row.calls))
        yield self._begin(part, row.call_id)
        fields: JSON = {"pending_safety_checks": list(self._checks(row.calls))}
        yield End(part, fields | ({"actions": row.actions} if self._several else {"action": row.actions[0]}))

    def _can_be_said_again(self, row: _Row) -> bool:
        """Whether the actions alone lead back to the call, and its result needs no words."""
        again = self._language.said(row.actions)
        return again == [(call.name, call.input) for call in row.calls] and not (
            len(row.calls) > 1 or row.calls[0].told
        )

    def _begin(self, part: str, call_id: str) -> Call:
        fields: JSON = {"pending_safety_checks": [], **({"actions": []} if self._several else {})}
        return Call(part, call_id, "computer", "computer", fields=fields)

    def _checks(self, calls: list[OwnCall]) -> Iterator[JSON]:
        found = [check for call in calls if (check := self._language.check(call)) is not None]
        yield from ({"id": f"check_{number}", **check} for number, check in enumerate(found, 1))
