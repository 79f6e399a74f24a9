"""Compaction: a conversation made into a summary that any model can go on from. Pure.

    turn ─▶ the same, and a wish for a summary ─▶ deltas ─▶ Summary ─▶ one compaction item
    compaction item ─▶ what was kept word for word, and the summary, in the place of what it stands for

The blob of such an item is `antiphon:` and JSON; clients see it in an envelope (core/envelopes.py) that every
model may open. `whole` says that it stands for all that came before it: then that is not said again, and what
was kept is in the blob. Otherwise the client holds the kept messages itself, in front of the item.

A provider that compacts by itself makes blobs of its own, which only it can read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, ValidationError, convert
from msgspec.structs import asdict, replace

from antiphon.core import deltas as d
from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProtocolViolation
from antiphon.protocol.events import TERMINAL
from antiphon.protocol.json import JSON, decode, encode

COMPACTION = "compaction"
WORD = "antiphon"
"""What stands before the colon of our blobs."""

BYTES_A_TOKEN = 4
"""About: of English, and of JSON."""

_KEPT = 20_000 * BYTES_A_TOKEN
"""Bytes of the user's latest messages that are kept as they are: their words are what is asked."""

_INSTRUCTIONS = ("system", "developer")
_WISH = (
    "The conversation up to here will be taken away, and whoever goes on with it has nothing but your "
    "summary of it and some of the user's own latest messages. Write that summary now. Say what the user "
    "wants, and how; what was found out, decided and done, and why; names, paths, identifiers, figures and "
    "wordings that will be needed, exactly as they are; what is still open, and what was to be done next. Do "
    "not answer the user, do not go on with the work, call no tools: write the summary and nothing else."
)
_SUMMARY = (
    "The earlier part of this conversation was summed up to make room. This is the summary; it is a report "
    "of what was said, and contains no new wishes.\n\n{}"
)


class Summary(Struct, frozen=True):
    """What a compaction item of ours stands for: the `text`, and the messages `kept` before it."""

    text: str
    kept: list[JSON] = []
    whole: bool = True

    @property
    def blob(self) -> str:
        return f"{WORD}:{encode(asdict(self)).decode()}"

    def stands_for(self, item: JSON) -> bool:
        """Whether an item before it need not be said again. Instructions that came since are."""
        if not self.whole or item.get("role") not in _INSTRUCTIONS:
            return self.whole
        return any(item["content"] == each["content"] for each in self.kept)

    @property
    def items(self) -> list[JSON]:
        """As a model is told it."""
        part = {"type": "input_text", "text": _SUMMARY.format(self.text)}
        return [*self.kept, {"type": "message", "role": "user", "content": [part]}]


def summary_of(item: JSON) -> Summary | None:
    """What an (opened) item stands for; None if it is no compaction of ours."""
    blob = item.get("encrypted_content")
    if item.get("type") != COMPACTION or not isinstance(blob, str) or not blob.startswith(f"{WORD}:"):
        return None
    try:
        return convert(decode(blob.partition(":")[2].encode()), Summary)
    except ValidationError:  # of a later version of the gateway
        return None


def asking_for_summary(turn: Turn) -> Turn:
    """The turn that asks for a summary of this one. Tools stay, for the calls of the past; none is called."""
    wish = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": _WISH}]}
    return replace(
        turn,
        items=[*turn.items, wish],
        tool_choice="none" if turn.tools else None,
        text=None,
        include=[],
        top_logprobs=None,
        max_output_tokens=None,
        compaction=None,
    )


def kept_of(items: Sequence[JSON]) -> list[JSON]:
    """Instructions, and of the user's messages the latest that are not too long all together."""
    kept: list[JSON] = []
    room = _KEPT
    for item in reversed(items):
        role = item.get("role")
        if item.get("type") != "message" or role == "assistant":
            continue
        if role not in _INSTRUCTIONS:
            room -= len(encode(item))
            if room < 0:
                continue
        kept.append(item)
    return kept[::-1]


def estimated_tokens(items: Iterable[JSON]) -> int:
    """About; data of images and files is left out, for what it takes has nothing to do with its length."""
    return sum(map(_length, items)) // BYTES_A_TOKEN


def _length(value: Any) -> int:
    if isinstance(value, str):
        return 0 if value.startswith("data:") else len(value.encode("utf-8", "replace"))
    if isinstance(value, dict):
        return sum(map(_length, value.values()))
    return sum(map(_length, value)) if isinstance(value, list) else 0


class Summarising:
    """Deltas of an answer to `asking_for_summary`, to those of one compaction item."""

    def __init__(self, kept: list[JSON]) -> None:
        self._kept = kept
        self._pieces: list[str] = []
        self._reason: d.StopReason | None = None

    def feed(self, delta: d.Delta) -> Iterable[d.Delta]:
        """What it cost is passed on; of the answer nothing is, before it is whole."""
        match delta:
            case d.Usage() | d.Served():
                yield delta
            case d.Text():
                self._pieces.append(delta.text)
            case d.Relayed():
                self._pieces.extend(_relayed(delta.event, heard=bool(self._pieces)))
            case d.Stop():
                self._reason = delta.reason

    def finish(self) -> Iterable[d.Delta]:
        """Raises ProtocolViolation if there is no summary, or not all of one."""
        text = "".join(self._pieces).strip()
        if not text or self._reason in ("length", "content_filter", "pause"):
            raise ProtocolViolation("The model gave no whole summary of the conversation.")
        yield d.Hosted("summary", {"type": COMPACTION, "encrypted_content": Summary(text, self._kept).blob})
        yield d.Stop("stop")


def _relayed(event: JSON, heard: bool) -> Iterable[str]:
    """The text of a finished item, or of a whole answer of which nothing was heard."""
    if event["type"] == "response.output_item.done":
        return _texts([event.get("item")])
    if event["type"] in TERMINAL and not heard:
        return _texts(event["response"].get("output") or ())
    return ()


def _texts(items: Iterable[Any]) -> Iterable[str]:
    for item in items:
        if isinstance(item, dict) and item.get("type") == "message":
            for part in item.get("content") or ():
                if isinstance(part, dict) and isinstance(text := part.get("text"), str):
                    yield text
