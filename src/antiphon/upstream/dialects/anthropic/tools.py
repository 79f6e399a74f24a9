"""Tools and tool_choice, as Anthropic offers them.

Functions are tools of Anthropic's; `web_search`, `code_interpreter` (code execution) and `mcp` (`mcp`) are
tools that it runs itself, where the provider has them. No other tools come here (`upstream/emulation`), nor
do choices of them.

    "none"                           {"type": "none"}
    "auto"                           {"type": "auto"}
    "required"                       {"type": "any"}
    {type: function, name}           {"type": "tool", name}
    {type: web_search…}              {"type": "tool", "name": "web_search"}, where offered
    {type: code_interpreter}         only this tool is offered; then {"type": "any"}
    {type: mcp, server_label, name}  only this server, or this tool of it; then {"type": "any"}
    {type: computer…}                only this tool is offered; then {"type": "any"}
    {type: allowed_tools, mode, …}   the other tools are not offered; then as mode auto or required

Newer models cannot be forced to call a tool; to demand a call from them is refused as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.protocol.json import JSON
from antiphon.protocol.tools import COMPUTER, COMPUTER_PREVIEW
from antiphon.protocol.tools import WEB_SEARCH as WEB_SEARCHES
from antiphon.upstream.claude.models import Abilities
from antiphon.upstream.claude.schema import strict_schema
from antiphon.upstream.dialects.anthropic import mcp
from antiphon.upstream.dialects.anthropic.computer import computer_of

if TYPE_CHECKING:
    from antiphon.upstream.dialects.anthropic import Anthropic

WEB_SEARCH = "web_search"
CODE = "code_interpreter"
CODE_EXECUTION = "code_execution"
ANSWER_TOOL = "antiphon_answer"
"""The tool that stands for the answer itself, where a model holds to a schema only in a tool's input."""

_MOST_STRICT = 20  # strict tools of one request, as documented by Anthropic
_CONTAINER = "container_"  # how the ids of Anthropic's begin


@dataclass(slots=True)
class Offer:
    """The tools of a request, and whether the model must call one."""

    tools: list[JSON] = field(default_factory=list)
    choice: JSON | None = None
    servers: list[JSON] = field(default_factory=list)
    """The MCP servers that the tools are of."""
    container: str | None = None
    """Where code is to be run; None: anywhere."""
    hosted: frozenset[str] = frozenset()
    """What Anthropic runs itself, by the names of the tools; a server's is `mcp:` and its label."""

    @property
    def forces(self) -> bool:
        return self.choice is not None and self.choice["type"] in ("any", "tool")


def offer_tools(turn: Turn, abilities: Abilities, dialect: Anthropic, adapted: Adaptations) -> Offer:
    """Raises InvalidRequest if `tool_choice` demands what cannot be offered."""
    offered: dict[str, JSON] = {}
    given: dict[str, JSON] = {}  # the tools as the request has them
    for index, tool in enumerate(turn.tools):
        path = f"tools[{index}]"
        said = _tool(turn, tool, path, abilities, dialect, adapted)
        if said is None:
            continue
        key = _key(said)
        if key in offered:
            adapted.dropped(path, "a tool of this name is offered already")
            continue
        offered[key], given[key] = said, tool
    _limit_strict(offered, turn.tools, adapted)
    kinds = {key: _kind(tool) for key, tool in given.items()}
    choice = _choice(turn.tool_choice, offered, kinds)
    if choice is not None and choice["type"] in ("any", "tool") and not abilities.forced_tools:
        raise UnsupportedParameter("This model cannot be forced to call a tool.", param="tool_choice")
    one_by_one = turn.parallel_tool_calls is False or COMPUTER_PREVIEW in map(_type, given.values())
    if one_by_one and offered and (choice is None or choice["type"] != "none"):
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    hosted = frozenset(key for key in offered if kinds[key] not in ("function", COMPUTER[0]))
    if turn.max_tool_calls is not None and hosted - {WEB_SEARCH}:
        adapted.dropped("max_tool_calls", NOT_OFFERED)
    servers = [mcp.server(given[key]) for key in offered if kinds[key] == "mcp"]
    container = _container(given[CODE_EXECUTION]) if CODE_EXECUTION in hosted else None
    return Offer(list(offered.values()), choice, servers, container, hosted)


def _tool(
    turn: Turn, tool: JSON, path: str, abilities: Abilities, dialect: Anthropic, adapted: Adaptations
) -> JSON | None:
    match _kind(tool):
        case "function":
            return _function(tool, abilities)
        case "web_search" if dialect.web_search is not None:
            return _web_search(turn, tool, path, dialect.web_search, adapted)
        case "code_interpreter" if dialect.code_execution is not None:
            return _code_execution(tool, path, dialect.code_execution, adapted)
        case "mcp" if dialect.mcp is not None:
            return mcp.toolset(tool, path, adapted)
        case "computer" if (computer := computer_of(turn, dialect)) is not None:
            return computer.tool
        case _:
            return None


def _key(said: JSON) -> str:
    """What a tool is known by here: its name; a toolset has none."""
    if "mcp_server_name" in said:
        return mcp.SERVER + str(said["mcp_server_name"])
    return str(said.get("name", COMPUTER[0]))


def _kind(tool: JSON) -> str:
    """Its type; that of a search or a computer by the newest of its names."""
    kind = _type(tool)
    return WEB_SEARCH if kind in WEB_SEARCHES else COMPUTER[0] if kind in COMPUTER else kind


def _type(tool: JSON) -> str:
    return str(tool.get("type"))


def _function(tool: JSON, abilities: Abilities) -> JSON:
    schema = tool.get("parameters") or {}
    said: JSON = {"name": tool["name"]}
    if tool.get("description"):
        said["description"] = tool["description"]
    said["input_schema"] = schema if schema.get("type") == "object" else {**schema, "type": "object"}
    if tool.get("strict") is True and abilities.json_schema and schema.get("properties"):
        strict = strict_schema(said["input_schema"])
        if strict is not None:
            said |= {"input_schema": strict, "strict": True}
    return said


def _limit_strict(offered: dict[str, JSON], tools: list[JSON], adapted: Adaptations) -> None:
    """Notes which tools were to be strict and are not. A tool without parameters is strict as it is."""
    for tool in [tool for tool in offered.values() if "strict" in tool][_MOST_STRICT:]:
        del tool["strict"]
    for index, tool in enumerate(tools):
        if (
            tool.get("strict") is True
            and (tool.get("parameters") or {}).get("properties")
            and "strict" not in offered.get(str(tool.get("name")), {"strict": None})
        ):
            adapted.dropped(
                f"tools[{index}].strict", "not offered for this model, this schema, or so many tools"
            )


def _web_search(turn: Turn, tool: JSON, path: str, kind: str, adapted: Adaptations) -> JSON | None:
    if tool.get("external_web_access") is False:
        adapted.dropped(path, "it is not offered here without access to the web")
        return None
    said: JSON = {"type": kind, "name": WEB_SEARCH}
    filters = tool.get("filters") or {}
    if filters.get("allowed_domains"):
        said["allowed_domains"] = filters["allowed_domains"]
    elif filters.get("blocked_domains"):
        said["blocked_domains"] = filters["blocked_domains"]
    if len(filters) > 1 and all(filters.values()):
        adapted.dropped(f"{path}.filters.blocked_domains", "it cannot stand beside allowed_domains")
    if isinstance(place := tool.get("user_location"), dict):
        known = {key: place[key] for key in ("city", "region", "country", "timezone") if place.get(key)}
        if known:
            said["user_location"] = {"type": "approximate", **known}
    if turn.max_tool_calls is not None:
        said["max_uses"] = turn.max_tool_calls
    for name, usual in (("search_context_size", "medium"), ("search_content_types", ["text"])):
        if tool.get(name) not in (None, usual):
            adapted.dropped(f"{path}.{name}", NOT_OFFERED)
    return said


def _code_execution(tool: JSON, path: str, kind: str, adapted: Adaptations) -> JSON:
    container = tool.get("container")
    if _container(tool) is None and (isinstance(container, str) or set(container or ()) - {"type"}):
        adapted.dropped(f"{path}.container", "it is not one of this provider's: it makes one of its own")
    if tool.get("allowed_callers") not in (None, ["direct"]):
        adapted.dropped(f"{path}.allowed_callers", NOT_OFFERED)
    return {"type": kind, "name": CODE_EXECUTION}


def _container(tool: JSON) -> str | None:
    """The id of a container of Anthropic's."""
    container = tool.get("container")
    return container if isinstance(container, str) and container.startswith(_CONTAINER) else None


def _choice(choice: str | JSON | None, offered: dict[str, JSON], kinds: Mapping[str, str]) -> JSON | None:
    if isinstance(choice, dict):
        if choice.get("type") == "allowed_tools":
            return _allowed(choice, offered, kinds)
        name = _named(choice, offered, kinds)
        if name is None:
            raise _not_offered(choice)
        if kinds[name] in ("function", WEB_SEARCH):
            return {"type": "tool", "name": name}
        _keep([choice], offered, kinds)
        return {"type": "any"}
    if choice == "required":
        if not offered:
            raise InvalidRequest("No tool is offered that could be called.", param="tool_choice")
        return {"type": "any"}
    return {"type": choice} if choice in ("auto", "none") and offered else None


def _allowed(choice: JSON, offered: dict[str, JSON], kinds: Mapping[str, str]) -> JSON | None:
    _keep(choice.get("tools") or (), offered, kinds)
    return _choice(choice.get("mode") or "auto", offered, kinds)


def _keep(choices: Iterable[JSON], offered: dict[str, JSON], kinds: Mapping[str, str]) -> None:
    """Anthropic cannot see a tool and not call it: what is not allowed is not offered."""
    allowed: dict[str, list[Any]] = {}
    for choice in choices:
        if (key := _named(choice, offered, kinds)) is not None:
            allowed.setdefault(key, []).append(choice.get("name"))
    for key, tool in list(offered.items()):
        if key not in allowed:
            del offered[key]
        elif kinds[key] == "mcp" and None not in allowed[key]:
            offered[key] = mcp.narrowed(tool, allowed[key])


def _named(choice: JSON, offered: Mapping[str, JSON], kinds: Mapping[str, str]) -> str | None:
    """The key of the offered tool that is meant, or None."""
    kind, name = _kind(choice), choice.get("name")
    if kind == "mcp":
        key = f"{mcp.SERVER}{choice.get('server_label')}"
        return key if key in offered and (name is None or mcp.offers(offered[key], name)) else None
    key = {WEB_SEARCH: WEB_SEARCH, CODE: CODE_EXECUTION, COMPUTER[0]: COMPUTER[0]}.get(kind, str(name))
    return key if kinds.get(key) == kind and key in offered else None


def _not_offered(choice: JSON) -> InvalidRequest:
    what: Any = " ".join(str(choice[key]) for key in ("type", "server_label", "name") if choice.get(key))
    return InvalidRequest(
        f"tool_choice demands {what}, which is not offered by this model.", param="tool_choice"
    )


def answer_through_tool(offer: Offer, schema: JSON, description: str | None) -> Offer:
    """The same offer, with the answer itself as a tool that the model must call if it calls no other."""
    answer: JSON = {
        "name": ANSWER_TOOL,
        "description": description or "Gives the final answer to the user.",
        "input_schema": schema,
    }
    others = offer.choice is None or offer.choice["type"] in ("auto", "any")
    if not (offer.tools and others):
        choice: JSON = {"type": "tool", "name": ANSWER_TOOL, "disable_parallel_tool_use": True}
    else:
        choice = {**(offer.choice or {}), "type": "any"}
    return replace(offer, tools=[*offer.tools, answer], choice=choice)
