"""Conversations that grow too long: compacted when the client wishes it, cut where it allows it.

    compaction_trigger          the last item of the input: the response is one compaction item
    POST /responses/compact     the same, with what is kept word for word beside it
    context_management          from so many tokens on: a compaction item first, and then the answer
    truncation: auto            whole items are left out from the beginning
    truncation: disabled        a 400 before anything is sent, where it is sure that it cannot fit

A provider that compacts by itself is asked to; of any other the model is asked for a summary, in a turn of
its own, which costs what it costs and is counted with the response.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

from msgspec.structs import replace

from antiphon.core.adaptations import Adaptation
from antiphon.core.compaction import (
    COMPACTION,
    Summarising,
    asking_for_summary,
    estimated_tokens,
    kept_of,
    summary_of,
)
from antiphon.core.deltas import Delta
from antiphon.core.grammars.judge import HeldTool, ToolName
from antiphon.core.records import Target
from antiphon.core.truncation import left_out
from antiphon.core.turn import Turn
from antiphon.engine.places import Places
from antiphon.engine.ports import Speaker, Speech
from antiphon.engine.sealing import Told
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.protocol.request import CreateResponse

_SURE = 0.8
"""Of the tokens counted by another model's vocabulary, those that any model will count."""

_LEFT_OUT = "left out to make room: truncation is auto"


class SummarisedSpeech:
    """A speech that was asked for a summary, as the compaction item that is made of it."""

    grammars: Mapping[ToolName, HeldTool] = {}

    def __init__(self, speech: Speech, kept: list[JSON]) -> None:
        self.adaptations = speech.adaptations
        self._speech = speech
        self._kept = kept

    async def deltas(self) -> AsyncGenerator[list[Delta], None]:
        """Raises ProtocolViolation if there is no summary, and what the speech raises."""
        summarising = Summarising(self._kept)
        async with aclosing(self._speech.deltas()) as batches:
            async for batch in batches:
                if figures := [passed for delta in batch for passed in summarising.feed(delta)]:
                    yield figures
        yield list(summarising.finish())


def wished(speaker: Speaker, target: Target, turn: Turn) -> Turn:
    """The turn as the target is asked it: one that is to be compacted asks for a summary."""
    if turn.compaction is None or speaker.compacts(target):
        return turn
    return asking_for_summary(turn)


def summarised(speech: Speech, turn: Turn) -> Speech:
    """What is said to the turn's wish for a summary."""
    return SummarisedSpeech(speech, kept_of(turn.items))


def unfolded(told: Told) -> Told:
    """With what our own (opened) compactions stand for in their place."""
    if not any(item["type"] == COMPACTION for item in told.turn.items):
        return told
    said: list[tuple[JSON, str]] = []
    for at, item in enumerate(told.turn.items):
        path = told.places.items[at] if at < len(told.places.items) else "output"
        summary = summary_of(item)
        if summary is None:
            said.append((item, path))
        else:
            said = [each for each in said if not summary.stands_for(each[0])]
            said += ((each, path) for each in summary.items)
    return _with_items(told, said)


class Fitting:
    """Sees that what a model is told fits into its context window, given in tokens where it is known."""

    def __init__(self, speaker: Speaker, window: Callable[[Target], int | None]) -> None:
        self._speaker = speaker
        self._window = window

    async def fitted(self, request: CreateResponse, target: Target, told: Told) -> Told:
        """Raises InvalidRequest `context_length_exceeded`."""
        if request.context_management and told.turn.compaction is None:
            told = self._compacted(request.context_management, target, told)
        window = self._window(target)
        if window is None or told.turn.compaction is not None:
            return told
        room = window - (request.max_output_tokens or 0)
        if request.truncation == "auto":
            return self._cut(target, told, room)
        if estimated_tokens(told.turn.items) > window:
            tokens = await self._speaker.estimate(target, told.turn)
            if tokens * _SURE > window:
                raise _too_long(window)
        return told

    def _compacted(self, wishes: list[JSON], target: Target, told: Told) -> Told:
        """To be compacted first, if it is as long as the client says."""
        turn = told.turn
        if self._speaker.compacts(target):
            extra = {**turn.extra, "context_management": wishes}
            return replace(told, turn=replace(turn, extra=extra))
        thresholds = [wish["compact_threshold"] for wish in wishes if wish.get("compact_threshold")]
        if not thresholds or estimated_tokens(turn.items) < min(thresholds):
            return told
        return replace(told, turn=replace(turn, compaction="first"))

    def _cut(self, target: Target, told: Told, room: int) -> Told:
        if self._speaker.truncates(target):
            return told
        turn = replace(told.turn, truncation=None)
        gone = left_out(turn.items, room)
        if gone is None:
            raise _too_long(room)
        if not gone:
            return replace(told, turn=turn)
        kept = [(item, path) for at, (item, path) in enumerate(_placed(told)) if at not in gone]
        paths = dict.fromkeys(path for at, (_, path) in enumerate(_placed(told)) if at in gone)
        noted = (Adaptation(path, "dropped", _LEFT_OUT) for path in paths)
        told = replace(told, turn=turn, adaptations=(*told.adaptations, *noted))
        return _with_items(told, kept)


def _placed(told: Told) -> list[tuple[JSON, str]]:
    return list(zip(told.turn.items, told.places.items, strict=True))


def _with_items(told: Told, said: list[tuple[JSON, str]]) -> Told:
    return replace(
        told,
        turn=replace(told.turn, items=[item for item, _ in said]),
        places=Places.known(items=tuple(path for _, path in said), tools=told.places.tools),
    )


def _too_long(tokens: int) -> InvalidRequest:
    return InvalidRequest(
        f"Your input exceeds the context window of this model: it takes {tokens:,} tokens at most. Shorten "
        "it, allow the gateway to leave out its beginning with 'truncation': 'auto', or have it summed up "
        "with 'context_management'.",
        code="context_length_exceeded",
        param="input",
    )
