"""A gateway between a client and a fake upstream, and what the client sees of a fault."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from antiphon.fake_upstream.script import Step
from antiphon.fake_upstream.wires import WIRES
from antiphon.protocol.events import TERMINAL
from tests.contract.wire import Answer, ask
from tests.fake_upstream.running import RunningUpstream, running_upstream
from tests.running import Running, running_gateway

DIALECTS = tuple(WIRES)
MODES = ("whole", "stream")
HALVES = ("alone", "fallback")
PROVIDER_KEY = "sk-provider-canary-0123456789"

QUICK = {"connect": 0.5, "first_event": 0.6, "idle": 0.6, "total": 1.5}
"""Seconds, for faults that only a deadline ends."""

PATIENT = {"connect": 5.0, "first_event": 20.0, "idle": 20.0, "total": 20.0}
"""For all others: on a busy machine no deadline is mistaken for what is tested."""

GRACE = 1.0
"""Seconds after a deadline within which the client hears of it."""

TOOL = {
    "type": "function",
    "name": "look_up",
    "parameters": {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]},
}
_BASES = {"responses": "/v1", "chat": "/v1", "gemini": "/v1beta"}


@dataclass
class Place:
    gateway: Running
    upstream: RunningUpstream


def provider(dialect: str, url: str, timeouts: Mapping[str, float]) -> dict[str, Any]:
    """The settings of a provider that the fake upstream plays."""
    base_url = f"{url}{_BASES.get(dialect, '')}"
    return {"dialect": dialect, "base_url": base_url, "api_key": PROVIDER_KEY, "timeouts": dict(timeouts)}


@contextmanager
def made_place(folder: Path, models: Mapping[str, Sequence[Step]] | None = None) -> Iterator[Place]:
    """For each dialect: `quick-…` and `patient-…`, `spare-…` to fall back on, one for each faulty port."""
    with running_upstream(models, faulty=True) as upstream:
        providers = {}
        for dialect in DIALECTS:
            for name, timeouts in (("quick", QUICK), ("patient", PATIENT), ("spare", PATIENT)):
                providers[f"{name}-{dialect}"] = provider(dialect, upstream.url, timeouts)
            for name, port in upstream.ports.items():
                scheme = "https" if name.startswith("tls") else "http"
                providers[f"{name}-{dialect}"] = provider(dialect, f"{scheme}://127.0.0.1:{port}", QUICK)
            plain = upstream.url.replace("http:", "https:")
            providers[f"no-tls-{dialect}"] = provider(dialect, plain, QUICK)
        with running_gateway(folder, providers=providers) as gateway:
            yield Place(gateway, upstream)


@dataclass
class Seen:
    """What the client saw. `outcome`: `completed`, `incomplete`, `failed CODE`, or `STATUS CODE`."""

    answer: Answer
    seconds: float
    streamed: bool
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def response(self) -> dict[str, Any]:
        """The last that was told of it; empty for an error."""
        if self.answer.status >= 400:
            return {}
        return dict(self.events[-1]["response"] if self.streamed else self.answer.json())

    @property
    def outcome(self) -> str:
        if self.answer.status >= 400:
            return f"{self.answer.status} {self.answer.error['code']}"
        status = str(self.response["status"])
        codes = [event["code"] for event in self.events if event["type"] == "error"]
        return f"{status} {codes[0] if codes else None}" if status == "failed" else status

    @property
    def text(self) -> str:
        """Of all messages."""
        return "".join(
            part.get("text", "")
            for item in self.response.get("output", ())
            if item["type"] == "message"
            for part in item["content"]
        )

    @property
    def said(self) -> str:
        """The text as it came, piece by piece."""
        return "".join(
            event["delta"] for event in self.events if event["type"] == "response.output_text.delta"
        )

    @property
    def calls(self) -> list[tuple[str, Any]]:
        """Those that are complete: an unfinished one must not run."""
        return [
            (item["name"], json.loads(item["arguments"]))
            for item in self.response.get("output", ())
            if item["type"] == "function_call" and item["status"] == "completed"
        ]

    def check(self, place: Place) -> None:
        """What holds whatever happened: one end, which is the last event; and nothing that is secret."""
        whole = self.answer.body + repr(self.answer.headers).encode()
        for secret in (PROVIDER_KEY[:11], place.gateway.key[:14], "127.0.0.1"):
            assert secret.encode() not in whole
        if not (self.streamed and self.answer.status == 200):
            return
        kinds = [event["type"] for event in self.events]
        assert [kind for kind in kinds if kind in TERMINAL] == [kinds[-1]]
        assert [event["sequence_number"] for event in self.events] == list(range(len(kinds)))
        assert self.answer.body.endswith(b"data: [DONE]\n\n")
        assert self.said == self.text


def seen(place: Place, model: str, *, stream: bool, provider: str, **fields: Any) -> Seen:
    """Ask the gateway for this model of this provider."""
    body = {"model": f"{provider}/{model}", "input": "Hi", "stream": stream, "tools": [TOOL], **fields}
    begun = time.monotonic()
    answer = ask(place.gateway, "POST", "/v1/responses", body)
    seconds = time.monotonic() - begun
    return Seen(answer, seconds, stream, answer.events if stream and answer.status == 200 else [])


@dataclass(frozen=True)
class Row:
    """Of the gateway's ledger: one call to a provider."""

    provider: str
    model: str
    outcome: str
    input_tokens: int
    output_tokens: int


def ledger_of(place: Place, model: str, least: int) -> list[Row]:
    """The gateway's rows for this model; they may be written a moment after the client has its answer."""
    until = time.monotonic() + 2
    while len(found := _rows(place, model)) < least and time.monotonic() < until:
        time.sleep(0.02)
    return found


def _rows(place: Place, model: str) -> list[Row]:
    file = place.gateway.settings.database.removeprefix("sqlite:///")
    asked = (
        "SELECT provider, model, outcome, input_tokens, output_tokens FROM attempts "
        "WHERE model = ? ORDER BY number"
    )
    # With the gateway's own library: a second SQLite in this process would take the locks of the first away.
    with closing(apsw.Connection(file, flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return [Row(*row) for row in connection.execute(asked, (model,))]


def requests_for(place: Place, model: str, least: int = 1) -> int:
    """How often the upstream was asked for this model; it may hear of an end a moment after the client."""
    until = time.monotonic() + 2
    while len(found := place.upstream.asked(model)) < least and time.monotonic() < until:
        time.sleep(0.01)
    return len(found)
