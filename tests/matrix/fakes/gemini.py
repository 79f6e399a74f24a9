"""The Gemini API, with Gemini 3 Pro: calls have ids, and whatever it signed it wants back signed.

https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/thought-signatures.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, ClassVar

from antiphon.upstream.base import WireRequest
from tests.matrix.conversation import Call, Part, Ran, Refusal, Thought, Words
from tests.matrix.fakes import hosted
from tests.matrix.fakes.base import Body, Fake, Offered, Reply, function_of, offered, pieces, require, sse
from tests.matrix.fakes.computers import check_gemini, of_gemini
from tests.upstream.dialects.gemini.checker import check
from tests.upstream.dialects.gemini.official import judge

_UNCHECKED = "skip_thought_signature_validator"
_ERRORS = {400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
_PNG = b"\x89PNG"


class Gemini(Fake):
    dialect = "gemini"
    model = "gemini-3-pro-preview"
    base = "/v1beta"
    kin = "gemini"
    modern: ClassVar[bool] = True
    """Calls have ids, and what it says is signed."""
    least_kept = 1024
    """Tokens of a prompt that it keeps."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.kept: dict[str, Body] = {}  # the prompts that it keeps, by their names
        self._signed_calls: dict[str, str] = {}  # the ids of this model's own calls, and their signatures

    def is_streamed(self, request: WireRequest) -> bool:
        return request.path.endswith(":streamGenerateContent")

    too_long = "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576)."

    def error(self, message: str, status: int) -> Any:
        return {"error": {"code": status, "message": message, "status": _ERRORS.get(status, "UNKNOWN")}}

    def tools(self, body: Body) -> list[Offered]:
        declared = [each for tool in body.get("tools", ()) for each in tool.get("functionDeclarations", ())]
        return [Offered(each["name"], each.get("parametersJsonSchema")) for each in declared]

    # Prompts that it keeps (https://ai.google.dev/api/caching)

    def serve(self, request: WireRequest) -> Reply:
        name = request.body.get("cachedContent")
        if name is not None and name not in self.kept:
            self.asked.append(request)
            return self.failure(403, "CachedContent not found (or permission denied)")
        return super().serve(request)

    def _keep(self, body: Body) -> None:
        require(body["model"].startswith("models/") and body["ttl"].endswith("s"), "model and ttl")
        allowed = {"model", "ttl", "contents", "systemInstruction", "tools", "toolConfig"}
        require(body.keys() <= allowed, f"Unknown name {sorted(body.keys() - allowed)}")
        tokens = _tokens(body)
        require(
            tokens >= self.least_kept,
            f"Cached content is too small. total_token_count={tokens}",
        )

    def _whole(self, request: WireRequest) -> WireRequest:
        """With what is kept of the prompt in its place."""
        if (name := request.body.get("cachedContent")) is None:
            return request
        beside = {"systemInstruction", "tools", "toolConfig"} & request.body.keys()
        require(not beside, f"CachedContent can not be used with a request setting {sorted(beside)}")
        kept = {key: value for key, value in self.kept[name].items() if key not in ("model", "ttl")}
        left = {key: value for key, value in request.body.items() if key != "cachedContent"}
        contents = _merged([*kept.get("contents", ()), *left["contents"]])
        return WireRequest(request.path, {**kept, **left, "contents": contents}, query=request.query)

    # Rules

    def check(self, request: WireRequest) -> None:
        if request.path == "/cachedContents":
            self._keep(request.body)
            return
        request = self._whole(request)
        check(request)
        judge(request.body)
        check_gemini(request.body)
        for at, content in enumerate(request.body["contents"]):
            for place, part in enumerate(content["parts"]):
                self._part(part, f"contents[{at}].parts[{place}]")

    def _part(self, part: Body, where: str) -> None:
        signature = part.get("thoughtSignature")
        if call := part.get("functionCall"):
            own = self._signed_calls.get(call.get("id", ""))
            # What a client lost of its own may be left unchecked, too.
            require(
                own is None or signature in (own, _UNCHECKED),
                f"Function call is missing a thought_signature: {where}",
            )
        if signature is not None and not (call and signature == _UNCHECKED):
            self.recognise(signature, _signed_of(part), f"Thought signature is not valid: {where}")
        hosted.recognised_part(part, self, where)
        for holder in (part, *part.get("functionResponse", {}).get("parts", ())):
            if "inlineData" in holder:
                data = base64.b64decode(holder["inlineData"]["data"], validate=True)
                require(data.startswith(_PNG), f"Unable to process input image: {where}")

    # Answers

    def say(self, request: WireRequest, streamed: bool) -> bytes:
        if request.path == "/cachedContents":
            name = self.new("cachedContents/")
            self.kept[name] = request.body
            return json.dumps({"name": name, "usageMetadata": {"totalTokenCount": 9}}).encode()
        cached = _tokens(self.kept.get(request.body.get("cachedContent", ""), {}))
        request = self._whole(request)
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
            "usageMetadata": {
                "promptTokenCount": cached + 9,
                "candidatesTokenCount": 5,
                "totalTokenCount": cached + 14,
                **({"cachedContentTokenCount": cached} if cached else {}),
            },
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
            case Call() if own := of_gemini(part, body):
                yield from (self._made(name, given, part, at == 0) for at, (name, given) in enumerate(own))
            case Ran():
                yield from hosted.of_gemini(part, body, self)
            case Call():
                yield self._call(part, body)

    def _call(self, call: Call, body: Body) -> Body:
        name, given = function_of(call)
        offered(name, self.tools(body))
        self.hear(self.heard_call(call))
        return self._made(name, given, call, True)

    def _made(self, name: str, given: Body, call: Call, first: bool) -> Body:
        """`first`: of those that the script's call is made of."""
        part: Body = {"functionCall": {"id": self.new("", 8), "name": name, "args": given}}
        if not self.modern:
            del part["functionCall"]["id"]
        elif first and call is self.answer.calls[0]:  # of parallel calls only the first is signed
            part = self._signed(part)
            self._signed_calls[part["functionCall"]["id"]] = part["thoughtSignature"]
        return part

    def _signed(self, part: Body) -> Body:
        return {**part, "thoughtSignature": self.seal(_signed_of(part), "CiQB")}


def _tokens(kept: Body) -> int:
    """A token is four bytes here."""
    return len(json.dumps(kept)) // 4 if kept else 0


def _merged(contents: list[Body]) -> list[Body]:
    """Contents of one role that follow one another are one."""
    merged: list[Body] = []
    for content in contents:
        if merged and merged[-1]["role"] == content["role"]:
            merged[-1] = {**merged[-1], "parts": [*merged[-1]["parts"], *content["parts"]]}
        else:
            merged.append(content)
    return merged


def _signed_of(part: Body) -> Body:
    """What a signature is for: the part, without the id that a call may have."""
    if call := part.get("functionCall"):
        return {"functionCall": {name: value for name, value in call.items() if name != "id"}}
    return {name: value for name, value in part.items() if name != "thoughtSignature"}


def _chunks(parts: list[Body], candidate: Body, about: Body) -> Iterator[tuple[None, Body]]:
    last = {"finishReason", "finishMessage"}
    going = {name: value for name, value in candidate.items() if name not in last}
    for part in parts:
        whole = "text" not in part or "thoughtSignature" in part
        for said in [part] if whole else [{**part, "text": piece} for piece in pieces(part["text"])]:
            yield None, {"candidates": [{"content": {"role": "model", "parts": [said]}, **going}], **about}
    yield None, {"candidates": [{"content": {"role": "model"}, **candidate}], **about}
