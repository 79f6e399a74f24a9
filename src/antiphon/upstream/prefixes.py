"""Prefixes of prompts that providers keep under a name: which were asked for, and until when they are there.

    unknown ──ask──▶ kept ──(its time is over, or the provider has lost it)──▶ unknown
                └──▶ refused ──(some time later)──▶ unknown

A turn whose prefix is kept is sent without it, under its name. Where the provider does not take that, the
whole turn is sent, once; so a prefix that cannot be kept costs a call, and never an answer. The names are
those of this process: another one asks again.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from hashlib import sha256

import structlog
from msgspec import Struct
from msgspec.structs import replace

from antiphon.core.deltas import Delta
from antiphon.protocol.errors import ProviderError
from antiphon.protocol.json import JSON, encode
from antiphon.upstream.client import Call, Client

log = structlog.get_logger()

_MOST = 1024  # prefixes that are remembered; the one that was not used for longest goes first
_MARGIN = 10.0  # seconds before its end in which a prefix is no longer named
_PAUSE = 600.0  # seconds until a prefix that was refused is asked for again
_GONE = (403, 404)  # statuses for a name that is not known: Google says 403 to hide what exists
_NOT_TAKEN = (400, *_GONE)


class Kept(Struct, frozen=True):
    """How a turn is sent whose prefix is kept.

    `keep` asks the provider to keep it for `seconds`; `rest` is the body of the turn without it, in which its
    name goes into `field`.
    """

    keep: Call
    seconds: int
    rest: JSON
    field: str

    @property
    def key(self) -> bytes:
        """Whose it is, and all that is in it."""
        return sha256(b"\0".join((self.keep.endpoint.name.encode(), self.keep.body))).digest()


class _Entry:
    """`name`: None if it was refused; it holds until `until`, by the clock that only goes forward."""

    __slots__ = ("lock", "name", "until")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.name: str | None = None
        self.until = 0.0


class Prefixes:
    """The prefixes of one process. Used on one event loop."""

    def __init__(self, client: Client, now: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._now = now
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    @property
    def held(self) -> list[tuple[str, int, int]]:
        """See antiphon.measures."""
        return [("kept prefixes", len(self._entries), _MOST)]

    async def deltas(self, call: Call, kept: Kept) -> AsyncGenerator[list[Delta], None]:
        """Sends the turn by the name of its prefix, or whole (`call`). Raises as the client does."""
        entry = self._entry(kept.key)
        name = await self._name(entry, kept)
        refusal: ProviderError | None = None
        if name is not None:
            spoken = False
            named = replace(call, body=encode({**kept.rest, kept.field: name}))
            try:
                async with aclosing(self._client.deltas(named)) as batches:
                    async for batch in batches:
                        spoken = True
                        yield batch
                return
            except ProviderError as error:
                if spoken or error.status not in _NOT_TAKEN:
                    raise
                refusal = error
        async with aclosing(self._client.deltas(call)) as batches:
            async for batch in batches:
                if refusal is not None and entry.name == name:
                    self._lose(entry, refusal, kept)
                    refusal = None
                yield batch

    def _entry(self, key: bytes) -> _Entry:
        entry = self._entries.setdefault(key, _Entry())
        self._entries.move_to_end(key)
        if len(self._entries) > _MOST:
            self._entries.popitem(last=False)
        return entry

    async def _name(self, entry: _Entry, kept: Kept) -> str | None:
        """None: it is not kept. Turns with the same prefix wait for the first of them, which asks."""
        async with entry.lock:
            if self._now() < entry.until:
                return entry.name
            try:
                answer = await self._client.ask(kept.keep)
            except ProviderError as error:
                log.warning("prefix_not_kept", provider=kept.keep.endpoint.name, status=error.status)
                answer = {}
            name = answer.get("name")
            entry.name = name if isinstance(name, str) and name else None
            entry.until = self._now() + (kept.seconds - _MARGIN if entry.name is not None else _PAUSE)
            return entry.name

    def _lose(self, entry: _Entry, refusal: ProviderError, kept: Kept) -> None:
        """The whole turn was taken where its prefix was not: it is gone, or cannot be used."""
        log.warning("prefix_lost", provider=kept.keep.endpoint.name, status=refusal.status)
        entry.name = None
        entry.until = self._now() + (0 if refusal.status in _GONE else _PAUSE)


class KeptTurns:
    """A client for turns that begin with a prefix."""

    __slots__ = ("_kept", "_prefixes")

    def __init__(self, prefixes: Prefixes, kept: Kept) -> None:
        self._prefixes = prefixes
        self._kept = kept

    def deltas(self, call: Call) -> AsyncGenerator[list[Delta], None]:
        return self._prefixes.deltas(call, self._kept)
