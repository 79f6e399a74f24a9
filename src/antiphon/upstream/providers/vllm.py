"""vLLM: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.

The model's own chat template is used, and many templates are strict about roles. Without a reasoning
parser thoughts come in the text. Its Responses API reads every tool as a function; those that it runs itself
need a tool server, which `quirks: {lacks: […]}` can say.
"""

from __future__ import annotations

from antiphon.protocol.tools import CLIENT_RUN, HOSTED
from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.filters.think_tags import ThinkTags

VLLM = Provider(
    name="vllm",
    dialect=Chat(alternate_roles=True, prefill="continue_final_message", replay="reasoning", top_k=True),
    also=(
        Responses(
            seal="vllm",
            sealed_reasoning=False,
            raw_reasoning=True,
            top_k=True,
            lacks=(*CLIENT_RUN, *HOSTED, "programmatic_tool_calling"),
        ),
    ),
    base_url="http://127.0.0.1:8000/v1",
    local=True,
    filters=(ThinkTags,),
)
