"""LM Studio: https://lmstudio.ai/docs/developer/openai-compat.

`tool_choice` may only be a word, and `response_format` only a schema; the rest is refused with a 400.
Images are data URLs. Its Responses API has functions and MCP servers, no other tools
(/docs/developer/openai-compat/responses).
"""

from __future__ import annotations

from antiphon.protocol.tools import CLIENT_RUN, HOSTED
from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.filters.think_tags import ThinkTags

LMSTUDIO = Provider(
    name="lmstudio",
    dialect=Chat(
        alternate_roles=True, image_urls=False, tool_choice="required", json_object=False, top_k=True
    ),
    also=(
        Responses(
            seal="lmstudio",
            sealed_reasoning=False,
            raw_reasoning=True,
            image_urls=False,
            lacks=(*CLIENT_RUN, *(kind for kind in HOSTED if kind != "mcp"), "programmatic_tool_calling"),
        ),
    ),
    base_url="http://127.0.0.1:1234/v1",
    local=True,
    filters=(ThinkTags,),
)
