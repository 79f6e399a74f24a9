"""The outlet: a journal as JSON or as server-sent events.

A stream's head is held back until the first output event, so that a failure before it is an HTTP status;
or until the first heartbeat, so that a model that thinks for long does not look dead. Each write holds
whole events only. Whoever closes the connection, or takes nothing for too long, stops the upstream; and
whatever else ends the reading ends the run, so that none is left that nobody reads. Unless the operator wants
what is stored to be finished: then it goes on without a reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

from antiphon.edge.exchange import ConnectionLost, Exchange
from antiphon.engine.run import Run
from antiphon.protocol.errors import ClientGone
from antiphon.protocol.events import LIFECYCLE, TERMINAL, Event
from antiphon.protocol.json import JSON, encode

OnDisconnect: TypeAlias = Literal["stop", "finish"]

HEAD = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"x-accel-buffering", b"no"),  # nginx: do not collect what should flow
)
PING = b": ping\n\n"
DONE = b"data: [DONE]\n\n"
_WATCH_AFTER = 0.1  # seconds: most answers are out before anybody could have gone away
STRETCH = 16  # characters: deltas are padded to multiples of this
PADS = tuple("0123456789abcdef"[:length] for length in range(STRETCH))


@dataclass(frozen=True, slots=True)
class StreamStyle:
    """How a stream is written.

    `heartbeat`: seconds of silence until a comment. `write_timeout`: seconds in which the client must take
    what was written. `padded`: obfuscation.
    """

    heartbeat: float
    write_timeout: float
    done_marker: bool
    padded: bool = True


async def as_json(
    exchange: Exchange, run: Run, on_disconnect: OnDisconnect, shown: Callable[[Run], JSON] | None = None
) -> None:
    """Wait for the terminal event; its response is the body, or what is `shown` of the run.

    Raises the failure of a failed response.
    """
    with _reading(exchange, run, on_disconnect):
        last = await run.journal.end()
    if run.journal.failure is not None:
        raise run.journal.failure
    _tell_adaptations(exchange, run)
    await exchange.answer_json(200, last["response"] if shown is None else shown(run))


async def as_stream(exchange: Exchange, run: Run, on_disconnect: OnDisconnect, style: StreamStyle) -> None:
    """Raises the response's failure as long as nothing was sent."""
    journal = run.journal
    heartbeat = _Heartbeat(style.heartbeat, journal.nudge)
    try:
        with _reading(exchange, run, on_disconnect):
            events = await first_events(run)
            journal.is_revealed = True
            _tell_adaptations(exchange, run)
            await exchange.begin(200, HEAD)
            while not (journal.ended and not events):
                await write(exchange, framed(events, padded=style.padded) if events else PING, style)
                heartbeat.touched()
                if events and events[-1]["type"] in TERMINAL:
                    break
                events = await journal.read()
            await exchange.write(DONE if style.done_marker else b"", last=True)
    finally:
        heartbeat.stop()


async def write(exchange: Exchange, piece: bytes, style: StreamStyle) -> None:
    """Raises ConnectionLost when the client does not read."""
    try:
        async with asyncio.timeout(style.write_timeout):
            await exchange.write(piece)
    except TimeoutError:
        exchange.abort()
        raise ConnectionLost("the client took nothing") from None


async def first_events(run: Run) -> list[Event]:
    """Everything up to the first batch with output in it, or up to the first heartbeat."""
    journal, events = run.journal, list[Event]()
    while True:
        batch = await journal.read()
        events += batch
        if any(event["type"] not in LIFECYCLE for event in batch):
            return events
        if journal.ended and journal.failure is not None:
            raise journal.failure
        if journal.ended or not batch:
            return events


def framed(events: list[Event], *, padded: bool) -> bytes:
    """The events as server-sent events; `padded` adds the obfuscation to their deltas."""
    frames = []
    for event in events:
        kind = event["type"]
        if padded and kind.endswith(".delta") and isinstance(text := event.get("delta"), str):
            event["obfuscation"] = PADS[-len(text) % STRETCH]
        frames.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), encode(event)))
    return b"".join(frames)


def _tell_adaptations(exchange: Exchange, run: Run) -> None:
    if run.adaptations:
        told = "; ".join(map(str, run.adaptations))[:4000]
        printable = "".join(character if " " <= character <= "~" else "?" for character in told)
        exchange.add_header(b"x-antiphon-adaptations", printable.encode("ascii"))


class _Heartbeat:
    """Calls `nudge` after each `interval` seconds of silence; `touched` says "not silent now".

    One timer that looks at the clock when it goes off: re-arming it for each event would cost more than
    the event.
    """

    __slots__ = ("_interval", "_last", "_loop", "_nudge", "_timer")

    def __init__(self, interval: float, nudge: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._interval = interval
        self._nudge = nudge
        self._last = self._loop.time()
        self._timer = self._loop.call_later(interval, self._tick)

    def touched(self) -> None:
        self._last = self._loop.time()

    def stop(self) -> None:
        self._timer.cancel()
        del self._timer  # which holds this object

    def _tick(self) -> None:
        left = self._last + self._interval - self._loop.time()
        if left <= 0:
            self._nudge()
            left = self._interval
        self._timer = self._loop.call_later(max(left, 0.01), self._tick)


def _reading(exchange: Exchange, run: Run, on_disconnect: OnDisconnect) -> AbstractContextManager[None]:
    return _unwatched(run) if on_disconnect == "finish" and run.is_stored else _Watch(exchange, run)


@contextmanager
def _unwatched(run: Run) -> Iterator[None]:
    """When the reading ends, the run does not wait for a reader any more."""
    try:
        yield
    finally:
        run.journal.let_go()


class _Watch:
    """Cancels the run when the client goes away (closing its sending side counts as going).

    As a context around the reading: whatever ends it ends the run as well.
    """

    __slots__ = ("_exchange", "_loop", "_run", "_task", "_timer")

    def __init__(self, exchange: Exchange, run: Run) -> None:
        self._exchange = exchange
        self._run = run
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(_WATCH_AFTER, self._begin)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *failure: object) -> None:
        self._timer.cancel()
        del self._timer  # which holds this object
        if self._task is not None:
            self._task.cancel()
            self._task = None  # which keeps, once cancelled, the frame that holds this object
        if not self._run.journal.ended:
            self._run.cancel(ClientGone("Nobody reads this response any more."))

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._exchange.receive())["type"] != "http.disconnect":
            pass
        self._run.cancel(ClientGone("The client closed the connection."))
