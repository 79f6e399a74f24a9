"""Thoughts in `<reasoning>` tags at the beginning of the text, to thoughts.

So Bedrock gives out what OpenAI's open models thought, in Chat Completions (B10).
"""

from __future__ import annotations

from typing import ClassVar

from antiphon.upstream.filters.think_tags import ThinkTags


class ReasoningTags(ThinkTags):
    """A Filter: as ThinkTags, with other tags."""

    opening: ClassVar = "<reasoning>"
    closing: ClassVar = "</reasoning>"

    __slots__ = ()
