"""Who would answer, and what an answer cost, as clients see it over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.wire import ask, create, made
from tests.running import Running, running_gateway

EXPLAIN = "/v1/router/explain"
PRICES = {"prices": {"input": 2, "output": 10, "cached_input": 0.5}}
SETTINGS: dict[str, Any] = {
    "aliases": {"both": [{"model": "sim/echo", "weight": 1000}, {"model": "sim/reasoner", "weight": 0.001}]},
    "models": {"sim/echo": {**PRICES, "context_window": 10, "can": ["image"]}, "sim/reasoner": PRICES},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(tmp_path_factory.mktemp("explain"), **SETTINGS) as running:
        yield running


def explained(site: Running, **fields: Any) -> Any:
    answer = ask(site, "POST", EXPLAIN, {"model": "sim/echo", "input": "x", **fields})
    assert answer.status == 200, answer.body
    return answer.json()


def test_a_request_is_explained_and_nothing_of_it_is_sent(site: Running) -> None:
    route = explained(
        site, model="sim/down", fallbacks=["both"], providers={"ignore": ["sim/reasoner"]}, stream=True
    )
    assert route == {
        "targets": ["sim/down", "sim/echo"],
        "considered": [
            {"target": "sim/down", "dropped": None, "input_price": 0.0, "output_price": 0.0},
            {"target": "sim/echo", "dropped": None, "input_price": 2.0, "output_price": 10.0},
            {
                "target": "sim/reasoner",
                "dropped": "in providers.ignore",
                "input_price": 2.0,
                "output_price": 10.0,
            },
        ],
    }
    assert ask(site, "GET", "/v1/models/sim/down").json()["latency"] is None


def test_the_documentation_shows_what_comes_of_its_example(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "routing.md").read_text()
    (example,) = re.findall(r"explain -H .*?-d '(\{.*?\})'\n```\n\n```json\n(.*?)```", page, re.DOTALL)
    with running_gateway(tmp_path) as plain:
        assert ask(plain, "POST", EXPLAIN, json.loads(example[0])).json() == json.loads(example[1])
        fallback = re.search(r"/v1/responses -H .*?-d '(\{.*?\})'", page, re.DOTALL)
        assert fallback is not None
        response = ask(plain, "POST", "/v1/responses", json.loads(fallback[1])).json()
    assert (response["model"], response["provider"]) == ("sim/echo", "sim")


def test_a_model_alone_is_explained_by_get(site: Running) -> None:
    answer = ask(site, "GET", f"{EXPLAIN}?model=both")
    assert answer.json()["targets"] == ["sim/echo", "sim/reasoner"], (
        "as their weights make it all but certain"
    )


def test_what_is_left_to_the_gateway_is_explained_with_its_difficulty(site: Running) -> None:
    easy, hard = (
        explained(site, model="auto", router_candidates=["sim/echo", "sim/slow"], input=text)
        for text in ("hi", "Prove the theorem step by step, and analyze the complexity:\n```\nx\n```" * 100)
    )
    assert 0 <= easy["difficulty"] < hard["difficulty"] <= 1
    assert hard["considered"][0]["dropped"] == "its context window of 10 tokens is too small"
    assert hard["targets"] == ["sim/slow"]


def test_nobody_is_explained_to_who_has_no_key(site: Running) -> None:
    for method, path, body in (("POST", EXPLAIN, {"model": "sim/echo"}), ("GET", f"{EXPLAIN}?model=x", None)):
        answer = ask(site, method, path, body, keyed=False)
        assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"model": "none"}, "model", "model_not_found"),
        ({"model": 5}, "model", "invalid_type"),
        ({"fallbacks": ["sim/echo", "sim/none"]}, "fallbacks[1]", "model_not_found"),
        ({"providers": {"only": ["openai"]}}, "providers", "no_target"),
        ({"providers": {"sort": "colour"}}, "providers.sort", "invalid_value"),
        ({"providers": {"max_price": {"prompt": -1}}}, "providers.max_price.prompt", None),
        ({"providers": {"oder": ["sim"]}}, "providers.oder", None),
        ({"router_candidates": ["sim/echo"]}, "router_candidates", None),
        ({"previous_response_id": "resp_none"}, "previous_response_id", "previous_response_not_found"),
    ],
)
def test_what_cannot_be_routed_is_refused_naming_the_field(
    site: Running, fields: dict[str, Any], param: str, code: str | None
) -> None:
    body = {"model": "sim/echo", "input": "x", **fields}
    refused = [ask(site, "POST", path, body) for path in (EXPLAIN, "/v1/responses")]
    assert refused[0].error == refused[1].error, "as it would be if it were sent"
    assert {answer.status for answer in refused} == {400}
    assert refused[0].error["param"] == param
    assert code is None or refused[0].error["code"] == code


@pytest.mark.parametrize(
    ("query", "code"),
    [("", "missing_required_parameter"), ("?model=", None), ("?model=none", "model_not_found")],
)
def test_a_query_without_a_model_is_refused(site: Running, query: str, code: str | None) -> None:
    answer = ask(site, "GET", EXPLAIN + query)
    assert (answer.status, answer.error["param"]) == (400, "model")
    assert code is None or answer.error["code"] == code


def test_the_route_is_told_with_the_answer_where_it_is_asked_for(site: Running) -> None:
    told = made(site, "hi", model="both", include=["routing"])
    silent = made(site, "hi", model="both")
    streamed = create(site, "hi", model="both", include=["routing"], stream=True).events
    assert told["routing"]["targets"][0] == "sim/echo"
    assert "routing" not in silent
    assert streamed[-1]["response"]["routing"].keys() == told["routing"].keys()
    kept = ask(site, "GET", f"/v1/responses/{silent['id']}?include[]=routing").json()
    assert kept["routing"]["considered"][1]["target"] == "sim/reasoner"
    assert "routing" not in ask(site, "GET", f"/v1/responses/{silent['id']}").json()


def test_a_cost_is_the_same_streamed_whole_and_read_again(site: Running) -> None:
    whole, streamed = (made(site, "one two three", stream=stream) for stream in (False, True))
    usage = whole["usage"]
    cost = (usage["input_tokens"] * 2 + usage["output_tokens"] * 10) / 1e6
    assert whole["cost"] == streamed["cost"] == pytest.approx(cost) != 0
    assert (
        whole["cost_details"]
        == streamed["cost_details"]
        == {
            "currency": "USD",
            "source": "prices",
            "attempts": 1,
            "input": pytest.approx(usage["input_tokens"] * 2 / 1e6),
            "output": pytest.approx(usage["output_tokens"] * 10 / 1e6),
            "tools": 0.0,
        }
    )
    for response in (whole, streamed):
        again = ask(site, "GET", f"/v1/responses/{response['id']}").json()
        assert (again["cost"], again["cost_details"]) == (response["cost"], response["cost_details"])


def test_a_stream_says_what_it_cost_when_it_is_over_and_not_before(site: Running) -> None:
    events = create(site, "hi", stream=True).events
    costs = [event["response"]["cost"] for event in events if "response" in event]
    assert costs[:-1] == [None] * (len(costs) - 1)
    assert costs[-1] > 0


def test_a_session_id_is_at_most_128_characters_wherever_it_stands(site: Running) -> None:
    for length, status in ((128, 200), (129, 400)):
        answers = [
            ask(site, "POST", "/v1/responses", body, headers)
            for body, headers in (
                ({"model": "sim/echo", "input": "x"}, [("X-Session-ID", "s" * length)]),
                ({"model": "sim/echo", "input": "x", "session_id": "s" * length}, []),
            )
        ]
        assert [answer.status for answer in answers] == [status] * 2
        if status == 400:
            assert [answer.error["param"] for answer in answers] == ["x-session-id", "session_id"]
