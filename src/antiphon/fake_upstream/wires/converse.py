"""Amazon Bedrock's Converse (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html)."""

from __future__ import annotations

from collections.abc import Iterator

from antiphon.fake_upstream.answers import JSON, Answer, Part, Trouble
from antiphon.fake_upstream.framings import EventStream
from antiphon.fake_upstream.wires.base import Event, counted, total

STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "content_filter": "content_filtered",
    "calls": "tool_use",
}
EXCEPTIONS = {
    "rate_limit": "throttlingException",
    "invalid": "validationException",
    "context": "validationException",
    "overloaded": "serviceUnavailableException",
}
TOO_LONG = "The model returned the following errors: Input is too long for requested model."
_SIGNATURE = "ZmFrZSBzaWduYXR1cmU="


class Converse:
    """Blocks; usage comes after the end, in `metadata`."""

    framing = EventStream()
    usage_apart = False

    def begin(self, answer: Answer) -> Iterator[Event]:
        yield Event("messageStart", {"role": "assistant"})

    def say(self, part: Part, index: int, answer: Answer) -> Iterator[Event]:
        at = {"contentBlockIndex": index}
        if part.kind == "call":
            start = {"toolUse": {"toolUseId": part.call_id, "name": part.name}}
            yield Event("contentBlockStart", {**at, "start": start})
        for piece in part.pieces:
            yield Event("contentBlockDelta", {**at, "delta": _delta(part, piece)}, said=1)
        if part.kind == "thought":
            delta = {"reasoningContent": {"signature": _SIGNATURE}}
            yield Event("contentBlockDelta", {**at, "delta": delta})
        yield Event("contentBlockStop", at)

    def end(self, answer: Answer) -> Iterator[Event]:
        yield Event("messageStop", {"stopReason": STOPS[answer.stop]})
        yield Event("metadata", {**_usage(answer), "metrics": {"latencyMs": 1}})

    def nothing(self, answer: Answer) -> Iterator[Event]:
        yield Event("nothingYouKnow", {})

    def whole(self, answer: Answer) -> JSON:
        message = {"role": "assistant", "content": [_block(part) for part in answer.parts]}
        told = {"stopReason": STOPS[answer.stop], **_usage(answer), "metrics": {"latencyMs": 1}}
        return {"output": {"message": message}, **told}

    def refusal(self, trouble: Trouble) -> JSON:
        return {"message": f"{TOO_LONG} {trouble.message}" if trouble.kind == "context" else trouble.message}

    def failure(self, trouble: Trouble) -> Iterator[Event]:
        name = EXCEPTIONS.get(trouble.kind or "", "internalServerException")
        yield Event(f"exception:{name}", self.refusal(trouble))

    def failed(self, trouble: Trouble) -> JSON:
        return self.refusal(trouble)


def _delta(part: Part, piece: str) -> JSON:
    match part.kind:
        case "text":
            return {"text": piece}
        case "thought":
            return {"reasoningContent": {"text": piece}}
        case "call":
            return {"toolUse": {"input": piece}}


def _block(part: Part) -> JSON:
    match part.kind:
        case "text":
            return {"text": part.text}
        case "thought":
            said = {"text": part.text, "signature": _SIGNATURE}
            return {"reasoningContent": {"reasoningText": said}}
        case "call":
            return {"toolUse": {"toolUseId": part.call_id, "name": part.name, "input": part.arguments}}


def _usage(answer: Answer) -> JSON:
    if answer.usage is None:
        return {}
    names = {"input": "inputTokens", "output": "outputTokens"}
    return {"usage": {**counted(answer, names), "totalTokens": total(answer)}}
