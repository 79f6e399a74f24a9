"""The assembler: deltas in, the public event stream out. It alone knows the grammar of that stream.

    begin → (apply* → (end_turn → add* | hand_over))+ → finish | fail

It lives as long as the response: all turns, all tools. It gives items their ids and indexes, numbers the
events, adds up usage over turns, and keeps the snapshot (`response`) that the events add up to. Laws,
held over every recording: see `tests/laws`.

Rules of the house:
- Text and thoughts are one voice: a new block of another kind, or a call, ends what was being said.
  Consecutive text blocks are one part of one message, so that `content[0].text` is the whole answer.
- A call is over when its provider says so, or when another item begins and its arguments are whole;
  else it stays open to the end of the turn, so that interleaved arguments are never torn apart.
- Thoughts are said as summaries: the one form that both specifications and all clients know
  (docs/decisions/2026-11-21-thoughts-are-summaries.md).
- Sealed blobs leave in envelopes (core/seals.py); `said`, which is stored, has them all.
- Where a turn broke off another may go on (`hand_over`): the message that is open stays open for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import assert_never

from antiphon.core import deltas as d
from antiphon.core.calls import begun_call
from antiphon.core.hosted_items import HostedItems
from antiphon.core.open_items import OpenItem, text_of
from antiphon.core.relay import Relay
from antiphon.core.seals import Seals, as_it_is
from antiphon.core.usage import Noted
from antiphon.protocol.errors import ProtocolViolation
from antiphon.protocol.events import LIFECYCLE, OUTPUT_TEXT, REFUSAL, SUMMARY, Event, PartFamily, error_event
from antiphon.protocol.json import JSON

_OPENING = ("response.created", "response.in_progress")  # the first stands where the numbers begin
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class Assembler:
    """Makes one response.

    `response` is the object as it is when it begins (status in_progress, output empty); `new_id` makes an
    id for an item type; `reveal_sealed` says whether the client asked for encrypted reasoning; `envelope`
    makes of a provider's blob what clients and stores get to see. `quiet`: nobody listens before the end, so
    no event is given out but the terminal one.
    """

    def __init__(
        self,
        response: JSON,
        *,
        new_id: Callable[[str], str],
        reveal_sealed: bool = False,
        envelope: Callable[[str], str] = as_it_is,
        next_sequence: int = 0,
    ) -> None:
        self.response = response
        self.quiet = False
        self._new_id = new_id
        self._seals = Seals(envelope, reveal=reveal_sealed)
        self._next = self._first = next_sequence
        self._voice: OpenItem | None = None  # the message or the thought that is being said
        self._voice_part: str | None = None  # … in which of the provider's blocks
        self._calls: dict[str, OpenItem] = {}  # the provider's block → the call that is open for it
        self._ended_calls: set[str] = set()  # their provider said so; open until we know that none was cut
        self._closed_calls: set[str] = set()
        self._hosted = HostedItems(self._place, self._close, self._seal)
        self._finished: dict[int, JSON] = {}
        self._relay: Relay | None = None
        self.noted = Noted()
        self._torn: list[Event] = []  # what was said of a delta before it turned out to be a violation

    # The life of a response

    def begin(self) -> list[Event]:
        """The first events; made anew when the response is another's, as long as nothing was said."""
        self._next = self._first
        self.noted.untold.clear()
        if self.quiet:
            return []
        begun = {**self.response, "output": []}  # a copy: the snapshot goes on, these events do not
        return self._number([{"type": kind, "response": begun} for kind in _OPENING[self._first > 0 :]])

    def apply(self, delta: d.Delta) -> list[Event]:
        """Raises ProtocolViolation for deltas that no grammar can save (arguments for an unknown call)."""
        match delta:
            case d.Text():
                return self._text(delta)
            case d.Relayed():
                return self._relayed(delta.event)
            case d.Usage() | d.Stop() | d.Served() | d.Untold():
                self.noted.note(delta)
                return []
            case d.Reasoning():
                return self._number(self._think(delta))
            case d.Arguments():
                return self._number(self._argue(delta))
            case d.Call():
                return self._number(self._call(delta))
            case d.End():
                return self._number(self._end(delta))
            case d.Citation():
                return self._number(self._cite(delta))
            case d.Refusal():
                return self._number(self._refuse(delta))
            case d.Hosted() | d.HostedStart():
                return self._number(self._run_elsewhere(delta))
            case d.Sealed():
                return self._number(self._sealed(delta))
            case _:
                assert_never(delta)

    def add(self, item: JSON) -> list[Event]:
        """An item of our own making, whole: a tool's output."""
        return self._number([*self._make_room(), *self._hosted.whole(item)])

    def end_turn(self) -> tuple[d.StopReason, list[Event]]:
        """The model stopped: close what is open, add up what it used."""
        stop = self.noted.stop or "stop"
        if self._relay is not None and self._relay.torn:
            stop = "length"
        events = self._number(self._close_all("incomplete" if stop in _INCOMPLETE else "completed"))
        if self._relay is not None:
            self._absorb(self._relay.absorbed)
        self._turn_is_over()
        if reason := _INCOMPLETE.get(stop):
            self.response["incomplete_details"] = {"reason": reason}
        return stop, events

    def hand_over(self, announcement: Event) -> list[Event]:
        """The turn broke off, and another goes on with `said_so_far`: what is open stays open for it."""
        events, self._torn = self._torn, []
        if self._relay is not None and (left := self._relay.finish()):
            self._voice = left[0]
        if self._voice is not None and self._voice.part is not None:
            events += self._number(self._voice.part.hand_over())
        self._voice_part = None
        self._turn_is_over()
        return events + self._number([announcement])

    def _turn_is_over(self) -> None:
        self.noted.add_up()
        self._ended_calls.clear()
        self._closed_calls.clear()
        self._relay = None

    def finish(self, now: int) -> list[Event]:
        """The terminal event: incomplete if the last turn was cut, else completed. `now`: epoch seconds."""
        incomplete = self.response["incomplete_details"] is not None
        self.response["status"] = "incomplete" if incomplete else "completed"
        self.response["completed_at"] = None if incomplete else now
        return self._terminal()

    def fail(self, code: str, message: str, *, error_code: str) -> list[Event]:
        """Ends in `response.failed`, with what there was. `code` is ours, `error_code` the closed enum's."""
        events, self._torn = self._torn, []
        events += self._number(self._close_all("incomplete"))
        self.noted.add_up()
        events.extend(self._number([error_event(code, message)]))
        self.response["status"] = "failed"
        self.response["error"] = {"code": error_code, "message": message}
        return events + self._terminal()

    @property
    def said(self) -> list[JSON]:
        """The finished items as they are stored, envelopes included."""
        return [self._finished[index] for index in sorted(self._finished)]

    @property
    def heard(self) -> list[JSON]:
        """The finished items as the provider that said them gets them back."""
        return self._seals.opened(self.said)

    @property
    def has_spoken(self) -> bool:
        """Whether any item was begun."""
        return bool(self.response["output"])

    @property
    def said_so_far(self) -> str | None:
        """The text, if another can go on with it: nothing else was said but thoughts, which are over."""
        return text_of(self.response["output"], self._open)

    def said_since(self, before: int) -> list[JSON]:
        """The items behind so many, and what this turn said in those that are open."""
        return [*self.response["output"][before:], *(opened.unfinished for opened in self._open)]

    @property
    def _open(self) -> list[OpenItem]:
        voice = [] if self._voice is None else [self._voice]
        return [*voice, *self._calls.values(), *(self._relay.opened if self._relay is not None else ())]

    def _terminal(self) -> list[Event]:
        self.response.update(self.noted.on_response(self.response))
        del self._hosted  # which holds this object
        return self._numbered([{"type": f"response.{self.response['status']}", "response": self.response}])

    def _number(self, events: list[Event]) -> list[Event]:
        return [] if self.quiet else self._numbered(events)

    def _numbered(self, events: list[Event]) -> list[Event]:
        for number, event in enumerate(events, self._next):
            event["sequence_number"] = number
        self._next += len(events)
        return events

    def _as_it_comes(self, events: Iterable[Event]) -> list[Event]:
        """Numbered; what was said before a violation is kept, for it is true."""
        said: list[Event] = []
        try:
            said.extend(events)  # which keeps what came before an exception
        except ProtocolViolation:
            self._torn = self._number(said)
            raise
        return self._number(said)

    # Text and thoughts: one voice

    def _text(self, delta: d.Text) -> list[Event]:
        part = self._voice.part if self._voice is not None else None
        if part is None or part.family is not OUTPUT_TEXT or delta.part != self._voice_part:
            return self._number(self._begin_text(delta))
        event = part.say(delta.text, delta.logprobs)  # the common case
        if self.quiet:
            return []
        event["sequence_number"] = self._next
        self._next += 1
        return [event]

    def _begin_text(self, delta: d.Text) -> list[Event]:
        return self._speak(OUTPUT_TEXT, delta.part) + self._say(delta.text, delta.logprobs)

    def _refuse(self, delta: d.Refusal) -> list[Event]:
        return self._speak(REFUSAL, delta.part) + self._say(delta.text, [])

    def _think(self, delta: d.Reasoning) -> list[Event]:
        events = self._reason(delta.part)
        assert self._voice is not None
        events += self._voice.open_part(SUMMARY)
        return events + self._say(delta.text, [])

    def _say(self, text: str, logprobs: list[JSON]) -> list[Event]:
        assert self._voice is not None
        assert self._voice.part is not None
        return [self._voice.part.say(text, logprobs)] if text or logprobs else []

    def _speak(self, family: PartFamily, part: str) -> list[Event]:
        """See that a message is open, in it a part of this family, in it the span of this block."""
        events: list[Event] = []
        if self._voice is None or self._voice.item["type"] != "message":
            events = self._begin_voice(
                {"type": "message", "status": "in_progress", "role": "assistant", "content": []}
            )
        assert self._voice is not None
        events += self._voice.open_part(family)
        assert self._voice.part is not None
        events += self._voice.part.begin_span(part)
        self._voice_part = part
        return events

    def _reason(self, part: str) -> list[Event]:
        """See that a reasoning item is open for this block: each block has a seal of its own."""
        voice = self._voice
        if voice is not None and voice.item["type"] == "reasoning" and self._voice_part == part:
            return []
        events = self._begin_voice({"type": "reasoning", "summary": []})
        self._voice_part = part
        return events

    def _begin_voice(self, item: JSON) -> list[Event]:
        events = self._make_room() if self._voice is not None or self._calls else []
        self._voice = self._place(item)
        return events if self.quiet else [*events, self._voice.open()]

    def _cite(self, delta: d.Citation) -> list[Event]:
        if self._voice is None and self.response["output"]:
            return []  # the message it annotates is over; a citation alone opens no other
        events = self._speak(OUTPUT_TEXT, delta.part)
        assert self._voice is not None
        assert self._voice.part is not None
        return events + self._voice.part.cite(delta.annotation)

    def _sealed(self, delta: d.Sealed) -> list[Event]:
        if delta.part in self._hosted:
            return self._hosted.seal(delta.part, delta.blob)
        events = self._reason(delta.part)
        assert self._voice is not None
        self._seal(self._voice, delta.blob)
        return events

    def _seal(self, opened: OpenItem, blob: str) -> None:
        self._seals.add(opened.item["id"], blob)

    # Calls, of the client and of the provider

    def _call(self, delta: d.Call) -> list[Event]:
        if delta.part in self._calls:
            raise ProtocolViolation("The provider began the same call twice.")
        events = self._make_room()
        item = begun_call(delta, delta.call_id or self._new_id("call"))
        opened = self._calls[delta.part] = self._place(item)
        return events if self.quiet else [*events, opened.open()]

    def _argue(self, delta: d.Arguments) -> list[Event]:
        opened = self._calls.get(delta.part)
        if opened is not None:
            return opened.stream(delta.text, delta.index)
        if delta.part in self._hosted:
            return self._hosted.say(delta)
        if delta.part not in self._closed_calls or delta.text.strip():
            raise ProtocolViolation("The provider sent arguments for a call that is not open.")
        return []

    def _end(self, delta: d.End) -> list[Event]:
        """Only a call that is whole ends at once.

        Providers also "end" what the token limit cut, and say so only afterwards: text, and calls whose
        arguments are not whole, stay open until another item begins or the turn ends.
        """
        opened = self._calls.get(delta.part)
        if opened is None:
            return self._hosted.end(delta.part) if delta.part in self._hosted else []
        self._ended_calls.add(delta.part)
        if delta.fields is not None:
            opened.item.update(delta.fields)
        is_over = delta.fields is not None or opened.is_whole_call()
        return self._close_call(delta.part, "completed") if is_over else []

    def _close_call(self, part: str, status: str) -> list[Event]:
        self._closed_calls.add(part)
        return self._close(self._calls.pop(part), status)

    def _run_elsewhere(self, delta: d.Hosted | d.HostedStart) -> list[Event]:
        if isinstance(delta, d.HostedStart):
            return [*self._make_room(), *self._hosted.start(delta)]
        if delta.part in self._hosted:
            return list(self._hosted.finish(delta.part, delta.item))
        return [*self._make_room(), *self._hosted.whole(delta.item, delta.drafts)]

    # Opening and closing

    def _place(self, item: JSON) -> OpenItem:
        """A new item at the end of the output, with an id of ours."""
        output = self.response["output"]
        opened = OpenItem({**item, "id": self._new_id(item["type"])}, len(output))
        output.append(opened.item)
        return opened

    def _make_room(self) -> list[Event]:
        """Another item begins: the voice is over, and so is every call that was ended or is whole."""
        events = self._close_voice("completed")
        for part, opened in list(self._calls.items()):
            if part in self._ended_calls or opened.is_whole_call():
                events += self._close_call(part, "completed")
        return events

    def _close_voice(self, status: str) -> list[Event]:
        if self._voice is None:
            return []
        voice, self._voice, self._voice_part = self._voice, None, None
        return self._close(voice, status if voice.item["type"] == "message" else None)

    def _close_all(self, status: str) -> list[Event]:
        cut = status != "completed"
        events: list[Event] = []
        for opened in self._relay.finish() if self._relay is not None else ():
            events += self._close(opened, status if "status" in opened.item else None)
        events += self._close_voice(status)
        events += self._hosted.close()
        for part in list(self._calls):
            whole_call = self._calls[part].is_whole_call()
            events += self._close_call(part, "incomplete" if cut and not whole_call else "completed")
        return events

    def _close(self, opened: OpenItem, status: str | None) -> list[Event]:
        sealed = self._seals.finish(opened.item)
        events = opened.close(status)
        self.response["output"][opened.output_index] = opened.item
        self._finished[opened.output_index] = {**opened.item, **sealed} if sealed else opened.item
        return events

    # Upstreams that speak Responses

    def _relayed(self, event: Event) -> list[Event]:
        if self._relay is None:
            self._relay = Relay(self._place, self._close, self._seal)
        if self._voice is None or event.get("type") in LIFECYCLE:
            return self._as_it_comes(self._relay.feed(event))
        return self._number(self._make_room()) + self._as_it_comes(self._relay.feed(event))

    def _absorb(self, response: JSON) -> None:
        """What the upstream's response object has and ours has not: `moderation`, `content_filters`, …"""
        for key, value in response.items():
            if value is not None and key not in self.response:
                self.response[key] = value
        if isinstance(usage := response.get("usage"), dict):
            self.noted.saw(usage)
