"""What of a request a target could not be told as it was asked, and what was done instead.

Nothing is dropped in silence: a field is sent, met by what is sent, refused with InvalidRequest, or stands
here, on the response.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal, TypeAlias

from msgspec import Struct

Action: TypeAlias = Literal["dropped", "emulated", "translated", "clamped"]

_SHAPE = ("text.format", "text.format.schema")
_MOST_ALIKE = 8
_INDEX = re.compile(r"\[\d+\]")


class Adaptation(Struct, frozen=True):
    """`param` is the path in the request, as in errors: `input[2].content[0]`, `reasoning.effort`; or it is
    `output`, for what of the answer the response cannot tell as it came.

    dropped      it has no effect
    emulated     its effect is brought about by other means, which may hold less firmly
    translated   it is said in another form that means nearly the same
    clamped      its value was moved into the range that the target takes
    """

    param: str
    action: Action
    detail: str

    def __str__(self) -> str:
        return f"{self.param}: {self.action}, {self.detail}"


class Adaptations:
    """Collects them, each once, in order. Details are words for people and hold no text of users."""

    __slots__ = ("_noted",)

    def __init__(self) -> None:
        self._noted: dict[Adaptation, None] = {}

    def dropped(self, param: str, why: str) -> None:
        self._noted[Adaptation(param, "dropped", why)] = None

    def emulated(self, param: str, how: str) -> None:
        self._noted[Adaptation(param, "emulated", how)] = None

    def translated(self, param: str, how: str) -> None:
        self._noted[Adaptation(param, "translated", how)] = None

    def clamped(self, param: str, how: str) -> None:
        self._noted[Adaptation(param, "clamped", how)] = None

    @property
    def noted(self) -> tuple[Adaptation, ...]:
        return tuple(self._noted)


def asks_in_words(noted: Iterable[Adaptation]) -> bool:
    """Whether nothing at the provider holds the model to the shape that its answer should have.

    That is what `emulated` means at `text.format` or at its schema; the engine then judges the answer.
    """
    return any(each.action == "emulated" and each.param in _SHAPE for each in noted)


def abridged(noted: Iterable[Adaptation]) -> tuple[Adaptation, ...]:
    """Of those that differ in nothing but indexes at most eight; the last of more stands for the rest.

    A long conversation may have the same to tell of each of its thousand items: `input[*]` tells it.
    """
    alike: defaultdict[Adaptation, list[Adaptation]] = defaultdict(list)
    for adaptation in noted:
        everywhere = _INDEX.sub("[*]", adaptation.param)
        alike[Adaptation(everywhere, adaptation.action, adaptation.detail)].append(adaptation)
    told: list[Adaptation] = []
    for kind, all_of_it in alike.items():
        if len(all_of_it) > _MOST_ALIKE:
            more = len(all_of_it) - _MOST_ALIKE + 1
            rest = Adaptation(kind.param, kind.action, f"{kind.detail} (and at {more} more places)")
            all_of_it = [*all_of_it[: _MOST_ALIKE - 1], rest]
        told += all_of_it
    return tuple(told)
