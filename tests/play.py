"""Plays bytes through a dialect and the assembler, as the gateway does, without any I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from antiphon.core.assembler import Assembler
from antiphon.core.deltas import Delta
from antiphon.protocol.errors import AntiphonError
from antiphon.protocol.events import Event
from antiphon.protocol.json import JSON, decode_leniently
from antiphon.upstream.base import Dialect, Filter
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.cohere import Cohere
from antiphon.upstream.dialects.converse import Converse
from antiphon.upstream.dialects.gemini import Gemini
from antiphon.upstream.dialects.ollama import Ollama
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.stream import DeltaStream, answer

DIALECTS: dict[str, Dialect] = {
    "responses": Responses(),
    "chat": Chat(),
    "messages": Anthropic(),
    "cohere": Cohere(),
    "converse": Converse(),
    "ollama": Ollama(),
    "gemini": Gemini(),
}
"""By the family of their recordings."""


def snapshot() -> JSON:
    """A response as it begins."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "in_progress",
        "model": "provider/model",
        "output": [],
        "usage": None,
        "error": None,
        "incomplete_details": None,
        "completed_at": None,
        "service_tier": "auto",
    }


def counting_ids() -> Any:
    """Ids that tests can expect: type_1, type_2, …"""
    counts: Counter[str] = Counter()

    def new_id(kind: str) -> str:
        counts[kind] += 1
        return f"{kind}_{counts[kind]}"

    return new_id


Filters = Sequence[Callable[[], Filter]]


def stream_deltas(dialect: Dialect, pieces: Iterable[bytes], filters: Filters = ()) -> Iterable[Delta]:
    """The deltas of a stream, cut as given. Raises what ended it, as the client of a provider does."""
    stream = DeltaStream(dialect.decoder(), filters, dialect.framing)
    for piece in pieces:
        yield from stream.feed(piece)
        if stream.error is not None:
            raise stream.error
        if stream.ended:
            break
    yield from stream.finish()
    if stream.error is not None:
        raise stream.error


def answer_deltas(dialect: Dialect, body: bytes, filters: Filters = ()) -> Iterable[Delta]:
    """The deltas of a whole answer."""
    yield from answer(dialect, decode_leniently(body), filters)


def play(
    deltas: Iterable[Delta], *, reveal_sealed: bool = True, quiet: bool = False
) -> tuple[list[Event], Assembler]:
    """All events of one response made of one turn; a provider's failure ends it as the gateway would.

    `quiet`: nobody listens before the end.
    """
    assembler = Assembler(snapshot(), new_id=counting_ids(), reveal_sealed=reveal_sealed)
    assembler.quiet = quiet
    events = assembler.begin()
    try:
        for delta in deltas:
            events.extend(assembler.apply(delta))
        events.extend(assembler.end_turn()[1])
        events.extend(assembler.finish(2))
    except AntiphonError as error:
        events.extend(assembler.fail(error.code or "", error.message, error_code="server_error"))
    return events, assembler
