"""Ollama: https://docs.ollama.com/api/openai-compatibility. It takes `tool_choice` and does not obey
it; images are data URLs.

`ollama` speaks Chat Completions, `ollama_native` the API of its own (https://docs.ollama.com/api/chat), in
which requests can set the context size and say how long a model stays loaded, and a conversation that is too
long is an error instead of being cut.
"""

from __future__ import annotations

from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.ollama import Ollama

OLLAMA = Provider(
    name="ollama",
    dialect=Chat(
        image_urls=False,
        tool_media=True,
        replay="reasoning",
        tool_choice="auto",
        parallel_tool_calls=False,
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
