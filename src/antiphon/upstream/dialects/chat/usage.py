"""Token counts, from the many places and under the many names in which servers send them.

OpenAI's arithmetic is the common one: reasoning tokens are part of `completion_tokens`, cached, cache-write
and audio tokens part of `prompt_tokens`. Some leave reasoning out (C42, xAI: 37 of 37 answers), some audio
(Mistral's Voxtral): then `total_tokens` is larger by exactly that, and that is how we know. Gemini gives no
details at all (C23): what its total has beyond the other two is reasoning, as in its own API (G17). Where
reasoning still exceeds the output (C43, three gateways), no arithmetic holds; the output is believed.
"""

from __future__ import annotations

from typing import Any

from antiphon.core.deltas import MOST_TOKENS, Usage
from antiphon.upstream.costs import cost_from

_PLAIN = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})


def usage_from(counts: dict[str, Any]) -> Usage:
    """`counts`: the `usage` object of an answer. What is missing, or no count, is 0."""
    input_tokens = _first(counts, "prompt_tokens")
    output_tokens = _first(counts, "completion_tokens")
    left_out = _first(counts, "total_tokens") - input_tokens - output_tokens
    if counts.keys() <= _PLAIN:  # many servers count no more than this
        left_out = max(left_out, 0)
        return Usage(input_tokens, output_tokens + left_out, reasoning_tokens=left_out)
    prompt = counts.get("prompt_tokens_details")
    completion = counts.get("completion_tokens_details")
    reasoning = _first(completion, "reasoning_tokens") or _first(counts, "reasoning_tokens")
    if left_out > 0:
        if left_out == reasoning:
            output_tokens += reasoning
        elif left_out == _first(prompt, "audio_tokens"):
            input_tokens += left_out
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_tokens=_first(prompt, "cached_tokens")
        or _first(counts, "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens"),
        cache_write_tokens=_first(prompt, "cache_write_tokens", "cache_creation_tokens")
        or _first(counts, "cache_creation_input_tokens"),
        reasoning_tokens=min(reasoning, output_tokens),
        provider_cost=cost_from(counts),
    )


def _first(counts: Any, *names: str) -> int:
    """The first positive count under one of these names."""
    if isinstance(counts, dict):
        for name in names:
            count = counts.get(name)
            if type(count) is int and 0 < count <= MOST_TOKENS:  # True is no count
                return count
    return 0
