"""Tools that Google ran itself, as items.

    executableCode, codeExecutionResult          code_interpreter_call; images after the result are outputs
    toolCall, toolResponse  GOOGLE_SEARCH_WEB    web_search_call, action search
                            URL_CONTEXT          web_search_call, action open_page
                            FILE_SEARCH          file_search_call
                            any other            no item: there is none for it

A use and its result are two parts and one item. They belong together by their id, or where there is none
by their order. A use without a result (2.5 searches its files with code that is never answered) is an item of
its own, `incomplete`; so is a result without a use.
"""

from __future__ import annotations

from collections.abc import Iterator

from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.gemini.wire import mapping, string, strings

SEARCH = "GOOGLE_SEARCH_WEB"
RESULT = "codeExecutionResult"
_RESULTS = {RESULT: "executableCode", "toolResponse": "toolCall"}
"""The parts that are results, and of which uses."""


class Run:
    """One use of a tool, and its result."""

    __slots__ = ("images", "kind", "result", "use")

    def __init__(self, kind: str, use: JSON, result: JSON) -> None:
        self.kind = kind  # "executableCode" or "toolCall"
        self.use = use
        self.result = result
        self.images: list[JSON] = []


def items_of(parts: list[JSON]) -> Iterator[JSON]:
    """The items that these parts are, in the order of their uses."""
    runs: list[Run] = []
    for part in parts:
        for name, kind in _RESULTS.items():
            if isinstance(use := part.get(kind), dict):
                runs.append(Run(kind, use, {}))
            if isinstance(result := part.get(name), dict):
                _answer(runs, kind, result)
        if isinstance(image := part.get("inlineData"), dict) and runs:
            runs[-1].images.append(image)
    for run in runs:
        item = _code(run) if run.kind == "executableCode" else _tool(run)
        if item is not None:
            yield item


def _answer(runs: list[Run], kind: str, result: JSON) -> None:
    for run in runs:
        if run.kind == kind and not run.result and run.use.get("id") == result.get("id"):
            run.result = result
            return
    runs.append(Run(kind, {}, result))


def _code(run: Run) -> JSON:
    outcome = run.result.get("outcome")
    item: JSON = {
        "type": "code_interpreter_call",
        "status": "incomplete" if not run.result else "completed",
        "code": string(run.use.get("code")) or None,
        "container_id": "",
        "outputs": [{"type": "logs", "logs": string(run.result.get("output"))}] if run.result else None,
    }
    if outcome not in (None, "OUTCOME_OK", 1):
        item |= {"status": "failed", "outcome": outcome}
    for image in run.images:
        url = f"data:{string(image.get('mimeType'))};base64,{string(image.get('data'))}"
        item["outputs"] = [*(item["outputs"] or []), {"type": "image", "url": url}]
    return item


def _tool(run: Run) -> JSON | None:
    asked = mapping(run.use.get("args"))
    status = "completed" if run.result else "incomplete"
    match run.use.get("toolType", run.result.get("toolType")):
        case "GOOGLE_SEARCH_WEB":
            return search_item(strings(asked.get("queries")), [], status)
        case "URL_CONTEXT":
            urls = strings(asked.get("urls"))
            action = {"type": "open_page", "url": urls[0] if urls else None}
            return {"type": "web_search_call", "status": status, "action": action}
        case "FILE_SEARCH":
            queries = strings(asked.get("queries"))
            return {"type": "file_search_call", "status": status, "queries": queries, "results": None}
        case _:
            return None


def search_item(queries: list[str], urls: list[str], status: str = "completed") -> JSON:
    """A web search: what was looked for, and where."""
    action: JSON = {"type": "search", "query": queries[0] if queries else "", "queries": queries}
    if urls:
        action["sources"] = [{"type": "url", "url": url} for url in urls]
    return {"type": "web_search_call", "status": status, "action": action}


def files_item(queries: list[str], results: list[JSON]) -> JSON:
    """A search in files: what was looked for, and what was found."""
    return {"type": "file_search_call", "status": "completed", "queries": queries, "results": results}
