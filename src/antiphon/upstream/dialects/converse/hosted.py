"""Tools that the provider ran itself (B6): a use and its result, to one item.

    nova_grounding               web_search_call, action search
    nova_code_interpreter        code_interpreter_call; the snippet is `code`, what came out are logs
    any other                    left out: there is no item for it

Both blocks stand in the model's own message. A use whose result never comes is an item all the same
(`incomplete`). They cannot go back: the results of a search are hidden from us.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from antiphon.core import deltas as d
from antiphon.protocol.json import JSON, MalformedJSON, decode_leniently, encode

SEARCH = "nova_grounding"
_CODE = "nova_code_interpreter"


class ServerTools:
    """The uses in this answer that wait for their results."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[Any, tuple[str, JSON]] = {}

    def wait(self, part: str, use: JSON, asked: str) -> None:
        """`asked`: the input, as JSON text."""
        try:
            said = decode_leniently(asked.encode("utf-8", "replace")) if asked.strip() else {}
        except MalformedJSON:
            said = {"input": asked}  # cut: shown as far as it came
        self._waiting[use.get("toolUseId")] = (part, {**use, "input": said})

    def resolve(self, part: str, result: JSON) -> Iterator[d.Delta]:
        part, use = self._waiting.pop(result.get("toolUseId"), (part, {}))
        yield from _said(part, use, result)

    def unfinished(self) -> Iterator[d.Delta]:
        for part, use in self._waiting.values():
            yield from _said(part, use, {})
        self._waiting.clear()


def _said(part: str, use: JSON, result: JSON) -> Iterator[d.Delta]:
    name = use.get("name") or str(result.get("type")).removesuffix("_result")
    asked: Any = use.get("input")
    asked = asked if isinstance(asked, dict) else {}
    if name == SEARCH:
        query = asked.get("query")
        action = {"type": "search", "query": query if isinstance(query, str) else ""}
        yield d.Hosted(part, {"type": "web_search_call", "status": _status(result), "action": action})
    elif name == _CODE:
        yield d.Hosted(part, _code_interpreter_call(asked, result))


def _code_interpreter_call(asked: JSON, result: JSON) -> JSON:
    snippet = asked.get("snippet", asked.get("code"))
    return {
        "type": "code_interpreter_call",
        "status": _status(result),
        "code": snippet if isinstance(snippet, str) else encode(asked).decode() if asked else None,
        "container_id": "",
        "outputs": [{"type": "logs", "logs": _logs(result.get("content"))}] if result else None,
    }


def _logs(content: Any) -> str:
    logs: list[str] = []
    for part in content if isinstance(content, list) else ():
        said = part.get("json", part) if isinstance(part, dict) else None
        if isinstance(said, dict):
            logs += [text for key in ("text", "stdOut", "stdErr") if isinstance(text := said.get(key), str)]
    return "".join(logs)


def _status(result: JSON) -> str:
    if not result:
        return "incomplete"
    return "failed" if result.get("status") == "error" else "completed"
