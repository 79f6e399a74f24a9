"""Cache marks: what a client says of the part of a prompt that is worth keeping, and for how long.

    cache_control             on a part: up to here          of the request: up to its end
    prompt_cache_breakpoint   on a part: up to here          (OpenAI's)
    prompt_cache_options      implicit, the default: up to the end of the request; explicit: where marks are

A time to live is written as providers write it: `5m`, `1h`, `3600s`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from antiphon.core.adaptations import Adaptations
from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON

HOUR = 3600  # seconds
_FIVE_MINUTES = 300  # seconds
_FACTORS = {"s": 1, "m": 60, "h": HOUR}


class Mark(NamedTuple):
    """`field` is the path of the wish, in the part or in the request; `ttl` is None if nobody said it."""

    field: str
    ttl: str | None

    @property
    def seconds(self) -> int | None:
        """The time to live; 0 for one that cannot be read."""
        if self.ttl is None:
            return None
        number, unit = (self.ttl, "s") if self.ttl.isdecimal() else (self.ttl[:-1], self.ttl[-1:])
        readable = unit in _FACTORS and number.isdecimal() and len(number) < 10
        return int(number) * _FACTORS[unit] if readable else 0


def mark_of(part: JSON) -> Mark | None:
    """The mark on a part."""
    for field in ("cache_control", "prompt_cache_breakpoint"):
        if isinstance(asked := part.get(field), dict):
            return Mark(field, _text(asked.get("ttl")))
    return None


def mark_of_all(turn: Turn) -> Mark | None:
    """The mark on the request as a whole: the provider is to find the end of what it can keep."""
    if turn.cache_control is not None:
        return Mark("cache_control", _text(turn.cache_control.get("ttl")))
    options = turn.prompt_cache_options
    if options and options.get("mode") in (None, "implicit"):
        return Mark("prompt_cache_options", _text(options.get("ttl")))
    return None


def minutes_or_hour(mark: Mark, path: str, adapted: Adaptations) -> str | None:
    """The time to live of providers that know `5m` and `1h`: an hour for an hour and more, else the former.

    `path`: where the mark's field is, as in errors. None: nobody said one.
    """
    seconds = mark.seconds
    if seconds is None:
        return None
    said = "1h" if seconds >= HOUR else "5m"
    if seconds not in (_FIVE_MINUTES, HOUR):
        adapted.clamped(f"{path}.ttl", f"this provider keeps it for 5m or 1h, sent as {said}")
    return said


def _text(ttl: Any) -> str | None:
    return None if ttl is None else str(ttl)
