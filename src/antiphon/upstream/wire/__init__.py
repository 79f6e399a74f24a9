"""Framings of upstream streams: bytes in, frames out, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from antiphon.upstream.base import Framing, Reader
from antiphon.upstream.wire.aws_event_stream import AWSEventStreamReader
from antiphon.upstream.wire.ndjson import NDJSONReader
from antiphon.upstream.wire.sse import SSEReader


@dataclass(frozen=True, slots=True)
class Wire:
    """A framing: its reader, and the content type in which it is asked for and comes."""

    reader: Callable[[], Reader]
    content_type: str


WIRES: Mapping[Framing, Wire] = MappingProxyType(
    {
        "sse": Wire(SSEReader, "text/event-stream"),
        "ndjson": Wire(NDJSONReader, "application/x-ndjson"),
        "aws-event-stream": Wire(AWSEventStreamReader, "application/vnd.amazon.eventstream"),
    }
)
