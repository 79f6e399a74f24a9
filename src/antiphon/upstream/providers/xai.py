"""xAI: https://docs.x.ai. Its Chat Completions are deprecated and return no thoughts; Responses do.

It runs searches of the web, of X and of files, code, and MCP servers (/developers/tools/overview), no others.
"""

from __future__ import annotations

from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.responses import Responses

XAI = Provider(
    name="xai",
    dialect=Responses(seal="xai", lacks=("image_generation",)),
    base_url="https://api.x.ai/v1",
    key_from="XAI_API_KEY",
)
