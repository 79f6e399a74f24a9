"""Tools that Groq runs itself: how they are asked for.

    GPT-OSS            {"type": "browser_search"}, {"type": "code_interpreter"} among the tools
    compound systems   they use what they have when they like; `search_settings` says where to look
    all others         none

Sources: https://console.groq.com/docs/browser-search, /docs/code-execution, /docs/compound; the types of
Groq's library. What they did comes in `executed_tools` (executed.py).
"""

from __future__ import annotations

from typing import Any, Final

from antiphon.core.adaptations import Adaptations
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.json import JSON
from antiphon.protocol.tools import WEB_SEARCH

CODE: Final = "code_interpreter"
SEARCH: Final = "browser_search"
TOOLS = frozenset({*WEB_SEARCH, CODE})

_HAS_TOOLS = "gpt-oss"
_IS_A_SYSTEM = "compound"
_WHERE = {"allowed_domains": "include_domains", "blocked_domains": "exclude_domains"}
_SAYS_NOTHING: dict[str, Any] = {"type": None, "external_web_access": True, "search_content_types": ["text"]}


def tools_of(model: str) -> frozenset[str]:
    """The types of tools that this model can be offered so."""
    return TOOLS if _HAS_TOOLS in model or _IS_A_SYSTEM in model else frozenset()


def own_name(kind: Any) -> str:
    """The type by which Groq knows it."""
    return SEARCH if kind in WEB_SEARCH else str(kind)


def told(tool: JSON, at: str, model: str, body: JSON, adapted: Adaptations) -> JSON | None:
    """A tool to offer, or None: then `body` says it all, or it is left out."""
    by_itself = _IS_A_SYSTEM in model
    if tool["type"] == CODE:
        container = tool.get("container")
        if isinstance(container, str) or (container and container.keys() != {"type"}):
            adapted.dropped(f"{at}.container", NOT_OFFERED)
        if tool.get("allowed_callers") not in (None, ["direct"]):
            adapted.dropped(f"{at}.allowed_callers", NOT_OFFERED)
        return None if by_itself else {"type": CODE}
    if tool.get("external_web_access") is False:
        adapted.dropped(at, "it is not offered here without access to the web")
        return None
    filters = {name: found for name, found in (tool.get("filters") or {}).items() if found}
    if by_itself and filters:
        body["search_settings"] = {own: filters.pop(name) for name, own in _WHERE.items() if name in filters}
    for name in filters:
        adapted.dropped(f"{at}.filters.{name}", NOT_OFFERED)
    for name, value in tool.items():
        if name not in ("type", "filters") and value is not None and value != _SAYS_NOTHING.get(name):
            adapted.dropped(f"{at}.{name}", NOT_OFFERED)
    return None if by_itself else {"type": SEARCH}
