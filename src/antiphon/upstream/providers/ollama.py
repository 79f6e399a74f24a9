"""Ollama: https://docs.ollama.com/api/openai-compatibility. It takes `tool_choice` and does not obey
it; images are data URLs.

`ollama` speaks Chat Completions, and its Responses API (`dialect: responses`) knows functions alone.
`ollama_native` speaks the API of its own (https://docs.ollama.com/api/chat), in which requests can set the
context size and say how long a model stays loaded, and a conversation that is too long is an error instead of
being cut.
"""

from __future__ import annotations

from antiphon.protocol.tools import CLIENT_RUN, HOSTED
from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.ollama import Ollama
from antiphon.upstream.dialects.responses import Responses

OLLAMA = Provider(
    name="ollama",
    dialect=Chat(
        image_urls=False,
        tool_media=True,
        replay="reasoning",
        tool_choice="auto",
        parallel_tool_calls=False,
    ),
    also=(
        Responses(
            seal="ollama",
            image_urls=False,
            file_urls=False,
            lacks=(*CLIENT_RUN, *HOSTED, "programmatic_tool_calling"),
        ),
    ),
    base_url="http://127.0.0.1:11434/v1",
    local=True,
)

OLLAMA_NATIVE = Provider(
    name="ollama_native",
    dialect=Ollama(),
    base_url="http://127.0.0.1:11434",
    local=True,
)
