"""The seam between the gateway and the languages models speak.

A Dialect turns a Turn into a request on the wire, and what comes back into deltas. It is pure: no
connection, no clock, no id. A Provider is a value: who speaks which dialect, where, with which key.

    Turn ──encode──▶ WireRequest ──client──▶ bytes ──wire──▶ Frame ──decoder──▶ Delta
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from antiphon.core.adaptations import Adaptation
from antiphon.core.deltas import Delta
from antiphon.core.grammars.judge import HeldTool, ToolName
from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProviderError
from antiphon.protocol.json import JSON

Framing: TypeAlias = Literal["sse", "ndjson", "aws-event-stream"]
"""How a stream is cut into frames; `upstream/wire` has a reader for each."""


class Frame(Struct, frozen=True, gc=False):
    """One event of an upstream stream: its name, if it has one, and its data (JSON).

    The name is that of the field `event:`, or the header `:event-type` of an AWS event stream.

    A Struct and not a dataclass, because one is made for every event: 0.04 µs instead of 0.3.
    """

    event: str | None
    data: bytes


class Reader(Protocol):
    """Bytes of a stream to frames; sans-IO. Bytes may be cut anywhere; the frames are the same."""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes. Raises ProtocolViolation."""
        ...

    def finish(self) -> list[Frame]:
        """The stream ended: what is left, which may be cut."""
        ...


class Prefix(Struct, frozen=True):
    """The beginning of a turn, which the provider can keep under a name for some `seconds`.

    A POST of `body` to `path` asks for it, and is answered with a `name`. `rest` is the body of the turn
    without it; the name goes into the `field` of this body.

    `beside`: what a base URL ends in that names the model's maker, `/publishers/google`. Then the path stands
    in its place, and the `model` of the body is completed to the name that it has in its project. `wish`: the
    path of what asked for it in the turn, as in errors.
    """

    path: str
    body: JSON
    seconds: int
    rest: JSON
    field: str
    beside: str = ""
    wish: str = ""


class WireRequest(Struct, frozen=True):
    """A POST to the provider: `path` is appended to its base URL, `body` is sent as JSON.

    What stands in `path` for a model's name is percent-encoded by whoever writes it. `adaptations` says
    what of the turn could not be sent as asked; `filters` turn what the answer says into what the client
    asked for, where that takes knowing the turn.
    """

    path: str
    body: JSON
    headers: Mapping[str, str] = MappingProxyType({})
    adaptations: tuple[Adaptation, ...] = ()
    query: Mapping[str, str] = MappingProxyType({})
    filters: tuple[Callable[[], Filter], ...] = ()
    prefix: Prefix | None = None


class Decoder(Protocol):
    """The state machine of one upstream stream. Made fresh for every call.

        speaking ──▶ answered ──▶ ended
            └────────────────────────▲

    Once it has ended, `feed` says nothing and raises nothing, whatever comes.
    """

    @property
    def answered(self) -> bool:
        """All that matters was said: if nothing comes for a moment, nothing more will."""
        ...

    @property
    def ended(self) -> bool:
        """The provider's own end marker came."""
        ...

    def feed(self, frame: Frame) -> Iterable[Delta]:
        """Raises ProviderError: the frame says the call failed, or (ProtocolViolation) makes no sense."""
        ...

    def finish(self) -> Iterable[Delta]:
        """The stream ended. Raises UpstreamDisconnected if the provider's own end marker never came."""
        ...


class Dialect(Protocol):
    """A language models speak. Instances are frozen; their fields are the quirks of a provider."""

    @property
    def name(self) -> str: ...

    @property
    def framing(self) -> Framing: ...

    def native_tools(self, turn: Turn) -> frozenset[str] | None:
        """The types of tools that `encode` can offer the model of this turn as they are; None: all there are.

        A tool of another type never comes to `encode`: it was made a function, or left out, before.
        """
        ...

    @property
    def reads(self) -> frozenset[str]:
        """What stands before the colon of the sealed blobs that `encode` can send back."""
        ...

    @property
    def own_fields(self) -> frozenset[str] | None:
        """Of the request's fields that OpenAI does not have (`Turn.extra`), those that `encode` sends.

        None: all, wherever they stand; then its answers are events of Responses.
        """
        ...

    def takes_url(self, part: JSON, model: str) -> bool:
        """Whether `encode` sends the web URL of an image or a file on, or refuses the part in any case.

        Otherwise the gateway fetches it, and `encode` gets the data; where nothing is fetched the turn is
        refused before.
        """
        ...

    def prefills(self, turn: Turn) -> bool:
        """Whether `encode` can have the model go on with its own words, which are the last item then.

        Such a turn has them in `begun`, too, without white space at their end; no other has anything there.
        """
        ...

    def encode(self, turn: Turn) -> WireRequest:
        """Raises InvalidRequest naming `param` for what this dialect cannot say.

        A shape of the answer that the provider does not hold the model to is noted as emulated at
        `text.format`: the engine then judges the answer (engine/enforcement.py).
        """
        ...

    def decoder(self) -> Decoder: ...

    def answer(self, body: JSON) -> Iterable[Delta]:
        """The deltas of a whole (not streamed) 200 answer. Raises as `feed` and `finish` do."""
        ...

    def error(self, status: int, body: bytes) -> ProviderError:
        """The error that an answer with `status` ≥ 400 (or an unfit one) means."""
        ...

    def count(self, turn: Turn) -> WireRequest | None:
        """The request that counts the turn's input tokens, or None where the provider has none."""
        ...

    def counted(self, body: JSON) -> int: ...


class Filter(Protocol):
    """Deltas to deltas, for one oddity of one provider. Made fresh for every call; keeps order."""

    def feed(self, delta: Delta) -> Iterable[Delta]: ...

    def finish(self) -> Iterable[Delta]: ...


class Speech(Protocol):
    """One turn, encoded and ready to be spoken. Nothing was sent yet."""

    @property
    def adaptations(self) -> tuple[Adaptation, ...]:
        """What of the turn could not be sent as asked."""
        ...

    @property
    def grammars(self) -> Mapping[ToolName, HeldTool]:
        """The custom tools of whose input nothing at the provider makes a text of their grammar.

        Of their calls the deltas are those of the emulation: the end of one that is whole has fields.
        """
        ...

    def deltas(self) -> AsyncGenerator[list[Delta], None]:
        """Sends the request and yields deltas, in batches as they arrive, until the provider's end marker.

        Raises ProviderError. Closing the generator closes the connection to the provider.
        """
        ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A POST as it is about to leave, for whoever signs it."""

    url: str
    headers: Mapping[str, str]
    body: bytes


Ask: TypeAlias = Callable[[str, Mapping[str, str], bytes | None], Awaitable[JSON]]
"""Asks for a token (URL, headers, body; without a body it is a GET) and gives back the JSON object of a 200.

Raises UpstreamUnauthorized."""


class Authorizer(Protocol):
    """Tells a provider who is calling, where a fixed header will not do. One for each endpoint.

    It may keep a token until that expires.
    """

    async def headers(self, outgoing: Outgoing, now: float, ask: Ask) -> Mapping[str, str]:
        """What is added to the request's headers; `now` in seconds since 1970. Raises ProviderError."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be seen of that, beside what is known from the start."""
        ...


class Auth(Protocol):
    """A frozen value of the provider: its credentials, from which an Authorizer is begun."""

    def begin(self) -> Authorizer: ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be seen in an error or a log."""
        ...


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines of one upstream call, in seconds. `idle` counts parsed events, not bytes."""

    connect: float = 5.0
    first_event: float = 120.0
    idle: float = 120.0
    total: float = 900.0


@dataclass(frozen=True, slots=True)
class Provider:
    """Somebody who speaks a dialect.

    `key_from` names the environment variable that holds its key and, when set, enables the provider;
    `key` is the key itself, resolved at start. The key goes out as `key_header: key_prefix + key`;
    `more_keys` are taken in turn with it. `auth` is for providers that want each request signed, or a token
    that expires, instead.
    A provider with `local` needs no key and is enabled only by configuration.
    """

    name: str
    dialect: Dialect
    base_url: str
    key_from: str | None = None
    key: str | None = field(default=None, repr=False)
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    timeouts: Timeouts = Timeouts()
    models: tuple[str, ...] = ()  # empty: any name is passed on
    local: bool = False
    filters: tuple[Callable[[], Filter], ...] = ()
    auth: Auth | None = field(default=None, repr=False)
    more_keys: tuple[str, ...] = field(default=(), repr=False)
    also: tuple[Dialect, ...] = ()
    """Other dialects that it speaks, with its quirks: a configuration may name one instead."""
    compacts: bool = False
    """It knows `compaction_trigger` and `context_management`, and makes compactions of its own."""
