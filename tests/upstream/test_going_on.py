"""How each dialect is asked to go on, and what of the answer is new."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.assembler import Assembler
from antiphon.core.fold import fold
from antiphon.core.turn import Turn
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.cohere import Cohere
from antiphon.upstream.dialects.converse import Converse
from antiphon.upstream.dialects.gemini import Gemini
from antiphon.upstream.dialects.ollama import Ollama
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.going_on import IN_WORDS, Seam, gone_on
from antiphon.upstream.providers.mistral import MISTRAL
from antiphon.upstream.providers.vllm import VLLM
from tests.play import counting_ids

ASKED = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Tell me."}]}
SAID = "Once upon a time there was a king who had a daughter, and she"


def turn(model: str, begun: str = SAID, **changes: Any) -> Turn:
    return Turn(model=model, items=[ASKED], begun=begun, **changes)


def body(dialect: Any, asked: Turn) -> Any:
    return dialect.encode(gone_on(asked, dialect)[0]).body


@pytest.mark.parametrize(
    ("dialect", "model", "opened"),
    [
        (
            Anthropic(),
            "claude-sonnet-4-5",
            {"role": "assistant", "content": [{"type": "text", "text": SAID}]},
        ),
        (
            Converse(),
            "anthropic.claude-3-5-haiku-20241022-v1:0",
            {"role": "assistant", "content": [{"text": SAID}]},
        ),
        (
            MISTRAL.dialect,
            "mistral-large-latest",
            {"role": "assistant", "content": SAID, "prefix": True},
        ),
        (VLLM.dialect, "qwen", {"role": "assistant", "content": SAID}),
    ],
)
def test_a_model_that_can_is_given_the_beginning_of_its_answer(dialect: Any, model: str, opened: Any) -> None:
    _, _, told = gone_on(turn(model), dialect)
    assert told == ()
    assert body(dialect, turn(model, SAID + " \n"))["messages"][-1] == opened


def test_vllm_is_told_that_the_message_is_not_over() -> None:
    sent = body(VLLM.dialect, turn("qwen"))
    assert (sent["continue_final_message"], sent["add_generation_prompt"]) == (True, False)
    assert "continue_final_message" not in VLLM.dialect.encode(turn("qwen", "")).body


@pytest.mark.parametrize(
    ("dialect", "model", "changes"),
    [
        (Anthropic(), "claude-opus-4-6", {}),
        (Anthropic(), "claude-sonnet-4-5", {"reasoning": {"effort": "low"}}),
        (Anthropic(), "some-copy", {}),
        (Converse(), "amazon.nova-pro-v1:0", {}),
        (Chat(), "gpt", {}),
        (Responses(), "gpt", {}),
        (Gemini(), "gemini-2.5-flash", {}),
        (Ollama(), "qwen3", {}),
        (Cohere(), "command-a", {}),
    ],
)
def test_any_other_is_asked_in_words_by_the_user(dialect: Any, model: str, changes: Any) -> None:
    asked, _, told = gone_on(turn(model, **changes), dialect)
    assert (told, asked.begun) == ((IN_WORDS,), "")
    own, wish = asked.items[-2:]
    assert (own["role"], own["content"][0]["text"], wish["role"]) == ("assistant", SAID, "user")
    assert "king who had a daughter, and she\n" in wish["content"][0]["text"]
    dialect.encode(asked)


def test_what_was_said_is_taken_from_the_tokens_that_are_left() -> None:
    def left(most: int | None) -> int | None:
        return gone_on(turn("gpt", "x" * 400, max_output_tokens=most), Chat())[0].max_output_tokens

    assert [left(most) for most in (None, 1000, 110, 8)] == [None, 900, 16, 8]


def test_where_only_space_was_said_it_is_asked_as_if_nothing_was() -> None:
    asked, make, told = gone_on(turn("gpt", " \n"), Chat())
    assert (asked.items, asked.begun, told) == ([ASKED], "", ())
    assert joined(make(), ["\n", " Hello"]) == "Hello"


def joined(seam: Any, pieces: Iterable[str]) -> str:
    deltas = [each for piece in pieces for each in seam.feed(d.Text("0", piece))]
    deltas += seam.finish()
    return "".join(delta.text for delta in deltas)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize(
    ("repeated", "spaced", "answer", "new"),
    [
        ("and she", False, "and she was fair", " was fair"),
        ("and she", False, "\n\nand she was fair", " was fair"),
        ("and she", True, "and she was fair", "was fair"),
        ("and she", False, "and shells", "lls"),
        ("and she", False, " was fair", " was fair"),
        ("and she", False, "and he was fair", "and he was fair"),
        ("and she", True, " was fair", "was fair"),
        ("and she", False, "and she", ""),
        ("and she", False, "and s", ""),
        ("", True, "\n was fair ", "was fair "),
        ("", False, " was fair", " was fair"),
    ],
)
def test_what_is_repeated_is_taken_off_wherever_it_is_cut(
    repeated: str, spaced: bool, answer: str, new: str, size: int
) -> None:
    pieces = [answer[at : at + size] for at in range(0, len(answer), size)]
    assert joined(Seam(repeated, spaced=spaced), pieces) == new


def test_what_is_no_text_passes_and_ends_what_is_held() -> None:
    seam = Seam("and she", spaced=False)
    assert list(seam.feed(d.Usage(1, 1))) == [d.Usage(1, 1)]
    assert list(seam.feed(d.Text("0", "and"))) == []
    assert list(seam.feed(d.Call("1", "c", "f"))) == [d.Call("1", "c", "f")]
    assert list(seam.feed(d.Text("0", "and"))) == [d.Text("0", "and")]


def test_a_citation_moves_with_its_text() -> None:
    seam = Seam("she", spaced=False)
    list(seam.feed(d.Text("0", "she was")))
    cited = d.Citation("0", {"type": "url_citation", "url": "u", "start_index": 4, "end_index": 7})
    (moved,) = seam.feed(cited)
    assert isinstance(moved, d.Citation)
    assert (moved.annotation["start_index"], moved.annotation["end_index"]) == (1, 4)


def test_the_message_of_an_upstream_that_speaks_responses_goes_on_in_the_one_that_is_open() -> None:
    assembler = Assembler(
        {"id": "r", "status": "in_progress", "output": [], "incomplete_details": None},
        new_id=counting_ids(),
    )
    events = assembler.begin() + assembler.apply(d.Text("0", "There was"))
    events += assembler.hand_over({"type": "antiphon:continuation"})
    seam = Seam("was", spaced=False)
    call = {"type": "function_call", "id": "c", "call_id": "c1", "name": "f", "arguments": "{}"}
    message = {
        "type": "message",
        "id": "m",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "was a king", "annotations": [], "logprobs": []}],
    }
    place = {"output_index": 0, "item_id": "m", "content_index": 0}
    for event in (
        {"type": "response.created", "response": {"output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**message, "content": []}},
        {"type": "response.content_part.added", **place, "part": {"type": "output_text", "text": ""}},
        {"type": "response.output_text.delta", **place, "delta": "was a"},
        {"type": "response.output_text.delta", **place, "delta": " king"},
        {"type": "response.output_text.done", **place, "text": "was a king"},
        {"type": "response.content_part.done", **place, "part": message["content"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": message},
        {"type": "response.output_item.added", "output_index": 1, "item": {**call, "arguments": ""}},
        {"type": "response.output_item.done", "output_index": 1, "item": call},
        {"type": "response.completed", "response": {"output": [message, call], "status": "completed"}},
    ):
        for delta in seam.feed(d.Relayed(event)):
            events += assembler.apply(delta)
    events += assembler.end_turn()[1] + assembler.finish(1)
    said, called = fold(events)["output"]
    assert said["content"][0]["text"] == "There was a king"
    assert (called["name"], called["arguments"]) == ("f", "{}")
