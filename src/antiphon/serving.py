"""Serving: the gateway behind a socket of its own, from the first request to the last."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from collections.abc import Callable, Coroutine

from antiphon.app import Gateway, open_gateway
from antiphon.edge import server as http
from antiphon.observe import log
from antiphon.observe.log import AccessLog
from antiphon.settings import Settings

Announce = Callable[[str, str | None], None]
"""Called once the gateway listens, with its URL and, if one was made for this data folder, a gateway key."""


def serve(settings: Settings, *, announce: Announce) -> int:
    """Serve until told to stop; returns the exit code."""
    return run(_serve(settings, announce, log.configure(settings.log.level, settings.log.format)))


def run(main: Coroutine[None, None, int]) -> int:
    """On the fastest event loop that there is here; its exit code."""
    if sys.platform == "win32":
        return asyncio.run(main)
    import uvloop

    return uvloop.run(main)


async def _serve(settings: Settings, announce: Announce, access: AccessLog) -> int:
    try:
        listening = listen(settings)
    except OSError as error:
        print(
            f"antiphon: cannot listen on {settings.host}:{settings.port}: {error.strerror}", file=sys.stderr
        )
        return 1
    async with open_gateway(settings, access) as gateway:
        key = None
        if not settings.keys and not await gateway.ring.list():
            _, key = await gateway.ring.create("first")
        settle_memory()
        server = server_of(settings, gateway, lambda: announce(_url(listening), key))
        await server.serve(sockets=[listening])
    return 0


def settle_memory() -> None:
    """What was loaded at start lives as long as the process: keep the garbage collector off it.

    A collection of everything stopped all requests for 80 ms; one after each 700 allocations cost a fifth
    of the processor's time, and one after each 5,000 still an eighth with 256 requests in progress: it finds
    nothing but what is alive. At 20,000 it is a twenty-fifth, and the memory is the same. The old generation
    is looked through often, so that circles that nobody knows of do not pile up.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 5, 5)


def server_of(
    settings: Settings, gateway: Gateway, started: Callable[[], None] = lambda: None
) -> http.GracefulServer:
    """The server that `antiphon serve` runs for this gateway."""
    limits = settings.limits
    return http.server(
        gateway.app,
        hygiene=http.Hygiene(
            limits.header_count, limits.header_bytes, limits.header_timeout, limits.body_timeout
        ),
        drain=lambda: gateway.drain(settings.drain_timeout),
        started=started,
    )


def listen(settings: Settings) -> socket.socket:
    """A socket that listens where the settings say. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(address)
    listening.listen(2048)
    listening.setblocking(False)
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"
