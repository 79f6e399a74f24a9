"""A shape where the provider does not hold the model to it: what is said is held back and judged.

    an answer, by `text.format`                           HeldSpeech
    the input of a call, by the grammar of its tool       HeldCalls (held_calls.py)

Of an answer:

    turn ─▶ held ─┬─▶ fit                                 it leaves
                  ├─▶ cut short, or a refusal             it leaves, as it would anyway
                  ├─▶ calls, or a pause                   it leaves without text that is no answer
                  └─▶ unfit                               UnfitAnswer: the run asks again

A dialect says that a shape is only asked for in words by noting it as emulated (core/adaptations.py). Held
to it are then `json_object`, and `json_schema` with `strict: true`. Nothing of such a turn leaves before
it is judged, so that a failure is a status and not a broken stream.

An answer is one JSON value. Prose or a code fence around one object or array is cut off, and nothing else
is mended: everything before the first and after the last bracket goes, and what is between must be JSON.

Inputs of calls are held to grammars that can be checked (core/grammars/). What is said before such a call has
left when it turns out to be unfit, and stays: the model is asked for the call alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing

from msgspec.structs import replace

from antiphon.core import deltas as d
from antiphon.core.adaptations import Adaptation, asks_in_words
from antiphon.core.json_schema.document import Unsatisfiable
from antiphon.core.json_schema.judge import Judge
from antiphon.core.turn import Turn
from antiphon.engine.held_calls import CUT_SHORT, HeldCalls
from antiphon.engine.ports import Speech
from antiphon.protocol.errors import InvalidRequest, UnfitAnswer, UnfitCall
from antiphon.protocol.json import JSON, MalformedJSON, decode

_POSITIONS = ("start_index", "end_index")
_AGAIN = (
    "This answer cannot be taken: {}. Answer again, with nothing but one JSON value that is as it was asked "
    "for: no prose, no code fence."
)
ANSWER = "text.format"
_CALL_AGAIN = (
    "Error: this input is not of the grammar of the tool, and nothing was done: {}. Call the tool again, "
    "with an input that is of its grammar from beginning to end."
)
_LATER = "This call is under way and its output will follow. Do not repeat it."
_ANSWERED = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}

Span = tuple[int, int]


class HeldSpeech:
    """A speech whose turn leaves when its answer was judged. Of what comes before, only figures pass."""

    def __init__(self, speech: Speech, judge: Judge) -> None:
        self.adaptations = speech.adaptations
        self.grammars = speech.grammars
        self._speech = speech
        self._judge = judge

    async def deltas(self) -> AsyncGenerator[list[d.Delta], None]:
        """Raises UnfitAnswer, and what the speech raises."""
        held: list[d.Delta] = []
        async with aclosing(self._speech.deltas()) as batches:
            async for batch in batches:
                figures: list[d.Delta] = [each for each in batch if isinstance(each, d.Usage | d.Served)]
                held += (each for each in batch if not isinstance(each, d.Usage | d.Served))
                if figures:
                    yield figures
        yield await asyncio.to_thread(_judged, held, self._judge)  # a schema may be costly on purpose


def enforced(speech: Speech, turn: Turn) -> Speech:
    """The speech, held back if nobody else holds its model to the shapes that the turn asks for.

    Raises InvalidRequest for a schema by which nothing can be judged.
    """
    if speech.grammars:
        speech = HeldCalls(speech)
    if not turn.text or not asks_in_words(speech.adaptations):
        return speech
    wish = turn.text.get("format") or {}
    if wish.get("type") == "json_object":
        return HeldSpeech(speech, Judge({"type": "object"}))
    if wish.get("type") != "json_schema" or wish.get("strict") is not True:
        return speech
    judge = Judge(wish.get("schema"))
    try:
        judge.check()
    except Unsatisfiable as error:
        raise InvalidRequest(
            f"This model's provider does not enforce 'text.format.schema', and the gateway cannot check it: "
            f"{error}. Change the schema, or leave out 'strict'.",
            code="invalid_json_schema",
            param="text.format.schema",
        ) from None
    return HeldSpeech(speech, judge)


def correction(unfit: UnfitAnswer, heard: Sequence[JSON], call_id: str) -> list[JSON] | None:
    """The items that show the model what it said and what is wrong with it, after what was heard of the turn.

    None: it cannot be asked again, because it waits for outputs that only the client can give. `call_id` is
    for a call that has none.
    """
    if isinstance(unfit, UnfitCall):
        return _corrected_call(unfit, heard, call_id)
    said = {"type": "output_text", "text": unfit.answer, "annotations": []}
    wrong = {"type": "input_text", "text": _AGAIN.format(unfit.fault)}
    items = [{"type": "message", "role": "user", "content": [wrong]}]
    if unfit.answer.strip():  # providers refuse messages without text
        items.insert(0, {"type": "message", "role": "assistant", "content": [said]})
    return items


def asked_again(place: str, times: int) -> Adaptation:
    """What is told of a response whose model was asked again. `place`: where the shape stands."""
    often = "once" if times == 1 else f"{times} times"
    what = "answer" if place == ANSWER else "call"
    return Adaptation(place, "emulated", f"the model was asked again {often}: its {what} did not fit")


def _corrected_call(unfit: UnfitCall, heard: Sequence[JSON], call_id: str) -> list[JSON] | None:
    answered = {item.get("call_id") for item in heard if item["type"].endswith("_output")}
    calls = (item for item in heard if item["type"].endswith("_call") and item.get("call_id"))
    waiting = [item for item in calls if item["call_id"] not in answered]
    if any(item["type"] not in _ANSWERED for item in waiting):
        return None
    call = {"type": "custom_tool_call", "call_id": unfit.call_id or call_id, "name": unfit.name}
    if unfit.namespace is not None:
        call["namespace"] = unfit.namespace
    wrong = _CALL_AGAIN.format(unfit.fault)
    return [
        {**call, "input": unfit.answer},
        *(
            {"type": _ANSWERED[item["type"]], "call_id": item["call_id"], "output": _LATER}
            for item in waiting
        ),
        {"type": "custom_tool_call_output", "call_id": call["call_id"], "output": wrong},
    ]


def _judged(held: list[d.Delta], judge: Judge) -> list[d.Delta]:
    """What of the turn leaves. Raises UnfitAnswer."""
    stop = next((delta.reason for delta in reversed(held) if isinstance(delta, d.Stop)), "stop")
    if stop in CUT_SHORT or any(isinstance(delta, d.Refusal) for delta in held):
        return held
    text = "".join(delta.text for delta in held if isinstance(delta, d.Text))
    if stop == "pause":  # the answer is still to come
        return _with_answer(held, [])
    try:
        start, end = _answer(text, judge)
    except UnfitAnswer:
        if any(isinstance(delta, d.Call) for delta in held):
            return _with_answer(held, [])
        raise
    return _with_answer(held, list(_between(held, start, end)))


def _answer(text: str, judge: Judge) -> Span:
    """Where the answer stands in the text. Raises UnfitAnswer."""
    if not text.strip():
        raise UnfitAnswer("it is empty", text)
    for start, end in ((0, len(text)), _bracketed(text)):
        try:
            value = decode(text[start:end].encode())
        except (MalformedJSON, UnicodeEncodeError):
            continue
        if (fault := judge.fault(value)) is not None:
            raise UnfitAnswer(str(fault), text)
        return start, end
    raise UnfitAnswer("it is not one JSON value", text)


def _bracketed(text: str) -> Span:
    """From the first bracket to the last; the text between may be no JSON, or none."""
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    return min(starts, default=0), max(text.rfind("}"), text.rfind("]")) + 1


def _between(held: list[d.Delta], start: int, end: int) -> Iterator[d.Text | d.Citation]:
    """The text in the span, with what is noted on it."""
    cut = (start, end) != (0, sum(len(delta.text) for delta in held if isinstance(delta, d.Text)))
    parts: set[str] = set()
    texts: list[d.Text | d.Citation] = []
    at = 0
    for delta in held:
        match delta:
            case d.Text():
                kept = delta.text[max(0, start - at) : max(0, end - at)]
                at += len(delta.text)
                if kept:
                    parts.add(delta.part)
                    texts.append(replace(delta, text=kept))
            case d.Citation():
                texts.append(_unplaced(delta) if cut else delta)
    return (each for each in texts if each.part in parts)


def _unplaced(citation: d.Citation) -> d.Citation:
    """On the whole of its text: its positions are those of a text that was cut."""
    kept = {name: value for name, value in citation.annotation.items() if name not in _POSITIONS}
    return replace(citation, annotation=kept)


def _with_answer(held: list[d.Delta], answer: list[d.Text | d.Citation]) -> list[d.Delta]:
    """The turn with this as its only text, in one piece, where its last text stood."""
    last = max((at for at, delta in enumerate(held) if isinstance(delta, d.Text)), default=0)
    before = [delta for delta in held[:last] if not isinstance(delta, d.Text | d.Citation)]
    after = [delta for delta in held[last:] if not isinstance(delta, d.Text | d.Citation)]
    return [*before, *answer, *after]
