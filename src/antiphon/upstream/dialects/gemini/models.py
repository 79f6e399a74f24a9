"""What Gemini's models can do, by name.

One protocol, but a field that a model does not take is a 400. After Google's guides (ai.google.dev and
docs.cloud.google.com, as of November 2026):

    before 2.5          no thoughts; penalties
    2.5                 thoughts with a budget of tokens, which Pro cannot switch off
    from 3              thoughts with a level; JSON together with tools, search together with functions,
                        images in outputs of functions, ids of calls; a call without the model's signature
                        is refused
    from 3.7            no level `minimal`
    from 4              temperature, top_p and top_k have no effect

A Gemini whose version is not in its name (`gemini-flash-latest`) is taken for a new one. Any other model is
taken for an old one, which is what all have in common.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

_NAME = re.compile(r"gemini-(\d{1,2})(?:\.(\d{1,2}))?(?:-(pro|flash))?(-lite)?")
_OLD, _NEWEST = (2, 0), (99, 0)
_BUDGETS = {"pro": (128, 32_768), "flash": (1, 24_576), "flash-lite": (512, 24_576)}  # of 2.5


Resolution: TypeAlias = Literal["part", "global", "none"]


@dataclass(frozen=True, slots=True)
class Abilities:
    """Which fields of generateContent a model takes. The defaults are those of an old one."""

    most_tokens: int | None = None
    """The largest `maxOutputTokens`; None: not known."""
    thinking: Literal["none", "budget", "level"] = "none"
    budgets: tuple[int, int] = (0, 0)
    """The smallest and the largest budget of thoughts, in tokens."""
    stops_thinking: bool = False
    """A budget of 0 switches its thoughts off."""
    levels: tuple[str, ...] = ()
    """The values of `thinkingLevel`, from the lowest to the highest."""
    sampling: bool = True
    """Temperature, top_p and top_k have an effect."""
    penalties: bool = True
    """It takes presence and frequency penalties."""
    validated_calls: bool = False
    """It takes the mode VALIDATED, which holds calls to their schemas."""
    combines: bool = False
    """It takes JSON answers and the provider's tools together with functions."""
    modern_calls: bool = False
    """Calls have ids and signatures, and their outputs may hold images."""
    server_calls: bool = False
    """Calls of the provider's own tools are shown, and taken back."""
    files: bool = True
    """It takes ids of files that were given to the Gemini API before."""
    resolution: Resolution = "none"
    """How closely to look at an image or a file can be said for each, for all of a request, or not at all."""
    fetches: bool = False
    """It takes URLs of files that are somewhere in the web."""
    computer: Literal["places", "actions"] | None = None
    """Which words its computer tool has: only such as have a place in a browser, or those of a mouse."""
    draws: bool = False
    """It makes images, and takes its own back."""
    sizes_images: bool = False
    """It is told how large they are to be."""
    searches_files: bool = False
    """It takes the tool that searches in stores of files."""


@lru_cache(maxsize=512)
def abilities_of(model: str) -> Abilities:
    """Names as Google writes them, with or without `models/` before them."""
    name = model.lower()
    if "gemini" not in name:
        return Abilities()
    found = _NAME.search(name)
    version = (int(found[1]), int(found[2] or 0)) if found else _NEWEST
    kind = f"{found[3] or ''}{found[4] or ''}" if found else ""
    draws = "image" in name
    return Abilities(
        most_tokens=8_192 if version <= _OLD else 65_536 if version < (4, 0) else None,
        thinking=_thinking(version, draws),
        budgets=_BUDGETS.get(kind, _BUDGETS["flash"]),
        stops_thinking=kind != "pro",
        levels=_levels(version, kind),
        sampling=version < (4, 0),
        penalties=version <= _OLD,
        validated_calls=version >= (2, 5),
        combines=version >= (3, 0),
        modern_calls=version >= (3, 0),
        server_calls=version >= (3, 0),
        resolution="part" if version >= (3, 0) else "global",
        fetches=version >= (2, 5),
        computer=_computer(name, version, kind),
        draws=draws,
        sizes_images=draws and version >= (3, 0),
        searches_files=version >= (2, 5),
    )


def _thinking(version: tuple[int, int], draws: bool) -> Literal["none", "budget", "level"]:
    if version < (2, 5) or (draws and version < (3, 0)):
        return "none"
    return "budget" if version < (3, 0) else "level"


def _computer(name: str, version: tuple[int, int], kind: str) -> Literal["places", "actions"] | None:
    """Only of models that Google names: to all others a computer is a function."""
    if "computer-use" in name or (version == (3, 0) and kind == "flash" and name.endswith("flash-preview")):
        return "places"
    plain = re.search(r"flash(-lite)?(-\d{3})?$", name)
    known = (3, 5) <= version < (4, 0) and (kind == "flash" or version == (3, 5))
    return "actions" if plain and known else None


def _levels(version: tuple[int, int], kind: str) -> tuple[str, ...]:
    if version < (3, 1) and kind == "pro":
        return ("low", "high")
    if version < (3, 7) and kind.startswith("flash"):
        return ("minimal", "low", "medium", "high")
    return ("low", "medium", "high")
