"""OpenAI's Responses API, for a client that keeps its conversations itself (`store: false`).

https://platform.openai.com/docs/api-reference/responses; where OpenAI's own schema is at hand, every request
is held to it as well.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar

from openai.types.responses.response_create_params import ResponseCreateParamsBase

from antiphon.upstream.base import WireRequest
from tests.contract.specifications import FOLDER
from tests.matrix.conversation import Call, Refusal, Thought, Words
from tests.matrix.fakes.base import Body, Fake, Offered, pieces, require, sse
from tests.upstream.dialects.responses.official import asked

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DATA_URL = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,(.+)")
_ANSWERS = {
    f"{call}_output": call for call in ("function_call", "custom_tool_call", "shell_call", "apply_patch_call")
}
_ANNOTATIONS = {
    "url_citation": {"url", "title", "start_index", "end_index"},
    "file_citation": {"file_id", "filename", "index"},
}
_CODES = {
    "encrypted content": "invalid_encrypted_content",
    "exceeds the context window": "context_length_exceeded",
}
# Not among the parameters of OpenAI's library; the second is what Codex sends to OpenAI itself.
_UNTYPED = {"stream", "client_metadata"}
_HOSTED = ("web_search_call", "code_interpreter_call", "mcp_call")
_PARTS = {
    "user": ("input_text", "input_image", "input_file"),
    "system": ("input_text",),
    "developer": ("input_text",),
    "assistant": ("output_text", "refusal"),
}


class Responses(Fake):
    dialect = "responses"
    model = "gpt-5.2"
    base = "/v1"
    is_openai: ClassVar[bool] = True

    too_long = "Your input exceeds the context window of this model. Please adjust your input and try again."

    def error(self, message: str, status: int) -> Any:
        code = next((code for words, code in _CODES.items() if words in message), None)
        error = {"message": message, "type": "invalid_request_error", "param": "input", "code": code}
        return {"error": error}

    def tools(self, body: Body) -> list[Offered]:
        return [found for tool in body.get("tools", ()) for found in _offered(tool, None)]

    # Rules

    def check(self, request: WireRequest) -> None:
        require(request.path == "/responses", "Not Found")
        body = request.body
        if FOLDER.name and self.is_openai:
            asked().check("CreateResponse", body)
        for name in body.keys() - ResponseCreateParamsBase.__annotations__.keys() - _UNTYPED:
            require(False, f"Unknown parameter: '{name}'.")
        require(body["store"] is False, "the gateway keeps the conversation")
        require("previous_response_id" not in body, "the gateway keeps the conversation")
        _tools(body)
        open_calls: dict[str, str] = {}
        items = body["input"]
        for at, item in enumerate(items):
            self._item(item, items[at + 1 :], open_calls, f"input[{at}]")
        for call_id, kind in open_calls.items():
            require(False, f"No tool output found for {kind.replace('_', ' ')} {call_id}.")

    def _item(self, item: Body, rest: list[Body], open_calls: dict[str, str], where: str) -> None:
        match item.get("type", "message"):
            case "message":
                _parts(item["content"], _PARTS[item["role"]], f"{where}.content")
            case "reasoning":
                self.recognise(
                    item["encrypted_content"],
                    "".join(part["text"] for part in item["summary"]),
                    "The encrypted content could not be verified.",
                )
                require(
                    rest and (rest[0].get("role") == "assistant" or rest[0]["type"] in _ANSWERS.values()),
                    f"{where} of type 'reasoning' was provided without its required following item.",
                )
            case kind if kind in _ANSWERS.values():
                require(
                    _NAME.fullmatch(item.get("name", "shell")),
                    f"Invalid '{where}.name': string does not match pattern.",
                )
                require(
                    len(item["call_id"]) <= 64 or not self.is_openai,
                    f"Invalid '{where}.call_id': string too long.",
                )
                require(item["call_id"] not in open_calls, f"Duplicate call_id {item['call_id']}")
                open_calls[item["call_id"]] = kind
            case kind if kind in _ANSWERS:
                require(
                    open_calls.pop(item["call_id"], None) == _ANSWERS[kind],
                    f"No tool call found for {_ANSWERS[kind]} output with call_id {item['call_id']}.",
                )
                if isinstance(item["output"], list) and kind != "shell_call_output":
                    _parts(item["output"], _PARTS["user"], f"{where}.output")
            case kind:
                require(kind in _HOSTED, f"Invalid value: '{kind}'. ({where}.type)")

    # Answers

    def say(self, request: WireRequest, streamed: bool) -> bytes:
        output = list(self._items(request.body))
        cut = self.answer.cut
        response = {
            "id": self.new("resp_"),
            "object": "response",
            "created_at": 1_764_000_000,
            "status": "incomplete" if cut else "completed",
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "model": request.body["model"],
            "output": output,
            "usage": {"input_tokens": 9, "output_tokens": 5, "total_tokens": 14},
        }
        return sse(_numbered(_events(response))) if streamed else json.dumps(response).encode()

    def _items(self, body: Body) -> Iterator[Body]:
        status = "incomplete" if self.answer.cut else "completed"
        for part in self.answer.parts:
            match part:
                case Thought(text):
                    summary = [{"type": "summary_text", "text": text}]
                    blob = self.seal(text, "gAAAAABo")
                    self.hear(("thought", text))
                    yield {
                        "id": self.new("rs_"),
                        "type": "reasoning",
                        "summary": summary,
                        "encrypted_content": blob,
                    }
                case Words(text):
                    self.hear(("text", text))
                    said = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
                    yield self._message(said, status)
                case Refusal(text):
                    self.hear(("refusal", text))
                    yield self._message({"type": "refusal", "refusal": text}, status)
                case Call():
                    self.hear(self.heard_call(part))
                    yield self._call(part)

    def _message(self, said: Body, status: str) -> Body:
        return {
            "id": self.new("msg_"),
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [said],
        }

    def _call(self, call: Call) -> Body:
        ids = {"call_id": self.new("call_"), "status": "completed"}
        if isinstance(call.given, str):
            about = {"type": "custom_tool_call", "name": call.name, "input": call.given}
            return {"id": self.new("ctc_"), **about, **ids}
        about = {"type": "function_call", "name": call.name, "arguments": json.dumps(call.given)}
        named = {"namespace": call.namespace} if call.namespace else {}
        return {"id": self.new("fc_"), **about, **named, **ids}


def _parts(parts: list[Body], kinds: tuple[str, ...], where: str) -> None:
    for place, part in enumerate(parts):
        require(part["type"] in kinds, f"Invalid value: '{part['type']}'. ({where}[{place}])")
        if part["type"] == "output_text":
            for annotation in part["annotations"]:
                fields = _ANNOTATIONS[annotation["type"]]
                unknown = sorted(annotation.keys() - fields - {"type"})
                require(not unknown, f"Unknown parameter: '{where}[{place}].annotations[0].{unknown}'.")
                missing = sorted(fields - annotation.keys())
                require(
                    not missing, f"Missing required parameter: '{where}[{place}].annotations[0].{missing}'."
                )
        if part["type"] == "input_image":
            found = _DATA_URL.fullmatch(part["image_url"])
            require(found, f"Invalid '{where}[{place}].image_url'. Expected a base64-encoded data URL.")
            base64.b64decode(found[1] if found else "", validate=True)


def _offered(tool: Body, namespace: str | None) -> Iterator[Offered]:
    if tool["type"] == "namespace":
        for inner in tool["tools"]:
            yield from _offered(inner, tool["name"])
    elif "name" in tool:
        yield Offered(tool["name"], tool.get("parameters"), namespace)


def _tools(body: Body) -> None:
    names = [(tool["type"], tool.get("name")) for tool in body.get("tools", ())]
    require(len(names) == len(set(names)), "Tool names must be unique.")
    choice = body.get("tool_choice")
    require(choice in (None, "auto", "none") or names, "Tool choices other than 'auto' need tools.")
    if isinstance(choice, dict):
        require((choice["type"], choice["name"]) in names, "Tool choice not found in 'tools' parameter.")


def _numbered(events: Iterator[Body]) -> Iterator[tuple[str, Body]]:
    for number, event in enumerate(events):
        yield event["type"], {**event, "sequence_number": number}


def _events(response: Body) -> Iterator[Body]:
    begun = {**response, "status": "in_progress", "output": [], "incomplete_details": None, "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response["output"]):
        at = {"output_index": index}
        empty = {**item, **_EMPTY[item["type"]]} | ({"status": "in_progress"} if "status" in item else {})
        yield {"type": "response.output_item.added", **at, "item": empty}
        for event in _EVENTS[item["type"]](item):
            yield {**event, **at, "item_id": item["id"]}
        yield {"type": "response.output_item.done", **at, "item": item}
    yield {"type": f"response.{response['status']}", "response": response}


_EMPTY: dict[str, Body] = {
    "message": {"content": []},
    "reasoning": {"summary": [], "encrypted_content": None},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
}


def _of_message(item: Body) -> Iterator[Body]:
    (part,) = item["content"]
    at = {"content_index": 0}
    field, kind = ("refusal", "refusal") if part["type"] == "refusal" else ("text", "output_text")
    yield {"type": "response.content_part.added", **at, "part": {**part, field: ""}}
    for piece in pieces(part[field]):
        yield {"type": f"response.{kind}.delta", **at, "delta": piece}
    yield {"type": f"response.{kind}.done", **at, field: part[field]}
    yield {"type": "response.content_part.done", **at, "part": part}


def _of_reasoning(item: Body) -> Iterator[Body]:
    for index, part in enumerate(item["summary"]):
        at = {"summary_index": index}
        yield {"type": "response.reasoning_summary_part.added", **at, "part": {**part, "text": ""}}
        for piece in pieces(part["text"]):
            yield {"type": "response.reasoning_summary_text.delta", **at, "delta": piece}
        yield {"type": "response.reasoning_summary_text.done", **at, "text": part["text"]}
        yield {"type": "response.reasoning_summary_part.done", **at, "part": part}


def _of_function_call(item: Body) -> Iterator[Body]:
    for piece in pieces(item["arguments"]):
        yield {"type": "response.function_call_arguments.delta", "delta": piece}
    yield {"type": "response.function_call_arguments.done", "arguments": item["arguments"]}


def _of_custom_call(item: Body) -> Iterator[Body]:
    for piece in pieces(item["input"]):
        yield {"type": "response.custom_tool_call_input.delta", "delta": piece}
    yield {"type": "response.custom_tool_call_input.done", "input": item["input"]}


_EVENTS = {
    "message": _of_message,
    "reasoning": _of_reasoning,
    "function_call": _of_function_call,
    "custom_tool_call": _of_custom_call,
}
