"""OpenAI's Responses API (https://platform.openai.com/docs/api-reference/responses-streaming)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from antiphon.fake_upstream.answers import JSON, Answer, Part, Trouble
from antiphon.fake_upstream.framings import ServerSentEvents
from antiphon.fake_upstream.wires.base import Event, counted, total
from antiphon.fake_upstream.wires.chat import error_object


class Responses:
    """Numbered events; items that open, grow and close."""

    framing = ServerSentEvents()
    usage_apart = False

    def __init__(self) -> None:
        self._numbers = count()

    def begin(self, answer: Answer) -> Iterator[Event]:
        begun = {**_about(answer), "status": "in_progress", "output": [], "usage": None}
        yield self._event("response.created", response=begun)
        yield self._event("response.in_progress", response=begun)

    def say(self, part: Part, index: int, answer: Answer) -> Iterator[Event]:
        item = _item(part, index, answer)
        empty = {**item, **_EMPTY[part.kind]}
        yield self._event("response.output_item.added", output_index=index, item=empty)
        at = {"output_index": index, "item_id": item["id"]}
        match part.kind:
            case "text":
                yield from self._parts("response.content_part", {**at, "content_index": 0}, part, item)
            case "thought":
                place = {**at, "summary_index": 0}
                yield from self._parts("response.reasoning_summary_part", place, part, item)
            case "call":
                kind = "response.function_call_arguments"
                for piece in part.pieces:
                    yield self._event(f"{kind}.delta", said=1, **at, delta=piece)
                yield self._event(f"{kind}.done", **at, arguments=part.text)
        yield self._event("response.output_item.done", output_index=index, item=item)

    def _parts(self, kind: str, at: JSON, part: Part, item: JSON) -> Iterator[Event]:
        thinks = part.kind == "thought"
        said = "response.reasoning_summary_text" if thinks else "response.output_text"
        (whole,) = item["summary"] if thinks else item["content"]
        yield self._event(f"{kind}.added", **at, part={**whole, "text": ""})
        for piece in part.pieces:
            yield self._event(f"{said}.delta", said=1, **at, delta=piece)
        yield self._event(f"{said}.done", **at, text=part.text)
        yield self._event(f"{kind}.done", **at, part=whole)

    def end(self, answer: Answer) -> Iterator[Event]:
        response = self.whole(answer)
        yield self._event(f"response.{response['status']}", response=response)

    def nothing(self, answer: Answer) -> Iterator[Event]:
        yield Event("keepalive", {"type": "keepalive"})

    def whole(self, answer: Answer) -> JSON:
        output = [_item(part, index, answer) for index, part in enumerate(answer.parts)]
        reason = {"length": "max_output_tokens"}.get(answer.stop, answer.stop)
        is_cut = answer.stop in ("length", "content_filter")
        usage = None
        if answer.usage is not None:
            names = {"input": "input_tokens", "output": "output_tokens"}
            usage = {**counted(answer, names), "total_tokens": total(answer)}
        return {
            **_about(answer),
            "status": "incomplete" if is_cut else "completed",
            "incomplete_details": {"reason": reason} if is_cut else None,
            "output": output,
            "usage": usage,
        }

    def refusal(self, trouble: Trouble) -> JSON:
        return {"error": error_object(trouble)}

    def failure(self, trouble: Trouble) -> Iterator[Event]:
        error = error_object(trouble)
        told = {"code": error["code"] or "server_error", "message": error["message"], "param": None}
        yield self._event("error", **told)
        yield self._event("response.failed", response=self.failed(trouble))

    def failed(self, trouble: Trouble) -> JSON:
        error = error_object(trouble)
        told = {"code": error["code"] or "server_error", "message": error["message"]}
        response = {"id": "resp_failed", "object": "response", "status": "failed", "output": []}
        return {**response, "error": told}

    def _event(self, kind: str, said: int = 0, **values: Any) -> Event:
        return Event(kind, {"type": kind, "sequence_number": next(self._numbers), **values}, said)


_EMPTY: dict[str, JSON] = {
    "text": {"content": [], "status": "in_progress"},
    "thought": {"summary": []},
    "call": {"arguments": "", "status": "in_progress"},
}


def _about(answer: Answer) -> JSON:
    about = {"id": f"resp_{answer.id}", "object": "response", "created_at": answer.created}
    return {**about, "model": answer.model, "error": None}


def _item(part: Part, index: int, answer: Answer) -> JSON:
    name = f"{answer.id}_{index}"
    match part.kind:
        case "text":
            said = {"type": "output_text", "text": part.text, "annotations": [], "logprobs": []}
            about = {"type": "message", "role": "assistant", "status": "completed"}
            return {"id": f"msg_{name}", **about, "content": [said]}
        case "thought":
            summary = [{"type": "summary_text", "text": part.text}]
            return {"id": f"rs_{name}", "type": "reasoning", "summary": summary}
        case "call":
            call = {"call_id": part.call_id, "name": part.name, "arguments": part.text}
            return {"id": f"fc_{name}", "type": "function_call", "status": "completed", **call}
