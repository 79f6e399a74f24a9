"""Whoever is asked to have a turn spoken: the providers, and the simulated model among them.

What a turn names by URL and its provider does not take so is fetched first, in `fetch`, or refused. Encoding
happens in `prepare`, so that a request that cannot be asked, and what had to be adapted, is known before
anything is sent. Sending happens when the deltas are read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from antiphon.core.adaptations import Adaptation
from antiphon.core.deltas import Delta
from antiphon.core.grammars.judge import HeldTool, ToolName
from antiphon.core.records import Target
from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest, ProtocolViolation, UnsupportedParameter
from antiphon.protocol.json import MalformedJSON, encode
from antiphon.upstream import tokens
from antiphon.upstream.base import Filter, Prefix, Provider, Speech, WireRequest
from antiphon.upstream.client import Call, Client
from antiphon.upstream.emulation import adapt
from antiphon.upstream.endpoint import Endpoint
from antiphon.upstream.going_on import SaidAnew, gone_on
from antiphon.upstream.keys import KeyedTurns, Keys
from antiphon.upstream.media.kinds import Media
from antiphon.upstream.media.parts import Missing, TakesURLs, completed, has_media, missing
from antiphon.upstream.prefixes import Kept, KeptTurns, Prefixes
from antiphon.upstream.simulated import SIMULATED
from antiphon.upstream.stream import STUMBLES

_TRUNCATING = ("responses", "ollama")
"""The dialects that can say `truncation: auto`."""


_NOT_KEPT = "nothing is kept with several keys, or where the base URL names no project"


class Simulated(Protocol):
    """The model that is always there."""

    def speech(self, turn: Turn, model: str) -> Speech: ...

    def count(self, turn: Turn) -> int: ...


class Fetching(Protocol):
    """Whoever fetches what URLs lead to."""

    async def fetch(self, wanted: Sequence[Missing]) -> list[tuple[Missing, Media]]:
        """Raises InvalidRequest naming the part whose URL cannot be fetched."""
        ...


class ProviderSpeech:
    """A turn encoded for a provider."""

    __slots__ = ("_call", "_client", "adaptations", "grammars")

    def __init__(
        self,
        client: Client | KeyedTurns | KeptTurns,
        call: Call,
        adaptations: tuple[Adaptation, ...],
        grammars: Mapping[ToolName, HeldTool],
    ) -> None:
        self._client = client
        self._call = call
        self.adaptations = adaptations
        self.grammars = grammars

    def deltas(self) -> AsyncGenerator[list[Delta], None]:
        """Sends the request. Raises ProviderError; Overloaded, ShuttingDown."""
        return self._client.deltas(self._call)


class Upstreams:
    """Everybody a turn can be given to. Raises ValueError for a provider nobody can call."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        simulated: Simulated,
        client: Client,
        user_agent: str = "antiphon",
        fetcher: Fetching | None = None,
    ) -> None:
        """Without `fetcher` nothing is fetched: what a provider does not take by URL is refused."""
        self._providers = {
            name: (provider, Endpoint(provider, user_agent)) for name, provider in providers.items()
        }
        self._simulated = simulated
        self._client = client
        self._keyed = {
            name: KeyedTurns(client, Keys(name, endpoint.keys))
            for name, (_, endpoint) in self._providers.items()
            if endpoint.keys
        }
        self._prefixes = Prefixes(client)
        self._fetcher = fetcher

    async def fetch(self, target: Target, turn: Turn) -> tuple[Turn, tuple[Adaptation, ...]]:
        """The turn with the data of the images and files that this target does not take by URL.

        Raises InvalidRequest for one that cannot be fetched; Overloaded.
        """
        if self._fetcher is None or target.provider == SIMULATED or not has_media(turn):
            return turn, ()
        dialect = self._provider(target)[0].dialect
        wanted = missing(turn, dialect)
        return completed(turn, await self._fetcher.fetch(wanted)) if wanted else (turn, ())

    def prepare(self, target: Target, turn: Turn) -> Speech:
        """Encode the turn; nothing is sent. Raises InvalidRequest for what this target cannot be asked."""
        if target.provider == SIMULATED:
            speech = self._simulated.speech(turn, target.model)
            return SaidAnew(speech, turn.begun) if turn.begun else speech
        dialect = self._provider(target)[0].dialect
        seam: tuple[Callable[[], Filter], ...] = ()
        told: tuple[Adaptation, ...] = ()
        if turn.begun:
            turn, join, told = gone_on(turn, dialect)
            seam = (join,)
        adapted = adapt(turn, dialect.native_tools(turn), dialect.own_fields)
        request = adapted.encoded(dialect.encode)
        _refuse_urls(turn, dialect)
        call = self._call(target, request, turn.stream, (*request.filters, *adapted.filters, *seam))
        sender = self._sender(target, request.prefix)
        if request.prefix is not None and not isinstance(sender, KeptTurns):
            missed = Adaptation(request.prefix.wish, "dropped", _NOT_KEPT)
            request = replace(request, adaptations=(*request.adaptations, missed))
        return ProviderSpeech(
            sender,
            call,
            (*adapted.placed(request.adaptations), *told) if told else adapted.placed(request.adaptations),
            adapted.grammars,
        )

    def reads(self, target: Target) -> frozenset[str]:
        """What stands before the colon of the sealed blobs that can go back to this target."""
        if target.provider == SIMULATED:
            return frozenset({SIMULATED})
        return self._provider(target)[0].dialect.reads

    async def count(self, target: Target, turn: Turn) -> int:
        """The turn's input tokens: the provider's own count, or an estimate. Raises ProviderError."""
        if target.provider == SIMULATED:
            return self._simulated.count(turn)
        dialect = self._provider(target)[0].dialect
        adapted = adapt(turn, dialect.native_tools(turn), dialect.own_fields)
        request = adapted.encoded(dialect.count)
        _refuse_urls(turn, dialect)
        if request is not None:
            asked = self._keyed.get(target.provider, self._client)
            body = await asked.ask(self._call(target, request, streamed=False))
            try:
                return dialect.counted(body)
            except STUMBLES:
                raise ProtocolViolation("The provider's token count is not one.") from None
        # In a thread: the first call loads a vocabulary for a third of a second, and long turns take time.
        return await asyncio.to_thread(tokens.count_turn, adapted.turn)

    async def estimate(self, target: Target, turn: Turn) -> int:
        """About the turn's input tokens; nobody is asked. Raises InvalidRequest."""
        if target.provider == SIMULATED:
            return self._simulated.count(turn)
        dialect = self._provider(target)[0].dialect
        adapted = adapt(turn, dialect.native_tools(turn), dialect.own_fields)
        return await asyncio.to_thread(tokens.count_turn, adapted.turn)

    def compacts(self, target: Target) -> bool:
        """Whether this target compacts conversations itself."""
        return target.provider != SIMULATED and self._provider(target)[0].compacts

    def truncates(self, target: Target) -> bool:
        """Whether this target leaves out what does not fit, where the client allows it."""
        return target.provider != SIMULATED and self._provider(target)[0].dialect.name in _TRUNCATING

    @property
    def held(self) -> list[tuple[str, int, int | None]]:
        """See antiphon.measures."""
        return [*self._prefixes.held, ("connections to providers", self._client.open, None)]

    async def aclose(self) -> None:
        await self._client.aclose()

    def _provider(self, target: Target) -> tuple[Provider, Endpoint]:
        known = self._providers.get(target.provider)
        if known is None:
            raise InvalidRequest(
                f"There is no provider {target.provider!r} here.", code="model_not_found", param="model"
            )
        return known

    def _sender(self, target: Target, prefix: Prefix | None) -> Client | KeyedTurns | KeptTurns:
        """The client itself, unless a key has to be chosen or a prefix to be named.

        Not both: a prefix belongs to the account of the key with which it was kept.
        """
        keyed = self._keyed.get(target.provider)
        kept = None if keyed is not None or prefix is None else self._kept(target, prefix)
        return keyed or self._client if kept is None else KeptTurns(self._prefixes, kept)

    def _kept(self, target: Target, prefix: Prefix) -> Kept | None:
        if (asked := self._provider(target)[1].keeping(prefix)) is None:
            return None
        url, body = asked
        keep = self._call(target, WireRequest(prefix.path, body), streamed=False)
        return Kept(replace(keep, url=url), prefix.seconds, prefix.rest, prefix.field)

    def _call(
        self,
        target: Target,
        request: WireRequest,
        streamed: bool,
        filters: tuple[Callable[[], Filter], ...] = (),
    ) -> Call:
        provider, endpoint = self._provider(target)
        try:
            body = encode(request.body)
        except MalformedJSON:
            raise InvalidRequest(
                "The request holds text that is not Unicode, or is nested too deeply."
            ) from None
        return Call(
            endpoint=endpoint,
            dialect=provider.dialect,
            url=endpoint.url(request.path, request.query),
            body=body,
            headers=endpoint.headers(streamed, request.headers),
            streamed=streamed,
            filters=(*endpoint.filters, *filters),
        )


def _refuse_urls(turn: Turn, dialect: TakesURLs) -> None:
    """What was not fetched, and its provider would not fetch either. Raises UnsupportedParameter.

    A dialect that cannot even write it down has refused it before, in words of its own.
    """
    if has_media(turn) and (left := missing(turn, dialect)):
        raise UnsupportedParameter(
            "This model's provider takes this as data, not as a URL, and the gateway fetches nothing here. "
            "Send it as a data URL.",
            param=left[0].path,
        )
