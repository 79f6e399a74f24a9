"""OpenRouter: https://openrouter.ai/docs/api/reference.

It takes the fields of all its providers and leaves out what one does not know. Reasoning details must come
back as they were sent; `usage.include` asks for costs and cached tokens. Its Responses API, too, takes what
clients of OpenAI's send, but for the newest tools.
"""

from __future__ import annotations

from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.responses import Responses

OPENROUTER = Provider(
    name="openrouter",
    dialect=Chat(
        system_first=False,
        files="data_or_url",
        cache_control=True,
        reasoning="object",
        replay="reasoning_details",
        web_search="server_tool",
        call_ids="short",
        top_k=True,
        verbosity=True,
        service_tier=True,
        prompt_cache_key=True,
        extra_body={"usage": {"include": True}},
    ),
    also=(
        Responses(
            seal="openrouter",
            call_ids="short",
            top_k=True,
            penalties=True,
            lacks=("namespace", "tool_search", "computer", "computer_use", "programmatic_tool_calling"),
        ),
    ),
    base_url="https://openrouter.ai/api/v1",
    key_from="OPENROUTER_API_KEY",
)
