"""What the configuration says of WebSockets, made into who serves them."""

from __future__ import annotations

from antiphon.edge.channel import Manners
from antiphon.edge.held import HeldResponses
from antiphon.edge.lanes import LaneBounds
from antiphon.edge.socket import Serving, SocketBounds, Sockets
from antiphon.settings import Settings


def sockets(settings: Settings, serving: Serving) -> Sockets | None:
    """None where none are served. A message may be as long as a body, and what waits together as well."""
    wanted, limits, stream = settings.websocket, settings.limits, settings.stream
    if not wanted.enabled:
        return None
    manners = Manners(
        most_bytes=limits.body_bytes,
        interval=stream.heartbeat,
        patience=stream.write_timeout,
        unfinished=limits.body_timeout,
    )
    bounds = SocketBounds(
        connections=wanted.connections,
        lifetime=wanted.lifetime,
        lanes=LaneBounds(wanted.in_flight, wanted.lanes, limits.body_bytes),
        origins=frozenset(wanted.origins),
    )
    return Sockets(serving, manners, bounds, HeldResponses(wanted.memory))
