"""From the bytes of an answer to deltas, or to a ProviderError: nothing else comes out.

    bytes ─Reader─▶ frames ─Decoder─▶ deltas ─Filter─▶ … ─Filter─▶ deltas

A batch is never lost to what follows it: `feed` gives out the deltas that came before a failure, and the
failure then stands in `error`. Whoever drives a stream looks there after each call and stops.

    reading ──the end marker──▶ ended          what follows is not read; `finish` still has to agree
       └────────failure───────▶ error is set   nothing more is decoded

What the end marker is, the decoder knows. "[DONE]" ends every stream besides: it is the marker of Chat
Completions, and speakers of other dialects send it too, as the last thing. A connection that stays open
after the end is so never waited for; nor, for long, one that stays open when all was said and only the
marker is missing (`answered`).

A decoder that stumbles over odd data (a missing key, a string for a number, absurd depth) is not a bug to
be reported to a client as ours: what a provider sent is not its own protocol, and that is what we say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from antiphon.core.deltas import Delta
from antiphon.protocol.errors import ProtocolViolation, ProviderError
from antiphon.protocol.json import JSON, MalformedJSON, decode_leniently
from antiphon.upstream.base import Decoder, Dialect, Filter, Frame, Framing
from antiphon.upstream.wire import WIRES

END_MARKER = b"[DONE]"

STREAM_LIMIT = 256 * 1024 * 1024
"""Bytes of a whole stream after decompression; what the deltas of one answer may add up to in memory."""

STUMBLES = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError)
"""What pure code raises when data has not the shape it expects; MalformedJSON is a ValueError."""


class DeltaStream:
    """One answer in the making. Sans-IO; a whole (not streamed) answer goes through `answer` instead."""

    __slots__ = ("_decoder", "_filters", "_reader", "_size", "answered", "ended", "error", "events")

    def __init__(
        self, decoder: Decoder, filters: Sequence[Callable[[], Filter]] = (), framing: Framing = "sse"
    ) -> None:
        self._reader = WIRES[framing].reader()
        self._decoder = decoder
        self._filters = [make() for make in filters]
        self._size = 0
        self.events = 0
        """Events parsed so far: comments and cut events do not count."""
        self.answered = False
        """All that matters was said: silence is the end (`Decoder.answered`)."""
        self.ended = False
        """The end marker came: there is no need to wait for the end of the connection."""
        self.error: ProviderError | None = None

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas that `data` completes; empty when it completes none."""
        self._size += len(data)
        if self._size > STREAM_LIMIT:
            self.error = ProtocolViolation(f"The provider sent more than {STREAM_LIMIT} bytes.")
            return self._filtered([], last=True)
        try:
            frames = self._reader.feed(data)
        except ProtocolViolation as violation:
            self.error = violation
            return self._filtered([], last=True)
        if not frames:
            return []
        self.events += len(frames)
        deltas = self._decoded(frames)
        self.answered = self._decoder.answered
        self.ended = self._decoder.ended or frames[-1].data == END_MARKER
        return self._filtered(deltas, last=self.error is not None) if self._filters else deltas

    def finish(self) -> list[Delta]:
        """No more will come. Sets `error` when the provider's own end marker is missing.

        The last event may lack its blank line; when it is cut in the middle, it is left out, so that a
        connection lost in mid-event is called that, and not malformed JSON.
        """
        deltas: list[Delta] = []
        try:
            left = [] if self.ended else self._reader.finish()
        except ProtocolViolation as violation:
            self.error = violation
        else:
            deltas = self._decoded([frame for frame in left if not _is_cut(frame)])
        if self.error is None:
            self._add(deltas, self._decoder.finish)
        return self._filtered(deltas, last=True)

    def _decoded(self, frames: list[Frame]) -> list[Delta]:
        deltas: list[Delta] = []
        feed, extend = self._decoder.feed, deltas.extend
        try:
            for frame in frames:
                if frame.data:  # some send `data:` alone to keep the connection open
                    extend(feed(frame))
        except ProviderError as error:
            self.error = error
        except STUMBLES as stumble:
            self.error = _violation(stumble)
        return deltas

    def _add(self, deltas: list[Delta], said: Callable[[], Iterable[Delta]]) -> None:
        try:
            deltas.extend(said())
        except ProviderError as error:
            self.error = error
        except STUMBLES as stumble:
            self.error = _violation(stumble)

    def _filtered(self, deltas: list[Delta], *, last: bool) -> list[Delta]:
        for each in self._filters:
            passed: list[Delta] = []
            for delta in deltas:
                passed.extend(each.feed(delta))
            if last:
                passed.extend(each.finish())
            deltas = passed
        return deltas


def answer(dialect: Dialect, body: JSON, filters: Sequence[Callable[[], Filter]] = ()) -> list[Delta]:
    """The deltas of a whole answer. Raises ProviderError."""
    try:
        deltas = list(dialect.answer(body))
    except STUMBLES as stumble:
        raise _violation(stumble) from None
    for make in filters:
        each = make()
        deltas = [*(passed for delta in deltas for passed in each.feed(delta)), *each.finish()]
    return deltas


def _is_cut(frame: Frame) -> bool:
    if frame.data == END_MARKER:
        return False
    try:
        decode_leniently(frame.data)
    except MalformedJSON:
        return True
    return False


def _violation(stumble: Exception) -> ProtocolViolation:
    """The name of the exception, and not its text, which may quote what a user or a model said."""
    return ProtocolViolation(
        f"The provider sent something that is not its protocol ({type(stumble).__name__})."
    )
