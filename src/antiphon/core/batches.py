"""Batches: numbered events as they are kept, and back. One JSON text a line; JSON has no line breaks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from antiphon.core.records import Batch
from antiphon.protocol.events import Event
from antiphon.protocol.json import decode, encode


def written(events: Sequence[Event]) -> Batch:
    """At least one event, each numbered one higher than that before. Raises MalformedJSON."""
    lines = b"\n".join([encode(event) for event in events])
    return Batch(events[0]["sequence_number"], events[-1]["sequence_number"], lines)


def read(batches: Iterable[Batch], *, after: int = -1) -> list[Event]:
    """The events behind sequence number `after`."""
    return [
        decode(line)
        for batch in batches
        for line in batch.events.split(b"\n")[max(after + 1 - batch.first, 0) :]
    ]
