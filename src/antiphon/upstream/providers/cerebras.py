"""Cerebras: https://inference-docs.cerebras.ai.

Images are data URLs (https://inference-docs.cerebras.ai/capabilities/image-inputs).
Penalties, `parallel_tool_calls` and `service_tier` are refused with a 400. Qwen's thoughts come in the text,
those of other models in `reasoning`.
"""

from __future__ import annotations

from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.filters.think_tags import ThinkTags

CEREBRAS = Provider(
    name="cerebras",
    dialect=Chat(
        max_tokens="max_completion_tokens",
        image_urls=False,
        replay="reasoning",
        parallel_tool_calls=False,
        penalties=False,
    ),
    base_url="https://api.cerebras.ai/v1",
    key_from="CEREBRAS_API_KEY",
    filters=(ThinkTags,),
)
