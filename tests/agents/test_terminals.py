"""Terminal agents beside Codex: opencode, Continue, Cline. Each runs a command and reads its output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.agents.installed import BIN, Ran, run
from tests.agents.provider import NAMES, like_openais
from tests.agents.site import ALL, Site, all_models

pytestmark = pytest.mark.agents


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not (BIN / name).exists(), reason=f"{name} is not installed: npm is missing")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def started(site: Site, name: str, work: Path, *arguments: str) -> Ran:
    own = {"HOME": str(work.parent), "XDG_DATA_HOME": str(work.parent / "data")}
    ran = run([BIN / name, *arguments], work, {**own, "GATEWAY_KEY": site.gateway.key})
    assert ran.code == 0, ran.out + ran.err
    return ran


def noted(work: Path) -> str:
    return (work / "note.txt").read_text()


# opencode


def opencode(site: Site, work: Path, model: str, *arguments: str) -> list[str]:
    """The texts that it says."""
    provider = {
        "npm": "@ai-sdk/openai",
        "name": "Antiphon",
        "options": {"baseURL": site.base_url, "apiKey": "{env:GATEWAY_KEY}"},
        "models": {name: {} for name in [*ALL, "sim/echo"]},
    }
    config = {
        "provider": {"antiphon": provider},
        "model": f"antiphon/{model}",
        "small_model": "antiphon/sim/echo",
        "autoupdate": False,
        "share": "disabled",
    }
    (work / "opencode.json").write_text(json.dumps(config))
    ran = started(site, "opencode", work, "run", "--format", "json", "--auto", *arguments)
    events = [json.loads(line) for line in ran.out.splitlines() if line.startswith("{")]
    return [event["part"]["text"] for event in events if event["type"] == "text"]


@needs("opencode")
@all_models
def test_opencode_runs_a_command_and_goes_on(site: Site, work: Path, model: str) -> None:
    assert opencode(site, work, model, "note with opencode") == ["done"]
    assert noted(work) == "noted\n"
    assert opencode(site, work, model, "--continue", "greet me") == ["Hello from the script."]
    site.was_told(model, "it is done")


# Continue


def continued(site: Site, work: Path, model: str, *arguments: str) -> str:
    """What it prints. It speaks Responses only to models whose names begin like OpenAI's."""
    served = {"name": "Scripted", "provider": "openai", "model": model}
    served |= {"apiBase": site.base_url, "apiKey": site.gateway.key}
    config = {"name": "antiphon", "version": "1.0.0", "schema": "v1", "models": [served]}
    (work / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
    ran = started(site, "cn", work, "--config", "config.yaml", "--auto", *arguments)
    return ran.out.strip()


@needs("cn")
@pytest.mark.parametrize("model", [like_openais(name) for name in NAMES])
def test_continue_runs_a_command_and_goes_on(site: Site, work: Path, model: str) -> None:
    assert continued(site, work, model, "-p", "note with continue") == "done"
    assert noted(work) == "noted\n"
    assert continued(site, work, model, "--resume", "-p", "greet me") == "Hello from the script."
    site.was_told(model, "it is done")


# Cline


def cline(site: Site, work: Path, model: str, *arguments: str) -> str:
    """The text that it ends with."""
    data = ("--data-dir", str(work.parent / "cline"))
    key = ("-k", site.gateway.key, "-b", site.base_url)
    started(site, "cline", work, "auth", "-p", "openai-native", *key, "-m", model, *data)
    ran = started(site, "cline", work, "--json", *data, *arguments)
    (result,) = [line for line in ran.out.splitlines() if '"type":"run_result"' in line]
    return str(json.loads(result)["text"])


@needs("cline")
@all_models
def test_cline_runs_a_command(site: Site, work: Path, model: str) -> None:
    assert cline(site, work, model, "note with cline") == "done"
    assert noted(work) == "noted\n"
