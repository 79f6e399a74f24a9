"""Tools that Anthropic ran itself: server blocks to items, and back.

    web_search                               web_search_call, action search
    web_fetch                                web_search_call, action open_page
    code_execution, bash_…, text_editor_…    code_interpreter_call; what ran is `code`, what came out are
                                             logs, the files that it made `file_ids`
    mcp_tool_use                             mcp_call
    mcp_tool_listing                         mcp_list_tools, which is a block of its own
    tool search, advisor and any other       left out: there is no item for them

A use and its result are two blocks and one item: it begins with the use, what the use asks for is streamed in
it, and it is whole when the result is there. A use whose
result is still to come when the turn ends is an item of its own (`incomplete`), and so is a result whose
use was in an earlier turn.

All but the fetched pages can be replayed: both blocks, as they came, are sealed into a reasoning item before
the call (`anthropic:blocks:` and JSON; no signature has a colon), because the results of searches hold text
that only the model can read, and a use that goes on in the next turn is found by its id. They go back while
the tool is offered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from antiphon.core.json_strings import JSONStrings
from antiphon.protocol.json import JSON, MalformedJSON, decode, encode
from antiphon.upstream.dialects.anthropic.mcp import SERVER

SEALED_BLOCKS = "anthropic:blocks:"
USES = frozenset({"server_tool_use", "mcp_tool_use"})
RESULT_OF = {
    "web_search_tool_result": "web_search",
    "web_fetch_tool_result": "web_fetch",
    "code_execution_tool_result": "code_execution",
    "bash_code_execution_tool_result": "bash_code_execution",
    "text_editor_code_execution_tool_result": "text_editor_code_execution",
    "mcp_tool_result": "mcp",
}
"""The types of result blocks, and the tool that each is of."""

ITEMS = frozenset({"web_search_call", "code_interpreter_call", "mcp_call"})
"""The types of the items that uses with their results are."""
COMPACTION = "compaction"

NO_ITEM = "a tool that the provider ran, and for which there is no item"

_CODE = "code_execution"
_EDITS = "text_editor_code_execution"
_CODE_IN = {"code_execution": "code", "bash_code_execution": "command"}
"""Tools whose input is code, and where it stands in it; of the editor's the whole input is what ran."""
_FETCH = "web_fetch"
_MCP = "mcp"
_REPLAYED = {
    **{kind: "tool_use_id" for kind, tool in RESULT_OF.items() if tool != _FETCH},
    **dict.fromkeys(USES, "id"),
    COMPACTION: "type",
}
"""The types of blocks that can go back, and a field that must be text in them."""


_OF_LOGS = frozenset({"type", "stdout", "stderr", "content", "lines", "error_code"})
"""What came out of code as logs or as an error; the item carries all other fields as they are."""


def hosted_item(use: JSON, result: JSON, container_id: str) -> JSON | None:
    """The item that a use and its result are. Either may be {}: not of this turn. None: no item for it."""
    kind = RESULT_OF.get(str(result.get("type")), str(use.get("name")))
    if use.get("type") == "mcp_tool_use" or kind == "mcp":
        return _mcp_call(use, result)
    asked = _object(use.get("input"))
    if kind == "web_search":
        return _web_search_call(asked, result)
    if kind == _FETCH:
        action = {"type": "open_page", "url": asked.get("url") or _object(result.get("content")).get("url")}
        return {"type": "web_search_call", "status": _status(result), "action": action, **_error(result)}
    if kind.endswith(_CODE):
        return _code_interpreter_call(asked, result, container_id)
    return None


def begun(item: JSON) -> JSON:
    """The item of a use that has said nothing yet; code that will come is none so far."""
    return {**item, "code": ""} if item["type"] == "code_interpreter_call" else item


class StreamedField:
    """What of a use's input is said in its item while it is written: arguments of a server's tool, code."""

    __slots__ = ("_name", "_strings", "_whole")

    def __init__(self, use: JSON) -> None:
        name = str(use.get("name"))
        self._whole = use.get("type") == "mcp_tool_use" or name == _EDITS
        self._name = _CODE_IN.get(name)
        self._strings = JSONStrings()

    def said_in(self, json: str) -> Iterator[str]:
        """What a piece of the input (JSON text) says of it."""
        if self._whole:
            yield json
        elif self._name is not None:
            yield from (piece.text for piece in self._strings.feed(json) if piece.path == (self._name,))


def sealed_blocks(use: JSON, result: JSON) -> str | None:
    """The blocks as a blob that can go back; None if they cannot."""
    kept = [block for block in (use, result) if block]
    caller = _object(kept[0].get("caller")).get("type")
    fetches = use.get("type") != "mcp_tool_use" and use.get("name") == _FETCH
    if fetches or caller not in (None, "direct") or not all(map(_can_go_back, kept)):
        return None
    return SEALED_BLOCKS + encode(kept).decode()


def opened_blocks(blob: str, hosted: frozenset[str]) -> Iterator[JSON]:
    """The blocks of a blob; none if it is not ours, was damaged, or is of a tool not among `hosted`."""
    if not blob.startswith(SEALED_BLOCKS):
        return
    try:
        kept = decode(blob[len(SEALED_BLOCKS) :].encode("utf-8", "replace"))
    except MalformedJSON:
        return
    if isinstance(kept, list) and kept and all(map(_can_go_back, kept)) and _is_offered(kept[0], hosted):
        yield from kept


def _is_offered(block: JSON, hosted: frozenset[str]) -> bool:
    """The result of an MCP server, alone, does not say whose it is; it is left out if its use is."""
    if block["type"] == "mcp_tool_use":
        return f"{SERVER}{block.get('server_name')}" in hosted
    tool = RESULT_OF.get(block["type"], str(block.get("name", block["type"])))
    if tool == _MCP:
        return any(name.startswith(SERVER) for name in hosted)
    return (_CODE if tool.endswith(_CODE) else tool) in hosted


def _can_go_back(block: Any) -> bool:
    field = _REPLAYED.get(str(block.get("type"))) if isinstance(block, dict) else None
    return field is not None and isinstance(block.get(field), str)


def _web_search_call(asked: JSON, result: JSON) -> JSON:
    query = asked.get("query")
    action: JSON = {"type": "search", "query": query if isinstance(query, str) else ""}
    found = result.get("content")
    if isinstance(found, list):
        action["sources"] = [
            {"type": "url", "url": page["url"], **({"title": page["title"]} if page.get("title") else {})}
            for page in found
            if isinstance(page, dict) and isinstance(page.get("url"), str)
        ]
    return {"type": "web_search_call", "status": _status(result), "action": action, **_error(result)}


def _code_interpreter_call(asked: JSON, result: JSON, container_id: str) -> JSON:
    code = asked.get("code") or asked.get("command")
    if "path" in asked or not isinstance(code, str):
        code = encode(asked).decode() if asked else None
    outcome = _object(result.get("content"))
    further = {name: value for name, value in outcome.items() if name not in _OF_LOGS and value is not None}
    item: JSON = {
        "type": "code_interpreter_call",
        "status": _status(result),
        "code": code,
        "container_id": container_id,
        "outputs": None,
    }
    if result:
        logs = [text for key in ("stdout", "stderr", "content") if isinstance(text := outcome.get(key), str)]
        logs += (f"{line}\n" for line in _list(outcome.get("lines")))
        item["outputs"] = [{"type": "logs", "logs": "".join(logs)}]
    if files := [file["file_id"] for file in _list(outcome.get("content")) if "file_id" in _object(file)]:
        item["file_ids"] = files
    return {**further, **item, **_error(result)}


def _mcp_call(use: JSON, result: JSON) -> JSON:
    content = result.get("content")
    output = content if isinstance(content, str) else _texts(content)
    failed = result.get("is_error") is True
    return {
        "type": "mcp_call",
        "status": "incomplete" if not result else "failed" if failed else "completed",
        "server_label": str(use.get("server_name") or ""),
        "name": str(use.get("name") or ""),
        "arguments": encode(_object(use.get("input"))).decode(),
        "output": None if failed or not result else output,
        "error": {
            "type": "mcp_tool_execution_error",
            "content": _list(content) or [{"type": "text", "text": output}],
        }
        if failed
        else None,
    }


def listing(block: JSON) -> JSON:
    """The item for the tools of a server that was asked for them."""
    tools = [tool for tool in _list(block.get("tools")) if isinstance(tool, dict)]
    return {"type": "mcp_list_tools", "server_label": str(block.get("mcp_server_name") or ""), "tools": tools}


def _texts(content: Any) -> str:
    parts = (_object(part).get("text") for part in _list(content))
    return "".join(text for text in parts if isinstance(text, str))


def _status(result: JSON) -> str:
    if not result:
        return "incomplete"
    return "failed" if _error(result) else "completed"


def _error(result: JSON) -> JSON:
    code = _object(result.get("content")).get("error_code")
    return {"error": {"code": code}} if isinstance(code, str) else {}


def _object(value: Any) -> JSON:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
