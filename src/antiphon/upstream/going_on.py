"""How a model goes on with an answer that another began (`Turn.begun`), and what of its words is new.

    prefill       the answer as far as it goes is the model's own message, left open (`Dialect.prefills`)
    in words      it is a message that is over, and the user asks for the rest, beginning with its last words
    simulated     nothing is said of it: the same answer is said again, from the beginning

    what comes ──Seam──▶ what is new: the text behind the words that were repeated

Asked in words a model does not know where in a line it stands. So it is asked to repeat a few words, behind
which its text fits to the letter; if it does not, all that it says is taken as new.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing
from functools import partial
from math import ceil

from msgspec.structs import replace

from antiphon.core.adaptations import Adaptation
from antiphon.core.deltas import Citation, Delta, Logprob, Refusal, Relayed, Served, Text, Usage
from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON
from antiphon.upstream.base import Dialect, Filter, Speech

IN_WORDS = Adaptation(
    "continuation",
    "translated",
    "asked in words to go on: this model is not given the beginning of its answer",
)
_GO_ON = (
    "Your last message broke off. Write the rest of it, and nothing else: no apology, no introduction, and "
    "nothing that stands there already, in the same language and the same format. Begin by repeating its "
    "last words, which are:\n\n{}\n\nand go on behind them."
)
_LONGEST_REPEATED = 48  # characters
_BYTES_A_TOKEN = 4
_LEAST_TOKENS = 16  # OpenAI takes no less
_PART = "continued"


def gone_on(turn: Turn, dialect: Dialect) -> tuple[Turn, Callable[[], Filter], tuple[Adaptation, ...]]:
    """The turn as this dialect is asked to go on, the filter of its answer, and what was adapted."""
    said = turn.begun.rstrip()  # Anthropic takes no white space at the end of what is to be gone on with
    spaced = said != turn.begun
    left = None if turn.max_output_tokens is None else _left(turn.max_output_tokens, turn.begun)
    turn = replace(turn, max_output_tokens=left, begun=said)
    if not said:
        return turn, partial(Seam, "", spaced=True), ()
    own = {"type": "output_text", "text": said, "annotations": []}
    items = [*turn.items, {"type": "message", "role": "assistant", "content": [own]}]
    if dialect.prefills(turn):
        return replace(turn, items=items), partial(Seam, "", spaced=spaced), ()
    repeated = _last_words(said)
    asked = {"type": "input_text", "text": _GO_ON.format(repeated)}
    items.append({"type": "message", "role": "user", "content": [asked]})
    return replace(turn, items=items, begun=""), partial(Seam, repeated, spaced=spaced), (IN_WORDS,)


def _left(most: int, begun: str) -> int:
    """Of the tokens that the answer may have. What was said is counted by its bytes."""
    return max(min(most, _LEAST_TOKENS), most - ceil(len(begun.encode("utf-8", "replace")) / _BYTES_A_TOKEN))


def _last_words(said: str) -> str:
    last = said[-_LONGEST_REPEATED:]
    words = last.split(maxsplit=1)
    return words[1] if len(said) > len(last) and len(words) > 1 else last


class Seam:
    """A Filter: takes off what the answer begins with because it was said before.

    The message of an upstream that speaks Responses becomes text, which goes on in the message that is open.
    """

    __slots__ = ("_cut", "_held", "_joined", "_key", "_part", "_repeated", "_spaced")

    def __init__(self, repeated: str, *, spaced: bool) -> None:
        """`spaced`: what was said ended with white space, so that none follows."""
        self._repeated = repeated
        self._spaced = spaced
        self._joined = not (repeated or spaced)
        self._held = ""
        self._cut = 0  # characters that were taken off
        self._part: str | None = None  # from which
        self._key: object = None  # the place of the upstream's message

    def feed(self, delta: Delta) -> Iterable[Delta]:
        match delta:
            case Text() if not self._joined:
                return self._join(delta)
            case Citation() if self._cut and delta.part == self._part:
                return (self._shifted(delta),)
            case Relayed():
                return self._relayed(delta.event)
            case Text() | Citation() | Usage() | Served():
                return (delta,)
            case _:
                return (*self.finish(), delta)

    def finish(self) -> Iterable[Delta]:
        """What is held yet is the beginning of what was said before."""
        self._joined, self._held = True, ""
        return ()

    def _join(self, delta: Text) -> Iterator[Delta]:
        self._held += delta.text
        begun = self._held.lstrip()
        logprobs: list[Logprob] = []
        if self._repeated and begun.startswith(self._repeated):
            new = begun[len(self._repeated) :]
        elif self._repeated.startswith(begun):
            return
        else:
            new = begun if self._spaced else self._held
        if self._spaced:
            new = new.lstrip()
        if not new:
            return
        if new == delta.text:
            logprobs = delta.logprobs
        self._joined, self._part, self._cut = True, delta.part, len(self._held) - len(new)
        self._held = ""
        yield Text(delta.part, new, logprobs)

    def _shifted(self, citation: Citation) -> Citation:
        """Positions count from the beginning of the part, of which something was taken off."""
        moved = {
            name: max(0, value - self._cut)
            for name in ("start_index", "end_index")
            if isinstance(value := citation.annotation.get(name), int)
        }
        return replace(citation, annotation={**citation.annotation, **moved})

    def _relayed(self, event: JSON) -> Iterable[Delta]:
        kind, item = event.get("type"), event.get("item")
        place = event.get("output_index")
        is_message = isinstance(item, dict) and item.get("type") == "message"
        if self._key is None and kind == "response.output_item.added" and is_message:
            self._key = place
            return ()
        if isinstance(event.get("response"), dict):
            return (Relayed(self._without_message(event)),)
        if self._key is None or place != self._key:
            return (Relayed(event),)
        return self._of_message(event)

    def _of_message(self, event: JSON) -> Iterable[Delta]:
        text, annotation = event.get("delta"), event.get("annotation")
        match event.get("type"):
            case "response.output_text.delta" if isinstance(text, str):
                logprobs = event.get("logprobs")
                return self.feed(Text(_PART, text, logprobs if isinstance(logprobs, list) else []))
            case "response.refusal.delta" if isinstance(text, str):
                return (Refusal(_PART, text),)
            case "response.output_text.annotation.added" if isinstance(annotation, dict):
                return self.feed(Citation(_PART, annotation))
            case _:
                return ()

    def _without_message(self, event: JSON) -> JSON:
        """What the upstream's response object says of its message has been said."""
        output = event["response"].get("output")
        if self._key is None or not isinstance(output, list):
            return event
        rest = [item for at, item in enumerate(output) if at != self._key]
        return {**event, "response": {**event["response"], "output": rest}}


class SaidAnew:
    """The speech of a model that says the same answer again, without what was said of it."""

    def __init__(self, speech: Speech, said: str) -> None:
        self.adaptations = speech.adaptations
        self.grammars = speech.grammars
        self._speech = speech
        self._seam = Seam(said.lstrip(), spaced=False)

    async def deltas(self) -> AsyncGenerator[list[Delta], None]:
        """Raises what the speech raises."""
        async with aclosing(self._speech.deltas()) as batches:
            async for batch in batches:
                if new := [each for delta in batch for each in self._seam.feed(delta)]:
                    yield new
