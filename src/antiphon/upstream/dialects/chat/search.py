"""A web search, in the words of the servers that have one.

    options       OpenAI        the field `web_search_options`
    server_tool   OpenRouter    a tool of its own, `openrouter:web_search`
    always        Perplexity    fields that steer the search which is made anyway

Sources: platform.openai.com/docs/guides/tools-web-search, openrouter.ai/docs (WebSearchServerToolConfig),
docs.perplexity.ai/guides/search-domain-filters, as of November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.chat.quirks import Quirks

_ALLOWED, _BLOCKED = "filters.allowed_domains", "filters.blocked_domains"
_SAID = frozenset({"search_context_size", "user_location"})
_SAYS_NOTHING: dict[str, Any] = {"external_web_access": True, "search_content_types": ["text"]}


def web_search(tool: JSON, at: str, quirks: Quirks, body: JSON, adapted: Adaptations) -> JSON | None:
    """A tool to offer, or None: then `body` says it all, or the tool is left out."""
    if tool.get("external_web_access") is False and quirks.web_search != "always":
        adapted.dropped(at, "it is not offered here without access to the web")
        return None
    wishes = dict(_wishes(tool))
    _leave_out(wishes, at, quirks, adapted)
    match quirks.web_search:
        case "options":
            body["web_search_options"] = _options(wishes)
        case "always":
            body |= _steering(wishes)
        case "server_tool":
            return {"type": "openrouter:web_search", "parameters": _parameters(wishes)}
        case "none":
            pass  # then no search comes here
    return None


def _options(wishes: JSON) -> JSON:
    options = {"search_context_size": wishes.get("search_context_size")}
    if place := wishes.get("user_location"):
        options["user_location"] = {"type": "approximate", "approximate": place}
    return {name: value for name, value in options.items() if value is not None}


def _steering(wishes: JSON) -> JSON:
    options = {name: value for name, value in wishes.items() if name in _SAID}
    domains = [*wishes.get(_ALLOWED, ()), *(f"-{domain}" for domain in wishes.get(_BLOCKED, ()))]
    fields = {"web_search_options": options, "search_domain_filter": domains}
    return {name: value for name, value in fields.items() if value}


def _parameters(wishes: JSON) -> JSON:
    parameters = {
        "search_context_size": wishes.get("search_context_size"),
        "user_location": {"type": "approximate", **place} if (place := wishes.get("user_location")) else None,
        "allowed_domains": wishes.get(_ALLOWED),
        "excluded_domains": wishes.get(_BLOCKED),
    }
    return {name: value for name, value in parameters.items() if value is not None}


def _wishes(tool: JSON) -> Iterator[tuple[str, Any]]:
    """What the tool asks for, by path."""
    for name in ("search_context_size", "external_web_access", "search_content_types"):
        value = tool.get(name)
        if value is not None and value != _SAYS_NOTHING.get(name):
            yield name, value
    given = (tool.get("user_location") or {}).items()
    if place := {name: value for name, value in given if value is not None and name != "type"}:
        yield "user_location", place
    for name, value in (tool.get("filters") or {}).items():
        if value:
            yield f"filters.{name}", value


def _leave_out(wishes: JSON, at: str, quirks: Quirks, adapted: Adaptations) -> None:
    """Takes away what this server cannot be told. Nobody takes both lists of domains."""
    filtered = quirks.web_search in ("always", "server_tool")
    said = _SAID | {_BLOCKED if filtered and _ALLOWED not in wishes else "", _ALLOWED if filtered else ""}
    for name in wishes.keys() - said:
        adapted.dropped(f"{at}.{name}", NOT_OFFERED)
        del wishes[name]
