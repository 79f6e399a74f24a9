"""Codex CLI, unmodified: a home with a configuration of its own, and runs of `codex exec`."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.agents.installed import BIN, Ran, run
from tests.agents.site import Site

CONFIG = """
model_provider = "antiphon"

[model_providers.antiphon]
name = "Antiphon"
base_url = "{base_url}"
wire_api = "responses"
supports_websockets = {websockets}
{auth}
"""
KEY_IN_ENVIRONMENT = 'env_key = "GATEWAY_KEY"'
KEY_BY_COMMAND = """
[model_providers.antiphon.auth]
command = "printenv"
args = ["GATEWAY_KEY"]
"""
"""With it, and not without, Codex asks the provider for its models."""
ALONE = ("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")


@dataclass
class Codex:
    """`folder` holds its home, and `work`, where it works. `auth`: how it comes to its key."""

    site: Site
    folder: Path
    websockets: bool = False
    auth: str = KEY_IN_ENVIRONMENT

    @cached_property
    def work(self) -> Path:
        (self.folder / "work").mkdir()
        return self.folder / "work"

    @cached_property
    def home(self) -> Path:
        home = self.folder / "home"
        home.mkdir()
        websockets = str(self.websockets).lower()
        config = CONFIG.format(base_url=self.site.base_url, websockets=websockets, auth=self.auth)
        (home / "config.toml").write_text(config)
        return home

    def exec(self, model: str, *arguments: str) -> Ran:
        """A run, as a list of events in JSON lines."""
        return self._codex("exec", *ALONE, "--json", "--model", model, *arguments)

    def knows(self, model: str, like: str) -> str:
        """What makes Codex treat this model like one it knows: a catalogue that says so. For `-c`."""
        (known,) = [each for each in self.shown() if each["slug"] == like]
        file = self.folder / "catalogue.json"
        file.write_text(json.dumps({"models": [{**known, "slug": model}]}))
        return f'model_catalog_json="{file}"'

    def shown(self) -> list[Any]:
        """The models that it knows."""
        return list(json.loads(self._codex("debug", "models").out)["models"])

    def follow(self, recipe: str) -> None:
        """Does what the documentation says for a gateway at its usual place, and a home of `~/.codex`."""
        there = recipe.replace("http://127.0.0.1:8080", self.site.gateway.url).replace(
            "~/.codex", str(self.home)
        )
        own = {"PATH": f"{BIN}:{os.environ['PATH']}", "GATEWAY_KEY": self.site.gateway.key}
        ran = run(["bash", "-euc", there], self.work, {"CODEX_HOME": str(self.home), **own})
        assert ran.code == 0, ran.err

    def _codex(self, *arguments: str) -> Ran:
        own = {"CODEX_HOME": str(self.home), "HOME": str(self.home), "GATEWAY_KEY": self.site.gateway.key}
        return run([BIN / "codex", *arguments], self.work, own)


def events(ran: Ran) -> list[Any]:
    return [json.loads(line) for line in ran.out.splitlines() if line.startswith("{")]


def items(ran: Ran, kind: str) -> list[Any]:
    """The finished items of this kind."""
    done = [event["item"] for event in events(ran) if event["type"] == "item.completed"]
    return [item for item in done if item["type"] == kind]


def answer(ran: Ran) -> str:
    """The last message; fails with all that Codex wrote if there is none."""
    assert ran.code == 0, ran.out + ran.err
    messages = items(ran, "agent_message")
    assert messages, ran.out + ran.err
    return str(messages[-1]["text"])
