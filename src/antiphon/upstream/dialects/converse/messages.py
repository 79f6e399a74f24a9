"""Items, as Converse's system prompt and messages.

    messages = user (assistant user)*
    user      = toolResult* (text | image | document)*      results first, one for each call before
    assistant = (reasoningContent | text | toolUse)*
    cachePoint may follow any of them

- Instructions and the system or developer messages before all others are the system prompt. A later one is
  said in the user's message, in <system> tags, and noted.
- Consecutive items of one speaker are one message: parallel calls are one, their results the next.
- A result stands right after its call, wherever its item is; a call without one gets one that says so.
- Thoughts go back byte for byte if this dialect sealed them and the model reads them; all others are left
  out. A compaction is refused: another provider made it, and a whole history is in it.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.hosted import AS_FUNCTION, as_function
from antiphon.core.unsaid import foreign_compaction, without_item
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON, MalformedJSON, decode
from antiphon.upstream.dialects.converse.content import CACHE_POINT, Parts
from antiphon.upstream.dialects.converse.families import Family

SEALED = "converse:"
SEALED_REDACTED = "converse-redacted:"
SYSTEM_TAGS = "<system>\n{}\n</system>"

_NO_OUTPUT = "There is no output of this call."
_EMPTY = "(empty)"
_SYSTEM_ROLES = ("system", "developer")
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
_OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output"})
_NOT_SAID = frozenset({"additional_tools", "item_reference"})
_BAD_IN_IDS = re.compile(r"[^a-zA-Z0-9_.:-]")
_BAD_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST = 64  # characters of an id or a name


class Transcript:
    """The system prompt and the messages of a turn, made by taking its items one by one."""

    def __init__(
        self, items: list[JSON], instructions: str | None, family: Family, adapted: Adaptations
    ) -> None:
        self.system: list[JSON] = [{"text": instructions}] if instructions and instructions.strip() else []
        self.messages: list[JSON] = []
        self.called: dict[str, None] = {}
        """The names of the tools called, in order."""
        self._family = family
        self._adapted = adapted
        self._parts = Parts(adapted)
        self._owed: list[JSON] = []  # results of the calls in the last message
        self._answered = False  # … whose outputs have come: what the model says next is another message
        self._ids: set[str] = set()
        outputs = _outputs_of_calls(items)
        for index, item in enumerate(items):
            self._take(item, f"input[{index}]", items, outputs.get(index))
        self._pay()

    def _take(self, item: JSON, path: str, items: list[JSON], output: int | None) -> None:
        match item.get("type"):
            case "message":
                self._message(item, path)
            case "reasoning":
                self._assistant(self._thoughts(item, path))
            case "compaction":
                raise foreign_compaction(path)
            case "function_call" | "custom_tool_call":
                said = None
                if output is not None:
                    said = list(self._parts.blocks(items[output].get("output"), f"input[{output}].output"))
                self._call(item, path, said)
            case "function_call_output" | "custom_tool_call_output":
                self._answered = bool(self._owed)
            case kind if kind not in _NOT_SAID:
                self._hosted(item, path)

    def _hosted(self, item: JSON, path: str) -> None:
        if (told := as_function(item)) is None:
            self._adapted.dropped(path, without_item(item))
            return
        self._adapted.translated(path, AS_FUNCTION)
        call, output = told
        self._call(call, path, list(self._parts.blocks(output["output"], f"{path}.output")))
        self._answered = True

    def _message(self, item: JSON, path: str) -> None:
        role = item.get("role")
        said = list(self._parts.blocks(item.get("content"), f"{path}.content", whole=role != "assistant"))
        if role == "assistant":
            self._assistant(said)
        elif role in _SYSTEM_ROLES:
            self._system_message(said, path)
        else:
            self._add("user", said)

    def _system_message(self, said: list[JSON], path: str) -> None:
        if self.messages:
            self._add("user", [in_tags(block) for block in said])
            self._adapted.translated(path, "said in the user's message, in <system> tags")
            return
        self.system.extend(block for block in said if "text" in block or CACHE_POINT in block)
        rest = [block for block in said if "text" not in block and CACHE_POINT not in block]
        if rest:
            self._adapted.translated(path, "a system prompt is text alone, the rest is said by the user")
        self._add("user", rest)

    def _assistant(self, said: Iterable[JSON]) -> None:
        said = list(said)
        if said and self._answered:
            self._pay()
        self._add("assistant", said)

    def _call(self, item: JSON, path: str, output: list[JSON] | None) -> None:
        call_id = self._unique_id(str(item.get("call_id") or ""))
        name = str(item.get("name") or "tool")
        if item.get("namespace"):
            name = f"{item['namespace']}__{name}"
        name = _BAD_IN_NAMES.sub("_", name)[:_LONGEST]
        self.called[name] = None
        self._assistant([{"toolUse": {"toolUseId": call_id, "name": name, "input": _input(item)}}])
        result: JSON = {"toolUseId": call_id, "content": [{"text": _EMPTY}]}
        points: list[JSON] = []
        if output is None:
            self._adapted.emulated(path, "this call has no output, the model is told so")
            result["content"] = [{"text": _NO_OUTPUT}]
            if self._family.status:
                result["status"] = "error"
        else:
            points = [block for block in output if CACHE_POINT in block]
            result["content"] = [block for block in output if CACHE_POINT not in block] or result["content"]
        if self._family.json_outputs:
            result["content"] = [_as_json(block) for block in result["content"]]
        self._owed += [{"toolResult": result}, *_longest(points)]

    def _unique_id(self, call_id: str) -> str:
        """The id in Converse's alphabet, different from those of all calls before."""
        clean = _BAD_IN_IDS.sub("_", call_id)[:_LONGEST]
        if clean != call_id or not clean:
            mark = f"{zlib.crc32(call_id.encode('utf-8', 'replace')):08x}"
            clean = f"{clean[: _LONGEST - 9] or 'call'}_{mark}"
        unique, count = clean, 1
        while unique in self._ids:
            count += 1
            unique = f"{clean[: _LONGEST - 8]}_{count}"
        self._ids.add(unique)
        return unique

    def _thoughts(self, item: JSON, path: str) -> Iterator[JSON]:
        sealed = item.get("encrypted_content")
        ours = isinstance(sealed, str) and sealed.startswith((SEALED, SEALED_REDACTED))
        if not ours or self._family.claude is None:
            self._adapted.dropped(path, "these thoughts cannot go back to this model")
        elif str(sealed).startswith(SEALED_REDACTED):
            yield {"reasoningContent": {"redactedContent": str(sealed)[len(SEALED_REDACTED) :]}}
        else:
            text = "".join(part.get("text") or "" for part in item.get("summary") or ())
            said = {"text": text, "signature": str(sealed)[len(SEALED) :]}
            yield {"reasoningContent": {"reasoningText": said}}

    def _add(self, role: str, said: list[JSON]) -> None:
        if not said:
            return
        if role != "assistant":
            self._pay()
        add_blocks(self.messages, role, said)

    def _pay(self) -> None:
        """The results of the calls made last, as the user's next words."""
        owed, self._owed, self._answered = self._owed, [], False
        if owed:
            add_blocks(self.messages, "user", owed)


def _longest(points: list[JSON]) -> list[JSON]:
    """The cache points of an output would all stand after it: of several the one that lives longest."""
    return sorted(points, key=lambda point: point[CACHE_POINT].get("ttl") == "1h")[-1:]


def add_blocks(messages: list[JSON], role: str, said: list[JSON]) -> None:
    """At the end of the last message if it has this role, else as a message of their own."""
    if messages and messages[-1]["role"] == role:
        messages[-1]["content"].extend(said)
    else:
        messages.append({"role": role, "content": list(said)})


def in_tags(block: JSON) -> JSON:
    """A system message's text, as the user can say it."""
    return {"text": SYSTEM_TAGS.format(block["text"])} if "text" in block else block


def _outputs_of_calls(items: list[JSON]) -> dict[int, int]:
    """For the index of each call, that of its output: the first one after it that has its call_id.

    Raises InvalidRequest for an output without a call.
    """
    waiting: defaultdict[Any, deque[int]] = defaultdict(deque)
    found: dict[int, int] = {}
    for index, item in enumerate(items):
        kind = item.get("type")
        if kind in _CALLS:
            waiting[item.get("call_id")].append(index)
        elif kind in _OUTPUTS:
            calls = waiting[item.get("call_id")]
            if not calls:
                raise InvalidRequest(
                    f"No tool call found for function call output with call_id {item.get('call_id')}.",
                    param=f"input[{index}].call_id",
                )
            found[calls.popleft()] = index
    return found


def _input(item: JSON) -> JSON:
    """Models take objects: whatever else the arguments are is the one member of an object."""
    said = item.get(_CALLS[item["type"]])
    if item["type"] == "custom_tool_call":
        return {"input": said or ""}
    try:
        value = decode(said.encode()) if isinstance(said, str) and said.strip() else {}
    except (MalformedJSON, UnicodeEncodeError):
        value = said
    return value if isinstance(value, dict) else {"arguments": value}


def _as_json(block: JSON) -> JSON:
    """A text that is a JSON object as that, any other in one."""
    text = block.get("text")
    if not isinstance(text, str):
        return block
    try:
        value = decode(text.encode())
    except (MalformedJSON, UnicodeEncodeError):
        value = None
    return {"json": value if isinstance(value, dict) else {"output": text}}
