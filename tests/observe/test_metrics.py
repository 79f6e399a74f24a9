"""What is counted, and that a scraper reads it as it was counted."""

from __future__ import annotations

import timeit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from antiphon.observe.metrics import OTHER, Histogram, Metrics, bounds, group_histogram, group_sizes


def read(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = metrics.exposition("text/plain")[0].decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return read(metrics)[name, frozenset(labels.items())]


def test_a_histogram_counts_all_that_is_at_most_its_bound() -> None:
    histogram = Histogram((1, 2))
    for each in (0.5, 1, 1.5, 3):
        histogram.observe(each)
    assert (histogram.buckets, histogram.total) == ([("1", 2), ("2", 3), ("+Inf", 4)], 6)


def test_requests_are_counted_by_method_route_and_status() -> None:
    metrics = Metrics(lambda provider, model: True)
    for status in (200, 200, 404):
        metrics.requested("GET", "/v1/models", status, 0.02)
    labels = {"http_request_method": "GET", "http_route": "/v1/models"}
    name = "http_server_request_duration_seconds"
    assert value(metrics, f"{name}_count", **labels, http_response_status_code="200") == 2
    assert value(metrics, f"{name}_bucket", **labels, http_response_status_code="404", le="0.025") == 1
    assert value(metrics, f"{name}_bucket", **labels, http_response_status_code="404", le="0.01") == 0


def test_calls_are_counted_with_what_they_used_and_cost() -> None:
    metrics = Metrics(lambda provider, model: True)
    calls = metrics.called("openai", "gpt", "ok", 2.0, 0.5)
    calls.input_tokens.observe(100)
    calls.charged["prices"] = 7
    metrics.called("openai", "gpt", "failed", 1.0, None)
    named = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "openai", "gen_ai_request_model": "gpt"}
    duration = "gen_ai_client_operation_duration_seconds_sum"
    assert value(metrics, duration, **named, error_type="") == 2
    assert value(metrics, duration, **named, error_type="failed") == 1
    first = "gen_ai_client_operation_time_to_first_chunk_seconds"
    assert value(metrics, f"{first}_count", **named) == 1
    assert value(metrics, "gen_ai_client_token_usage_sum", **named, gen_ai_token_type="input") == 100
    cost = {"provider": "openai", "model": "gpt", "source": "prices"}
    assert value(metrics, "antiphon_cost_nanodollars_total", **cost) == 7


def test_models_that_nobody_knows_share_a_name() -> None:
    metrics = Metrics(lambda provider, model: model == "known")
    for number in range(10_000):
        metrics.called("local", f'made "up"\n{number}', "rejected", 0.1, None)
    metrics.called("local", "known", "ok", 0.1, None)
    models = {
        dict(labels)["gen_ai_request_model"]
        for _, labels in read(metrics)
        if "gen_ai_request_model" in dict(labels)
    }
    assert models == {OTHER, "known"}


def test_even_known_models_are_not_without_end() -> None:
    metrics = Metrics(lambda provider, model: True)
    for number in range(6_000):
        metrics.called("p", str(number), "ok", 0.1, None)
    assert len(metrics._calls) == 5_001


def test_sources_are_asked_at_each_scrape() -> None:
    metrics, size, sizes = Metrics(lambda provider, model: True), [1], group_sizes()
    metrics.add_source(lambda: bounds([("jobs", size[0], 10), ("sockets", 2, None)]))
    metrics.add_source(lambda: group_histogram([("writes", sizes)]))
    size[0] = 5
    sizes.observe(3)
    assert value(metrics, "antiphon_held", what="jobs") == 5
    assert value(metrics, "antiphon_held_limit", what="jobs") == 10
    assert ("antiphon_held_limit", frozenset({("what", "sockets")})) not in read(metrics)
    assert value(metrics, "antiphon_storage_group_size_bucket", lane="writes", le="4") == 1


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/plain"),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text"),
    ],
)
def test_it_is_written_as_the_scraper_likes_it(accept: str, kind: str) -> None:
    metrics = Metrics(lambda provider, model: True)
    metrics.responded("completed")
    body, content_type = metrics.exposition(accept)
    assert content_type.startswith(kind)
    assert b'antiphon_responses_total{status="completed"} 1.0' in body


def test_counting_costs_next_to_nothing() -> None:
    """About 1.5 µs for a call and 0.8 for an exchange; ten times that is a mistake, on any machine."""
    metrics = Metrics(lambda provider, model: True)

    def count() -> None:
        calls = metrics.called("openai", "gpt", "ok", 1.2, 0.3)
        calls.input_tokens.observe(100)
        calls.output_tokens.observe(200)
        metrics.requested("POST", "/v1/responses", 200, 1.2)
        metrics.responded("completed")

    assert min(timeit.repeat(count, number=2_000, repeat=5)) / 2_000 < 25e-6
