"""The calls that come back, as what the client asked for: a Filter.

    a tool told as it is        the call, under the client's name, with its namespace
    a tool told as a function   the deltas of its own item (`kinds`)
    any other                   as it came: the model made the name up

What is torn never runs: if the turn ends while a call is not whole, or makes no sense, the turn is one
that was cut, and that call is incomplete.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from antiphon.core.deltas import Arguments, Call, Delta, End, Stop, StopReason, Text
from antiphon.upstream.emulation.kinds import EmulatedCall
from antiphon.upstream.emulation.offer import Offered

_CUT = ("length", "content_filter")


class CallsBack:
    """The state of one answer. `offered` has the tools whose calls are told otherwise, by function name."""

    __slots__ = ("_calls", "_offered", "_stopped")

    def __init__(self, offered: Mapping[str, Offered]) -> None:
        self._offered = offered
        self._calls: dict[str, EmulatedCall] = {}
        self._stopped = False

    def feed(self, delta: Delta) -> Iterable[Delta]:
        match delta:
            case Text():
                return (delta,)
            case Call() if delta.name in self._offered:
                return self._call(delta, self._offered[delta.name])
            case Arguments() if delta.part in self._calls:
                return self._calls[delta.part].take(delta.text)
            case End() if delta.part in self._calls:
                return self._calls[delta.part].over()
            case Stop():
                return self._stop(delta.reason)
            case _:
                return (delta,)

    def finish(self) -> Iterable[Delta]:
        """The answer ended without saying why: nobody knows whether it was cut."""
        return () if self._stopped or not self._is_torn else (Stop("length"),)

    @property
    def _is_torn(self) -> bool:
        return any(not call.whole for call in self._calls.values())

    def _call(self, delta: Call, tool: Offered) -> Iterable[Delta]:
        kind = tool.stands_for
        named = Call(
            delta.part, delta.call_id, tool.key.name, kind.kind if kind else delta.kind, tool.key.namespace
        )
        if kind is None:
            return (named,)
        before = [told for call in self._calls.values() for told in call.over()]
        call = self._calls[delta.part] = kind.call(named, tool.definition)
        return (*before, *call.open())

    def _stop(self, reason: StopReason) -> Iterator[Delta]:
        self._stopped = True
        cut = reason in _CUT
        for call in self._calls.values():
            yield from call.over() if cut else call.end()
        yield Stop("length" if self._is_torn and not cut else reason)
