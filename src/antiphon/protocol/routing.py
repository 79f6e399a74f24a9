"""The fields of a request that say who may answer: `providers` (also `provider`) and what is in it.

A name that is none of these is refused: a preference that nobody knows must not look as if it were met.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

Positive: TypeAlias = Annotated[float, Meta(gt=0)]
NotNegative: TypeAlias = Annotated[float, Meta(ge=0)]
SortKey: TypeAlias = Literal["price", "throughput", "latency"]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256)]
Names: TypeAlias = Annotated[list[Name], Meta(max_length=100)]


class Percentiles(Struct, forbid_unknown_fields=True):
    """A bound for several percentiles at once; all of them must hold."""

    p50: Positive | None = None
    p75: Positive | None = None
    p90: Positive | None = None
    p99: Positive | None = None


class Sort(Struct, forbid_unknown_fields=True):
    """By what targets are ordered; `partition: none` orders those of all models together."""

    by: SortKey | None = None
    partition: Literal["model", "none"] | None = None


class MaxPrice(Struct, forbid_unknown_fields=True):
    """The highest prices: US dollars for a million tokens, and for one request."""

    prompt: NotNegative | None = None
    completion: NotNegative | None = None
    request: NotNegative | None = None


class RoutingPreferences(Struct, forbid_unknown_fields=True):
    """Who may serve the request, and in which order they are tried.

    Providers are named as in `provider/model`, or a single target as a whole.
    """

    order: Names | None = None
    only: Names | None = None
    ignore: Names | None = None
    allow_fallbacks: bool | None = None
    require_parameters: bool | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None
    region: Name | Names | None = None
    quantizations: Names | None = None
    max_price: MaxPrice | None = None
    sort: SortKey | Sort | None = None
    preferred_max_latency: Positive | Percentiles | None = None  # seconds to the first event
    preferred_min_throughput: Positive | Percentiles | None = None  # tokens a second
