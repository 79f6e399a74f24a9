"""What a request asks of the targets that may answer it, checked and made comparable. Pure.

A value of frozen fields, so that what follows from it alone can be kept (see `router`).
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct, convert

from antiphon.protocol.json import JSON
from antiphon.protocol.routing import MaxPrice, Percentiles, RoutingPreferences, Sort, SortKey

_DOLLAR = 1_000_000_000  # nano-US-dollars

Bounds: TypeAlias = tuple[tuple[str, float], ...]
"""(("p50", value), …)."""


class Preferences(Struct, frozen=True):
    """Prices in nano-US-dollars: for a million tokens, and for one request."""

    order: tuple[str, ...] = ()
    only: frozenset[str] | None = None
    ignore: frozenset[str] = frozenset()
    allow_fallbacks: bool = True
    require_parameters: bool = False
    no_data_collection: bool = False
    zdr: bool = False
    regions: frozenset[str] | None = None
    quantizations: frozenset[str] | None = None
    max_prompt: int | None = None
    max_completion: int | None = None
    max_request: int | None = None
    sort: SortKey | None = None
    partition: Literal["model", "none"] = "model"
    max_latency: Bounds = ()  # seconds
    min_throughput: Bounds = ()  # tokens a second


NONE = Preferences()


def preferences(providers: JSON | None, route: Literal["fallback", "sort"] | None) -> Preferences:
    """`providers` was checked to be RoutingPreferences. `route` is the old name of `sort.partition`."""
    if providers is None and route is None:
        return NONE
    said = convert(providers or {}, RoutingPreferences)
    sort = said.sort if isinstance(said.sort, Sort) else Sort(by=said.sort)
    price = said.max_price or MaxPrice()
    return Preferences(
        order=tuple(said.order or ()),
        only=None if said.only is None else frozenset(said.only),
        ignore=frozenset(said.ignore or ()),
        allow_fallbacks=said.allow_fallbacks is not False,
        require_parameters=bool(said.require_parameters),
        no_data_collection=said.data_collection == "deny",
        zdr=bool(said.zdr),
        regions=_words(said.region),
        quantizations=_words(said.quantizations),
        max_prompt=_nano(price.prompt),
        max_completion=_nano(price.completion),
        max_request=_nano(price.request),
        sort=sort.by,
        partition=sort.partition or ("none" if route == "sort" else "model"),
        max_latency=_bounds(said.preferred_max_latency),
        min_throughput=_bounds(said.preferred_min_throughput),
    )


def _words(value: str | list[str] | None) -> frozenset[str] | None:
    if value is None:
        return None
    return frozenset(word.lower() for word in ([value] if isinstance(value, str) else value))


def _nano(dollars: float | None) -> int | None:
    return None if dollars is None else round(dollars * _DOLLAR)


def _bounds(value: float | Percentiles | None) -> Bounds:
    """A number alone is a bound of the median."""
    match value:
        case None:
            return ()
        case Percentiles():
            named: dict[str, Any] = {name: getattr(value, name) for name in value.__struct_fields__}
            return tuple((name, bound) for name, bound in named.items() if bound is not None)
        case _:
            return (("p50", float(value)),)
