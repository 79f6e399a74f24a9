"""Claude on Vertex AI, in a project of one's own on Google Cloud.

    providers:
      vertex_anthropic:
        base_url: https://us-east5-aiplatform.googleapis.com/v1/projects/PROJECT/locations/us-east5
        service_account: google.json

A base URL with `global` for the location has no region before its host. Of the tools that Anthropic runs
itself only the web search is there (https://platform.claude.com/docs/en/api/claude-on-vertex-ai).
"""

from __future__ import annotations

from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.anthropic import Anthropic

VERTEX_ANTHROPIC = Provider(
    name="vertex_anthropic",
    dialect=Anthropic(platform="vertex", code_execution=None, mcp=None),
    base_url="",
)
