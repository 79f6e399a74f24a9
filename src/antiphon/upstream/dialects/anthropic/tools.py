"""Tools and tool_choice, as Anthropic offers them.

Functions are tools of Anthropic's; `web_search` is its native server tool where the provider has it. No
other tools come here (`upstream/emulation`), nor do choices of them.

    "none"                           {"type": "none"}
    "auto"                           {"type": "auto"}
    "required"                       {"type": "any"}
    {type: function, name}           {"type": "tool", name}
    {type: web_search…}              {"type": "tool", "name": "web_search"}, where offered
    {type: allowed_tools, mode, …}   the other tools are not offered; then as mode auto or required

Newer models cannot be forced to call a tool; to demand a call from them is refused as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.protocol.json import JSON
from antiphon.upstream.claude.models import Abilities
from antiphon.upstream.claude.schema import strict_schema

WEB_SEARCH = "web_search"
ANSWER_TOOL = "antiphon_answer"
"""The tool that stands for the answer itself, where a model holds to a schema only in a tool's input."""

_MOST_STRICT = 20  # strict tools of one request, as documented by Anthropic


@dataclass(slots=True)
class Offer:
    """The tools of a request, and whether the model must call one."""

    tools: list[JSON] = field(default_factory=list)
    choice: JSON | None = None

    @property
    def forces(self) -> bool:
        return self.choice is not None and self.choice["type"] in ("any", "tool")

    @property
    def has_web_search(self) -> bool:
        return any(tool["name"] == WEB_SEARCH and "input_schema" not in tool for tool in self.tools)


def offer_tools(turn: Turn, abilities: Abilities, web_search: str | None, adapted: Adaptations) -> Offer:
    """`web_search`: the type of the provider's search tool, or None.

    Raises InvalidRequest if `tool_choice` demands what cannot be offered, or a function's name is unfit.
    """
    offered: dict[str, JSON] = {}
    kinds: dict[str, str] = {}
    for index, tool in enumerate(turn.tools):
        path = f"tools[{index}]"
        said = _tool(turn, tool, path, abilities, web_search, adapted)
        if said is None:
            continue
        if said["name"] in offered:
            adapted.dropped(path, "a tool of this name is offered already")
            continue
        offered[said["name"]] = said
        kinds[said["name"]] = "function" if tool["type"] == "function" else WEB_SEARCH
    _limit_strict(offered, turn.tools, adapted)
    choice = _choice(turn.tool_choice, offered, kinds)
    if choice is not None and choice["type"] in ("any", "tool") and not abilities.forced_tools:
        raise UnsupportedParameter("This model cannot be forced to call a tool.", param="tool_choice")
    if turn.parallel_tool_calls is False and offered and (choice is None or choice["type"] != "none"):
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    return Offer(list(offered.values()), choice)


def _tool(
    turn: Turn, tool: JSON, path: str, abilities: Abilities, web_search: str | None, adapted: Adaptations
) -> JSON | None:
    if tool["type"] == "function":
        return _function(tool, abilities)
    return None if web_search is None else _web_search(turn, tool, path, web_search, adapted)


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


def _choice(choice: str | JSON | None, offered: dict[str, JSON], kinds: dict[str, str]) -> JSON | None:
    if isinstance(choice, dict):
        if choice.get("type") == "allowed_tools":
            return _allowed(choice, offered, kinds)
        name = _named(choice, kinds)
        if name is None:
            raise _not_offered(choice)
        return {"type": "tool", "name": name}
    if choice == "required":
        if not offered:
            raise InvalidRequest("No tool is offered that could be called.", param="tool_choice")
        return {"type": "any"}
    return {"type": choice} if choice in ("auto", "none") and offered else None


def _allowed(choice: JSON, offered: dict[str, JSON], kinds: dict[str, str]) -> JSON | None:
    """Anthropic cannot see a tool and not call it: what is not allowed is not offered."""
    allowed = {_named(tool, kinds) for tool in choice.get("tools") or ()}
    for name in [name for name in offered if name not in allowed]:
        del offered[name]
    return _choice(choice.get("mode") or "auto", offered, kinds)


def _named(choice: JSON, kinds: dict[str, str]) -> str | None:
    """The name of the offered tool that is meant, or None."""
    kind, name = choice.get("type"), choice.get("name")
    if kind == "function":
        return name if isinstance(name, str) and kinds.get(name) == "function" else None
    if isinstance(kind, str) and kind.startswith(WEB_SEARCH):
        return WEB_SEARCH if kinds.get(WEB_SEARCH) == WEB_SEARCH else None
    return None


def _not_offered(choice: JSON) -> InvalidRequest:
    what: Any = " ".join(str(choice[key]) for key in ("type", "name") if choice.get(key))
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
        only = {"type": "tool", "name": ANSWER_TOOL, "disable_parallel_tool_use": True}
        return Offer([*offer.tools, answer], only)
    return Offer([*offer.tools, answer], {**(offer.choice or {}), "type": "any"})
