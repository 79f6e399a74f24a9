"""Anthropic's own library as the judge of a body: its types, with no field allowed that they do not have.

The library speaks version 2026-10-21 of the API, which dropped the sampling parameters; under 2023-06-01,
which the dialect speaks, older models still take them (recordings of 2026 show it). What is beta (MCP
servers, and their tools and blocks; the older computer tools) is judged by the types of the beta.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from anthropic import types
from anthropic.types import beta
from pydantic import TypeAdapter
from typing_extensions import is_typeddict


@cache
def _judges() -> tuple[TypeAdapter[Any], TypeAdapter[Any]]:
    for package in (types, beta):
        for module in pkgutil.iter_modules(package.__path__):
            if module.name.endswith(("_param", "_params")):
                for value in vars(importlib.import_module(f"{package.__name__}.{module.name}")).values():
                    if is_typeddict(value) and not hasattr(value, "__pydantic_config__"):
                        value.__pydantic_config__ = {"extra": "forbid"}
    return TypeAdapter(types.MessageCreateParams), TypeAdapter(types.ContentBlockParam)


_BETAS: dict[str, Any] = {
    "computer_20250124": beta.BetaToolComputerUse20250124Param,
    "computer_20251124": beta.BetaToolComputerUse20251124Param,
    "mcp_toolset": beta.BetaMCPToolsetParam,
    "mcp_tool_use": beta.BetaMCPToolUseBlockParam,
    "mcp_tool_result": beta.BetaRequestMCPToolResultBlockParam,
    "url": beta.BetaRequestMCPServerURLDefinitionParam,
}


def _in_beta(value: dict[str, Any]) -> bool:
    """Whether it is one of the beta's own, which it then judges."""
    if (kind := _BETAS.get(value.get("type", ""))) is None:
        return False
    _read(TypeAdapter(kind).validate_python(value))
    return True


_SAMPLING = {"temperature", "top_p", "top_k"}


def judge(body: dict[str, Any]) -> None:
    """Raises ValidationError if the body is not a request to `POST /v1/messages`."""
    request, block = _judges()
    known = {field: value for field, value in body.items() if field not in _SAMPLING}
    assert all(_in_beta(server) for server in known.pop("mcp_servers", ()))
    if "tools" in known:
        known["tools"] = [tool for tool in known["tools"] if not _in_beta(tool)]
    _read(request.validate_python({**known, "messages": []}))
    for message in body["messages"]:
        assert message.keys() == {"role", "content"}
        assert message["role"] in ("user", "assistant", "system")
        assert message["content"]
        for content in message["content"]:
            if not _in_beta(content):
                _read(block.validate_python(content))


def _read(value: Any) -> None:
    """Iterables are judged while they are read."""
    if isinstance(value, dict):
        value = value.values()
    if not isinstance(value, str) and hasattr(value, "__iter__"):
        for inner in value:
            _read(inner)
