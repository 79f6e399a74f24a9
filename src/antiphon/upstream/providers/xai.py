"""xAI: https://docs.x.ai. Its Chat Completions are deprecated and return no thoughts; Responses do.

It runs searches of the web, of X and of files, code, and MCP servers (/developers/tools/overview), no others.
Of the tools that clients run it knows functions alone.
"""

from __future__ import annotations

from antiphon.protocol.tools import CLIENT_RUN
from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.responses import Responses

XAI = Provider(
    name="xai",
    dialect=Responses(seal="xai", lacks=(*CLIENT_RUN, "programmatic_tool_calling", "image_generation")),
    base_url="https://api.x.ai/v1",
    key_from="XAI_API_KEY",
)
