"""The Gemini API, with Gemini 3 Pro: calls have ids, and whatever it signed it wants back signed.

https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/thought-signatures.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, ClassVar

from antiphon.upstream.base import WireRequest
from tests.matrix.conversation import Call, Part, Refusal, Thought, Words
from tests.matrix.fakes.base import Body, Fake, function_of, offered, require, sse
from tests.upstream.dialects.gemini.checker import check
from tests.upstream.dialects.gemini.official import judge

_UNCHECKED = "skip_thought_signature_validator"
_PNG = b"\x89PNG"


class Gemini(Fake):
    dialect = "gemini"
    model = "gemini-3-pro-preview"
    base = "/v1beta"
    kin = "gemini"
    modern: ClassVar[bool] = True
    """Calls have ids, and what it says is signed."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._signed_calls: dict[str, str] = {}  # the ids of this model's own calls, and their signatures

    def is_streamed(self, request: WireRequest) -> bool:
        return request.path.endswith(":streamGenerateContent")

    def error(self, message: str) -> Any:
        return {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}

    # Rules

    def check(self, request: WireRequest) -> None:
        check(request)
        judge(request.body)
        for at, content in enumerate(request.body["contents"]):
            for place, part in enumerate(content["parts"]):
                self._part(part, f"contents[{at}].parts[{place}]")

    def _part(self, part: Body, where: str) -> None:
        signature = part.get("thoughtSignature")
        if call := part.get("functionCall"):
            own = self._signed_calls.get(call.get("id", ""))
            require(own is None or signature == own, f"Function call is missing a thought_signature: {where}")
        if signature is not None and not (call and signature == _UNCHECKED):
            self.recognise(signature, _signed_of(part), f"Thought signature is not valid: {where}")
        for holder in (part, *part.get("functionResponse", {}).get("parts", ())):
            if "inlineData" in holder:
                data = base64.b64decode(holder["inlineData"]["data"], validate=True)
                require(data.startswith(_PNG), f"Unable to process input image: {where}")

    # Answers

    def say(self, request: WireRequest, streamed: bool) -> bytes:
        candidate: Body = {"index": 0, "finishReason": "MAX_TOKENS" if self.answer.cut else "STOP"}
        parts: list[Body] = []
        for part in self.answer.parts:
            if isinstance(part, Refusal):
                candidate |= {"finishReason": "SAFETY", "finishMessage": part.text}
                self.hear(("refusal", part.text))
                self.said.incomplete = "content_filter"
            else:
                parts += self._parts(part, request.body, streamed)
        about = {
            "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 5, "totalTokenCount": 14},
            "modelVersion": self.model,
            "responseId": self.new("r"),
        }
        if streamed:
            return sse(_chunks(parts, candidate, about))
        content = {"content": {"role": "model", "parts": parts}} if parts else {}
        return json.dumps({"candidates": [{**content, **candidate}], **about}).encode()

    def _parts(self, part: Part, body: Body, streamed: bool) -> Iterator[Body]:
        match part:
            case Thought(text):
                thinking = body.get("generationConfig", {}).get("thinkingConfig", {})
                if thinking.get("includeThoughts"):
                    self.hear(("thought", text))
                    yield {"text": text, "thought": True}
            case Words(text):
                self.hear(("text", text))
                if not self.modern:
                    yield {"text": text}
                elif streamed:  # the signature comes last, on a part of its own
                    yield {"text": text}
                    yield self._signed({"text": ""})
                else:
                    yield self._signed({"text": text})
            case Call():
                yield self._call(part, body)

    def _call(self, call: Call, body: Body) -> Body:
        name, given = function_of(call)
        offered(name, [each["name"] for tool in body["tools"] for each in tool["functionDeclarations"]])
        self.hear(self.heard_call(call))
        part: Body = {"functionCall": {"id": self.new("", 8), "name": name, "args": given}}
        if not self.modern:
            del part["functionCall"]["id"]
        elif call is self.answer.calls[0]:  # of parallel calls only the first is signed
            part = self._signed(part)
            self._signed_calls[part["functionCall"]["id"]] = part["thoughtSignature"]
        return part

    def _signed(self, part: Body) -> Body:
        return {**part, "thoughtSignature": self.seal(_signed_of(part), "CiQB")}


def _signed_of(part: Body) -> Body:
    """What a signature is for: the part, without the id that a call may have."""
    if call := part.get("functionCall"):
        return {"functionCall": {name: value for name, value in call.items() if name != "id"}}
    return {name: value for name, value in part.items() if name != "thoughtSignature"}


def _chunks(parts: list[Body], candidate: Body, about: Body) -> Iterator[tuple[None, Body]]:
    last = {"finishReason", "finishMessage"}
    going = {name: value for name, value in candidate.items() if name not in last}
    for part in parts:
        yield None, {"candidates": [{"content": {"role": "model", "parts": [part]}, **going}], **about}
    yield None, {"candidates": [{"content": {"role": "model"}, **candidate}], **about}
