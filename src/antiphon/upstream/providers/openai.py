"""OpenAI: https://platform.openai.com/docs/api-reference/responses."""

from __future__ import annotations

from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.responses import Responses

OPENAI = Provider(
    name="openai",
    dialect=Responses(
        seal="openai", call_ids="short", cache_breakpoints=True, pads_deltas=True, counts_tokens=True
    ),
    base_url="https://api.openai.com/v1",
    key_from="OPENAI_API_KEY",
    compacts=True,
)
