"""What providers counted and noted of the turns of one response, and `usage` as it stands on it."""

from __future__ import annotations

from msgspec.structs import asdict

from antiphon.core.adaptations import Adaptation
from antiphon.core.deltas import Served, Stop, StopReason, Untold, Usage
from antiphon.protocol.json import JSON


class Noted:
    """What is noted and not said."""

    __slots__ = ("_seen", "stop", "tier", "total", "turn", "untold")

    def __init__(self) -> None:
        self.turn: Usage | None = None  # of the turn that is not over yet
        self.total: Usage | None = None  # of the turns before; None if no provider said any
        self.tier: str | None = None  # the service tier that served last, where the provider said so
        self.stop: StopReason | None = None  # of the turn
        self.untold: dict[Adaptation, None] = {}  # what could not be told as it came
        self._seen: JSON | None = None

    def note(self, delta: Usage | Stop | Served | Untold) -> None:
        match delta:
            case Usage():
                self.turn = delta
            case Stop():
                self.stop = delta.reason
            case Served():
                self.tier = delta.service_tier
            case Untold():
                self.untold[Adaptation("output", delta.action, delta.what)] = None

    def saw(self, usage: JSON) -> None:
        """The usage object of an upstream that speaks Responses."""
        self._seen = usage

    def add_up(self) -> None:
        """The turn is over."""
        turn, self.turn, self.stop = self.turn, None, None
        if turn is not None:
            self.total = turn if self.total is None else self.total.plus(turn)

    def on_response(self, response: JSON) -> JSON:
        """The fields of the finished response; `response` is how it stands now."""
        fields: JSON = {"usage": usage_object(self.total, self._seen), "service_tier": self.tier or "default"}
        if self.untold:
            fields["adaptations"] = [*response.get("adaptations", ()), *map(asdict, self.untold)]
        return fields


def usage_object(total: Usage | None, seen: JSON | None) -> JSON | None:
    """All five fields, always, and beside them what the upstream counts besides (xAI's cost, …)."""
    if total is None:
        return None
    known: JSON = {
        "input_tokens": total.input_tokens,
        "input_tokens_details": {
            "cached_tokens": total.cached_tokens,
            "cache_write_tokens": total.cache_write_tokens,
        },
        "output_tokens": total.output_tokens,
        "output_tokens_details": {"reasoning_tokens": total.reasoning_tokens},
        "total_tokens": total.input_tokens + total.output_tokens,
    }
    for name, value in (seen or {}).items():
        if isinstance(known.get(name), dict) and isinstance(value, dict):
            known[name] = {**value, **known[name]}
        elif name not in known:
            known[name] = value
    return known
