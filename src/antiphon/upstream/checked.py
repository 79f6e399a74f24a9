"""The one way to a URL that somebody gave: a connection to an address that was checked.

    host ──▶ resolve ──▶ every address is checked ──▶ connect to one of these

A name is resolved once for each connection, and its addresses are connected to as they were checked: a name
server that answers differently the second time is not asked one. The same check stands again where sockets
are made, because addresses in URLs never come to a resolver. Hosts that an operator trusts are not checked.

Every exchange has a session and a connection of its own, without cookies, without the proxies and the netrc
of the environment, and without decompression.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from antiphon.upstream.media.addresses import is_public
from antiphon.upstream.media.urls import host_of

PRIVATE: Final = "not a public address"
"""The reason why an address is not connected to, for logs."""

_READ_BUFFER = 64 * 1024  # bytes; aiohttp stops reading from the socket at twice this


class Checked:
    """Makes sessions that reach public addresses, and `trusted` hosts wherever they are."""

    def __init__(
        self,
        trusted: Iterable[str],
        *,
        connect: float,
        may_reach: Callable[[str], bool] = is_public,
        resolver: Callable[[], AbstractResolver] = ThreadedResolver,
    ) -> None:
        """`connect`: seconds to reach a server."""
        self._trusted = frozenset(host.lower().removesuffix(".").strip("[]") for host in trusted)
        self._connect = connect
        self._may_reach = may_reach
        self._resolver = resolver

    def session(self, url: URL) -> aiohttp.ClientSession:
        """For one exchange with this host, to be closed after it; redirects are not to be followed in it."""
        resolver, guard = self._resolver(), None
        if host_of(url) not in self._trusted:
            resolver, guard = _CheckedResolver(resolver, self._may_reach), self._socket
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=resolver, socket_factory=guard, use_dns_cache=False, force_close=True
            ),
            connector_owner=True,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            read_bufsize=_READ_BUFFER,
            timeout=aiohttp.ClientTimeout(total=None, connect=self._connect, ceil_threshold=3600),
        )

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket for this address, which was resolved or stood in the URL. Raises OSError."""
        family, kind, protocol, _, (address, *_) = info
        if not self._may_reach(str(address)):
            raise PermissionError(PRIVATE)
        return socket.socket(family, kind, protocol)


def reason(error: Exception) -> str:
    """Why a server could not be reached: the name of the error, or of that behind it.

    The texts of aiohttp's exceptions say too much, and go nowhere.
    """
    cause = getattr(error, "os_error", None) or error
    return PRIVATE if isinstance(cause, PermissionError) else type(cause).__name__


class _CheckedResolver(AbstractResolver):
    """Names to addresses all of which may be reached."""

    def __init__(self, resolver: AbstractResolver, may_reach: Callable[[str], bool]) -> None:
        self._resolver = resolver
        self._may_reach = may_reach

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises OSError, also if but one of the addresses may not be reached."""
        found = await self._resolver.resolve(host, port, family)
        if not all(self._may_reach(each["host"]) for each in found):
            raise PermissionError(PRIVATE)
        return found

    async def close(self) -> None:
        await self._resolver.close()
