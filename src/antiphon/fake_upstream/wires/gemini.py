"""The Gemini API (https://ai.google.dev/api/generate-content), streamed with `alt=sse`."""

from __future__ import annotations

from collections.abc import Iterator

from antiphon.fake_upstream.answers import JSON, Answer, Part, Trouble
from antiphon.fake_upstream.framings import ServerSentEvents
from antiphon.fake_upstream.wires.base import Event, counted, total

FINISHES = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY", "calls": "STOP"}
ERRORS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
TOO_LONG = "The input token count (9) exceeds the maximum number of tokens allowed (8)."


class Gemini:
    """Chunks of parts; a finish reason is the end. Calls come whole."""

    framing = ServerSentEvents()
    usage_apart = False

    def begin(self, answer: Answer) -> Iterator[Event]:
        yield from ()

    def say(self, part: Part, index: int, answer: Answer) -> Iterator[Event]:
        if part.kind == "call":
            yield _chunk(answer, [_call(part)], said=len(part.pieces))
            return
        for piece in part.pieces:
            yield _chunk(answer, [_words(part, piece)], said=1)

    def end(self, answer: Answer) -> Iterator[Event]:
        yield _chunk(answer, [{"text": ""}], FINISHES[answer.stop])

    def nothing(self, answer: Answer) -> Iterator[Event]:
        yield Event("", {"candidates": [], **_about(answer)})
        yield Event("", {"candidates": [{"content": {"role": "model"}, "index": 0}], **_about(answer)})

    def whole(self, answer: Answer) -> JSON:
        parts = [_call(part) if part.kind == "call" else _words(part, part.text) for part in answer.parts]
        return _body(answer, parts, FINISHES[answer.stop])

    def refusal(self, trouble: Trouble) -> JSON:
        message = f"{TOO_LONG} {trouble.message}" if trouble.kind == "context" else trouble.message
        status = ERRORS.get(trouble.status, "UNKNOWN")
        return {"error": {"code": trouble.status, "message": message, "status": status}}

    def failure(self, trouble: Trouble) -> Iterator[Event]:
        yield Event("", self.refusal(trouble))

    def failed(self, trouble: Trouble) -> JSON:
        return self.refusal(trouble)


def _chunk(answer: Answer, parts: list[JSON], finish: str | None = None, said: int = 0) -> Event:
    return Event("", _body(answer, parts, finish), said)


def _body(answer: Answer, parts: list[JSON], finish: str | None) -> JSON:
    candidate: JSON = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], **_about(answer)}


def _about(answer: Answer) -> JSON:
    about: JSON = {"modelVersion": answer.model, "responseId": answer.id}
    if answer.usage is not None:
        names = {"input": "promptTokenCount", "output": "candidatesTokenCount"}
        about["usageMetadata"] = {**counted(answer, names), "totalTokenCount": total(answer)}
    return about


def _words(part: Part, text: str) -> JSON:
    return {"text": text, "thought": True} if part.kind == "thought" else {"text": text}


def _call(part: Part) -> JSON:
    call = {"name": part.name, "args": part.arguments}
    return {"functionCall": {"id": part.call_id, **call} if part.call_id else call}
