"""What a server's own tools did, as items: Groq's `executed_tools`.

    {index, type, arguments, output?, search_results?, browser_results?, code_results?}

In a stream a tool comes twice: when it begins, and again, whole, with its output; some come once. An answer
that was not streamed has them all. Of which kind one is, its results say, or its type.

    search_results, browser_results         web_search_call; one with a URL in its arguments opened that page
    code_results                            code_interpreter_call; charts are carried as they are
    any other                               there is no item for it, and that is noted

Source: the types of Groq's library, and answers of its compound systems.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from antiphon.core.deltas import Arguments, Delta, End, Hosted, HostedStart, Untold
from antiphon.protocol.json import JSON, MalformedJSON, decode

_SEARCHES = frozenset(
    {"search", "web_search", "browser_search", "browser", "visit", "visit_website", "browser_automation"}
)
_CODE = frozenset({"python", "code_interpreter", "code_execution"})
_NO_ITEM = "a tool that the provider ran, and for which there is no item: {}"
_LONGEST_NAME = 64  # characters of a name of the provider's that are passed on

_Key: TypeAlias = tuple[Any, str, str]


class ExecutedTools:
    """The tools of one answer, each told once."""

    __slots__ = ("_begun", "_over")

    def __init__(self) -> None:
        self._begun: dict[_Key, tuple[str, JSON]] = {}  # part and tool
        self._over: set[_Key] = set()

    def take(self, tools: Any, *, whole: bool) -> Iterator[Delta]:
        """`whole`: nothing more will come of them."""
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict) and isinstance(tool.get("type"), str):
                yield from self._tool(tool, is_over=whole or _has_result(tool))

    def finish(self) -> Iterator[Delta]:
        """What was begun and never came back."""
        for part, tool in self._begun.values():
            yield Hosted(part, {**(_item(tool) or {}), "status": "incomplete"})
        self._begun.clear()

    def _tool(self, tool: JSON, *, is_over: bool) -> Iterator[Delta]:
        key = (str(tool.get("index")), tool["type"], str(tool.get("arguments")))
        if key in self._over or (key in self._begun and not is_over):
            return
        if (item := _item(tool)) is None:
            self._over.add(key)
            kind = str(tool.get("name") or tool["type"])[:_LONGEST_NAME]
            yield Untold(_NO_ITEM.format(kind), "dropped")
        elif is_over:
            part, _ = self._begun.pop(key, (self._new_part(), tool))
            self._over.add(key)
            yield Hosted(part, item)
        else:
            part = self._new_part()
            self._begun[key] = part, tool
            code = item.get("code")
            yield HostedStart(part, {**item, "code": ""} if "code" in item else item)
            if code:
                yield Arguments(part, code)
            yield End(part)

    def _new_part(self) -> str:
        return f"executed:{len(self._begun) + len(self._over)}"


def _has_result(tool: JSON) -> bool:
    return (
        isinstance(tool.get("output"), str)
        or bool(_sources(tool))
        or any(tool.get(results) for results in ("browser_results", "code_results"))
    )


def _item(tool: JSON) -> JSON | None:
    """None: there is none for it."""
    kinds = {tool["type"], tool.get("name") if isinstance(tool.get("name"), str) else None}
    if tool.get("code_results") or kinds & _CODE:
        return _code_interpreter_call(tool)
    if tool.get("search_results") or tool.get("browser_results") or kinds & _SEARCHES:
        return _web_search_call(tool)
    return None


def _web_search_call(tool: JSON) -> JSON:
    asked, text = _arguments(tool)
    url, query = asked.get("url"), asked.get("query")
    action: JSON
    if isinstance(url, str):
        action = {"type": "open_page", "url": url}
    else:
        action = {"type": "search", "query": query if isinstance(query, str) else text}
        if sources := _sources(tool):
            action["sources"] = sources
    return {"type": "web_search_call", "status": "completed", "action": action}


def _sources(tool: JSON) -> list[JSON]:
    found = tool.get("search_results")
    found = found.get("results") if isinstance(found, dict) else found
    pages = [*_mappings(found), *_mappings(tool.get("browser_results"))]
    return [
        {"type": "url", "url": page["url"], **({"title": page["title"]} if page.get("title") else {})}
        for page in pages
        if isinstance(page.get("url"), str)
    ]


def _code_interpreter_call(tool: JSON) -> JSON:
    asked, text = _arguments(tool)
    code, output, results = asked.get("code"), tool.get("output"), _mappings(tool.get("code_results"))
    texts = [result["text"] for result in results if isinstance(result.get("text"), str)]
    logs = output if isinstance(output, str) else "".join(texts)
    outputs: list[JSON] = [{"type": "logs", "logs": logs}] if logs else []
    pictures = (result["png"] for result in results if isinstance(result.get("png"), str))
    outputs += ({"type": "image", "url": f"data:image/png;base64,{png}"} for png in pictures)
    charts = [chart for result in results for chart in _charts(result)]
    return {
        "type": "code_interpreter_call",
        "status": "completed",
        "code": code if isinstance(code, str) else text,
        "container_id": "",
        "outputs": outputs or None,
        **({"charts": charts} if charts else {}),
    }


def _charts(result: JSON) -> list[JSON]:
    return [*_mappings([result.get("chart")]), *_mappings(result.get("charts"))]


def _arguments(tool: JSON) -> tuple[JSON, str]:
    """As an object, if they are one, and as text."""
    text = tool.get("arguments")
    if not isinstance(text, str):
        return {}, ""
    try:
        asked = decode(text.encode("utf-8", "replace"))
    except MalformedJSON:
        return {}, text
    return asked if isinstance(asked, dict) else {}, text


def _mappings(value: Any) -> list[JSON]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
