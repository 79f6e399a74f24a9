"""A journal as messages over a WebSocket: each event one message, the same JSON as the data of an SSE event.

As in a stream the first events wait for the first output, so that a failure before it is one error message,
or for the first heartbeat. A response that fails after that ends with `response.failed` alone, not with
`error` and `response.failed`: OpenAI's client takes either for the end, and would take the second for the
end of what it asks next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from antiphon.edge.channel import Channel
from antiphon.edge.outlet import PADS, STRETCH, OnDisconnect, first_events
from antiphon.engine.run import Run
from antiphon.protocol.errors import ClientGone
from antiphon.protocol.events import TERMINAL, Event
from antiphon.protocol.json import encode


async def relay(channel: Channel, run: Run, lane: str | None, *, heartbeat: float, padded: bool) -> str:
    """The type of the terminal event, when it was sent. `heartbeat`: seconds.

    Raises the response's failure as long as nothing was; ChannelClosed.
    """
    journal = run.journal
    reveal = asyncio.get_running_loop().call_later(heartbeat, journal.nudge)
    try:
        events = await first_events(run)
    finally:
        reveal.cancel()
    journal.is_revealed = True
    while True:
        await channel.send(messages(events, lane, padded=padded))
        if events and (last := events[-1]["type"]) in TERMINAL:
            return str(last)
        events = await journal.read()


@contextmanager
def reading(run: Run, on_disconnect: OnDisconnect) -> Iterator[None]:
    """Whatever ends the reading ends the run, unless what is stored is to be finished."""
    try:
        yield
    finally:
        if on_disconnect == "finish" and run.is_stored:
            run.journal.let_go()
        elif not run.journal.ended:
            run.cancel(ClientGone("Nobody reads this response any more."))


def messages(events: list[Event], lane: str | None, *, padded: bool) -> list[bytes]:
    """The events as messages of this lane; `padded` adds the obfuscation to their deltas."""
    made, dropped = list[bytes](), 0
    for event in events:
        kind = event["type"]
        if kind == "error":
            dropped += 1
            continue
        if padded and kind.endswith(".delta") and isinstance(text := event.get("delta"), str):
            event["obfuscation"] = PADS[-len(text) % STRETCH]
        if lane is not None:
            event["stream_id"] = lane
        event["sequence_number"] -= dropped
        made.append(encode(event))
    return made
