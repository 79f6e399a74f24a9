"""Groq: https://console.groq.com/docs/openai.

Log probabilities are refused with a 400. Some models leave their thoughts in the text (C40); asking for
another format would be refused by models that do not think. GPT-OSS searches the web and runs code with tools
of Groq's; so do its compound systems, unasked.
"""

from __future__ import annotations

from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.filters.think_tags import ThinkTags

GROQ = Provider(
    name="groq",
    dialect=Chat(
        max_tokens="max_completion_tokens",
        system_first=False,
        replay="reasoning",
        logprobs=False,
        service_tier=True,
        built_in_tools=True,
    ),
    base_url="https://api.groq.com/openai/v1",
    key_from="GROQ_API_KEY",
    filters=(ThinkTags,),
)
