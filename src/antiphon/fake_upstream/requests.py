"""Requests, from the bytes of a connection: httptools parses, this collects."""

from __future__ import annotations

from asyncio import StreamReader
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httptools

HEAD_LIMIT = 64 * 1024
"""Bytes of the head of a request."""

BODY_LIMIT = 256 * 1024 * 1024
"""Bytes of its body."""

_KEYS = ("authorization", "x-api-key", "x-goog-api-key", "api-key")


class BadRequest(Exception):
    """What came is no HTTP, or too much of it."""


@dataclass(slots=True)
class Request:
    """`headers` by their lower-case names; the last of a name counts."""

    method: str = ""
    target: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    keeps_alive: bool = True

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def key(self) -> str:
        """The caller's, without what stands before it."""
        found = next((self.headers[name] for name in _KEYS if name in self.headers), "")
        return found.removeprefix("Bearer ")


class Requests:
    """The requests of one connection, in their order.

    `go_on` is called when a caller wants to hear `100 Continue` before it sends its body.
    """

    def __init__(self, reader: StreamReader, go_on: Callable[[], None]) -> None:
        self._reader = reader
        self._go_on = go_on
        self._parser = httptools.HttpRequestParser(self)
        self._ready: deque[Request] = deque()
        self._request = Request()
        self._pieces: list[bytes] = []
        self._size = self._fed = 0  # bytes of the request, and of those that are being parsed
        self._in_head = True

    async def next(self) -> Request | None:
        """The next one, whole; None: the caller left. Raises BadRequest."""
        while not self._ready:
            data = await self._reader.read(65536)
            if not data:
                return None
            self._feed(data)
        return self._ready.popleft()

    def _feed(self, data: bytes) -> None:
        self._size += len(data)
        self._fed = len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise BadRequest("no upgrade is served here") from None
        except httptools.HttpParserError:
            raise BadRequest("this is no HTTP") from None
        if self._size > (HEAD_LIMIT if self._in_head else BODY_LIMIT):
            raise BadRequest("the request is too large")

    # Called by httptools

    def on_message_begin(self) -> None:
        self._request, self._pieces, self._size, self._in_head = Request(), [], self._fed, True

    def on_url(self, url: bytes) -> None:
        self._request.target += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._request.headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._request.method = self._parser.get_method().decode("ascii")
        self._request.keeps_alive = self._parser.should_keep_alive()
        if self._request.headers.get("expect", "").lower() == "100-continue":
            self._go_on()

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        self._request.body = b"".join(self._pieces)
        self._pieces = []
        self._ready.append(self._request)
