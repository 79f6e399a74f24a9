"""llama.cpp's server: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md.

The model's own chat template is used, and many templates are strict about roles. A named `tool_choice` is
taken for "auto" without a word. Its Responses API knows functions alone. Its default port is the gateway's
own: one of the two must move.
"""

from __future__ import annotations

from antiphon.protocol.tools import CLIENT_RUN, HOSTED
from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.filters.think_tags import ThinkTags

LLAMACPP = Provider(
    name="llamacpp",
    dialect=Chat(
        alternate_roles=True,
        tool_media=True,
        reasoning="template",
        replay="reasoning_content",
        tool_choice="required",
        top_k=True,
    ),
    also=(
        Responses(
            seal="llamacpp",
            sealed_reasoning=False,
            raw_reasoning=True,
            lacks=(*CLIENT_RUN, *HOSTED, "programmatic_tool_calling"),
        ),
    ),
    base_url="http://127.0.0.1:8080/v1",
    local=True,
    filters=(ThinkTags,),
)
