"""`/metrics` of a running gateway: who may read it, what it tells, and that its page lists it all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from antiphon.fake_upstream.script import Step
from tests.contract.wire import ask
from tests.fake_upstream.running import running_upstream
from tests.running import Running, running_gateway

ROOT = Path(__file__).parents[2]
SERIES = re.compile(r"_(bucket|count|sum|total|created)$")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    models = {"down": [Step(status=503)], "well": [Step(say="Hello")]}
    with running_upstream(models) as upstream:
        provider = {
            "dialect": "chat",
            "base_url": f"{upstream.url}/v1",
            "api_key": "sk-canary-0123456789",
            "models": ["down", "well"],
        }
        how: dict[str, Any] = {"providers": {"first": provider, "any": {**provider, "models": []}}}
        how["models"] = {"first/down": {"prices": {"input": 1, "output": 2}}}
        with running_gateway(tmp_path_factory.mktemp("metrics"), **how) as gateway:
            yield gateway


def values(gateway: Running, **headers: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answered = ask(gateway, "GET", "/metrics")
    assert answered.status == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answered.body.decode())
        for sample in family.samples
    }


def value(found: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, **labels: str) -> float:
    return sum(
        amount
        for (each, having), amount in found.items()
        if each == name and labels.items() <= dict(having).items()
    )


def test_it_tells_what_happened(place: Running) -> None:
    before = values(place)
    body = {"model": "first/down", "fallbacks": ["first/well"], "input": "hi"}
    assert ask(place, "POST", "/v1/responses", body).status == 200
    ask(place, "GET", "/v1/nothing/here")
    after = values(place)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grown("antiphon_responses_total", status="completed") == 1
    assert grown("antiphon_calls_again_total", reason="fallback") == 1
    duration = "gen_ai_client_operation_duration_seconds_count"
    assert grown(duration, gen_ai_request_model="down", error_type="failed") == 1
    assert grown(duration, gen_ai_request_model="well", error_type="") == 1
    assert (
        grown("gen_ai_client_token_usage_sum", gen_ai_request_model="well", gen_ai_token_type="input") == 10
    )
    request = "http_server_request_duration_seconds_count"
    assert grown(request, http_route="/v1/responses", http_response_status_code="200") == 1
    assert grown(request, http_route="other", http_response_status_code="404") == 1
    assert grown("antiphon_storage_group_size_count", lane="writes") >= 1
    assert value(after, "antiphon_target_state", model="well", state="closed") == 1
    assert value(after, "antiphon_held_limit", what="responses in progress") == 1000


def test_a_call_without_a_price_is_counted(place: Running) -> None:
    before = value(values(place), "antiphon_unpriced_calls_total", provider="first", model="well")
    for _ in range(3):
        assert (
            ask(place, "POST", "/v1/responses", {"model": "first/well", "input": "hi"}).json()["cost"] is None
        )
    after = value(values(place), "antiphon_unpriced_calls_total", provider="first", model="well")
    assert after - before == 3


def test_what_a_client_calls_a_model_is_no_label(place: Running) -> None:
    ask(place, "POST", "/v1/responses", {"model": "any/my-secret-name", "input": "hi"})
    ask(place, "GET", "/my-secret-path")
    ask(place, "MYMETHOD", "/v1/models")
    text = ask(place, "GET", "/metrics").body.decode()
    assert "secret" not in text and "MYMETHOD" not in text
    assert (
        value(values(place), "gen_ai_client_operation_duration_seconds_count", gen_ai_request_model="other")
        >= 1
    )


def test_it_asks_for_a_key(place: Running) -> None:
    assert ask(place, "GET", "/metrics", keyed=False).status == 401


@pytest.mark.parametrize(("who", "without", "keyed"), [("all", 200, 200), ("nobody", 404, 404)])
def test_who_may_read_it_is_a_setting(tmp_path: Path, who: str, without: int, keyed: int) -> None:
    with running_gateway(tmp_path / "data", metrics=who) as gateway:
        assert ask(gateway, "GET", "/metrics", keyed=False).status == without
        assert ask(gateway, "GET", "/metrics").status == keyed


def test_the_page_lists_every_metric_with_its_type_and_labels(place: Running) -> None:
    ask(place, "POST", "/v1/responses", {"model": "first/down", "fallbacks": ["first/well"], "input": "hi"})
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE
    )
    listed = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    told: dict[str, tuple[str, set[str]]] = {}
    for family in text_string_to_metric_families(ask(place, "GET", "/metrics").body.decode()):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        told[name] = (family.type, labels)
    assert listed.keys() == told.keys()
    for name, (kind, labels) in told.items():
        assert kind == listed[name][0]
        assert labels in (listed[name][1], set()), name
