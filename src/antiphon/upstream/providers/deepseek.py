"""DeepSeek: https://api-docs.deepseek.com.

Text only. It thinks unless told not to; thoughts that led to tool calls must come back, or the next turn
is refused ("Missing `reasoning_content` field"), calls of other models among them: for these the field is
empty. A schema can only be told in words (`response_format` knows json_object), and strict functions are at
another base URL.
"""

from __future__ import annotations

from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.chat import Chat

DEEPSEEK = Provider(
    name="deepseek",
    dialect=Chat(
        system_first=False,
        images=False,
        reasoning="thinking",
        replay="reasoning_content",
        needs_thoughts=True,
        strict=False,
        json_schema=False,
    ),
    base_url="https://api.deepseek.com",
    key_from="DEEPSEEK_API_KEY",
)
