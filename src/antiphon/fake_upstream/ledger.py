"""What was asked and what a provider would bill for it: the truth that other ledgers are compared with."""

from __future__ import annotations

import json
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

KEPT = 10_000
"""Requests of which all is known; of older ones only the sums are."""

End: TypeAlias = Literal["complete", "close", "reset", "stall", "caller left"]


@dataclass(slots=True)
class Entry:
    """One request. `end`: how its answer ended; tokens are those that a provider bills."""

    number: int
    dialect: str
    model: str
    streamed: bool
    status: int
    input_tokens: int = 0
    output_tokens: int = 0
    events: int = 0
    bytes: int = 0
    seconds: float = 0.0
    end: End = "complete"

    def __str__(self) -> str:
        how = "stream" if self.streamed else "whole"
        counts = f"{self.events} events, {self.bytes} bytes, {self.input_tokens}+{self.output_tokens} tokens"
        about = f"{self.dialect} {json.dumps(self.model)} {how}: {self.status}, {counts}"
        return f"{self.number} {about}, {self.seconds:.3f} s, {self.end}"

    @property
    def json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class Ledger:
    """Of all requests since the start, or since it was cleared."""

    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))
    sums: Counter[str] = field(default_factory=Counter)

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.sums += Counter(requests=1, input_tokens=entry.input_tokens, output_tokens=entry.output_tokens)

    def clear(self) -> None:
        self.entries.clear()
        self.sums.clear()

    @property
    def json(self) -> dict[str, Any]:
        names = ("requests", "input_tokens", "output_tokens")
        sums = {name: self.sums[name] for name in names}
        return {**sums, "entries": [entry.json for entry in self.entries]}
