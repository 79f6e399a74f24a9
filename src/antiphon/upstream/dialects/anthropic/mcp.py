"""Remote MCP servers, as Anthropic is told of them: where a server is, and which of its tools are offered.

    server_label       the name, in `mcp_servers` and in the tool
    server_url         `url`, which must be https
    authorization      `authorization_token`; a header `Authorization: Bearer …` is the same
    allowed_tools      all other tools are switched off
    require_approval   "never", or those for which it is never required: the others are switched off

Anthropic asks nobody before it calls. So a server whose calls must be approved is left out, as OpenAI's
default is that they must; and so is one with a limit that cannot be said (`read_only`), or that only OpenAI
reaches (`connector_id`, `tunnel_id`).

Reference: https://platform.claude.com/docs/en/agents-and-tools/mcp-connector, as of November 2026.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.json import JSON

SERVER = "mcp:"
"""Stands before a server's name where tools are told apart by name; no name of a function has a colon."""

_BEARER = "bearer "


def server(tool: JSON) -> JSON:
    """The entry of `mcp_servers` for a tool of which there is a toolset."""
    said: JSON = {"type": "url", "url": tool["server_url"], "name": tool["server_label"]}
    token = tool.get("authorization") or _bearer(tool)
    return {**said, "authorization_token": token} if token else said


def toolset(tool: JSON, path: str, adapted: Adaptations) -> JSON | None:
    """The tool for a server; None: it is left out, and that is noted at `path`."""
    names, obstacle = _offered_names(tool), _obstacle(tool)
    if obstacle is not None or names == []:
        adapted.dropped(path, obstacle or "none of its tools may be called without approval")
        return None
    _note_the_rest(tool, path, adapted)
    whole = {"type": "mcp_toolset", "mcp_server_name": tool["server_label"]}
    return whole if names is None else narrowed(whole, names)


def narrowed(tool: JSON, names: Iterable[str]) -> JSON:
    """A toolset with these tools alone."""
    configs = {name: {"enabled": True} for name in names}
    return {**tool, "default_config": {"enabled": False}, "configs": configs}


def offers(tool: JSON, name: str) -> bool:
    """Whether the toolset may have a tool of this name."""
    return "configs" not in tool or name in tool["configs"]


def _obstacle(tool: JSON) -> str | None:
    url, approval = tool.get("server_url"), tool.get("require_approval")
    if not isinstance(url, str):
        return "only a server with a server_url is reached from here"
    if not url.lower().startswith("https://"):
        return "only a server with a server_url on https is reached from here"
    approvals = [approval.get(each) for each in ("always", "never")] if isinstance(approval, dict) else []
    limits = (tool.get("allowed_tools"), *approvals)
    if any(isinstance(limit, dict) and limit.get("read_only") for limit in limits):
        return "which of its tools read only cannot be told here"
    if approval != "never" and _tool_names(approvals[-1] if approvals else None) is None:
        return "nobody is asked here before a call: it is offered where require_approval is never"
    return None


def _offered_names(tool: JSON) -> list[str] | None:
    """None: all that the server has."""
    allowed, approval = tool.get("allowed_tools"), tool.get("require_approval")
    names = allowed if isinstance(allowed, list) else _tool_names(allowed)
    if not isinstance(approval, dict):
        return names
    free = _tool_names(approval.get("never")) or []
    asked = _tool_names(approval.get("always")) or []
    return [name for name in (free if names is None else names) if name in free and name not in asked]


def _tool_names(limit: Any) -> list[str] | None:
    names = limit.get("tool_names") if isinstance(limit, dict) else None
    return names if isinstance(names, list) else None


def _bearer(tool: JSON) -> str | None:
    """The token in the headers, if it is there."""
    for name, value in (tool.get("headers") or {}).items():
        if name.lower() == "authorization" and value.lower().startswith(_BEARER):
            return str(value[len(_BEARER) :])
    return None


def _note_the_rest(tool: JSON, path: str, adapted: Adaptations) -> None:
    headers = {name.lower() for name in tool.get("headers") or {}}
    token = _bearer(tool)
    if headers - ({"authorization"} if token and tool.get("authorization") in (None, token) else set()):
        adapted.dropped(f"{path}.headers", NOT_OFFERED)
    if isinstance(tool.get("require_approval"), dict):
        adapted.dropped(f"{path}.require_approval", "tools that need approval are not offered")
    if tool.get("server_description"):
        adapted.dropped(f"{path}.server_description", NOT_OFFERED)
    if tool.get("defer_loading"):
        adapted.dropped(f"{path}.defer_loading", "its tools are offered from the beginning")
    if tool.get("allowed_callers") not in (None, ["direct"]):
        adapted.dropped(f"{path}.allowed_callers", NOT_OFFERED)
