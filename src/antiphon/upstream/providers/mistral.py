"""Mistral: https://docs.mistral.ai/api.

Fields it does not know are refused with a 422, `user` and `stream_options` among them (usage comes unasked).
A user message must not follow a tool message, and the last one must be the user's or a tool's (error 3230);
ids of calls have nine letters and digits (error 3280). Thoughts are parts of the content (C10), both ways.
"""

from __future__ import annotations

from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.chat import Chat

MISTRAL = Provider(
    name="mistral",
    dialect=Chat(
        user_after_tool=False,
        user_last=True,
        prefill="prefix",
        files="document_url",
        replay="content",
        call_ids="nine",
        stream_options=False,
        user=False,
        prompt_cache_key=True,
    ),
    base_url="https://api.mistral.ai/v1",
    key_from="MISTRAL_API_KEY",
)
