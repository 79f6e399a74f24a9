"""Items, as Anthropic's system prompt and messages.

    messages = user (assistant user)*
    user      = tool_result* (text | image | document)*     results first, one for each call before
    assistant = (thinking | redacted_thinking | text | tool_use | server tool use and its result)*

- Instructions and the system or developer messages before all others are the system prompt. A later one is a
  message of role system where the model takes those and the place is allowed (after the user, before the
  assistant); else it is said in the user's message, in <system> tags, and noted.
- Consecutive items of one speaker are one message: parallel calls are one, their results the next.
- A result stands right after its call, wherever its item is; a call without one gets one that says so.
- Thoughts go back byte for byte if Anthropic sealed them; all others are left out. So do the uses of tools
  that Anthropic ran, while these are offered; else they are said as calls, as far as they can be.
  A compaction of another provider is refused: a whole history is in it.
- Only a model that takes it goes on in its own words, where another broke off (`Turn.begun`): else after its
  own message the user says `Continue.`
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
from antiphon.upstream.computer.actions import OwnCall
from antiphon.upstream.dialects.anthropic.computer import (
    SEALED_CALLS,
    Computer,
    opened_calls,
    results,
    screenshot,
)
from antiphon.upstream.dialects.anthropic.content import SYSTEM_TAGS, blocks
from antiphon.upstream.dialects.anthropic.hosted import COMPACTION, ITEMS, SEALED_BLOCKS, opened_blocks

SEALED = "anthropic:"
SEALED_REDACTED = "anthropic-redacted:"

OPENING = "Begin."
ONWARD = "Continue."
_NO_OUTPUT = "There is no output of this call."
_SYSTEM_ROLES = ("system", "developer")
_BAD_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")  # and in names
_LONGEST_NAME = 128  # characters


class Transcript:
    """The system prompt and the messages of a turn, made by taking its items one by one."""

    def __init__(
        self,
        items: list[JSON],
        instructions: str | None,
        hosted: frozenset[str],
        computer: Computer | None,
        adapted: Adaptations,
    ) -> None:
        """`hosted`: the tools that Anthropic is to run, as `tools.Offer` has them."""
        self.system: list[JSON] = [{"type": "text", "text": instructions}] if instructions else []
        self.messages: list[JSON] = []
        self._hosted_here = hosted
        self._computer = computer
        self._own_calls: list[OwnCall] = []  # of the computer, that came sealed
        self._adapted = adapted
        self._owed: list[JSON] = []  # results of the calls in the last message
        self._replayed = 0  # uses of server tools that went back sealed, and whose items are still to come
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
                self._assistant(_compaction(item, path))
            case "function_call":
                said = None if output is None else blocks_of_output(items[output], output, self._adapted)
                self._call(item, path, said)
            case "computer_call" if self._computer is not None:
                self._computer_call(item, path, items, output)
            case "function_call_output" | "computer_call_output":
                self._answered = bool(self._owed)
            case kind if kind in ITEMS and self._replayed:
                self._replayed -= 1  # its sealed form went back
            case _:
                self._hosted(item, path)

    def _message(self, item: JSON, path: str) -> None:
        role = item.get("role")
        whole = role != "assistant"
        said = list(blocks(item.get("content"), f"{path}.content", self._adapted, whole=whole))
        if role == "assistant":
            self._assistant(said)
        elif role in _SYSTEM_ROLES:
            self._system_message(said, path)
        else:
            self._add("user", said)

    def _system_message(self, said: list[JSON], path: str) -> None:
        if not self.messages:
            texts = [block for block in said if block["type"] == "text"]
            self.system.extend(texts)
            said = [block for block in said if block["type"] != "text"]
            if said:
                self._adapted.translated(path, "a system prompt is text alone, the rest is said by the user")
            self._add("user", said)
        elif all(block["type"] == "text" for block in said):
            self._add("system", said)
        else:
            self._add("user", [in_tags(block) for block in said])
            self._adapted.translated(path, "a later system message, said by the user in <system> tags")

    def _assistant(self, said: Iterable[JSON]) -> None:
        said = list(said)
        if said and self._answered:
            self._pay()
        self._add("assistant", said)

    def _call(self, item: JSON, path: str, output: list[JSON] | None) -> None:
        use = {"name": item["name"], "input": _input(item)}
        said = None if output is None else _marked_as_a_whole(output) if output else {}
        self._use(str(item.get("call_id") or ""), use, path, said)

    def _computer_call(self, item: JSON, path: str, items: list[JSON], output: int | None) -> None:
        assert self._computer is not None
        shown = None if output is None else screenshot(items[output], f"input[{output}]", self._adapted)
        for call, said in results(self._computer, item, self._own_calls, path, shown, self._adapted):
            self._use(call.id, self._computer.use(call), path, said)

    def _use(self, call_id: str, use: JSON, path: str, said: JSON | None) -> None:
        """A call, and the result that is owed for it: the fields of both, beside what joins them."""
        call_id = self._unique_id(call_id)
        self._assistant([{"type": "tool_use", "id": call_id, **use}])
        if said is None:
            self._adapted.translated(path, "this call has no output, the model is told so")
            said = {"content": [{"type": "text", "text": _NO_OUTPUT}], "is_error": True}
        toolset = {field: use[field] for field in ("toolset_name",) if field in use}
        self._owed.append({"type": "tool_result", "tool_use_id": call_id, **toolset, **said})

    def _hosted(self, item: JSON, path: str) -> None:
        """What a tool did that another provider ran, or that Anthropic ran and is not to run now."""
        if (told := as_function(item)) is None:
            self._adapted.dropped(path, without_item(item))
            return
        self._adapted.translated(path, AS_FUNCTION)
        call, output = told
        call["name"] = _BAD_IN_IDS.sub("_", call["name"])[:_LONGEST_NAME]
        self._call(call, path, list(blocks(output["output"], f"{path}.output", self._adapted)))
        self._answered = True

    def _unique_id(self, call_id: str) -> str:
        """The id in Anthropic's alphabet, different from those of all calls before."""
        clean = _BAD_IN_IDS.sub("_", call_id)
        if clean != call_id or not clean:
            clean = f"{clean or 'call'}_{zlib.crc32(call_id.encode('utf-8', 'replace')):08x}"
        unique, count = clean, 1
        while unique in self._ids:
            count += 1
            unique = f"{clean}_{count}"
        self._ids.add(unique)
        return unique

    def _thoughts(self, item: JSON, path: str) -> list[JSON]:
        sealed = item.get("encrypted_content")
        if isinstance(sealed, str) and sealed.startswith(SEALED_CALLS):
            self._own_calls = opened_calls(sealed)
            return []
        said = list(self._opened(item, sealed)) if isinstance(sealed, str) else []
        if not said:
            self._adapted.dropped(path, "these thoughts cannot go back to this model")
        elif str(sealed).startswith(SEALED_BLOCKS):
            self._replayed += 1
        return said

    def _opened(self, item: JSON, sealed: str) -> Iterator[JSON]:
        if sealed.startswith(SEALED_BLOCKS):
            yield from opened_blocks(sealed, self._hosted_here)
        elif sealed.startswith(SEALED):
            text = "".join(part.get("text") or "" for part in item.get("summary") or ())
            yield {"type": "thinking", "thinking": text, "signature": sealed[len(SEALED) :]}
        elif sealed.startswith(SEALED_REDACTED):
            yield {"type": "redacted_thinking", "data": sealed[len(SEALED_REDACTED) :]}

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


def _compaction(item: JSON, path: str) -> list[JSON]:
    """A history that Anthropic sealed. Raises InvalidRequest if it was another provider."""
    opened = opened_blocks(str(item.get("encrypted_content")), frozenset({COMPACTION}))
    kept = [block for block in opened if block["type"] == "compaction"]
    if not kept:
        raise foreign_compaction(path)
    return kept


def add_blocks(messages: list[JSON], role: str, said: list[JSON]) -> None:
    """At the end of the last message if it has this role, else as a message of their own."""
    if messages and messages[-1]["role"] == role:
        messages[-1]["content"].extend(said)
    else:
        messages.append({"role": role, "content": list(said)})


def in_tags(block: JSON) -> JSON:
    """A system message's text, as the user can say it."""
    return {**block, "text": SYSTEM_TAGS.format(block["text"])} if block["type"] == "text" else block


def blocks_of_output(item: JSON, index: int, adapted: Adaptations) -> list[JSON]:
    return list(blocks(item.get("output"), f"input[{index}].output", adapted))


def _marked_as_a_whole(output: list[JSON]) -> JSON:
    """The content of a result, with the cache marker in it on it: Anthropic refuses one inside.

    Of several, which would all stand there, the one that lives longest.
    """
    markers = [block["cache_control"] for block in output if "cache_control" in block]
    bare = [{key: value for key, value in block.items() if key != "cache_control"} for block in output]
    longest = max(markers, key=lambda marker: marker.get("ttl") == "1h", default=None)
    return {"content": bare} | ({} if longest is None else {"cache_control": longest})


def _outputs_of_calls(items: list[JSON]) -> dict[int, int]:
    """For the index of each call, that of its output: the first one after it that has its call_id.

    Raises InvalidRequest for an output without a call.
    """
    waiting: defaultdict[Any, deque[int]] = defaultdict(deque)
    found: dict[int, int] = {}
    for index, item in enumerate(items):
        kind = item.get("type")
        if kind in ("function_call", "computer_call"):
            waiting[item.get("call_id")].append(index)
        elif kind in ("function_call_output", "computer_call_output"):
            calls = waiting[item.get("call_id")]
            if not calls:
                raise InvalidRequest(
                    f"No tool call found for function call output with call_id {item.get('call_id')}.",
                    param=f"input[{index}].call_id",
                )
            found[calls.popleft()] = index
    return found


def _input(item: JSON) -> JSON:
    """Anthropic takes objects: whatever else the arguments are is the one member of an object."""
    said = item.get("arguments")
    try:
        value = decode(said.encode()) if isinstance(said, str) and said.strip() else {}
    except (MalformedJSON, UnicodeEncodeError):
        value = said
    return value if isinstance(value, dict) else {"arguments": value}
