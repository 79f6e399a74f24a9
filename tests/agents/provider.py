"""One provider of each dialect, which plays the script: the fakes of the matrix, each told what is due.

They keep no conversation: what is due is read off the request. A request is held to the rules of its
dialect before it is answered, and what a fake sealed it wants back as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from antiphon.upstream.base import WireRequest
from tests.agents.script import Request, step
from tests.matrix.conversation import Answer, Call, Part, Thought, Words
from tests.matrix.fakes.base import Fake, Offered, Reply
from tests.matrix.playing import strings
from tests.matrix.stage import Stage

NAMES = ("openai", "openrouter", "anthropic", "gemini", "bedrock", "cohere", "ollama_native")
"""The provider that stands for each dialect."""

FAILURES = (429, 503)
"""What agents are to live through; they get the second as 502."""


def like_openais(name: str) -> str:
    """Another name for the model of this provider, which begins as OpenAI's do."""
    return f"gpt-5-{name}"


class ScriptedStage(Stage):
    """`failures` are statuses to answer with first, by the name of the provider."""

    def __init__(self) -> None:
        self.failures: dict[str, list[int]] = {}
        super().__init__(NAMES)

    def cast(self) -> dict[str, Fake]:
        for name, fake in super().cast().items():
            fake.known_as.add(like_openais(name))
        return self.fakes

    def answer(self, fake: Fake, request: WireRequest) -> Reply:
        if waiting := self.failures.get(fake.name):
            fake.asked.append(request)
            status = waiting.pop(0)
            return fake.failure(status, f"The script says {status}.")
        due = step(read(request.body))
        if "fail" in due:
            fake.asked.append(request)
            return fake.failure(400, fake.too_long)
        fake.answer = answer_of(due, fake.tools(request.body))
        return fake.serve(request)


def read(body: Any) -> Request:
    """What the script must know of a request in any dialect."""
    turns = body.get("messages") or body.get("contents") or body["input"]
    last = max((at for at, turn in enumerate(turns) if _asks(turn)), default=0)
    spoke = [_is_models(turn) for turn in turns[last:]]
    outputs = (said for turn in turns for output in _outputs(turn) for said in strings(output))
    begun = sum(now and not before for before, now in zip([False, *spoke], spoke, strict=False))
    return Request("\n".join(_asks(turns[last])), begun, "\n".join(outputs))


def _is_models(turn: Any) -> bool:
    """Items without a role are the model's, but for the outputs of tools."""
    if "role" in turn:
        return turn["role"] in ("assistant", "model")
    return not turn["type"].endswith("_output")


def _asks(turn: Any) -> list[str]:
    """The words of a user."""
    if turn.get("role") != "user":
        return []
    content = turn.get("content") or turn.get("parts")
    blocks = [{"text": content}] if isinstance(content, str) else content
    return [block["text"] for block in blocks if isinstance(block.get("text"), str)]


def _outputs(turn: Any) -> Iterator[Any]:
    """What tools gave: a turn of its own, or blocks in one of the user's."""
    if turn.get("role") == "tool" or turn.get("type", "").endswith("_output"):
        yield turn
    elif turn.get("role") == "user":
        for block in turn.get("content") or turn.get("parts"):
            if "functionResponse" in block or "toolResult" in block or "tool_use_id" in block:
                yield block


def answer_of(due: dict[str, Any], tools: list[Offered]) -> Answer:
    """The step, with its calls as the request lets them be made."""
    parts: list[Part] = []
    if "think" in due:
        parts.append(Thought(due["think"]))
    if "text" in due:
        parts.append(Words(due["text"]))
    return Answer((*parts, *(_call(name, given, tools) for name, given in due.get("calls", ()))))


def _call(name: str, given: Any, tools: list[Offered]) -> Part:
    known = next((tool for tool in tools if tool.name == name or tool.name.endswith(f"__{name}")), None)
    if known is None:
        return Words(f"No such tool is offered: {name}")
    if isinstance(given, str) and known.parameters is not None:  # text: the only property takes it
        given = {next(iter(known.parameters["properties"])): given}
    return Call(known.name, given, known.namespace)
