"""A client that plays the conversation with OpenAI's library, in one of three ways.

stored     each turn is a request with `previous_response_id`: the gateway has the history
conversed  each turn is a request with `conversation`, likewise
carried    each turn is a request with all items, `store: false`, and thoughts in envelopes
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from openai import OpenAI

from tests.matrix.conversation import Item, Turn
from tests.matrix.fakes.base import Heard

Mode: TypeAlias = Literal["stored", "conversed", "carried"]
SEALED = "reasoning.encrypted_content"


@dataclass
class Client:
    """`history` is what it carries; `thoughts_before`: the earlier thoughts, and the paths of their items."""

    openai: OpenAI
    mode: Mode
    history: list[Any] = field(default_factory=list)
    previous: dict[str, Any] | None = None
    conversation: str | None = None
    thoughts_before: dict[str, str] = field(default_factory=dict)

    def play(self, turn: Turn, model: str, *, stream: bool) -> dict[str, Any]:
        """One turn; the response. Raises openai.APIError."""
        self.thoughts_before = self._thoughts()
        asked = turn.ask(self._call_ids())
        fields: dict[str, Any] = {**turn.fields, "model": model, "stream": stream}
        if self.mode == "stored":
            if self.previous is not None:
                fields["previous_response_id"] = self.previous["id"]
            fields["input"] = asked
        elif self.mode == "conversed":
            self.conversation = self.conversation or self.openai.conversations.create().id
            fields |= {"input": asked, "conversation": self.conversation}
        else:
            self.history.extend(asked)
            fields |= {"input": self.history, "store": False, "include": [SEALED]}
        response = self._create(fields)
        self.previous = response
        self.history.extend(response["output"])
        return response

    def _create(self, fields: dict[str, Any]) -> dict[str, Any]:
        answer = create(self.openai, **fields)
        if fields["stream"]:
            *_, last = answer
            assert last.type in ("response.completed", "response.incomplete"), last
            answer = last.response
        response: dict[str, Any] = answer.to_dict(warnings=False)
        return response

    def _thoughts(self) -> dict[str, str]:
        kept = {"stored": "previous_response_id", "conversed": "conversation"}.get(self.mode)
        return {
            part["text"]: kept or f"input[{at}]"
            for at, item in enumerate(self.history)
            if item["type"] == "reasoning"
            for part in item["summary"]
        }

    def _call_ids(self) -> list[str]:
        output = self.previous["output"] if self.previous is not None else []
        return [item["call_id"] for item in output if "call_id" in item]


def create(openai: OpenAI, *, model: str, stream: bool = False, **fields: Any) -> Any:
    """What the library makes of the answer to these fields, which leave as they are.

    Outside of `extra_body` it tries each of its types for each of the items, in search of something to
    rewrite, finds nothing, and takes longer than all else in a test.
    """
    return openai.responses.create(model=model, stream=stream, extra_body=fields)


def heard(response: dict[str, Any]) -> list[Heard]:
    """The items of a response; thoughts without words are not heard."""
    return [said for item in response["output"] for said in _heard(item)]


def _heard(item: Item) -> Iterator[Heard]:
    match item["type"]:
        case "reasoning":
            if text := "".join(part["text"] for part in item["summary"]):
                yield ("thought", text)
        case "message":
            for part in item["content"]:
                kind = "refusal" if part["type"] == "refusal" else "text"
                yield (kind, part[kind])
        case "custom_tool_call":
            yield ("custom_tool_call", item["name"], item["input"])
        case kind:
            given = json.dumps(json.loads(item["arguments"]))
            yield (kind, item.get("namespace") or "", item["name"], given)


def strings(value: Any) -> Iterator[str]:
    """All that is said in a body, JSON in strings opened."""
    if isinstance(value, str):
        yield value
        if value.startswith(("{", "[")):
            try:
                yield from strings(json.loads(value))
            except ValueError:
                return
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from strings(inner)
