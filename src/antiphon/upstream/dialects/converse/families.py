"""What models take through Converse, by name.

The protocol is one, but a field that a model does not take is a 400. As documented by AWS in November 2026
(docs.aws.amazon.com/bedrock, docs.aws.amazon.com/nova) and found out by those who met the 400:

                        thoughts                top_k                 forced     schema  cache
    Claude              thinking, effort        top_k                 any, tool  4.5 …   5m, 1h
    Nova 2              reasoningConfig         inferenceConfig.topK  any, tool  -       5m
    Nova                -                       inferenceConfig.topK  any, tool  -       5m
    gpt-oss, Kimi       reasoning_effort        -                     any, tool  yes     -
    DeepSeek V3         reasoning_effort: high  -                     any        yes     -
    DeepSeek R1         always, as it likes     -                     -          -       -
    Mistral             -                       -                     any        yes     -
    Cohere              -                       k                     -          -       -
    Llama, AI21, Titan  -                       -                     -          -       -
    any other           -                       -                     any, tool  yes     -

A model that is not known by its name (the ARN of an application inference profile hides it) is "any other".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from antiphon.upstream.claude.models import Abilities, abilities_of

_MAKER = re.compile(
    r"(?:^|[./])(anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|moonshot|moonshotai)\.([^/]+)"
)
_LOW_TO_HIGH = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Family:
    """Which fields of Converse a model takes. The defaults are those of a model that is not known."""

    reasoning: Literal["none", "reasoningConfig", "reasoning_effort"] = "none"
    """How it is told to think, among the additional fields. Claude has ways of its own."""
    efforts: tuple[str, ...] = ()
    """The efforts that it knows, the lowest first."""
    top_k: tuple[str, ...] = ()
    """Where top_k stands among the additional fields; empty: nowhere."""
    forced: frozenset[str] = frozenset({"any", "tool"})
    """The forms of toolChoice that it takes beside auto."""
    json_schema: bool = True
    """It takes `outputConfig.textFormat` and strict tools."""
    cache: Literal["none", "5m", "1h"] = "none"
    """How long it keeps what stands before a cache point, at most."""
    system: bool = True
    """It takes a system prompt."""
    mixes_results: bool = False
    """Outputs of tools and words of the user can be one message."""
    status: bool = False
    """It takes the status of an output."""
    json_outputs: bool = False
    """It takes outputs as JSON objects only."""
    claude: Abilities | None = None
    """What this Claude can do; None: it is none."""


@lru_cache(maxsize=512)
def family_of(model: str) -> Family:
    """Names as AWS writes them: model ids, inference profiles with a region before them, ARNs of either."""
    name = model.lower()
    found = _MAKER.search(name)
    maker, rest = (found[1], found[2]) if found else ("", name)
    if maker == "anthropic" or "claude" in rest:
        return _claude(rest)
    if maker == "amazon":
        return _nova(rest) if "nova" in rest else Family(forced=frozenset(), json_schema=False, system=False)
    if maker == "deepseek" and "r1" in rest:
        return Family(forced=frozenset(), json_schema=False)
    return _MAKERS.get(maker, _OTHER)


_OTHER = Family()
_MAKERS = {
    "openai": Family(reasoning="reasoning_effort", efforts=_LOW_TO_HIGH),
    "moonshot": Family(reasoning="reasoning_effort", efforts=_LOW_TO_HIGH),
    "moonshotai": Family(reasoning="reasoning_effort", efforts=_LOW_TO_HIGH),
    "deepseek": Family(reasoning="reasoning_effort", efforts=("high",), forced=frozenset({"any"})),
    "mistral": Family(forced=frozenset({"any"}), json_outputs=True),
    "meta": Family(forced=frozenset(), json_schema=False),
    "ai21": Family(forced=frozenset(), json_schema=False),
    "cohere": Family(forced=frozenset(), json_schema=False, top_k=("k",)),
}


def _claude(name: str) -> Family:
    abilities = abilities_of(name)
    recent = abilities.json_schema and "opus-4-1" not in name  # which has neither on Bedrock
    caches = abilities.thinking != "none" or "3-5-haiku" in name
    return Family(
        top_k=("top_k",),
        forced=frozenset({"any", "tool"}) if abilities.forced_tools else frozenset(),
        json_schema=recent,
        cache=("1h" if recent else "5m") if caches else "none",
        mixes_results=True,
        status=True,
        claude=abilities,
    )


def _nova(name: str) -> Family:
    thinks = "nova-2" in name
    return Family(
        reasoning="reasoningConfig" if thinks else "none",
        efforts=_LOW_TO_HIGH if thinks else (),
        top_k=("inferenceConfig", "topK"),
        json_schema=False,
        cache="5m",
        mixes_results=True,
        status=True,
    )
