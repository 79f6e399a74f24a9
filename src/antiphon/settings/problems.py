"""What is wrong with the settings: where, which setting, what, and the name that was perhaps meant.

    antiphon.yaml:6: providers.groq.modles: no such setting, did you mean `models`?
    ANTIPHON_PORT: port: not a whole number

A message never quotes a value, because the value may be a secret that stands in the wrong place.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

SettingPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `place` is `file:line`, a variable, an option, or "" when it is nowhere."""

    place: str
    path: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.path, self.message) if part)

    @property
    def line(self) -> tuple[str, int]:
        """The place as file and line: the order in which people read problems."""
        file, colon, line = self.place.rpartition(":")
        return (file, int(line)) if colon and line.isdecimal() else (self.place, 0)


class ConfigurationError(Exception):
    """The gateway cannot start with these settings. Carries every problem that was found, in order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def spelled(path: SettingPath) -> str:
    """`("keys", 0, "name")` as people write it: `keys[0].name`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def near_miss(name: str, names: Iterable[str]) -> str:
    """ ", did you mean `x`?" with the name that is closest to `name`, or "" if none is close."""
    close = closest(name, names)
    return f", did you mean `{close}`?" if close else ""


def closest(name: str, names: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The one of `names` that was perhaps meant by `name`: `likeness` from 0 to 1, the same."""
    known = {each.lower(): each for each in names}
    close = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=likeness)
    return known[close[0]] if close else None
