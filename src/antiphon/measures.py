"""What the parts of a gateway hold and how its targets are doing, for whoever scrapes `/metrics`.

Each part says what of it can grow, how large it is and how large it may be (`held`); it is asked at a scrape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Protocol, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from antiphon.observe.metrics import Metrics, bounds, group_histogram
from antiphon.routing.catalogue import Catalogue
from antiphon.routing.health import Health
from antiphon.routing.names import Names
from antiphon.routing.router import STANDINGS, standing
from antiphon.settings import Settings
from antiphon.stores.drivers.base import Driver

Held: TypeAlias = Iterable[tuple[str, int, int | None]]
IsKnown: TypeAlias = Callable[[str, str], bool]

_QUANTILES = (("0.5", "p50"), ("0.9", "p90"), ("0.99", "p99"))


class Holder(Protocol):
    """A part that can grow."""

    @property
    def held(self) -> Held:
        """What, how many of it there are, and how many there may be; None: that is bounded elsewhere."""
        ...


def is_known(settings: Settings, names: Names, known: Catalogue) -> IsKnown:
    """Whether a model has a name of its own in the metrics: the configuration or the catalogue has it."""
    members = (member.target for group in names.aliases().values() for member in group)
    named = {(target.provider, target.model) for target in chain(names.listed(), members)}
    named.update(_parts(name) for name in settings.models)
    return lambda provider, model: (provider, model) in named or known.offers(provider, model)


def measure(
    metrics: Metrics,
    known: IsKnown,
    health: Health,
    clock: Callable[[], float],
    database: Driver,
    parts: Sequence[Holder],
) -> None:
    """Have these asked at each scrape. `clock`: that of `health`."""
    metrics.add_source(lambda: _of_targets(health, known, clock()))
    metrics.add_source(lambda: bounds(chain(_of_queues(database), *(part.held for part in parts))))
    metrics.add_source(lambda: group_histogram((each.name, each.groups) for each in database.queues))


def _of_queues(database: Driver) -> Held:
    return [(f"jobs for {each.name}", each.waiting, each.limit) for each in database.queues]


def _of_targets(health: Health, known: IsKnown, now: float) -> Iterator[Metric]:
    named = ("provider", "model")
    state = GaugeMetricFamily(
        "antiphon_target_state", "1 for the state that the target is in", labels=(*named, "state")
    )
    opened = CounterMetricFamily("antiphon_target_ejections", "Times that it became open", labels=named)
    busy = GaugeMetricFamily("antiphon_target_calls_in_progress", "Calls under way", labels=named)
    latency = GaugeMetricFamily(
        "antiphon_target_latency_seconds",
        "To the first event, of the latest calls",
        labels=(*named, "quantile"),
    )
    throughput = GaugeMetricFamily(
        "antiphon_target_tokens_per_second", "Behind it, of the latest calls", labels=(*named, "quantile")
    )
    for name, target in health.all():
        labels = _parts(name)
        if not known(*labels):
            continue
        for each in STANDINGS:
            state.add_metric((*labels, each), each == standing(target, now))
        opened.add_metric(labels, target.ejections)
        busy.add_metric(labels, target.in_flight)
        for family, samples in ((latency, target.latencies), (throughput, target.throughputs)):
            for quantile, percentile in _QUANTILES:
                if (value := samples.percentile(percentile)) is not None:
                    family.add_metric((*labels, quantile), value)
    yield from (state, opened, busy, latency, throughput)


def _parts(name: str) -> tuple[str, str]:
    provider, _, model = name.partition("/")
    return provider, model
