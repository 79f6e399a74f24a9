"""The items of a turn, as the steps of a chat in which only functions are called.

    Said      what the user or the system said
    Spoke     what the assistant said, thought and called between two other steps
    Gave      the output of one call

Outputs follow the step that called, in the order of its calls (not all templates know ids), with nothing
between: what stands there waits until the last output has come, or the assistant goes on without it. Then
the call gets an output that says so, because no such chat may leave one open: there are clients that send
all that was said again, beside `previous_response_id`, and so have made a call twice whose output comes
once. Calls of the client's other tools come as calls of functions (`upstream/emulation`). Items that no
such chat knows:

    what a hosted tool did    a call and its output (`core/hosted.py`)
    reasoning, sealed         left out: only its maker can read it
    compaction                refused: it was made elsewhere, and a whole history is in it
    all others                left out (web_search_call, image_generation_call, …)
"""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct, field

from antiphon.core.adaptations import Adaptations
from antiphon.core.hosted import AS_FUNCTION, as_function
from antiphon.core.unsaid import NOT_OFFERED, foreign_compaction, without_item
from antiphon.protocol.json import JSON, MalformedJSON, decode, encode

NO_OUTPUT = "There is no output of this call."


class Call(Struct, frozen=True):
    """A call of a function. `arguments` is the JSON text of an object."""

    id: str
    name: str
    arguments: str


class Said(Struct, frozen=True):
    """A message. `role` is user, system or developer; `where` is the path of its parts."""

    role: str
    parts: list[JSON]
    where: str


class Spoke(Struct):
    """What the assistant did; the paths are those of the first text and of the first thought."""

    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    text_at: str = ""
    thought_at: str = ""

    @property
    def text(self) -> str:
        return "\n\n".join(self.texts)

    @property
    def thought(self) -> str:
        return "\n\n".join(self.thoughts)


class Gave(Struct, frozen=True):
    """The output of the call with this id. `name` is that of its function, "" if no call has the id."""

    call_id: str
    name: str
    output: str | list[JSON]
    where: str


Step: TypeAlias = Said | Spoke | Gave


def steps(items: list[JSON], adapted: Adaptations) -> list[Step]:
    """Raises InvalidRequest for a compaction. `adapted` grows by what was left out."""
    transcript = Transcript(adapted)
    for index, item in enumerate(items):
        transcript.add(item, f"input[{index}]")
    return transcript.close()


def object_text(arguments: Any) -> str:
    """The arguments of a call as the JSON text of an object: templates can say nothing else.

    Empty ones are the empty object; whatever else a model wrote (or could not end) is the one member of one.
    """
    text = arguments.strip() if isinstance(arguments, str) else encode(arguments).decode()
    if text in ("", "null"):
        return "{}"
    raw = text.encode("utf-8", "replace")
    try:
        value = decode(raw)
    except MalformedJSON:
        value = raw.decode()
    return text if isinstance(value, dict) else encode({"arguments": value}).decode()


def text_of(part: JSON) -> str:
    """The text of a part, a refusal among them; "" if it has none."""
    text = part.get("refusal") if part.get("type") == "refusal" else part.get("text")
    return text if isinstance(text, str) else ""


def note_markers(part: JSON, where: str, adapted: Adaptations) -> None:
    """Where a cache is to begin and end cannot be said in such a chat."""
    for marker in ("cache_control", "prompt_cache_breakpoint"):
        if part.get(marker) is not None:
            adapted.dropped(f"{where}.{marker}", NOT_OFFERED)


class Transcript:
    """The steps so far. At most one of the assistant's is open."""

    def __init__(self, adapted: Adaptations) -> None:
        self._adapted = adapted
        self._steps: list[Step] = []
        self._open: Spoke | None = None
        self._names: dict[str, str] = {}  # of the functions called, by the id of the call
        self._paths: dict[str, str] = {}  # of the calls
        self._open_ends: list[Gave] = []  # what stands for outputs that have not come, nor may ever
        self._ranks: dict[str, int] = {}  # of the last calls, in their order
        self._awaited: set[str] = set()  # calls whose outputs have not come
        self._waiting: list[Said] = []

    def add(self, item: JSON, where: str) -> None:
        match item.get("type"):
            case "message":
                self._message(item, f"{where}.content")
            case "function_call":
                self._call(item, where)
            case "function_call_output":
                self._give(item, item.get("output"), f"{where}.output")
            case "reasoning":
                self._reasoning(item, where)
            case "compaction":
                raise foreign_compaction(where)
            case "additional_tools":
                pass  # they are among the turn's
            case _:
                self._hosted(item, where)

    def close(self) -> list[Step]:
        self._end()
        self._stop_waiting()
        return self._steps

    def _message(self, item: JSON, where: str) -> None:
        parts = item.get("content") or []
        if item.get("role") == "assistant":
            self._say(parts, where)
            return
        self._end()
        message = Said(str(item.get("role")), parts, where)
        if self._awaited:
            self._waiting.append(message)
        else:
            self._stop_waiting()
            self._steps.append(message)

    def _say(self, parts: list[JSON], where: str) -> None:
        texts = []
        for index, part in enumerate(parts):
            note_markers(part, f"{where}[{index}]", self._adapted)
            if text := text_of(part):
                texts.append(text)
            elif part.get("type") not in ("output_text", "refusal"):
                self._adapted.dropped(f"{where}[{index}]", "a part of this type cannot be said in a chat")
        if texts:
            spoke = self._assistant()
            spoke.text_at = spoke.text_at or where
            spoke.texts.append("".join(texts))

    def _reasoning(self, item: JSON, where: str) -> None:
        if item.get("encrypted_content"):
            self._adapted.dropped(where, "these thoughts cannot go back to this model")
            return
        found = [text for part in item.get("content") or [] if (text := text_of(part))]
        found = found or [text for part in item.get("summary") or [] if (text := text_of(part))]
        if found:
            spoke = self._assistant()
            spoke.thought_at = spoke.thought_at or where
            spoke.thoughts.extend(found)

    def _call(self, item: JSON, where: str) -> None:
        call = Call(_id_of(item), str(item.get("name")), object_text(item.get("arguments")))
        self._names[call.id], self._paths[call.id] = call.name, where
        self._assistant().calls.append(call)

    def _hosted(self, item: JSON, where: str) -> None:
        if (told := as_function(item)) is None:
            self._adapted.dropped(where, without_item(item))
            return
        self._adapted.translated(where, AS_FUNCTION)
        call, output = told
        self._call(call, where)
        self._give(call, output["output"], f"{where}.output")

    def _give(self, item: JSON, output: Any, where: str) -> None:
        self._end()
        call_id = _id_of(item)
        said = output if isinstance(output, str | list) else encode(output).decode()
        gave = Gave(call_id, self._names.get(call_id, ""), said, where)
        missed = next((end for end in reversed(self._open_ends) if end.call_id == call_id), None)
        if missed is None or call_id in self._awaited:
            self._awaited.discard(call_id)
            self._steps.insert(self._place_of(call_id), gave)
        else:
            self._open_ends.remove(missed)
            self._steps[self._steps.index(missed)] = gave

    def _place_of(self, call_id: str) -> int:
        """Before the outputs of later calls."""
        place, last = len(self._steps), len(self._ranks)
        rank = self._ranks.get(call_id, last)
        while place and isinstance(step := self._steps[place - 1], Gave):
            if self._ranks.get(step.call_id, last) <= rank:
                break
            place -= 1
        return place

    def _assistant(self) -> Spoke:
        if self._open is None:
            self._answer_the_open()
            self._stop_waiting()
            self._open = Spoke()
        return self._open

    def _end(self) -> None:
        spoke, self._open = self._open, None
        if spoke is not None:
            self._steps.append(spoke)
            self._ranks = {call.id: rank for rank, call in enumerate(spoke.calls)}
            self._awaited = set(self._ranks)

    def _answer_the_open(self) -> None:
        for call_id in (call_id for call_id in self._ranks if call_id in self._awaited):
            gave = Gave(call_id, self._names[call_id], NO_OUTPUT, self._paths[call_id])
            self._open_ends.append(gave)
            self._adapted.translated(gave.where, "this call has no output here, the model is told so")
            self._steps.insert(self._place_of(call_id), gave)

    def _stop_waiting(self) -> None:
        self._awaited.clear()
        self._steps.extend(self._waiting)
        self._waiting.clear()


def _id_of(item: JSON) -> str:
    return str(item.get("call_id") or item.get("id") or "")
