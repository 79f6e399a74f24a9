"""Token counts, and the tier that served.

Google counts thoughts beside the candidates and what tools brought into the prompt beside the prompt; cached
tokens are part of the prompt:

    totalTokenCount = promptTokenCount + toolUsePromptTokenCount + candidatesTokenCount + thoughtsTokenCount
"""

from __future__ import annotations

from typing import Any

from antiphon.core.deltas import MOST_TOKENS, Usage
from antiphon.protocol.json import JSON

_TIERS: dict[Any, str] = {
    "standard": "default",
    "flex": "flex",
    "priority": "priority",
    "ON_DEMAND": "default",
    "ON_DEMAND_FLEX": "flex",
    "ON_DEMAND_PRIORITY": "priority",
}
"""`serviceTier` of the Gemini API, `trafficType` of Vertex AI."""


def usage_from(counts: JSON) -> Usage:
    """`counts`: an answer's `usageMetadata`. What is missing, or no count, is 0."""
    thoughts = _count(counts, "thoughtsTokenCount")
    return Usage(
        input_tokens=_count(counts, "promptTokenCount") + _count(counts, "toolUsePromptTokenCount"),
        output_tokens=_count(counts, "candidatesTokenCount") + thoughts,
        cached_tokens=_count(counts, "cachedContentTokenCount"),
        reasoning_tokens=thoughts,
    )


def tier_from(counts: JSON) -> str | None:
    """In OpenAI's words; None where nothing is said, or nothing that has a word."""
    said = counts.get("serviceTier", counts.get("trafficType"))
    return _TIERS.get(said) if isinstance(said, str) else None


def _count(counts: JSON, name: str) -> int:
    count = counts.get(name)
    return count if type(count) is int and 0 < count <= MOST_TOKENS else 0  # True is no count
