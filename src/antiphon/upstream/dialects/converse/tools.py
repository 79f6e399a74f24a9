"""Tools and tool_choice, as Converse offers them.

    "none"                           no tools; see below
    "auto"                           none is sent: it is the default
    "required"                       {"any": {}}
    {type: function, name}           {"tool": {"name": …}}
    {type: web_search…}              {"tool": {"name": "nova_grounding"}}, where offered
    {type: code_interpreter}         {"tool": {"name": "nova_code_interpreter"}}, where offered
    {type: allowed_tools, mode, …}   the other tools are not offered; then as mode auto or required
    any other                        refused: it demands a tool that is not offered

Where a model cannot be forced to call, `required` and names are refused.

A conversation in which tools were called must be sent with tools, whether they may be called or not, and
Converse has no word for "none". So then all of them are offered, or those that were called by their names
alone, and the model is told in words to call none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED, without_tool
from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.protocol.json import JSON
from antiphon.protocol.tools import WEB_SEARCH
from antiphon.upstream.claude.schema import strict_schema
from antiphon.upstream.dialects.converse.families import Family

ANSWER_TOOL = "antiphon_answer"
"""The tool that stands for the answer itself, where a model holds to a schema only in a tool's input."""

NO_CALLS = "Call no tool now. Answer in words."

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MOST_STRICT = 20  # strict tools of one request
_USUAL: dict[str, Any] = {
    "filters": None,
    "user_location": None,
    "search_context_size": "medium",
    "search_content_types": ["text"],
    "allowed_callers": ["direct"],
}
"""What the provider's own tools cannot be told, and what they do anyway."""


@dataclass(slots=True)
class Offer:
    """The tools of a request, and whether the model must or must not call one."""

    tools: list[JSON] = field(default_factory=list)
    choice: JSON | None = None
    forbidden: bool = False

    @property
    def forces(self) -> bool:
        return self.choice is not None


def offer_tools(
    turn: Turn, family: Family, system_tools: Mapping[str, str], called: Iterable[str], adapted: Adaptations
) -> Offer:
    """`system_tools`: the provider's own, type → name; `called`: the names of the tools called before.

    Raises InvalidRequest if `tool_choice` demands what cannot be offered, or a function's name is unfit.
    """
    offered: dict[str, JSON] = {}
    kinds: dict[str, str] = {}
    for index, tool in enumerate(turn.tools):
        path = f"tools[{index}]"
        said = _tool(tool, path, family, system_tools, adapted)
        if said is None:
            continue
        name = next(iter(said.values()))["name"]
        if name in offered:
            adapted.dropped(path, "a tool of this name is offered already")
            continue
        offered[name] = said
        kinds[name] = _kind(tool)
    _limit_strict(offered, turn.tools, adapted)
    choice = _choice(turn.tool_choice, offered, kinds)
    if choice is not None and choice.keys().isdisjoint(family.forced):
        raise UnsupportedParameter("This model cannot be forced to call this tool.", param="tool_choice")
    if turn.tool_choice == "none" or not offered:
        return _without_calls(turn, offered, list(called), adapted)
    if turn.parallel_tool_calls is False:
        adapted.dropped("parallel_tool_calls", NOT_OFFERED)
    return Offer(list(offered.values()), choice)


def answer_through_tool(offer: Offer, family: Family, schema: JSON, description: Any) -> Offer | None:
    """The same offer, with the answer itself as a tool that the model must call if it calls no other.

    None if this model cannot be made to.
    """
    answer = _spec(ANSWER_TOOL, description or "Gives the final answer to the user.", schema)
    if schema.get("type") != "object" or offer.forbidden or (offer.choice or {}).get("tool"):
        return None
    if "any" in family.forced:
        return Offer([*offer.tools, answer], {"any": {}})
    return None


def _tool(
    tool: JSON, path: str, family: Family, system_tools: Mapping[str, str], adapted: Adaptations
) -> JSON | None:
    kind = _kind(tool)
    if kind == "function":
        return _function(tool, path, family)
    if kind not in system_tools:
        adapted.dropped(path, without_tool(tool))
        return None
    if tool.get("external_web_access") is False:
        adapted.dropped(path, "it is not offered here without access to the web")
        return None
    for asked, usual in _USUAL.items():
        if tool.get(asked) not in (None, {}, usual):
            adapted.dropped(f"{path}.{asked}", NOT_OFFERED)
    container = tool.get("container")
    if isinstance(container, str) or set(container or ()) - {"type"}:
        adapted.dropped(f"{path}.container", NOT_OFFERED)
    return {"systemTool": {"name": system_tools[kind]}}


def _kind(tool: JSON) -> str:
    """Its type; that of a search by the newest of its names."""
    kind = str(tool.get("type"))
    return WEB_SEARCH[0] if kind in WEB_SEARCH else kind


def _function(tool: JSON, path: str, family: Family) -> JSON:
    name, schema = tool.get("name"), tool.get("parameters") or {}
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise InvalidRequest(
            "A function's name must be 1 to 64 letters, digits, underscores or hyphens.", param=f"{path}.name"
        )
    schema = schema if schema.get("type") == "object" else {**schema, "type": "object"}
    said = _spec(name, tool.get("description"), schema)
    if tool.get("strict") is True and family.json_schema and schema.get("properties"):
        strict = strict_schema(schema)
        if strict is not None:
            said["toolSpec"] |= {"inputSchema": {"json": strict}, "strict": True}
    return said


def _spec(name: str, description: Any, schema: JSON) -> JSON:
    said: JSON = {"name": name}
    if isinstance(description, str) and description.strip():
        said["description"] = description
    return {"toolSpec": {**said, "inputSchema": {"json": schema}}}


def _limit_strict(offered: dict[str, JSON], tools: list[JSON], adapted: Adaptations) -> None:
    """Notes which tools were to be strict and are not. A tool without parameters is strict as it is."""
    specs = {name: tool["toolSpec"] for name, tool in offered.items() if "toolSpec" in tool}
    for spec in [spec for spec in specs.values() if "strict" in spec][_MOST_STRICT:]:
        del spec["strict"]
    for index, tool in enumerate(tools):
        asked = tool.get("strict") is True and (tool.get("parameters") or {}).get("properties")
        if asked and "strict" not in specs.get(str(tool.get("name")), {"strict": None}):
            why = "not offered for this model, this schema, or so many tools"
            adapted.dropped(f"tools[{index}].strict", why)


def _choice(choice: str | JSON | None, offered: dict[str, JSON], kinds: dict[str, str]) -> JSON | None:
    if isinstance(choice, dict):
        if choice.get("type") == "allowed_tools":
            return _allowed(choice, offered, kinds)
        name = _named(choice, kinds)
        if name is None:
            raise _not_offered(choice)
        return {"tool": {"name": name}}
    if choice != "required":
        return None
    if not offered:
        raise InvalidRequest("No tool is offered that could be called.", param="tool_choice")
    return {"any": {}}


def _allowed(choice: JSON, offered: dict[str, JSON], kinds: dict[str, str]) -> JSON | None:
    """A model cannot see a tool and not call it: what is not allowed is not offered."""
    allowed = {_named(tool, kinds) for tool in choice.get("tools") or ()}
    for name in [name for name in offered if name not in allowed]:
        del offered[name]
    return _choice(choice.get("mode") or "auto", offered, kinds)


def _named(choice: JSON, kinds: dict[str, str]) -> str | None:
    """The name of the offered tool that is meant, or None."""
    kind, name = _kind(choice), choice.get("name")
    if kind == "function":
        return name if isinstance(name, str) and kinds.get(name) == "function" else None
    return next((name for name, of_kind in kinds.items() if of_kind == kind), None)


def _without_calls(turn: Turn, offered: dict[str, JSON], called: list[str], adapted: Adaptations) -> Offer:
    """No tools; or all of them, and not one to be called, if the conversation has calls."""
    if not called:
        return Offer()
    if turn.tool_choice == "none":
        adapted.emulated(
            "tool_choice", "the tools stand by because some were called before, not to be called"
        )
    else:
        adapted.emulated("tools", "those called before are offered by their names, not to be called")
    stand_ins = [_spec(name, None, {"type": "object"}) for name in called]
    return Offer(list(offered.values()) or stand_ins, forbidden=True)


def _not_offered(choice: JSON) -> InvalidRequest:
    what: Any = " ".join(str(choice[key]) for key in ("type", "name") if choice.get(key))
    return InvalidRequest(
        f"tool_choice demands {what}, which is not offered by this model.", param="tool_choice"
    )
