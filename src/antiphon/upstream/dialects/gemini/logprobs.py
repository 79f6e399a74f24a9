"""Log probabilities: `logprobsResult`, in the shape of the Responses API.

{chosenCandidates: [{token, logProbability}], topCandidates: [{candidates: [the same]}]}
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.gemini.wire import mappings, string


def logprobs_from(result: Any) -> list[JSON]:
    """One entry for each token of a chunk; none if it has none."""
    if not isinstance(result, dict):
        return []
    chosen, tops = mappings(result.get("chosenCandidates")), mappings(result.get("topCandidates"))
    return [
        _logprob(token)
        | {"top_logprobs": [_logprob(each) for each in mappings((top or {}).get("candidates"))]}
        for token, top in zip_longest(chosen, tops[: len(chosen)])
    ]


def _logprob(token: JSON) -> JSON:
    text, value = string(token.get("token")), token.get("logProbability")
    return {
        "token": text,
        "logprob": value if isinstance(value, int | float) else 0.0,
        "bytes": list(text.encode("utf-8", "replace")),
    }
