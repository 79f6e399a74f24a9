"""`usage` as it stands on a response."""

from __future__ import annotations

from antiphon.core.deltas import Usage
from antiphon.protocol.json import JSON


def usage_object(total: Usage | None, seen: JSON | None) -> JSON | None:
    """All five fields, always, and beside them what the upstream counts besides (xAI's cost, …)."""
    if total is None:
        return None
    known: JSON = {
        "input_tokens": total.input_tokens,
        "input_tokens_details": {
            "cached_tokens": total.cached_tokens,
            "cache_write_tokens": total.cache_write_tokens,
        },
        "output_tokens": total.output_tokens,
        "output_tokens_details": {"reasoning_tokens": total.reasoning_tokens},
        "total_tokens": total.input_tokens + total.output_tokens,
    }
    for name, value in (seen or {}).items():
        if isinstance(known.get(name), dict) and isinstance(value, dict):
            known[name] = {**value, **known[name]}
        elif name not in known:
            known[name] = value
    return known
