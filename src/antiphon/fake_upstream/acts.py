"""What a connection is told to do, one act after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes; with them `said` pieces of the answer, in `events` events.

    `announced`: the size that a chunk says it has, where that is not its own.
    """

    data: bytes
    said: int = 0
    events: int = 0
    announced: int | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


Cut: TypeAlias = Literal["close", "reset", "stall"]
"""FIN; RST; nothing more until the caller leaves. Without one the connection serves on."""

Whole: TypeAlias = Literal["whole"]
"""The body is complete; what follows comes after it."""

Act: TypeAlias = Send | Pause | Cut | Whole
