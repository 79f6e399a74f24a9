"""Items that are still being said: one small object per open item, so that no flag is needed elsewhere.

An OpenItem knows its place in the output and the parts that are open in it; an OpenPart knows what was
said in it so far. Both give events without a sequence number; the assembler numbers them. When an item
is closed, `item` is what it has become and nothing more may be said in it.
"""

from __future__ import annotations

from antiphon.core.open_commands import OpenCommands
from antiphon.protocol.events import FIELDS, OUTPUT_TEXT, PROGRESS, Event, FieldFamily, PartFamily
from antiphon.protocol.json import JSON, MalformedJSON, decode

# Items whose schema knows no `incomplete`: they are completed, or stay in progress.
_NEVER_INCOMPLETE = frozenset({"apply_patch_call"})
# Annotations that say where in the text they stand; the others have no place for offsets.
_PLACED = frozenset({"url_citation", "container_file_citation"})


class OpenPart:
    """A part of an item: text now, more by and by."""

    __slots__ = ("_begun", "_length", "_pending", "_span", "address", "family", "part", "pieces")

    def __init__(self, family: PartFamily, item_id: str, output_index: int, index: int) -> None:
        self.family = family
        self.part = family.blank()
        self.address: JSON = {"item_id": item_id, "output_index": output_index, family.index: index}
        self.pieces: list[str] = []
        self._begun = 0  # characters said by another, before what is said now
        self._length = 0  # characters said before the span
        self._span: str | None = None  # the provider's block that is speaking now
        self._pending: list[JSON] = []  # annotations that cover the span, whose end is not known yet

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def own_text(self) -> str:
        """What was said since another handed it over, if somebody did."""
        return self.text[self._begun :]

    def open(self) -> list[Event]:
        if not self.family.added:
            return []
        return [{"type": self.family.added, **self.address, "part": self.family.blank()}]

    def say(self, text: str, logprobs: list[JSON]) -> Event:
        self.pieces.append(text)
        event = {"type": self.family.delta, **self.address, "delta": text}
        if self.family.type == "output_text":
            event["logprobs"] = logprobs
            if logprobs:
                self.part["logprobs"].extend(logprobs)
        return event

    def begin_span(self, span: str) -> list[Event]:
        """Text of another block follows in the same part; citations pending cover the block before."""
        if span == self._span:
            return []
        events = self._place_pending()
        self._span = span
        self._length = sum(map(len, self.pieces))
        return events

    def hand_over(self) -> list[Event]:
        """Another goes on, whose blocks have names of their own."""
        self._span, self._begun = None, len(self.text)
        return self._place_pending()

    def cite(self, annotation: JSON) -> list[Event]:
        start, end = annotation.get("start_index"), annotation.get("end_index")
        if isinstance(start, int) and isinstance(end, int):
            placed = {"start_index": start + self._length, "end_index": end + self._length}
            return [self.annotate({**annotation, **placed})]
        if annotation.get("type") in _PLACED:
            self._pending.append(annotation)
            return []
        return [self.annotate(annotation)]

    def annotate(self, annotation: JSON) -> Event:
        if annotation.get("type") == "url_citation":  # some give no more than the URL (R28)
            known = {name: value for name, value in annotation.items() if value is not None}
            annotation = {"title": "", "start_index": 0, "end_index": sum(map(len, self.pieces)), **known}
        annotations = self.part["annotations"]
        annotations.append(annotation)
        return {
            "type": "response.output_text.annotation.added",
            **self.address,
            "annotation_index": len(annotations) - 1,
            "annotation": annotation,
        }

    def close(self) -> list[Event]:
        events = self._place_pending()
        family = self.family
        text = self.part[family.text] = self.text
        done = {"type": family.done, **self.address, family.text: text}
        if family.type == "output_text":
            done["logprobs"] = self.part["logprobs"]
        events.append(done)
        if family.closed:
            events.append({"type": family.closed, **self.address, "part": dict(self.part)})
        return events

    def _place_pending(self) -> list[Event]:
        if not self._pending:
            return []
        pending, self._pending = self._pending, []
        placed = {"start_index": self._length, "end_index": sum(map(len, self.pieces))}
        return [self.annotate({**annotation, **placed}) for annotation in pending]


class OpenItem:
    """An item of the output, from `output_item.added` to `output_item.done`."""

    __slots__ = ("_commands", "_field", "_pieces", "_progress", "item", "output_index", "part", "said_whole")

    def __init__(self, item: JSON, output_index: int) -> None:
        self.item = item
        self.output_index = output_index
        self.part: OpenPart | None = None
        self.said_whole = False  # the streamed field was closed by its own done event
        self._field: FieldFamily | None = FIELDS.get(item["type"])
        self._pieces: list[str] = []
        self._commands: OpenCommands | None = None
        self._progress: set[str] = set()

    @property
    def address(self) -> JSON:
        return {"item_id": self.item["id"], "output_index": self.output_index}

    def open(self) -> Event:
        return {
            "type": "response.output_item.added",
            "output_index": self.output_index,
            "item": {
                key: (list(value) if isinstance(value, list) else value) for key, value in self.item.items()
            },
        }

    def open_part(self, family: PartFamily) -> list[Event]:
        """Make a part of this family the open one; the part that was open is closed."""
        if self.part is not None and self.part.family is family:
            return []
        events = self.close_part()
        if not isinstance(self.item.get(family.list), list):
            self.item[family.list] = []
        index = len(self.item[family.list])
        self.part = OpenPart(family, self.item["id"], self.output_index, index)
        return events + self.part.open()

    def close_part(self) -> list[Event]:
        if self.part is None:
            return []
        part, self.part = self.part, None
        events = part.close()
        self.item[part.family.list].append(part.part)
        return events

    @property
    def unfinished(self) -> JSON:
        """What was said in it and is not in `item` yet."""
        text = self.part.own_text if self.part is not None else ""
        return {"type": "unfinished", "text": text, "field": self.field_text}

    # A streamed field

    @property
    def field_text(self) -> str:
        return "".join(self._pieces)

    def is_whole_call(self) -> bool:
        """Whether the arguments are a whole JSON object already (a custom tool's input may always go on)."""
        if self.item["type"] != "function_call" or not self._pieces:
            return False
        try:
            return isinstance(decode(self.field_text.encode("utf-8", "replace")), dict)
        except MalformedJSON:
            return False

    def stream(self, text: str, index: int = 0) -> list[Event]:
        """More of the streamed field; of a shell's commands, of the one with this index."""
        if self._field is not None and text:
            self._pieces.append(text)
            return [{"type": self._field.delta, **self.address, "delta": text}]
        if self.item["type"] != "shell_call":
            return []
        if self._commands is None:
            self._commands = OpenCommands(self.output_index)
        return self._commands.say(text, index)

    def end_field(self) -> list[Event]:
        if self._field is None or self.said_whole:
            return []
        self.said_whole = True
        text = self.field_text
        self._field.write(self.item, text)
        done = {"type": self._field.done, **self.address, self._field.field: text}
        if "name" in self.item:
            done["name"] = self.item["name"]
        return [done]

    # Progress of a tool that runs elsewhere

    def progress(self, *stages: str) -> list[Event]:
        """The stages not announced yet, in order."""
        new = [stage for stage in dict.fromkeys(stages) if stage not in self._progress]
        self._progress.update(new)
        return [{"type": f"response.{self.item['type']}.{stage}", **self.address} for stage in new]

    def set_out(self) -> list[Event]:
        """The stages that come before anything of the item is said."""
        before, _ = PROGRESS.get(self.item["type"], ((), ()))
        return self.progress(*before)

    def set_to_work(self) -> list[Event]:
        """All that the tool is to work on was said; a field of which nothing came may still be."""
        _, after = PROGRESS.get(self.item["type"], ((), ()))
        return [*(self.end_field() if self._pieces else ()), *self.progress(*after[:-1])]

    def close(self, status: str | None) -> list[Event]:
        """Close what is open in it and the item itself. `status` None: the item has none, or has its own."""
        events = self.close_part()
        kind = self.item["type"]
        if self._pieces or kind in ("function_call", "custom_tool_call"):
            events += self._complete_field(status)
            events += self.end_field()
        if self._commands is not None:
            events += self._commands.close()
            self.item["action"] = {**self.item["action"], "commands": self._commands.said}
        before, after = PROGRESS.get(kind, ((), ()))
        if after and status != "incomplete":
            last = "failed" if status == "failed" and kind.startswith("mcp_") else after[-1]
            events += self.progress(*before, *after[:-1], last)
        if status is not None:
            cut = status == "incomplete" and kind in _NEVER_INCOMPLETE
            self.item["status"] = "in_progress" if cut else status
        events.append(
            {
                "type": "response.output_item.done",
                "output_index": self.output_index,
                "item": dict(self.item),
            }
        )
        return events

    def _complete_field(self, status: str | None) -> list[Event]:
        """A finished call without arguments has none to parse: give it the empty object."""
        if self.item["type"] == "function_call" and status == "completed" and not self._pieces:
            return self.stream("{}")
        return []


def text_of(items: list[JSON], opened: list[OpenItem]) -> str | None:
    """The text of these items, of which some are open; None if more was said, but for finished thoughts."""
    if any(item["type"] not in ("message", "reasoning") for item in items):
        return None
    if any(each.item["type"] != "message" for each in opened):
        return None
    texts: list[str] = []
    for item in items:
        parts = item.get("content") or [] if item["type"] == "message" else []
        if any(part["type"] != OUTPUT_TEXT.type for part in parts):
            return None
        texts += (part["text"] for part in parts)
        part = next((each.part for each in opened if each.item is item), None)
        if part is not None and part.family is not OUTPUT_TEXT:
            return None
        texts += part.pieces if part is not None else ()
    return "".join(texts)
