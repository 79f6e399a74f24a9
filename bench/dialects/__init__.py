"""What each dialect costs by itself: in this process, without connections, store or log.

    an event      bytes ─wire─▶ frame ─decoder─▶ deltas ─assembler─▶ events ─▶ server-sent events
    a history     turn ─adapt─▶ a turn that the dialect can say ─encode─▶ JSON

Events are fed one at a time, as a model's pace brings them, so that nothing is batched. The times are CPU
time of the process; of several repeats the least counts, because all that others add is noise. What a dialect
made of its stream is compared with what the provider said before it is timed.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from antiphon.core.assembler import Assembler
from antiphon.edge.outlet import framed
from antiphon.observe.clock import Ids
from antiphon.protocol.json import JSON, encode
from antiphon.protocol.request import Limits, create_response
from antiphon.protocol.response import begun
from antiphon.upstream.base import Dialect
from antiphon.upstream.emulation import adapt
from antiphon.upstream.providers import PROVIDERS
from antiphon.upstream.stream import DeltaStream
from bench.bodies import STREAM_TEXT, WrongAnswer
from bench.dialects.history import history
from bench.dialects.streams import ARGUMENTS, streams_of

# A provider and a model that speak each dialect.
SPEAKERS = {
    "responses": ("openai", "gpt-5.2"),
    "chat": ("openrouter", "z-ai/glm-5"),
    "anthropic": ("anthropic", "claude-sonnet-4-5"),
    "gemini": ("gemini", "gemini-3-pro-preview"),
    "converse": ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    "cohere": ("cohere", "command-a-reasoning-08-2025"),
    "ollama": ("ollama_native", "gpt-oss:20b"),
}


@dataclass(frozen=True)
class DialectCost:
    """CPU time: µs for each of the provider's events, ms for the history. `body_bytes`: what it became."""

    dialect: str
    framing: str
    events: int  # of the stream of words
    words_us: float
    calls_us: float
    encode_ms: float
    body_bytes: int


def costs(repeats: int) -> list[DialectCost]:
    """Of all dialects. Raises WrongAnswer."""
    with _settled_memory():
        return [_cost(name, repeats) for name in SPEAKERS]


def _cost(name: str, repeats: int) -> DialectCost:
    provider, model = SPEAKERS[name]
    dialect = PROVIDERS[provider].dialect
    streams, turn = streams_of(name), history(model)
    _check(dialect, streams.words, "text", STREAM_TEXT)
    _check(dialect, streams.calls, "arguments", ARGUMENTS)

    def asked() -> bytes:
        adapted = adapt(turn, dialect.native_tools(turn), dialect.own_fields)
        return encode(adapted.encoded(dialect.encode).body)

    def an_event(stream: Sequence[bytes]) -> float:
        return _least(lambda: translated(dialect, stream), repeats) / len(stream) * 1e6

    return DialectCost(
        dialect=name,
        framing=dialect.framing,
        events=len(streams.words),
        words_us=an_event(streams.words),
        calls_us=an_event(streams.calls),
        encode_ms=_least(asked, repeats) * 1e3,
        body_bytes=len(asked()),
    )


def _least(work: Callable[[], object], repeats: int) -> float:
    """Seconds of CPU time."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def translated(dialect: Dialect, stream: Sequence[bytes]) -> tuple[JSON, list[bytes]]:
    """The response, and the server-sent events that tell it."""
    deltas, assembler = DeltaStream(dialect.decoder(), (), dialect.framing), _assembler()
    pieces = [framed(assembler.begin(), padded=True)]
    told = ([event for delta in deltas.feed(data) for event in assembler.apply(delta)] for data in stream)
    pieces += [framed(events, padded=True) for events in told if events]
    rest = [event for delta in deltas.finish() for event in assembler.apply(delta)]
    if deltas.error is not None:
        raise WrongAnswer(f"{dialect.name}: {deltas.error}")
    _, events = assembler.end_turn()
    pieces.append(framed([*rest, *events, *assembler.finish(0)], padded=True))
    return assembler.response, pieces


def _assembler() -> Assembler:
    ids = Ids()
    request = create_response({"model": "m", "input": "Hello."}, Limits())
    response = begun(request, response_id=ids("response"), created_at=0, provider="bench", model="m")
    return Assembler(response, new_id=ids)


def _check(dialect: Dialect, stream: Sequence[bytes], what: str, expected: str) -> None:
    """Nobody is fast by being wrong. Raises WrongAnswer."""
    last = translated(dialect, stream)[0]["output"][-1]
    said = last["arguments"] if what == "arguments" else last["content"][0]["text"]
    if "".join(said.split()) != "".join(expected.split()):
        raise WrongAnswer(f"{dialect.name}: other {what} than the provider sent: {said[:100]!r}")


@contextmanager
def _settled_memory() -> Iterator[None]:
    """The garbage collector, as the gateway sets it (`settle_memory` in antiphon/app.py)."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 5, 5)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
