"""Records: what is passed between the engine and the floor below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from antiphon.protocol.json import JSON


class Caller(Struct, frozen=True):
    """Who is asking. Derived once, at the edge, and carried explicitly from there."""

    project_id: str
    key_id: str


class Target(Struct, frozen=True):
    """A model at a provider. Its public name is `provider/model`."""

    provider: str
    model: str

    @property
    def public_name(self) -> str:
        return f"{self.provider}/{self.model}"


class Page(Struct):
    """A slice of a list, in the order asked for."""

    data: list[JSON]
    has_more: bool


CostSource: TypeAlias = Literal["prices", "provider", "estimate"]
"""Where a cost comes from: a price list, the provider's own figure, or tokens that nobody counted."""


class Charge(Struct, frozen=True):
    """What a turn cost: nano-US-dollars, and how much of it was for input, output and tools."""

    total: int
    source: CostSource
    input: int = 0
    output: int = 0
    tools: int = 0


Outcome: TypeAlias = Literal["ok", "failed", "rate_limited", "rejected", "cancelled"]
"""How a call ended. rejected: the provider calls the request invalid; cancelled: nobody wants it any more."""


class Attempt(Struct, frozen=True, kw_only=True):
    """One call to a provider: a row of the ledger, whether it succeeded or not.

    `number` counts the calls of one response from 1. `charge` is None where no price is known.
    """

    project_id: str
    key_id: str
    response_id: str
    number: int
    target: Target
    began_at: float  # seconds since 1970
    seconds: float  # until it was over
    first_event: float | None = None  # seconds until the provider said anything
    outcome: Outcome
    code: str | None = None  # of the error
    status: int | None = None  # of HTTP, where it failed with one
    service_tier: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    charge: Charge | None = None


class ConversationRecord(Struct, kw_only=True):
    """One stored conversation, without its items. `created_at`: seconds since 1970."""

    id: str
    project_id: str
    created_at: int
    metadata: JSON


class ConversationLock(Struct, frozen=True):
    """The right to append to a conversation, as long as it is renewed. Whoever knows `token` has it.

    `position` is where the next item will stand: all items before it are what its holder has read.
    """

    project_id: str
    conversation_id: str
    token: str
    position: int


class ResponseRecord(Struct, kw_only=True):
    """One stored response.

    `body` is the response object without its `output`. `input` holds the items of this request alone (not
    of its ancestors), `output` the items the model said, sealed reasoning included; every item has an id.
    `attempts` are the calls it took, which are entered into the ledger with it, and not read back. Nor is
    `conversation`, the one it was made in; if it `appends`, its items are added there in the same commit.
    """

    id: str
    project_id: str
    previous_response_id: str | None
    created_at: int  # seconds since 1970
    body: JSON
    input: list[JSON]
    output: list[JSON]
    attempts: Sequence[Attempt] = ()
    conversation: ConversationLock | None = None
    appends: bool = False


class Batch(Struct, frozen=True):
    """Events of one response that follow one another: their numbers, and they, one JSON text a line."""

    first: int
    last: int
    events: bytes


class Job(Struct, frozen=True, kw_only=True):
    """A response that is made in the background, in the hands of whoever holds it.

    `fence` is the holder's: nothing is written under it once somebody else has taken the job. `request` is
    protocol.request.packed. `attempts` counts the beginnings, with this one.
    """

    project_id: str
    response_id: str
    key_id: str
    request: bytes
    attempts: int
    fence: int
    cancel_requested: bool


class JobState(Struct, frozen=True):
    """How far it is: `fence` 0 until it is begun for the first time."""

    fence: int
    ended: bool


class Webhook(Struct, frozen=True):
    """Who is told of ends: of background responses of this project, by these types of events."""

    project_id: str
    id: str
    events: frozenset[str]


class Delivery(Struct, frozen=True, kw_only=True):
    """An end that a webhook is to be told of, in the hands of whoever tells it.

    `event_id` is the same at every attempt, `attempts` counts them with this one. `age`: seconds since the
    end, by the database's clock; `created_at`: that moment, in seconds since 1970.
    """

    project_id: str
    webhook: str
    event_id: str
    type: str
    response_id: str
    created_at: int
    attempts: int
    age: float


class AnswerKey(Struct, frozen=True):
    """What a client calls a request that must be done once. `route`: its method and path."""

    project_id: str
    route: str
    key: str


class Answer(Struct, frozen=True):
    """What was answered to a request whose body has this `fingerprint`; `status` is None until it is.

    `subject`: the id of what it is about, with which it is deleted.
    """

    fingerprint: bytes
    status: int | None = None
    content_type: str | None = None
    body: bytes | None = None
    subject: str | None = None


class PromptRecord(Struct, kw_only=True):
    """One version of a template of requests. `created_at`: seconds since 1970."""

    project_id: str
    id: str
    version: int
    name: str | None
    created_at: int
    template: JSON
