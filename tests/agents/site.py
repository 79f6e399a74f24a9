"""The place where agents run: a gateway, its log, and the script, as `sim/script` and in every dialect."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import processes
from tests.agents.provider import NAMES, ScriptedStage, like_openais
from tests.agents.script import RULES
from tests.matrix.fakes.base import Fake
from tests.matrix.stage import CAST, stage

SIMULATED = "sim/script"
SCRIPTED = [f"{name}/{CAST[name].model}" for name in NAMES]
"""One model of each dialect."""
CHAT, CLAUDE = (model for model in SCRIPTED if model.startswith(("openrouter/", "anthropic/")))
SOME = [SIMULATED, CHAT, CLAUDE]
"""The models with which all is done that agents do."""
ALL = [SIMULATED, *SCRIPTED]
"""The models with which every agent does its main work."""
KNOWN = {"openrouter": ["gpt-5.5"]}
"""Names that Codex knows; a provider serves its model under them, too."""
some_models = pytest.mark.parametrize("model", SOME)
all_models = pytest.mark.parametrize("model", ALL)
_FLUSHED = 0.15  # seconds until the gateway has written what it logged


def tasks(main: str, *others: str) -> pytest.MarkDecorator:
    """The main task with all models, the others with some."""
    pairs = [*product([main], ALL), *product(others, SOME)]
    return pytest.mark.parametrize(("task", "model"), pairs)


@dataclass
class Site:
    """`meant` are the failures that a test wants to see: (method, status), in their order."""

    gateway: processes.Process
    stage: ScriptedStage
    meant: list[tuple[str, int]] = field(default_factory=list)
    read: int = 0

    @property
    def base_url(self) -> str:
        return f"{self.gateway.url}/v1"

    def asked(self, model: str) -> list[Any]:
        """The bodies of the requests to this model's provider; the simulated one keeps none."""
        provider = self.behind(model)
        return [request.body for request in provider.asked] if provider else []

    def was_told(self, model: str, *texts: str) -> None:
        """All of these stand in the last request to this model's provider."""
        if model != SIMULATED:
            told = json.dumps(self.asked(model)[-1])
            assert [text for text in texts if text not in told] == []

    def behind(self, model: str) -> Fake | None:
        """The fake provider that serves this model; None for the simulated one."""
        return self.stage.fakes.get(model.removeprefix(like_openais("")).partition("/")[0])

    def fresh(self) -> None:
        """Forgets what was asked and logged so far."""
        time.sleep(_FLUSHED)
        self.read, self.meant = self.gateway.log.stat().st_size, []
        self.stage.failures.clear()
        self.stage.cast()

    def logged(self) -> list[Any]:
        """What the gateway has logged since then."""
        time.sleep(_FLUSHED)
        lines = self.gateway.log.read_bytes()[self.read :].splitlines()
        return [json.loads(line) for line in lines if line.startswith(b"{")]

    def failures(self) -> list[tuple[str, int]]:
        lines = [line for line in self.logged() if line["event"] == "request"]
        return [(line["method"], line["status"]) for line in lines if line["status"] >= 400]

    def refused(self) -> list[str]:
        """What the providers would not take."""
        return [words for fake in self.stage.fakes.values() for words in fake.refused]


@contextmanager
def made(folder: Path, **more: Any) -> Iterator[Site]:
    """It is there until the end of the block. `more`: settings."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.json").write_text(json.dumps(RULES))
    with stage(ScriptedStage()) as playing:
        providers = playing.providers()
        for name, fake in playing.fakes.items():
            providers[name]["models"] = [fake.model, like_openais(name), *KNOWN.get(name, ())]
        settings = {
            "simulated": {"script": str(folder / "rules.json")},
            "log": {"format": "json"},
            "requests": {"retries": 0},  # failures are the agents' to try again
            "providers": providers,
            **more,
        }
        with processes.gateway(folder, settings) as gateway:
            yield Site(gateway, playing)
