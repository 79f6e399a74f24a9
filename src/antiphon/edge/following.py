"""A durable journal as server-sent events: the same bytes for everybody who reads it, whenever.

The head leaves at once. Whoever goes away stops nothing but the reading. When the gateway itself goes, the
stream ends with an `error` event that is not of the journal; the client goes on elsewhere, behind the last
event of the journal that it got.
"""

from __future__ import annotations

import asyncio

from antiphon.edge.exchange import Exchange
from antiphon.edge.outlet import DONE, HEAD, PING, StreamStyle, framed, write
from antiphon.engine.following import Follower
from antiphon.protocol.errors import AntiphonError
from antiphon.protocol.events import error_event


async def as_followed(exchange: Exchange, follower: Follower, style: StreamStyle) -> None:
    """All events that the follower reads."""
    await exchange.begin(200, HEAD)
    leaving = asyncio.create_task(_left(exchange))
    try:
        if await _followed(exchange, follower, style, leaving):
            await exchange.write(DONE if style.done_marker else b"", last=True)
    finally:
        leaving.cancel()


async def _followed(
    exchange: Exchange, follower: Follower, style: StreamStyle, leaving: asyncio.Task[None]
) -> bool:
    """False when the client has gone."""
    loop = asyncio.get_running_loop()
    written_at = loop.time()
    while not follower.ended:
        piece = b""
        try:
            if events := await follower.read():
                piece = framed(events, padded=style.padded)
        except AntiphonError as error:
            await write(exchange, framed([error_event(error.code, error.message)], padded=False), style)
            return True
        if leaving.done():
            return False
        if not piece and loop.time() - written_at >= style.heartbeat:
            piece = PING
        if piece:
            await write(exchange, piece, style)
            written_at = loop.time()
    return True


async def _left(exchange: Exchange) -> None:
    while (await exchange.receive())["type"] != "http.disconnect":
        pass
