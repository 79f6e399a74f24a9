"""The place where agents run: a gateway, its log, and the script, as `sim/script` and in two dialects."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.acceptance import processes
from tests.agents.provider import Provider, playing
from tests.agents.script import RULES
from tests.agents.wires import AnthropicWire, ChatWire

KNOWN = ("gpt-5.5", "gpt-5.6-sol")  # names that Codex knows; the others are served without a provider's name
_FLUSHED = 0.15  # seconds until the gateway has written what it logged


@dataclass
class Site:
    """`meant` are the failures that a test wants to see: (method, status), in their order."""

    gateway: processes.Process
    chat: Provider
    claude: Provider
    meant: list[tuple[str, int]] = field(default_factory=list)
    read: int = 0

    @property
    def base_url(self) -> str:
        return f"{self.gateway.url}/v1"

    @property
    def providers(self) -> tuple[Provider, Provider]:
        return self.chat, self.claude

    def was_told(self, model: str, *texts: str) -> None:
        """All of these stand in the last request to this model's provider; the simulated one keeps none."""
        if provider := self.behind(model):
            told = json.dumps(provider.asked[-1])
            assert [text for text in texts if text not in told] == []

    def behind(self, model: str) -> Provider | None:
        """The fake provider that serves this model; None for the simulated one."""
        return {"chat": self.chat, "claude": self.claude}.get(model.partition("/")[0])

    def fresh(self) -> None:
        """Forgets what was asked and logged so far."""
        time.sleep(_FLUSHED)
        self.read, self.meant = self.gateway.log.stat().st_size, []
        for provider in self.providers:
            provider.asked.clear()
            provider.failures.clear()

    def logged(self) -> list[Any]:
        """What the gateway has logged since then."""
        time.sleep(_FLUSHED)
        lines = self.gateway.log.read_bytes()[self.read :].splitlines()
        return [json.loads(line) for line in lines if line.startswith(b"{")]

    def failures(self) -> list[tuple[str, int]]:
        lines = [line for line in self.logged() if line["event"] == "request"]
        return [(line["method"], line["status"]) for line in lines if line["status"] >= 400]


@contextmanager
def made(folder: Path) -> Iterator[Site]:
    """It is there until the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.json").write_text(json.dumps(RULES))
    with playing(ChatWire()) as chat, playing(AnthropicWire()) as claude:
        settings = {
            "simulated": {"script": str(folder / "rules.json")},
            "log": {"format": "json"},
            "providers": {
                "chat": {"dialect": "chat", "base_url": f"{chat.url}/v1", "models": [*KNOWN, "gpt-5.4"]},
                "claude": {"dialect": "anthropic", "base_url": claude.url, "models": [*KNOWN, "gpt-5.3"]},
            },
        }
        with processes.gateway(folder, settings) as gateway:
            yield Site(gateway, chat, claude)
