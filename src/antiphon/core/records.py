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


class ResponseRecord(Struct, kw_only=True):
    """One stored response.

    `body` is the response object without its `output`. `input` holds the items of this request alone (not
    of its ancestors), `output` the items the model said, sealed reasoning included; every item has an id.
    `attempts` are the calls it took, which are entered into the ledger with it, and not read back.
    """

    id: str
    project_id: str
    previous_response_id: str | None
    created_at: int  # seconds since 1970
    body: JSON
    input: list[JSON]
    output: list[JSON]
    attempts: Sequence[Attempt] = ()
