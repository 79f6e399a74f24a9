"""Azure OpenAI and Azure AI Foundry: models are deployments of a resource of one's own.

Neither can be enabled by a key alone, for the base URL names the resource:

    providers:
      azure:
        base_url: https://RESOURCE.openai.azure.com/openai/v1
        api_key: ${AZURE_OPENAI_API_KEY}

Instead of a key there may be `entra`, or the variables of Azure's own tools (settings/entra.py).
The v1 API needs no `api-version` (https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle).
It knows OpenAI's tools but the shell (https://learn.microsoft.com/answers/questions/5846913).

`azure` speaks Responses; `azure_chat` Chat Completions, for deployments of models of other makers and for
resources that have only the dated API: base URL https://RESOURCE.openai.azure.com/openai,
`query: {api-version: 2024-10-21}`, `quirks: {path: "/deployments/{model}/chat/completions"}`.
"""

from __future__ import annotations

from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.responses import Responses

AZURE = Provider(
    name="azure",
    dialect=Responses(seal="azure", call_ids="short", lacks=("shell",)),
    base_url="",
    key_header="api-key",
    key_prefix="",
)

# Only what the deployments of all makers take: the rest would be refused by some.
AZURE_CHAT = Provider(
    name="azure_chat",
    dialect=Chat(
        max_tokens="max_completion_tokens",
        system_first=False,
        files="data",
        call_ids="short",
    ),
    base_url="",
    key_header="api-key",
    key_prefix="",
)
