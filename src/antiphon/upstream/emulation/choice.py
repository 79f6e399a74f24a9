"""`tool_choice` for what is offered. Its nine forms:

    "none" | "auto" | "required"                     the same
    {type: function | custom, name}                  the function that stands for it
    {type: apply_patch}, {type: shell}, computer, …  the same
    {type: allowed_tools, mode, tools}               each of them as above; a namespace is all of its tools
    {type: <hosted>}, {type: mcp}                    the same where the provider has it, else refused

Of a list of allowed tools, those that are left out are left out; if none is left, and one is required, the
request is refused.
"""

from __future__ import annotations

from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.protocol.tools import COMPUTER, WEB_SEARCH
from antiphon.upstream.emulation.offer import NAMED, Offer, Offered


def chosen(
    choice: str | JSON | None, offer: Offer, native: frozenset[str], *, asked: bool
) -> str | JSON | None:
    """`asked`: tools were. Raises InvalidRequest if it demands what is not offered."""
    if not isinstance(choice, dict):
        if choice == "required" and asked and not offer.tools:
            raise InvalidRequest("No tool is offered that could be called.", param="tool_choice")
        return choice if offer.tools or not asked else None
    if choice.get("type") != "allowed_tools":
        told = _told(choice, offer, native)
        if not told:
            raise _refusal(choice)
        return told[0]
    allowed = [told for each in choice.get("tools") or () for told in _told(each, offer, native)]
    if not allowed and choice.get("mode") == "required":
        raise _refusal(choice)
    return {**choice, "tools": allowed}


def _told(choice: JSON, offer: Offer, native: frozenset[str]) -> list[JSON]:
    """The entry in the words of what is offered; empty if nothing is."""
    kind = str(choice.get("type"))
    if kind in native and kind not in NAMED:
        offered = {tool["type"] for tool in offer.tools}
        same = offered & set(next((names for names in (WEB_SEARCH, COMPUTER) if kind in names), (kind,)))
        return [choice] if same else []
    if not (meant := offer.meant(choice)) and kind in NAMED and "namespace" in native:
        return [choice]  # it is in a namespace, which is told as it is
    return [_choice_of(tool) for tool in meant]


def _choice_of(tool: Offered) -> JSON:
    return {"type": tool.told["type"], "name": tool.name}


def _refusal(choice: JSON) -> InvalidRequest:
    what = choice["type"] if choice["type"] != "allowed_tools" else "one of 'allowed_tools'"
    return InvalidRequest(
        f"'tool_choice' demands {str(what)[:64]}, which this model is not offered.", param="tool_choice"
    )
