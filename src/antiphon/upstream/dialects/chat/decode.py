"""Chat Completions, to deltas.

    chunk*  then  "[DONE]"
    chunk  = choices[0].delta {content, reasoning…, refusal, tool_calls, annotations} | usage | error
    answer = one chunk with `message` where a stream has `delta`

A chunk may have all of these, or none (C3). Role is no start marker (C44), usage may come anywhere and more
than once (C1, C5, C18, C20, C30). The end is "[DONE]" or a finish reason: some never send the one (C20,
C30), some never the other (C25). A stream that ends with neither was cut. A finish reason is not the end
while the connection is open, because usage may follow; with both, all was said.

Only the candidate with index 0 speaks (C38): we never ask for more, and a response is one answer. The
cumulative `message` beside `delta` (C20) and the doubled `text` (C21) are copies and not read. Log
probabilities belong to the text of their chunk; those of thoughts and of control tokens have no place in
the Responses API. Citations are said when the text is over, so that they never split what is being said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any

from antiphon.core.deltas import (
    Citation,
    Delta,
    Reasoning,
    Refusal,
    Sealed,
    Served,
    Stop,
    StopReason,
    Text,
    Untold,
    Usage,
)
from antiphon.protocol.errors import ProtocolViolation, UpstreamDisconnected, UpstreamFailed
from antiphon.protocol.json import JSON
from antiphon.upstream.base import Frame
from antiphon.upstream.dialects.chat import signatures, think_chunks, thoughts
from antiphon.upstream.dialects.chat.calls import Calls
from antiphon.upstream.dialects.chat.errors import failure, failure_from
from antiphon.upstream.dialects.chat.executed import ExecutedTools
from antiphon.upstream.dialects.chat.usage import usage_from
from antiphon.upstream.dialects.chat.wire import Choice, Chunk, Message, chunk_from, chunk_from_bytes

DONE = b"[DONE]"
_LONGEST_NAME = 64  # characters of a name of the provider's that are passed on
TEXT, REASONING, REFUSAL = "text", "reasoning", "refusal"

STOP_REASONS: dict[str, StopReason] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",  # Mistral
    "model_context_window_exceeded": "length",
    "content_filter": "content_filter",
    "sensitive": "content_filter",  # Z.ai
    "safety": "content_filter",
}
"""Whatever is not here is taken for "stop": servers send "", "eos", "end_turn" and so on."""

BROKEN_OFF = frozenset({"error", "abort", "insufficient_system_resource", "network_error"})
"""Finish reasons that say the answer failed: OpenRouter and Mistral, vLLM, DeepSeek, Z.ai."""

_TIERS = {tier: tier for tier in ("auto", "default", "flex", "scale", "priority")} | {"on_demand": "default"}


class ChatDecoder:
    """The state of one answer.

    `keep_details`, `keep_signatures`, `keep_chunks`: reasoning details, Gemini's signatures, or signed chunks
    of thoughts must come back, so they are sealed.
    """

    def __init__(
        self, *, keep_details: bool = False, keep_signatures: bool = False, keep_chunks: bool = False
    ) -> None:
        self._keep_details = keep_details
        self._keep_chunks = keep_chunks
        self._chunk: JSON = {}  # of thoughts, as far as it came
        self._signed = 0  # chunks of thoughts that are over
        self._keep_signatures = keep_signatures
        self._signature: JSON = {}  # of the message as a whole
        self._whole = False  # not a stream: nothing comes in pieces
        self._details: list[JSON] = []
        self._calls = Calls(keep_signatures=keep_signatures)
        self._executed = ExecutedTools()
        self._citations: list[JSON] = []
        self._sources: Chunk | None = None
        self._usage: Usage | None = None
        self._tier: Any = None
        self._finish: str | None = None
        self._chosen = False  # a choice was seen
        self._spoke = False  # there is text that citations can be on
        self.ended = False

    @property
    def answered(self) -> bool:
        return self._finish is not None and self._usage is not None

    def feed(self, frame: Frame) -> Iterable[Delta]:
        data = frame.data
        if data == DONE or self.ended:
            return self._end()
        if not data or data.isspace():
            return ()
        if frame.event == "error":
            raise failure_from(None, data)
        chunk = chunk_from_bytes(data)
        if chunk.error or (chunk.choices is None and _is_bare_error(chunk)):
            return self._fail(chunk, data)
        return self._take(chunk)

    def finish(self) -> Iterable[Delta]:
        if not self.ended and self._finish is None:
            raise UpstreamDisconnected("The provider's stream broke off before its end.")
        return self._end()

    def answer(self, body: JSON) -> Iterator[Delta]:
        """A whole answer."""
        self._whole = True
        chunk = chunk_from(body)
        if chunk.error or not chunk.choices:
            raise failure(body, _status_of(chunk))
        yield from self._take(chunk)
        yield from self._end()

    def _take(self, chunk: Chunk) -> list[Delta]:
        deltas: list[Delta] = []
        if chunk.service_tier and chunk.service_tier != self._tier:
            self._serve(chunk.service_tier, deltas)
        if chunk.choices:
            for choice in chunk.choices:
                if not choice.index:
                    self._choose(choice, deltas)
        if chunk.usage or chunk.x_groq:
            self._count(chunk, deltas)
        if chunk.citations or chunk.search_results:
            self._sources = chunk
        return deltas

    def _choose(self, choice: Choice, deltas: list[Delta]) -> None:
        self._chosen = True
        if choice.error:
            raise failure({"error": choice.error}, None)
        message = choice.delta or choice.message
        if message is not None:
            self._say(message, choice.logprobs, deltas)
        if isinstance(choice.finish_reason, str) and choice.finish_reason:
            self._finish = choice.finish_reason

    def _say(self, message: Message, logprobs: Any, deltas: list[Delta]) -> None:
        if message.reasoning_content or message.reasoning or message.reasoning_details:
            self._think(message, deltas)
        if message.executed_tools:
            self._seal(deltas)
            deltas.extend(self._executed.take(message.executed_tools, whole=self._whole))
        content = message.content
        if content:
            if isinstance(content, str):
                self._speak(content, logprobs, deltas)
            elif isinstance(content, list):
                self._parts(content, logprobs, deltas)
        if message.refusal and isinstance(message.refusal, str):
            self._seal(deltas)
            deltas.append(Refusal(REFUSAL, message.refusal))
        if message.annotations:
            self._annotate(message.annotations)
        if isinstance(message.audio, dict) and isinstance(transcript := message.audio.get("transcript"), str):
            self._speak(transcript, None, deltas)
        if message.tool_calls or message.function_call:
            self._call(message, deltas)
        if self._keep_signatures and isinstance(message.extra_content, dict):
            self._signature |= message.extra_content

    def _speak(self, text: str, logprobs: Any, deltas: list[Delta]) -> None:
        if not text:
            return
        if self._details:
            self._seal(deltas)
        if self._chunk:
            self._chunk = {}  # thoughts that nobody signed
        self._spoke = True
        deltas.append(Text(TEXT, text, _logprobs(logprobs, text)) if logprobs else Text(TEXT, text))

    def _parts(self, parts: list[Any], logprobs: Any, deltas: list[Delta]) -> None:
        """Content as a list of parts (C10): thoughts and text in turn."""
        for part in parts:
            if not isinstance(part, dict):
                continue
            if isinstance(text := part.get("text"), str):
                self._speak(text, logprobs, deltas)
                logprobs = None
            elif isinstance(part.get(think_chunks.KIND), list):
                self._chunk_of_thoughts(part, deltas)
            else:
                kind = str(part.get("type"))[:_LONGEST_NAME]
                deltas.append(Untold(f"a part of a kind that is not known here: {kind}", "dropped"))

    def _chunk_of_thoughts(self, piece: JSON, deltas: list[Delta]) -> None:
        thought = thoughts.text_of(inner for inner in piece[think_chunks.KIND] if isinstance(inner, dict))
        part = f"{REASONING}:{self._signed}" if self._signed else REASONING
        if thought:
            deltas.append(Reasoning(part, thought))
        if not self._keep_chunks:
            return
        if self._whole:
            self._chunk = {}
        think_chunks.gather(self._chunk, piece)
        if think_chunks.is_signed(self._chunk):
            deltas.append(Sealed(part, think_chunks.seal(self._chunk)))
            self._chunk, self._signed = {}, self._signed + 1

    def _think(self, message: Message, deltas: list[Delta]) -> None:
        """The same thought may be there up to three times (C15, C33): the first form that has it is read."""
        details = message.reasoning_details or []
        text = message.reasoning_content or message.reasoning
        if not text or not isinstance(text, str):
            text = thoughts.text_of(details)
        if text:
            deltas.append(Reasoning(REASONING, text))
        if self._keep_details:
            if self._whole:
                self._details.extend(details)
            else:
                thoughts.gather(self._details, details)

    def _seal(self, deltas: list[Delta]) -> None:
        """The thoughts so far are over; what comes later gets a blob of its own."""
        if self._details:
            deltas.append(Sealed(REASONING, thoughts.seal(self._details)))
            self._details = []

    def _call(self, message: Message, deltas: list[Delta]) -> None:
        self._seal(deltas)
        said = len(deltas)
        if message.tool_calls:
            self._calls.take(message.tool_calls, deltas)
        if message.function_call is not None:
            self._calls.take_legacy(message.function_call, deltas)
        if self._citations and len(deltas) > said:
            deltas[said:said] = self._cite()

    def _annotate(self, annotations: list[Any]) -> None:
        for annotation in annotations:
            if isinstance(annotation, dict) and isinstance(annotation.get("url_citation"), dict):
                citation = {"type": "url_citation", "title": "", **annotation["url_citation"]}
                if not citation.get("end_index"):  # OpenRouter: 0 and 0 when it does not know
                    citation.pop("start_index", None)
                    citation.pop("end_index", None)
                if citation not in self._citations:
                    self._citations.append(citation)

    def _cite(self) -> list[Delta]:
        citations, self._citations = self._citations, []
        return [Citation(TEXT, citation) for citation in citations] if self._spoke else []

    def _count(self, chunk: Chunk, deltas: list[Delta]) -> None:
        counts = chunk.usage or (chunk.x_groq.get("usage") if isinstance(chunk.x_groq, dict) else None)
        if isinstance(counts, dict):
            usage = usage_from(counts)
            told, self._usage = self._usage or Usage(), usage
            if usage != told:  # who tells zeros, or no counts, tells nothing
                deltas.append(usage)

    def _serve(self, tier: Any, deltas: list[Delta]) -> None:
        """The tier, which most say again in every chunk."""
        self._tier = tier
        if isinstance(tier, str) and tier in _TIERS:
            deltas.append(Served(_TIERS[tier]))

    def _fail(self, chunk: Chunk, data: bytes) -> Iterator[Delta]:
        """A failure in the stream (C6, C16). What stands beside it, usage above all, is said first."""
        yield from self._take(chunk)
        raise failure_from(None, data)

    def _end(self) -> list[Delta]:
        if self.ended:
            return []
        self.ended = True
        if not self._chosen:
            raise ProtocolViolation("The provider ended its stream without an answer.")
        if self._finish in BROKEN_OFF:
            raise UpstreamFailed(f"The provider broke its answer off ({self._finish}).")
        self._calls.check()
        deltas: list[Delta] = [*self._executed.finish()]
        self._seal(deltas)
        if self._signature:
            deltas.append(Sealed("seal:message", signatures.seal("message", self._signature)))
        if self._sources is not None:
            self._citations.extend(_sources(self._sources))
        deltas.extend(self._cite())
        deltas.append(Stop(self._stop_reason()))
        return deltas

    def _stop_reason(self) -> StopReason:
        reason = STOP_REASONS.get((self._finish or "").lower(), "stop")
        if reason == "stop" and self._calls.opened:  # C34, C25
            return "tool_calls"
        return reason


def _is_bare_error(chunk: Chunk) -> bool:
    """An error without an `error` field, as vLLM and Mistral send (C12)."""
    return chunk.object == "error" or chunk.detail is not None


def _status_of(chunk: Chunk) -> int | None:
    """An answer without choices is an error in disguise (C4); one with neither is nothing we know."""
    return None if chunk.error or _is_bare_error(chunk) else 200


def _logprobs(logprobs: Any, text: str) -> list[JSON]:
    """From `{content: […]}`, with exactly the fields of the Responses API (C28 has more)."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list):
        return []
    entries = [
        _logprob(entry)
        | {
            "top_logprobs": [
                _logprob(top) for top in entry.get("top_logprobs") or () if isinstance(top, dict)
            ]
        }
        for entry in content
        if isinstance(entry, dict)
    ]
    return _spelling(entries, text)


def _spelling(entries: list[JSON], text: str) -> list[JSON]:
    """Those of the text: llama.cpp also sends those of the thoughts that it took out of it (C28).

    Tokens that do not spell the text (they may be pieces of characters, or ahead of it) are all kept.
    """
    start = "".join(entry["token"] for entry in entries).rfind(text)
    places = [*accumulate((len(entry["token"]) for entry in entries), initial=0)]
    if start not in places or start + len(text) not in places:
        return entries
    return entries[places.index(start) : places.index(start + len(text))]


def _logprob(entry: JSON) -> JSON:
    token = str(entry.get("token", ""))
    raw = entry.get("bytes")
    return {
        "token": token,
        "logprob": entry.get("logprob", 0.0),
        "bytes": raw if isinstance(raw, list) else list(token.encode("utf-8", "replace")),
    }


def _sources(chunk: Chunk) -> Iterator[JSON]:
    """Perplexity's citations (C20): URLs, with titles in `search_results`."""
    results = chunk.search_results if isinstance(chunk.search_results, list) else []
    titles = {
        result["url"]: result.get("title")
        for result in results
        if isinstance(result, dict) and isinstance(result.get("url"), str)
    }
    for url in chunk.citations if isinstance(chunk.citations, list) else titles:
        if isinstance(url, str):
            yield {"type": "url_citation", "url": url, "title": titles.get(url) or ""}
