"""Token counts.

    {"billed_units": {input_tokens, output_tokens},                          what is charged
     "tokens": {input_tokens, output_tokens, reasoning_tokens, image_tokens}, what the model read and wrote
     "cached_tokens"}

`tokens` is OpenAI's arithmetic but for one thing: reasoning is part of the output, cached tokens part of the
input, and Cohere's own prompt is counted; images are not (the recordings with images: 34 beside 259, 499
beside 259, where 267 and 262 were billed). Billed units stand in where there are no tokens.
"""

from __future__ import annotations

from typing import Any

from antiphon.core.deltas import MOST_TOKENS, Usage


def usage_from(counts: Any) -> Usage | None:
    """`counts`: the `usage` object of an answer. None if it counts nothing."""
    if not isinstance(counts, dict):
        return None
    tokens = counts.get("tokens") or counts.get("billed_units")
    input_tokens = _count(tokens, "input_tokens") + _count(tokens, "image_tokens")
    output_tokens = _count(tokens, "output_tokens")
    if not input_tokens and not output_tokens:
        return None
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_tokens=min(_count(counts, "cached_tokens"), input_tokens),
        reasoning_tokens=min(_count(tokens, "reasoning_tokens"), output_tokens),
    )


def _count(counts: Any, name: str) -> int:
    """A positive count, which Cohere's schema calls a number; 0 for anything else."""
    count: Any = counts.get(name) if isinstance(counts, dict) else None
    return int(count) if type(count) in (int, float) and 0 < count <= MOST_TOKENS else 0
