"""Items, as Gemini's system instruction and contents.

    contents = user (model user)*                    each speaker's items in a row are one content
    model    = (thought | text | functionCall | image | part of the provider's own tools)*
    user     = functionResponse* (text | image | file)*      one response for each call before, in order

- Instructions and the system or developer messages before all others are the system instruction. A later
  one is said by the user, in <system> tags.
- A response stands right after the calls of its step, wherever its item is. Calls are matched by their
  call_id; models before 3 know no ids and match by order.
- Signatures go back on the part that brought them (`seals`); thoughts without one, and those of others, are
  left out. A newer model refuses a step of calls without its signature, also one that others made: such a
  step gets the mark that tells it not to check.
- The model is never asked to go on in its own words: after its own message the user says `Continue.`
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.hosted import AS_FUNCTION, as_function
from antiphon.core.unsaid import foreign_compaction, without_item
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON, MalformedJSON, decode
from antiphon.upstream.computer.actions import OwnCall
from antiphon.upstream.dialects.gemini.computer import Computer, opened_calls, results
from antiphon.upstream.dialects.gemini.models import Abilities
from antiphon.upstream.dialects.gemini.outputs import response_of
from antiphon.upstream.dialects.gemini.parts import parts_of
from antiphon.upstream.dialects.gemini.seals import unseal
from antiphon.upstream.dialects.gemini.wire import mappings, string

OPENING = "Begin."
ONWARD = "Continue."
UNCHECKED = "skip_thought_signature_validator"
"""Google's own mark for a call that no Gemini made (https://ai.google.dev/gemini-api/docs/thought-signatures)."""

_SYSTEM_TAGS = "<system>\n{}\n</system>"
_SYSTEM_ROLES = ("system", "developer")
_CALLS = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "shell_call": "action",
    "local_shell_call": "action",
    "apply_patch_call": "operation",
    "computer_call": "actions",
}
"""Item types that are calls, and where their arguments stand."""
_OUTPUTS = frozenset(f"{call}_output" for call in _CALLS)
_BAD_IN_NAMES = re.compile(r"[^a-zA-Z0-9_.:-]|^(?=[^a-zA-Z_])")


class Contents:
    """The system instruction and the contents of a turn, made by taking its items one by one."""

    def __init__(
        self,
        items: list[JSON],
        instructions: str | None,
        abilities: Abilities,
        computer: Computer | None,
        adapted: Adaptations,
    ) -> None:
        self.system: list[JSON] = [{"text": instructions}] if instructions else []
        self.contents: list[JSON] = []
        self._abilities = abilities
        self._computer = computer
        self._own_calls: list[OwnCall] = []  # of the computer, that came sealed right before
        self._adapted = adapted
        self._owed: list[JSON] = []  # responses of the calls made last
        self._media: list[JSON] = []  # what the responses could not hold
        self._answered = False  # outputs of these calls have come: what the model says next is another step
        self._spoken: list[JSON] = []  # the texts of the item before, which a seal may follow
        self._pending: JSON = {}  # the signature of the call or image that comes next
        self._replayed = False  # the last seal held parts of the provider's own tools
        outputs = _outputs_of_calls(items)
        for index, item in enumerate(items):
            self._take(item, f"input[{index}]", items, outputs.get(index))
        self._pay()
        self._frame()

    def _take(self, item: JSON, path: str, items: list[JSON], output: int | None) -> None:
        kind = item.get("type")
        spoken, self._spoken = self._spoken, []
        if kind == "message":
            self._message(item, path)
        elif kind == "reasoning":
            self._reasoning(item, path, spoken)
        elif kind == "computer_call" and self._computer is not None:
            self._computer_call(item, path, None if output is None else items[output], output)
        elif kind in _CALLS:
            self._call(item, path, None if output is None else items[output], output)
        elif kind in _OUTPUTS:
            self._answered = bool(self._owed)
        elif kind == "image_generation_call" and self._abilities.draws and item.get("result"):
            self._image(item)
        elif kind == "compaction":
            raise foreign_compaction(path)
        elif kind != "additional_tools" and not self._replayed:  # their tools are among the turn's
            self._hosted(item, path)
        if kind != "reasoning":
            self._pending = {}
            self._own_calls = []
            self._replayed &= kind != "message" and kind not in _CALLS

    def _message(self, item: JSON, path: str) -> None:
        role = item.get("role")
        said = list(
            parts_of(
                item.get("content"),
                f"{path}.content",
                self._adapted,
                fetches=self._abilities.fetches,
                files=self._abilities.files,
                resolution=self._abilities.resolution,
                whole=role != "assistant",
            )
        )
        if role == "assistant":
            self._model(said)
            self._spoken = said if all("text" in part for part in said) else []
        elif role in _SYSTEM_ROLES:
            self._instruct(said, path)
        else:
            self._user(said)

    def _instruct(self, said: list[JSON], path: str) -> None:
        if self.contents or self._owed:
            self._adapted.translated(path, "a later system message, said by the user in <system> tags")
            self._user([_in_tags(part) for part in said])
            return
        self.system.extend(part for part in said if "text" in part)
        if rest := [part for part in said if "text" not in part]:
            self._adapted.translated(path, "a system instruction is text alone, the rest is said by the user")
            self._user(rest)

    # What the model said

    def _reasoning(self, item: JSON, path: str, spoken: list[JSON]) -> None:
        """`spoken`: the texts of the message right before it, if it was the model's."""
        signed = unseal(item.get("encrypted_content"))
        if signed is None:
            self._adapted.dropped(path, "these thoughts cannot go back to this model")
            return
        thought = "".join(string(part.get("text")) for part in mappings(item.get("summary")))
        self._sign_text([entry for entry in signed if "text" in entry], spoken)
        for entry in signed:
            if "part" in entry:
                self._replayed = True
                self._server_part(entry["part"], path)
            elif "thought" in entry:
                start, end = entry["thought"]
                self._model([{"text": thought[start:end], "thought": True, **_signature(entry)}])
            elif "computer" in entry:
                self._own_calls = opened_calls(entry["computer"])
            elif "text" not in entry:
                self._pending = entry

    def _server_part(self, part: JSON, path: str) -> None:
        if self._abilities.server_calls or part.keys().isdisjoint(("toolCall", "toolResponse")):
            self._model([part])
        else:
            self._adapted.dropped(path, "calls of the provider's tools cannot go back to this model")

    def _sign_text(self, signed: list[JSON], spoken: list[JSON]) -> None:
        """Cut what was spoken into the parts that it came in, as far as they were signed."""
        if not signed:
            return
        text = "".join(part["text"] for part in spoken)
        if spoken:
            del self.contents[-1]["parts"][-len(spoken) :]
        pieces: list[JSON] = []
        cursor = 0
        for entry in signed:
            start, end = entry["text"]
            if cursor <= start and end <= len(text):
                pieces += [{"text": text[cursor:start]}] if cursor < start else []
                pieces.append({"text": text[start:end], **_signature(entry)})
                cursor = end
        if cursor < len(text):
            pieces.append({"text": text[cursor:]})
        self._model(pieces)

    def _call(self, item: JSON, path: str, output: JSON | None, index: int | None) -> None:
        """`output`: the item, at `index`; None if there is none."""
        name = string(item.get("name")) or item["type"].removesuffix("_call")
        if item.get("namespace"):
            name = f"{item['namespace']}__{name}"
        name = _BAD_IN_NAMES.sub("_", name)[:128]
        call: JSON = {"name": name, "args": _args(item)}
        if self._abilities.modern_calls:
            call["id"] = string(item.get("call_id")) or string(item.get("id"))
        self._model([{"functionCall": call, **self._signature_of(name)}])
        self._owe(call, output, f"input[{index}].output")
        if output is None:
            self._adapted.translated(path, "this call has no output, the model is told so")

    def _signature_of(self, call: str) -> JSON:
        """That of the call that comes next, if it is this one."""
        return _signature(self._pending) if self._pending.get("call") == call else {}

    def _computer_call(self, item: JSON, path: str, output: JSON | None, index: int | None) -> None:
        assert self._computer is not None
        if output is None:
            self._adapted.translated(path, "this call has no output, the model is told so")
        where = f"input[{index}].output"
        for call, said in results(self._computer, item, self._own_calls, output, where, self._adapted):
            named: JSON = {"name": call.name, **({"id": call.id} if self._abilities.modern_calls else {})}
            self._model([{"functionCall": {**named, "args": call.input}, **self._signature_of(call.name)}])
            self._pending = {}
            if said is None:
                self._owe(named, None, where)
            else:
                self._owed.append({"functionResponse": {**named, **said}})

    def _owe(self, call: JSON, output: JSON | None, where: str) -> None:
        answer, media = response_of(call, output, where, self._abilities, self._adapted)
        self._owed.append({"functionResponse": answer})
        self._media += media

    def _hosted(self, item: JSON, path: str) -> None:
        """What a tool did that another provider ran, or that ran here and was not sealed."""
        if (told := as_function(item)) is None:
            self._adapted.dropped(path, without_item(item))
            return
        self._adapted.translated(path, AS_FUNCTION)
        call, output = told
        self._call(call, path, output, None)
        self._answered = True

    def _image(self, item: JSON) -> None:
        kind = self._pending.get("image") or f"image/{item.get('output_format') or 'png'}"
        data = {"mimeType": kind, "data": item["result"]}
        self._model([{"inlineData": data, **(_signature(self._pending) if "image" in self._pending else {})}])

    # Contents

    def _model(self, said: list[JSON]) -> None:
        if said and self._answered:
            self._pay()
        self._add("model", said)

    def _user(self, said: list[JSON]) -> None:
        if said:
            self._pay()
        self._add("user", said)

    def _pay(self) -> None:
        """The responses of the calls made last, as the user's next words."""
        owed, self._owed, self._answered = [*self._owed, *self._media], [], False
        self._media = []
        self._add("user", owed)

    def _add(self, role: str, said: Iterable[JSON]) -> None:
        """At the end of the last content if it has this role, else as a content of their own."""
        said = list(said)
        if not said:
            return
        if self.contents and self.contents[-1]["role"] == role:
            self.contents[-1]["parts"].extend(said)
        else:
            self.contents.append({"role": role, "parts": said})

    def _frame(self) -> None:
        """What Gemini demands of the whole."""
        if not self.contents or self.contents[0]["role"] != "user":
            self.contents.insert(0, {"role": "user", "parts": [{"text": OPENING}]})
            self._adapted.emulated("input", f"a conversation begins with the user, who says {OPENING!r}")
        if self.contents[-1]["role"] != "user":
            self._user([{"text": ONWARD}])
            self._adapted.emulated("input", f"it ends with the model's words, so the user says {ONWARD!r}")
        if self._abilities.modern_calls:
            for content in self.contents:
                self._mark_first_call(content["parts"])

    def _mark_first_call(self, parts: list[JSON]) -> None:
        """Only the first call of a step must be signed."""
        for place, part in enumerate(parts):
            if "functionCall" in part:
                if "thoughtSignature" not in part:
                    parts[place] = {**part, "thoughtSignature": UNCHECKED}
                    self._adapted.emulated("input", "calls that this model did not sign go unchecked")
                return


def _signature(entry: JSON) -> JSON:
    return {"thoughtSignature": entry["signature"]}


def _in_tags(part: JSON) -> JSON:
    """A system message's text, as the user can say it."""
    return {"text": _SYSTEM_TAGS.format(part["text"])} if "text" in part else part


def _args(item: JSON) -> JSON:
    """Gemini takes objects: whatever else the arguments are is the one member of an object."""
    said = item.get(_CALLS.get(item["type"], "arguments"))
    if item["type"] == "custom_tool_call":
        return {"input": said or ""}
    if isinstance(said, str):
        with suppress(MalformedJSON, UnicodeEncodeError):
            said = decode(said.encode()) if said.strip() else {}
    return said if isinstance(said, dict) else {"arguments": said}


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
