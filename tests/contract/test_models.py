"""GET /v1/models: names, what is known about them, how they are doing; and what Codex looks for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract import specifications
from tests.contract.wire import ask, made
from tests.running import Running, running_gateway

SETTINGS = {
    "providers": {
        "mine": {
            "dialect": "chat",
            "base_url": "http://127.0.0.1:1/v1",
            "models": ["a", "gpt-5"],
            "like": "openai",
        }
    },
    "aliases": {"fast": "mine/a", "both": [{"model": "mine/a", "weight": 2}, "sim/echo"]},
    "models": {"mine/a": {"prices": {"input": 1.5, "output": 3}, "context_window": 9, "can": ["tools"]}},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(tmp_path_factory.mktemp("models"), **SETTINGS) as running:
        yield running


def test_aliases_and_models_are_listed(site: Running) -> None:
    listed = ask(site, "GET", "/v1/models").json()
    assert listed.keys() == {"object", "data"}
    owners = {entry["id"]: entry["owned_by"] for entry in listed["data"]}
    assert list(owners)[:2] == ["fast", "both"]
    assert owners == {
        "fast": "antiphon",
        "both": "antiphon",
        "mine/a": "mine",
        "mine/gpt-5": "mine",
        **{f"sim/{name}": "sim" for name in ("echo", "slow", "reasoner", "down")},
    }


def test_what_is_known_is_told_by_the_configuration_or_else_the_catalogue(site: Running) -> None:
    ours = ask(site, "GET", "/v1/models/mine/a").json()
    assert (ours["context_window"], ours["capabilities"]) == (9, ["tools"])
    assert ours["pricing"] == {"input": 1.5, "output": 3.0}
    theirs = ask(site, "GET", "/v1/models/mine/gpt-5").json()
    assert {"input", "output", "cached_input"} <= theirs["pricing"].keys()
    assert theirs["context_window"] > 100_000
    assert {"tools", "reasoning"} <= set(theirs["capabilities"])


def test_an_alias_is_found_by_its_name(site: Running) -> None:
    alias = ask(site, "GET", "/v1/models/both").json()
    assert alias["members"] == [{"model": "mine/a", "weight": 2.0}, {"model": "sim/echo", "weight": 1.0}]
    assert (alias["object"], alias["context_window"], alias["pricing"]) == ("model", None, None)


def test_how_a_model_is_doing_is_told_once_it_was_asked(site: Running) -> None:
    before = ask(site, "GET", "/v1/models/sim/slow").json()
    assert (before["status"], before["latency"], before["throughput"]) == ("closed", None, None)
    made(site, "word " * 40, model="sim/slow")
    after = ask(site, "GET", "/v1/models/sim/slow").json()
    assert 0 < after["latency"]["p50"] <= after["latency"]["p90"] <= after["latency"]["p99"] < 30
    assert 0 < after["throughput"]["p50"] < 22, "it says twenty tokens a second"


def test_a_model_that_fails_is_told_to_be_open(site: Running) -> None:
    for _ in range(3):
        assert ask(site, "POST", "/v1/responses", {"model": "mine/a", "input": "x"}).status == 502
    assert ask(site, "GET", "/v1/models/mine/a").json()["status"] == "open"
    assert ask(site, "GET", "/v1/models/fast").json()["status"] == "open"
    assert ask(site, "GET", "/v1/models/both").json()["status"] == "closed", "the other one is well"


@specifications.needed
def test_every_entry_has_openais_form(site: Running) -> None:
    listed = ask(site, "GET", "/v1/models?client_version=0.169.0").json()
    specifications.openai().check("ListModelsResponse", listed)
    for entry in listed["data"]:
        assert ask(site, "GET", f"/v1/models/{entry['id']}").json().keys() == entry.keys()


def test_a_model_that_does_not_exist_is_not_found(site: Running) -> None:
    for name in ("mine/b", "nobody/x", "neither", "auto"):
        answer = ask(site, "GET", f"/v1/models/{name}")
        assert (answer.status, answer.error["code"], answer.error["param"]) == (
            404,
            "model_not_found",
            "model",
        )


def test_codex_finds_the_catalogue_that_it_looks_for_and_nothing_in_it(site: Running) -> None:
    """An entry would have to bring instructions, and Codex would drop its own for them."""
    answer = ask(site, "GET", "/v1/models?client_version=0.169.0").json()
    assert answer["models"] == []
    assert len(answer["data"]) == 8
