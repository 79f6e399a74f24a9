"""Gemini's stream, to deltas.

    chunk*                             then the connection is closed; there is no end marker
    chunk     = candidates[0] {content {parts}, finishReason, groundingMetadata, …}, usageMetadata
              | promptFeedback {blockReason}        the prompt was refused, there is no candidate
              | error
    answer    = one chunk; or, where a proxy lost `alt=sse`, the list of all

Parts have no names and no indexes. What is said in one voice, text or thoughts, is one block, whatever the
chunks; it is over when a part of another kind comes:

    {text}                             text
    {text, thought: true}              thoughts
    {functionCall}                     a call, whole; its id may be missing
    {inlineData}                       an image; right after the result of code, an output of that code;
                                       or sound, a video, a file, each of which is a message of its own
    {fileData}                         a message, too
    {inlineData, thought: true}        a draft of the image that comes
    {toolCall}, {executableCode}, …    the provider's own tools (`hosted`)

Any of them may carry a `thoughtSignature`, which is sealed with its place (`seals`); a part with nothing but
that is an empty text. Parts of kinds that we have not met are noted as untold, as are drafts of an image that
never came; fields are skipped. Of several candidates only the first is read: we never ask for more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from antiphon.core import deltas as d
from antiphon.protocol.errors import ProtocolViolation, UpstreamDisconnected, UpstreamFailed
from antiphon.protocol.json import JSON, MalformedJSON, decode_leniently, encode
from antiphon.upstream.base import Frame
from antiphon.upstream.dialects.gemini.errors import failure
from antiphon.upstream.dialects.gemini.finish import BROKEN_OFF, STOP_REASONS, reason_of
from antiphon.upstream.dialects.gemini.grounding import Grounding
from antiphon.upstream.dialects.gemini.hosted import RESULT, SEARCH, items_of
from antiphon.upstream.dialects.gemini.logprobs import logprobs_from
from antiphon.upstream.dialects.gemini.media import DRAFTS, LOST_DRAFTS, message_of, unknown
from antiphon.upstream.dialects.gemini.seals import SERVER_PARTS, seal
from antiphon.upstream.dialects.gemini.usage import tier_from, usage_from
from antiphon.upstream.dialects.gemini.wire import mapping, string

DONE = b"[DONE]"
"""The end marker of Chat Completions, which some proxies add."""

_LONGEST = 500  # characters of the provider's own words that are passed on
_LONGEST_KIND = 64
_SERVER_PARTS = frozenset(SERVER_PARTS)


class Voice:
    """A block of text or of thoughts that may go on."""

    __slots__ = ("length", "part", "signed", "start", "thinks")

    def __init__(self, part: str, thinks: bool, start: int) -> None:
        self.part = part
        self.thinks = thinks
        self.start = start  # characters of text in the answer before it
        self.length = 0
        self.signed: list[JSON] = []


class GeminiDecoder:
    """The state machine of one answer. `vertex`: numbers stand for Vertex AI's finish reasons."""

    def __init__(self, *, vertex: bool = False) -> None:
        self._vertex = vertex
        self._voice: Voice | None = None
        self._server_parts: list[JSON] = []  # of the provider's own tools, until something else comes
        self._drafts: list[str] = []  # of the image that comes
        self._grounding = Grounding()
        self._text: list[str] = []  # all of the answer
        self._length = 0
        self._blocks = 0
        self._called = False
        self._searched = False  # a search is an item already
        self._counts: JSON = {}
        self._usage: d.Usage | None = None
        self._tier: str | None = None
        self._finish: str | None = None
        self._explanation = ""
        self.ended = False

    @property
    def answered(self) -> bool:
        return self._finish is not None

    def feed(self, frame: Frame) -> Iterable[d.Delta]:
        if self.ended or frame.data == DONE:
            return ()
        try:
            value = decode_leniently(frame.data)
        except MalformedJSON:
            raise ProtocolViolation("The provider sent an event that is not JSON.") from None
        if isinstance(value, list):
            return [delta for chunk in value for delta in self._chunk(chunk)]
        return self._chunk(value)

    def finish(self) -> Iterable[d.Delta]:
        if self.ended:
            return ()
        if self._finish is None:
            raise UpstreamDisconnected("The provider's stream broke off before its end.")
        self.ended = True
        return self._end()

    def whole(self, body: JSON | list[Any]) -> Iterator[d.Delta]:
        """The deltas of an answer that was not streamed."""
        for chunk in body if isinstance(body, list) else [body]:
            yield from self._chunk(chunk)
        if self._finish is None:
            raise ProtocolViolation("The provider's answer is not one of generateContent.")
        yield from self.finish()

    def _chunk(self, chunk: Any) -> list[d.Delta]:
        if not isinstance(chunk, dict):
            raise ProtocolViolation("The provider sent an event that is not an object.")
        if "error" in chunk:
            raise failure(chunk, None)
        deltas: list[d.Delta] = []
        candidates = chunk.get("candidates")
        if candidates:
            self._candidate(candidates[0], deltas)
        elif isinstance(feedback := chunk.get("promptFeedback"), dict) and "blockReason" in feedback:
            self._finish = "SAFETY"
            self._explanation = string(feedback.get("blockReasonMessage"))
        counts = chunk.get("usageMetadata")
        if counts:
            self._count(counts, deltas)
        return deltas

    def _candidate(self, candidate: JSON, deltas: list[d.Delta]) -> None:
        if "groundingMetadata" in candidate or "citationMetadata" in candidate:
            self._grounding.add(candidate)
        content = candidate.get("content")
        parts = content.get("parts") if content else None
        if parts:
            logprobs = logprobs_from(candidate.get("logprobsResult"))
            for part in parts:
                if self._part(part, logprobs, deltas):
                    logprobs = []
        finish = candidate.get("finishReason")
        if finish:
            self._finish = reason_of(finish, self._vertex)
            self._explanation = string(candidate.get("finishMessage"))

    def _part(self, part: JSON, logprobs: list[JSON], deltas: list[d.Delta]) -> bool:
        """Whether it was text, which is what log probabilities belong to."""
        signature = part.get("thoughtSignature")
        text = part.get("text")
        if text.__class__ is str:
            return self._say(text, part.get("thought") is True, signature, logprobs, deltas)
        if isinstance(call := part.get("functionCall"), dict):
            self._call(call, signature, deltas)
        elif isinstance(data := part.get("inlineData") or part.get("fileData"), dict):
            self._media(part, data, signature, deltas)
        elif not _SERVER_PARTS.isdisjoint(part):
            self._close_voice(deltas)
            self._server_parts.append(part)
        else:
            deltas.extend(unknown(part))
            self._say("", False, signature, [], deltas)
        return False

    # Text and thoughts

    def _say(
        self, text: str, thinks: bool, signature: Any, logprobs: list[JSON], deltas: list[d.Delta]
    ) -> bool:
        if not text and not signature:
            return False
        voice = self._voice
        if voice is None or voice.thinks is not thinks:
            voice = self._begin_voice(thinks, deltas)
        before = voice.length
        if text:
            voice.length += len(text)
            if thinks:
                deltas.append(d.Reasoning(voice.part, text))
            else:
                self._text.append(text)
                self._length += len(text)
                deltas.append(d.Text(voice.part, text, logprobs) if logprobs else d.Text(voice.part, text))
        if signature.__class__ is str:
            place = "thought" if thinks else "text"
            voice.signed.append({place: [before, voice.length], "signature": signature})
        return not thinks

    def _begin_voice(self, thinks: bool, deltas: list[d.Delta]) -> Voice:
        self._close(deltas)
        self._voice = Voice(self._new_part("thoughts" if thinks else "text"), thinks, self._length)
        return self._voice

    def _close_voice(self, deltas: list[d.Delta]) -> None:
        """Its citations can only be said while it is open; a signature on text would close it."""
        voice, self._voice = self._voice, None
        if voice is None:
            return
        if not voice.thinks:
            end = voice.start + voice.length
            deltas.extend(self._grounding.citations("".join(self._text), voice.start, end, voice.part))
        if voice.signed:
            deltas.append(
                d.Sealed(voice.part if voice.thinks else self._new_part("seal"), seal(voice.signed))
            )

    # Parts that come whole

    def _call(self, call: JSON, signature: Any, deltas: list[d.Delta]) -> None:
        name, args = call.get("name"), call.get("args")
        if not isinstance(name, str) or not name:
            raise ProtocolViolation("The provider sent a function call without a name.")
        self._close_signed({"call": name, "signature": signature}, deltas)
        part = self._new_part("call")
        self._called = True
        deltas.append(d.Call(part, string(call.get("id")), name))
        if args:
            deltas.append(d.Arguments(part, encode(args).decode()))
        deltas.append(d.End(part))

    def _media(self, part: JSON, data: JSON, signature: Any, deltas: list[d.Delta]) -> None:
        kind, base64 = string(data.get("mimeType")), data.get("data")
        is_image = kind.startswith("image/") and isinstance(base64, str)
        if part.get("thought") is True:
            if is_image:
                self._drafts.append(string(base64))
            else:
                deltas.append(d.Untold(f"{kind[:_LONGEST_KIND]} among the model's thoughts", "dropped"))
        elif is_image and any(RESULT in ran for ran in self._server_parts):
            self._server_parts.append(part)
        elif is_image:
            self._image(kind, string(base64), signature, deltas)
        elif (said := message_of(data)) is not None:
            self._close(deltas)
            deltas.append(d.Hosted(self._new_part("media"), said))
        else:
            deltas.extend(unknown(part))

    def _image(self, kind: str, base64: str, signature: Any, deltas: list[d.Delta]) -> None:
        self._close_signed({"image": kind, "signature": signature}, deltas)
        item = {
            "type": "image_generation_call",
            "status": "completed",
            "output_format": kind.removeprefix("image/"),
            "result": base64,
        }
        drafts, self._drafts = self._drafts, []
        deltas.append(d.Hosted(self._new_part("image"), item, drafts))
        if drafts:
            deltas.append(d.Untold(DRAFTS, "translated"))

    def _close_signed(self, entry: JSON, deltas: list[d.Delta]) -> None:
        """Close what is open, and seal the signature of what follows: with thoughts before it, if any."""
        if not isinstance(entry["signature"], str):
            self._close(deltas)
        elif self._voice is not None:
            self._voice.signed.append(entry)
            self._close(deltas)
        else:
            self._close(deltas)
            deltas.append(d.Sealed(self._new_part("seal"), seal([entry])))

    def _close(self, deltas: list[d.Delta]) -> None:
        self._close_voice(deltas)
        parts, self._server_parts = self._server_parts, []
        if not parts:
            return
        deltas.append(d.Sealed(self._new_part("seal"), seal([{"part": part} for part in parts])))
        deltas.extend(d.Hosted(self._new_part("tool"), item) for item in items_of(parts))
        self._searched |= any(_is_search(part) for part in parts)

    def _new_part(self, kind: str) -> str:
        self._blocks += 1
        return f"{kind}:{self._blocks}"

    # The end

    def _count(self, counts: Any, deltas: list[d.Delta]) -> None:
        """Later counts take the place of earlier ones, field by field; those that are left out stay."""
        if not isinstance(counts, dict):
            return
        self._counts.update(counts)
        usage = usage_from(self._counts)
        if usage != (self._usage or d.Usage()):
            self._usage = usage
            deltas.append(usage)
        tier = tier_from(counts)
        if tier is not None and tier != self._tier:
            self._tier = tier
            deltas.append(d.Served(tier))

    def _end(self) -> Iterator[d.Delta]:
        deltas: list[d.Delta] = []
        self._close(deltas)
        yield from deltas
        search = self._grounding.search()
        if search is not None and not self._searched:
            yield d.Hosted(self._new_part("tool"), search)
        if (found := self._grounding.files()) is not None:
            yield d.Hosted(self._new_part("tool"), found)
        if self._drafts:
            yield d.Untold(LOST_DRAFTS, "dropped")
        finish, explanation = self._finish or "", self._explanation[:_LONGEST]
        if finish in BROKEN_OFF:
            raise UpstreamFailed(f"The provider broke its answer off ({finish}). {explanation}".rstrip())
        reason = STOP_REASONS.get(finish, "stop")
        if reason == "content_filter" and explanation:
            yield d.Refusal(self._new_part("refusal"), explanation)
        yield d.Stop("tool_calls" if reason == "stop" and self._called else reason)


def _is_search(part: JSON) -> bool:
    return mapping(part.get("toolCall")).get("toolType") == SEARCH
