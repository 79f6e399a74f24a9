"""GET /v1/models: names, what is known about them, how they are doing; and what Codex looks for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from antiphon.settings import Settings
from antiphon.settings.codex import instructions
from antiphon.settings.problems import ConfigurationError
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


# What Codex 0.169 demands of an entry, and the type of what it reads (https://github.com/openai/codex,
# `ModelInfo` in codex-rs/protocol/src/openai_models.rs); the binary itself reads it in tests/agents.
CODEX_MODEL = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "slug": {"type": "string", "minLength": 1},
        "display_name": {"type": "string"},
        "description": {"type": ["string", "null"]},
        "priority": {"type": "integer"},
        "visibility": {"enum": ["list", "hide", "none"]},
        "supported_in_api": {"type": "boolean"},
        "base_instructions": {"type": "string", "minLength": 1},
        "supported_reasoning_levels": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "effort": {"enum": ["none", "minimal", "low", "medium", "high", "xhigh"]},
                    "description": {"type": "string"},
                },
                "required": ["effort", "description"],
            },
        },
        "default_reasoning_level": {"enum": ["none", "minimal", "low", "medium", "high", "xhigh"]},
        "supports_reasoning_summaries": {"type": "boolean"},
        "support_verbosity": {"type": "boolean"},
        "shell_type": {"enum": ["default", "local", "unified_exec", "disabled", "shell_command"]},
        "apply_patch_tool_type": {"enum": ["freeform", "function", None]},
        "truncation_policy": {
            "type": "object",
            "properties": {"mode": {"enum": ["bytes", "tokens"]}, "limit": {"type": "integer"}},
            "required": ["mode", "limit"],
        },
        "supports_parallel_tool_calls": {"type": "boolean"},
        "experimental_supported_tools": {"type": "array", "items": {"type": "string"}},
        "input_modalities": {"type": "array", "items": {"enum": ["text", "image"]}},
        "context_window": {"type": "integer", "minimum": 1},
        "max_context_window": {"type": "integer", "minimum": 1},
    },
    "required": [
        *("slug", "display_name", "priority", "visibility", "supported_in_api", "base_instructions"),
        *("supported_reasoning_levels", "support_verbosity", "shell_type", "truncation_policy"),
        "experimental_supported_tools",
    ],
}


def test_codex_gets_a_catalogue_where_the_operator_says_what_its_instructions_are(tmp_path: Path) -> None:
    file = tmp_path / "codex.md"
    file.write_text("You are Codex.\n")
    settings = {**SETTINGS, "codex_instructions": file}
    with running_gateway(tmp_path / "data", **settings) as gateway:
        assert "models" not in ask(gateway, "GET", "/v1/models").json()
        answer = ask(gateway, "GET", "/v1/models?client_version=0.169.0").json()
    for model in answer["models"]:
        Draft202012Validator(CODEX_MODEL).validate(model)
    models = {model["slug"]: model for model in answer["models"]}
    assert list(models) == [entry["id"] for entry in answer["data"]]
    ours, theirs = models["mine/a"], models["mine/gpt-5"]
    assert (ours["context_window"], ours["input_modalities"]) == (9, ["text"])
    assert ours["supported_reasoning_levels"] == []
    assert (theirs["default_reasoning_level"], theirs["input_modalities"]) == ("medium", ["text", "image"])
    assert theirs["context_window"] > 100_000
    assert {model["base_instructions"] for model in answer["models"]} == {"You are Codex."}


@pytest.mark.parametrize("text", [None, b"", b"\xff"])
def test_instructions_that_cannot_be_read_stop_the_start(tmp_path: Path, text: bytes | None) -> None:
    file = tmp_path / "codex.md"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(ConfigurationError, match="codex_instructions"):
        instructions(Settings(codex_instructions=file))


def test_codex_finds_the_catalogue_that_it_looks_for_and_nothing_in_it(site: Running) -> None:
    """An entry would have to bring instructions, and Codex would drop its own for them."""
    answer = ask(site, "GET", "/v1/models?client_version=0.169.0").json()
    assert answer["models"] == []
    assert len(answer["data"]) == 8
