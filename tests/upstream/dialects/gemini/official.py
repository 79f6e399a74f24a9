"""Google's own library as the judge of a body: its types, which take no field that they do not have."""

from __future__ import annotations

from typing import Any

from google.genai import types


def judge(body: dict[str, Any]) -> None:
    """Raises ValidationError if the body is not a request to generateContent."""
    for content in [*body["contents"], *([body["systemInstruction"]] if "systemInstruction" in body else [])]:
        types.Content.model_validate(content)
    for tool in body.get("tools", []):
        types.Tool.model_validate(tool)
    types.ToolConfig.model_validate(body.get("toolConfig", {}))
    config = dict(body.get("generationConfig", {}))
    types.ImageConfig.model_validate(config.pop("imageConfig", {}))  # the library sends it there, untyped
    types.GenerationConfig.model_validate(config)
    types.GenerateContentConfig(labels=body.get("labels"), service_tier=body.get("serviceTier"))
