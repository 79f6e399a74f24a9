"""What Anthropic's models can do, by name.

One protocol, but each generation takes other fields, and a field that a model does not take is a 400. The
thresholds are those of Anthropic's migration guides (platform.claude.com, as of November 2026):

    before 3.7          no thoughts; temperature and top_p together
    3.7 … 4.5           thoughts with a budget of tokens, when asked
    from 4.1            temperature or top_p, not both
    from 4.5            answers held to a JSON schema, strict tools (Opus: from 4.1)
    before 4.6          goes on with its own last message, where it does not think
    from 4.6            adaptive thoughts, steered by `output_config.effort`
    from 4.7            no temperature, top_p, top_k; effort `xhigh`
    from 5 (Opus: 4.8)  system messages in the middle of a conversation
    from 5              thoughts unless switched off
    computer            from 3.7 with a tool that has actions; from 5 (Opus: 4.8) with a set of tools
    Opus 5.5, Fable and Mythos 5.1
                        always thoughts, bound to their conversation; no forced tool calls

A Claude whose version is not in its name is taken for a new one. Any other model is one of the servers
that copy the protocol; what those have in common is its old core.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from antiphon.protocol.json import JSON

BINDING_CONTROLS = "thinking-binding-controls-2026-08-01"
"""The beta in which thoughts of a changed conversation are dropped instead of being an error."""

_OLD_NAME = re.compile(r"claude-(\d)(?:[-.](\d))?-(opus|sonnet|haiku)")  # claude-3-7-sonnet-20250219
_NAME = re.compile(r"(opus|sonnet|haiku|fable|mythos)-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")  # claude-opus-4-6
_NEWEST = (99, 0)
_LOW_TO_MAX = ("low", "medium", "high", "max")
_LOW_TO_MAX_WITH_XHIGH = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Abilities:
    """Which fields of the Messages API a model takes. The defaults are the old core of the protocol."""

    most_tokens: int | None = None
    """The largest `max_tokens`; None: not known."""
    thinking: Literal["none", "budget", "adaptive"] = "budget"
    thinks: Literal["asked", "default", "always"] = "asked"
    """When it thinks: when asked to, unless told not to, or always."""
    efforts: tuple[str, ...] = ()
    """The values of `output_config.effort`."""
    sampling: Literal["both", "one", "none"] = "both"
    """Temperature and top_p (and top_k): both, one of the two, or none of the three."""
    json_schema: bool = False
    """It takes `output_config.format` and strict tools."""
    forced_tools: bool = True
    """It takes `tool_choice` of type any or tool."""
    prefill: bool = False
    """It goes on with a last message of its own, where it does not think."""
    later_system: bool = False
    """It takes messages of role system between the others."""
    computer: str | None = None
    """The type of its computer tool."""
    binds_thoughts: bool = False
    """Thoughts are only taken back in the very conversation in which they were thought."""


def goes_on(abilities: Abilities, reasoning: JSON | None) -> bool:
    """Whether this model, asked for these thoughts, goes on with a last message of its own."""
    return abilities.prefill and (reasoning or {}).get("effort") in (None, "none")


@lru_cache(maxsize=512)
def abilities_of(model: str) -> Abilities:
    """Names as Anthropic writes them, with or without a date, a region or a vendor before them."""
    name = model.lower()
    if found := _OLD_NAME.search(name):
        return _claude(found[3], (int(found[1]), int(found[2] or 0)))
    if found := _NAME.search(name):
        return _claude(found[1], (int(found[2]), int(found[3] or 0)))
    if "claude" in name:
        return _claude("mythos" if "mythos" in name else "sonnet", _NEWEST)
    return Abilities()


def _claude(family: str, version: tuple[int, int]) -> Abilities:
    never_off = family in ("fable", "mythos") or (family == "opus" and version >= (5, 5))
    bound = never_off and version >= (5, 1)
    return Abilities(
        most_tokens=_most_tokens(family, version),
        thinking=_thinking(family, version),
        thinks="always" if never_off else "default" if version >= (5, 0) else "asked",
        efforts=_efforts(version),
        sampling="both" if version < (4, 1) else "one" if version < (4, 7) else "none",
        json_schema=version >= (4, 5) or (family == "opus" and version == (4, 1)),
        forced_tools=not bound,
        prefill=version < (4, 6),
        later_system=version >= (5, 0) or (family == "opus" and version >= (4, 8)),
        computer=_computer(family, version),
        binds_thoughts=bound,
    )


def _most_tokens(family: str, version: tuple[int, int]) -> int:
    if version < (3, 5):
        return 4_096
    if version < (3, 7):
        return 8_192
    if family == "opus" and version < (4, 5):
        return 32_000
    if version < (4, 6) or (family == "sonnet" and version == (4, 6)):
        return 64_000
    return 128_000


def _thinking(family: str, version: tuple[int, int]) -> Literal["none", "budget", "adaptive"]:
    if version < (3, 7) or (family == "haiku" and version < (4, 5)):
        return "none"
    return "budget" if version < (4, 6) else "adaptive"


def _computer(family: str, version: tuple[int, int]) -> str | None:
    if version < (3, 7) or (family == "haiku" and version < (4, 5)):
        return None
    if version < (4, 5) or (version == (4, 5) and family != "opus"):
        return "computer_20250124"
    toolset = version >= (5, 0) or (family == "opus" and version >= (4, 8))
    return "computer_toolset_20260801" if toolset else "computer_20251124"


def _efforts(version: tuple[int, int]) -> tuple[str, ...]:
    if version < (4, 6):
        return ()
    return _LOW_TO_MAX if version < (4, 7) else _LOW_TO_MAX_WITH_XHIGH
