"""Calls whose input must be of a grammar, where the provider does not see to that: held back and judged.

    delta ─▶ before the first such call                   it leaves
          ─▶ such a call, and what comes behind it        held
                 the call is whole ─┬─▶ fit               it leaves, and what is behind, to the next such call
                                    └─▶ unfit             UnfitCall, when the turn is over
                 the turn is over and the call is not     it leaves: a call that was cut runs nowhere

Of the turn of an unfit call nothing more leaves but what it cost, and the rest of calls that the client has
seen begin. If that turn was cut short besides, nobody is asked again: it ends so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing

from antiphon.core import deltas as d
from antiphon.core.grammars.judge import HeldTool, ToolName
from antiphon.engine.ports import Speech
from antiphon.protocol.errors import UnfitCall

CUT_SHORT = ("length", "content_filter")


class HeldCalls:
    """A speech whose calls leave when they were judged."""

    def __init__(self, speech: Speech) -> None:
        self.adaptations = speech.adaptations
        self.grammars = speech.grammars
        self._speech = speech

    async def deltas(self) -> AsyncGenerator[list[d.Delta], None]:
        """Raises UnfitCall, and what the speech raises."""
        line = _Line(self.grammars)
        async with aclosing(self._speech.deltas()) as batches:
            async for batch in batches:
                leaving = [each for delta in batch for each in line.arrive(delta)]
                if line.held:
                    leaving += await self._judged(line)
                if leaving:
                    yield leaving
        line.is_over = True
        yield await self._judged(line)
        if line.unfit is not None and line.stop not in CUT_SHORT:
            raise line.unfit

    async def _judged(self, line: _Line) -> list[d.Delta]:
        """What need not wait any longer."""
        leaving: list[d.Delta] = []
        while (call := line.first) is not None:
            if line.is_whole(call):
                tool, text = self.grammars[call.namespace, call.name], line.input_of(call)
                fault = await asyncio.to_thread(tool.grammar.fault, text)  # it may be costly on purpose
                if fault is not None:
                    name = (call.call_id, call.name, call.namespace)
                    line.unfit = UnfitCall(fault, text, f"{tool.place}.format", call=name)
            elif not line.is_over:
                break
            leaving += line.leave()
        return leaving


class _Line:
    """What waits, behind a call that is not judged yet, and what has left."""

    def __init__(self, grammars: Mapping[ToolName, HeldTool]) -> None:
        self.held: list[d.Delta] = []  # the first is a call that is not judged
        self.is_over = False
        self.stop: d.StopReason | None = None
        self.unfit: UnfitCall | None = None
        self._grammars = grammars
        self._whole: set[str] = set()
        self._begun: set[str] = set()  # the calls that have left

    @property
    def first(self) -> d.Call | None:
        first = self.held[0] if self.held else None
        return first if isinstance(first, d.Call) else None

    def is_whole(self, call: d.Call) -> bool:
        return call.part in self._whole

    def input_of(self, call: d.Call) -> str:
        pieces = (delta for delta in self.held if isinstance(delta, d.Arguments))
        return "".join(delta.text for delta in pieces if delta.part == call.part)

    def arrive(self, delta: d.Delta) -> Iterator[d.Delta]:
        """What leaves at once."""
        if isinstance(delta, d.Stop):
            self.is_over, self.stop = True, delta.reason
        if isinstance(delta, d.Usage | d.Served) or (self.unfit is not None and self._goes_on(delta)):
            yield delta
        elif self.unfit is None and (self.held or self._is_held(delta)):
            if isinstance(delta, d.End) and delta.fields is not None:
                self._whole.add(delta.part)
            self.held.append(delta)
        elif self.unfit is None:
            if isinstance(delta, d.Call):
                self._begun.add(delta.part)
            yield delta

    def leave(self) -> list[d.Delta]:
        """What need not wait now that the first call is judged: all before the next such call."""
        if self.unfit is not None:
            held, self.held = self.held, []
            return [delta for delta in held if self._goes_on(delta)]
        end = next((at for at, delta in enumerate(self.held) if at and self._is_held(delta)), len(self.held))
        leaving, self.held = self.held[:end], self.held[end:]
        self._begun.update(delta.part for delta in leaving if isinstance(delta, d.Call))
        return leaving

    def _is_held(self, delta: d.Delta) -> bool:
        if not isinstance(delta, d.Call) or delta.kind != "custom":
            return False
        return (delta.namespace, delta.name) in self._grammars

    def _goes_on(self, delta: d.Delta) -> bool:
        """Whether it leaves after an unfit call, whose own end does not."""
        if isinstance(delta, d.Stop):
            return delta.reason in CUT_SHORT
        return isinstance(delta, d.Arguments | d.End) and delta.part in self._begun
