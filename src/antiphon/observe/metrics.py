"""What is counted while the gateway works, and how Prometheus reads it.

    what happened ──▶ plain integers (this module) ──a scrape──▶ families of prometheus-client ──▶ text

Counting is on the path of every request, reading is not: so what is counted are integers in objects that are
found by one dictionary, a microsecond for a call to a provider, and all names, labels and sums are made when
somebody asks. Names and buckets are those of OpenTelemetry's semantic conventions (HTTP, generative AI) where
there are any, as Prometheus writes them; all others begin with `antiphon_`.

Labels are bounded: a route is one of our table, a model one that is known (`is_known`), else `other`. Nothing
that a user wrote becomes a label. The list of all metrics is docs/metrics.md.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

OTHER = "other"
_OPERATION = "chat"
_MOST_CALLS = 5_000  # pairs of provider and model; beyond it all are `other`

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 120, 300, 900)
_OPERATION_SECONDS = tuple(0.01 * 2**power for power in range(14))
_CHUNK_SECONDS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_TOKENS = tuple(4**power for power in range(14))
_SIZES = tuple(2**power for power in range(10))


class Histogram:
    """How many values were at most each bound, and their sum."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    @property
    def buckets(self) -> list[tuple[str, float]]:
        """As Prometheus has them: each with all that are below it."""
        below = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            below += count
            buckets.append((bound, below))
        return buckets


def group_sizes() -> Histogram:
    """Of jobs that are done together."""
    return Histogram(_SIZES)


class Calls:
    """The calls of one model at one provider."""

    __slots__ = (
        "charged",
        "durations",
        "first",
        "input_tokens",
        "other_tokens",
        "output_tokens",
        "unpriced",
    )

    def __init__(self) -> None:
        self.durations: dict[str, Histogram] = {}  # by outcome
        self.first = Histogram(_CHUNK_SECONDS)
        self.input_tokens = Histogram(_TOKENS)
        self.output_tokens = Histogram(_TOKENS)
        self.other_tokens = {"cached": 0, "cache_write": 0, "reasoning": 0}
        self.charged: dict[str, int] = {}  # nano-dollars, by who says so
        self.unpriced = 0


class Metrics:
    """Everything that is counted. Used on one event loop."""

    def __init__(self, is_known: Callable[[str, str], bool]) -> None:
        """`is_known`: whether a model (provider, name) has a name of its own here."""
        self._is_known = is_known
        self._calls: dict[tuple[str, str], Calls] = {}
        self._requests: dict[tuple[str, str, int], Histogram] = {}
        self._responses: dict[str, int] = {}
        self._again: dict[str, int] = {}
        self._sources: list[Callable[[], Iterable[Metric]]] = []
        self.active_requests = 0

    def requested(self, method: str, route: str, status: int, seconds: float) -> None:
        """An HTTP exchange is over. `route`: of our table; `method`: one of HTTP's."""
        key = method, route, status
        durations = self._requests.get(key)
        if durations is None:
            durations = self._requests[key] = Histogram(_SECONDS)
        durations.observe(seconds)

    def responded(self, status: str) -> None:
        """A response is over."""
        self._responses[status] = self._responses.get(status, 0) + 1

    def again(self, why: str) -> None:
        """Another call is made for the same response."""
        self._again[why] = self._again.get(why, 0) + 1

    def called(self, provider: str, model: str, outcome: str, seconds: float, first: float | None) -> Calls:
        """A call to a provider is over: what it took. What it used is counted in what comes back."""
        calls = self._calls.get((provider, model)) or self._new(provider, model)
        durations = calls.durations.get(outcome)
        if durations is None:
            durations = calls.durations[outcome] = Histogram(_OPERATION_SECONDS)
        durations.observe(seconds)
        if first is not None:
            calls.first.observe(first)
        return calls

    def _new(self, provider: str, model: str) -> Calls:
        if model != OTHER and (len(self._calls) >= _MOST_CALLS or not self._is_known(provider, model)):
            return self._calls.get((provider, OTHER)) or self._new(provider, OTHER)
        made = self._calls[provider, model] = Calls()
        return made

    # Reading

    def add_source(self, source: Callable[[], Iterable[Metric]]) -> None:
        """Somebody who knows more, and is asked at each scrape."""
        self._sources.append(source)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All of it, and its content type: the format that the scraper's `Accept` prefers."""
        encode, content_type = choose_encoder(accept)
        return encode(_registry(self.families)), content_type

    def families(self) -> Iterator[Metric]:
        yield from self._of_http()
        yield from self._of_calls()
        yield from self._of_money()
        yield _counted("antiphon_responses", "Responses that are over", "status", self._responses)
        yield _counted("antiphon_calls_again", "More calls for the same response", "reason", self._again)
        for source in self._sources:
            yield from source()

    def _of_http(self) -> Iterator[Metric]:
        labels = ("http_request_method", "http_route", "http_response_status_code")
        durations = HistogramMetricFamily(
            "http_server_request_duration_seconds",
            "Of HTTP requests, to the end of the answer",
            labels=labels,
        )
        for (method, route, status), histogram in self._requests.items():
            durations.add_metric((method, route, str(status)), histogram.buckets, histogram.total)
        yield durations
        yield GaugeMetricFamily(
            "http_server_active_requests", "HTTP requests in progress", value=self.active_requests
        )

    def _of_calls(self) -> Iterator[Metric]:
        labels = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")
        durations = HistogramMetricFamily(
            "gen_ai_client_operation_duration_seconds",
            "Of calls to providers; error_type is empty where all went well",
            labels=(*labels, "error_type"),
        )
        first = HistogramMetricFamily(
            "gen_ai_client_operation_time_to_first_chunk_seconds", "Of calls to providers", labels=labels
        )
        tokens = HistogramMetricFamily(
            "gen_ai_client_token_usage", "Tokens of calls to providers", labels=(*labels, "gen_ai_token_type")
        )
        for (provider, model), calls in self._calls.items():
            named = (_OPERATION, provider, model)
            for outcome, histogram in calls.durations.items():
                durations.add_metric(
                    (*named, "" if outcome == "ok" else outcome), histogram.buckets, histogram.total
                )
            first.add_metric(named, calls.first.buckets, calls.first.total)
            for kind, used in (("input", calls.input_tokens), ("output", calls.output_tokens)):
                tokens.add_metric((*named, kind), used.buckets, used.total)
        yield from (durations, first, tokens)

    def _of_money(self) -> Iterator[Metric]:
        labels = ("provider", "model")
        tokens = CounterMetricFamily(
            "antiphon_tokens", "Of the tokens, those of a kind of their own", labels=(*labels, "kind")
        )
        cost = CounterMetricFamily(
            "antiphon_cost_nanodollars", "US dollars, in billionths", labels=(*labels, "source")
        )
        unpriced = CounterMetricFamily(
            "antiphon_unpriced_calls", "Calls whose price is not known", labels=labels
        )
        for named, calls in self._calls.items():
            for kind, count in calls.other_tokens.items():
                tokens.add_metric((*named, kind), count)
            for source, nanos in calls.charged.items():
                cost.add_metric((*named, source), nanos)
            unpriced.add_metric(named, calls.unpriced)
        yield from (tokens, cost, unpriced)


class _Families(Collector):
    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families()


def _registry(families: Callable[[], Iterable[Metric]]) -> CollectorRegistry:
    """For one scrape: prometheus-client writes what a registry holds, and ours holds nothing of its own."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(families))
    return registry


def _counted(name: str, help_text: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, help_text, labels=(label,))
    for value, count in counts.items():
        family.add_metric((value,), count)
    return family


def bounds(sizes: Iterable[tuple[str, int, int | None]]) -> Iterator[Metric]:
    """Queues, caches and whatever else could grow: what it is, how many are in it, and how many may be."""
    held = GaugeMetricFamily("antiphon_held", "What queues, caches and buffers hold", labels=("what",))
    most = GaugeMetricFamily("antiphon_held_limit", "… and may hold at most", labels=("what",))
    for what, size, limit in sizes:
        held.add_metric((what,), size)
        if limit is not None:
            most.add_metric((what,), limit)
    yield from (held, most)


def group_histogram(groups: Iterable[tuple[str, Histogram]]) -> Iterator[Metric]:
    """How many jobs shared a transaction or a read."""
    family = HistogramMetricFamily("antiphon_storage_group_size", "Jobs done together", labels=("lane",))
    for lane, sizes in groups:
        family.add_metric((lane,), sizes.buckets, sizes.total)
    yield family
