"""Tools and tool_choice, as Chat Completions says them.

Functions are known to all; custom tools to OpenAI; a web search to some, in their own words; code to Groq. No
others come here (`upstream/emulation`), nor do choices of them. What `tool_choice` may be:

    "none" | "auto" | "required"         the same words
    {type: function | custom, name}      nested; where a name is not obeyed, the only tool offered, "required"
    {type: allowed_tools, mode, tools}   the same, or only these are offered, with the mode as the choice
    {type: web_search}                   met where every answer is searched for; where it is a tool of the
                                         server's, the only one, "required", and so is code; else refused
"""

from __future__ import annotations

from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.protocol.tools import WEB_SEARCH
from antiphon.upstream.dialects.chat import built_in
from antiphon.upstream.dialects.chat.quirks import Quirks
from antiphon.upstream.dialects.chat.search import web_search


def tools_from(turn: Turn, quirks: Quirks, adapted: Adaptations) -> JSON:
    """The fields of the body that are about tools. Raises InvalidRequest naming tool_choice."""
    body: JSON = {}
    offered: list[JSON] = []
    for index, tool in enumerate(turn.tools):
        if quirks.built_in_tools and tool["type"] in built_in.TOOLS:
            chat = built_in.told(tool, f"tools[{index}]", turn.model, body, adapted)
        else:
            chat = _tool(tool, f"tools[{index}]", quirks, body, adapted)
        if chat is not None:
            offered.append(chat)
    if turn.max_tool_calls is not None and any(tool.get("type") in built_in.TOOLS for tool in turn.tools):
        adapted.dropped("max_tool_calls", NOT_OFFERED)
    offered, choice = _choose(turn.tool_choice, offered, quirks, adapted)
    if offered:
        body["tools"] = offered
        if choice is not None:
            body["tool_choice"] = choice
        _parallel(turn.parallel_tool_calls, body, quirks, adapted)
    return body


def _parallel(parallel: bool | None, body: JSON, quirks: Quirks, adapted: Adaptations) -> None:
    if parallel is not None and quirks.parallel_tool_calls:
        body["parallel_tool_calls"] = parallel
    elif parallel is False:
        adapted.dropped("parallel_tool_calls", NOT_OFFERED)


def _tool(tool: JSON, at: str, quirks: Quirks, body: JSON, adapted: Adaptations) -> JSON | None:
    match tool["type"]:
        case "function":
            if tool.get("strict") and not quirks.strict:
                adapted.dropped(f"{at}.strict", NOT_OFFERED)
            return _function(tool, quirks)
        case "custom":
            return {"type": "custom", "custom": _custom(tool)}
        case _:
            return web_search(tool, at, quirks, body, adapted)


def _function(tool: JSON, quirks: Quirks) -> JSON:
    function: JSON = {"name": tool.get("name")}
    if tool.get("description") is not None:
        function["description"] = tool["description"]
    function["parameters"] = _parameters(tool.get("parameters") or {"type": "object"})
    if quirks.strict and tool.get("strict") is not None:
        function["strict"] = tool["strict"]
    return {"type": "function", "function": function}


def _parameters(schema: JSON) -> JSON:
    """OpenAI refuses an object that does not say which properties it has."""
    if schema.get("type") != "object" or "properties" in schema:
        return schema
    return {**schema, "properties": {}}


def _custom(tool: JSON) -> JSON:
    custom = {name: tool[name] for name in ("name", "description") if tool.get(name) is not None}
    shape = tool.get("format")
    if isinstance(shape, dict) and shape.get("type") == "grammar":
        grammar = {name: shape.get(name) for name in ("definition", "syntax")}
        custom["format"] = {"type": "grammar", "grammar": grammar}
    elif shape is not None:
        custom["format"] = shape
    return custom


def _choose(
    choice: str | JSON | None, offered: list[JSON], quirks: Quirks, adapted: Adaptations
) -> tuple[list[JSON], str | JSON | None]:
    """What is offered and what is chosen, in forms that this server obeys."""
    if not isinstance(choice, dict):
        return _by_mode(choice, offered, quirks, adapted)
    kind = choice.get("type")
    if kind == "allowed_tools":
        return _allowed(choice, offered, quirks, adapted)
    if kind in ("function", "custom"):
        return _named(kind, choice.get("name"), offered, quirks, adapted)
    if kind in WEB_SEARCH and quirks.web_search == "always":
        return offered, None
    if only := [tool for tool in offered if tool["type"] == built_in.own_name(kind)]:
        return _by_mode("required", only, quirks, adapted)
    raise _refusal("`tool_choice` demands what this model does when it likes.")


def _by_mode(
    mode: str | None, offered: list[JSON], quirks: Quirks, adapted: Adaptations
) -> tuple[list[JSON], str | None]:
    if mode == "required" and not offered:
        raise _refusal("`tool_choice` demands a tool, and there is none that this model can call.")
    if quirks.tool_choice != "auto":
        return offered, mode
    if mode == "required":
        adapted.emulated("tool_choice", "this model cannot be made to call a tool, it may")
    return ([] if mode == "none" else offered), None


def _named(
    kind: str, name: Any, offered: list[JSON], quirks: Quirks, adapted: Adaptations
) -> tuple[list[JSON], str | JSON | None]:
    if quirks.tool_choice == "named":
        return offered, {"type": kind, kind: {"name": name}}
    only = [tool for tool in offered if _name(tool) == (kind, name)]
    return _by_mode("required", only, quirks, adapted)


def _allowed(
    choice: JSON, offered: list[JSON], quirks: Quirks, adapted: Adaptations
) -> tuple[list[JSON], str | JSON | None]:
    mode = choice.get("mode") or "auto"
    wanted = {(tool.get("type"), tool.get("name")) for tool in choice.get("tools") or []}
    if quirks.built_in_tools:
        wanted |= {(built_in.own_name(kind), name) for kind, name in wanted}
    if quirks.web_search == "server_tool":
        wanted |= {("openrouter:web_search", None) for kind, _ in wanted if kind in WEB_SEARCH}
    allowed = [tool for tool in offered if _name(tool) in wanted]
    if quirks.allowed_tools and allowed:
        names = [{"type": kind, kind: {"name": name}} for kind, name in map(_name, allowed)]
        return offered, {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": names}}
    return _by_mode(mode, allowed, quirks, adapted)


def _name(tool: JSON) -> tuple[str, Any]:
    kind = tool["type"]
    return kind, tool[kind]["name"] if kind in ("function", "custom") else None


def _refusal(message: str) -> InvalidRequest:
    return InvalidRequest(message, param="tool_choice")
