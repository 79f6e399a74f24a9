"""What is asked for twice is read from the provider's cache: the prefix goes out byte for byte the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from openai import OpenAI

from tests.matrix.conversation import THINK, TOOLS, WEATHER, Answer, Call, Item, Thought, Turn, Words
from tests.matrix.fakes.anthropic import Anthropic
from tests.matrix.fakes.gemini import Gemini
from tests.matrix.playing import Client, Mode, create
from tests.matrix.stage import CAST, Stage

EPHEMERAL = {"type": "ephemeral"}
CLAUDES = [name for name, fake in CAST.items() if issubclass(fake, Anthropic)]
WAYS: dict[str, dict[str, Any]] = {
    "cache_control": {"cache_control": EPHEMERAL},
    "cache_control, an hour": {"cache_control": {**EPHEMERAL, "ttl": "1h"}},
    "prompt_cache_options": {"prompt_cache_options": {"mode": "implicit"}},
}


def text(said: str, **fields: Any) -> Item:
    return {"type": "input_text", "text": said, **fields}


def message(*parts: Item) -> Item:
    return {"type": "message", "role": "user", "content": list(parts)}


def counts(response: Any) -> tuple[int, int, int]:
    """Input tokens; of these read from the cache; of these written to it."""
    usage = (response.to_dict(warnings=False) if not isinstance(response, dict) else response)["usage"]
    details = usage["input_tokens_details"]
    return usage["input_tokens"], details["cached_tokens"], details["cache_write_tokens"]


def cast(playing: Stage, name: str, *answers: Answer) -> Anthropic:
    fake = playing.cast()[name]
    assert isinstance(fake, Anthropic)
    fake.answer = answers[0] if answers else Answer((Words("Yes."),))
    return fake


def ask(openai: OpenAI, name: str, **fields: Any) -> Any:
    return create(openai, model=f"{name}/{CAST[name].model}", **fields)


@pytest.mark.parametrize("name", CLAUDES)
def test_the_second_identical_call_reads_what_the_first_wrote(
    playing: Stage, openai: OpenAI, name: str
) -> None:
    cast(playing, name)
    question = {"input": [message(text("A book. " * 50, cache_control=EPHEMERAL), text("Who is in it?"))]}
    first, second = (
        counts(ask(openai, name, instructions="Be brief.", tools=TOOLS, **question)) for _ in range(2)
    )
    assert first[1] == 0
    assert first[2] > 100
    assert second == (first[0], first[2], 0)


def test_without_a_mark_nothing_is_read(playing: Stage, openai: OpenAI) -> None:
    cast(playing, "anthropic")
    for _ in range(2):
        assert counts(ask(openai, "anthropic", input=[message(text("A book. " * 50))]))[1:] == (0, 0)


def conversation(wish: dict[str, Any], fields: dict[str, Any]) -> Sequence[Turn]:
    def said(words: str, *parts: Any, fields: dict[str, Any] = fields) -> Turn:
        return Turn(words, lambda _: [message(text(words))], Answer(parts), {**fields, **wish})

    def output(ids: list[str]) -> list[Item]:
        return [{"type": "function_call_output", "call_id": ids[0], "output": "rain"}]

    looks = (Thought("I must look."), Call(WEATHER["name"], {"city": "Oslo"}))
    return (
        said("A story. " * 20, Words("Heard.")),
        said("How is the weather?", *looks),
        Turn("rain", output, Answer((Words("It rains."),)), {**fields, **wish}),
        said("And then?", Words("Then it stops.")),
    )


@pytest.mark.parametrize("mode", ["stored", "carried"])
@pytest.mark.parametrize("name", CLAUDES)
@pytest.mark.parametrize("way", WAYS)
def test_a_conversation_reads_all_that_it_said_before(
    playing: Stage, openai: OpenAI, way: str, name: str, mode: Mode
) -> None:
    fake, client, before = cast(playing, name), Client(openai, mode), 0
    for turn in conversation(WAYS[way], {"instructions": "Be brief.", "tools": TOOLS, "reasoning": THINK}):
        fake.answer = turn.answer
        response = client.play(turn, f"{name}/{fake.model}", stream=mode == "stored")
        total, read, written = counts(response)
        assert abs(read - before) <= 1  # the rest of a division
        assert read + written == pytest.approx(total, abs=2)
        before = total
    assert before > 100


@pytest.mark.parametrize("name", CLAUDES)
def test_a_mark_on_an_output_of_a_tool_is_kept(playing: Stage, openai: OpenAI, name: str) -> None:
    cast(playing, name)
    history: list[Any] = [
        message(text("Read the log.")),
        {"type": "function_call", "call_id": "a", "name": "read", "arguments": "{}"},
        {
            "type": "function_call_output",
            "call_id": "a",
            "output": [text("Line. " * 80, cache_control=EPHEMERAL), text("End.")],
        },
    ]
    wrote = counts(ask(openai, name, input=history))[2]
    assert wrote > 100
    later = [*history, message(text("What does it say?"))]
    assert counts(ask(openai, name, input=later))[1] == wrote


def test_more_marks_than_four_keep_the_latest(playing: Stage, openai: OpenAI) -> None:
    cast(playing, "anthropic")
    parts = [text(f"Chapter {at}. " * 10, cache_control=EPHEMERAL) for at in range(6)]
    total, _, written = counts(ask(openai, "anthropic", input=[message(*parts)]))
    assert written == total
    response = ask(openai, "anthropic", input=[message(*parts, text("And?"))]).to_dict(warnings=False)
    assert counts(response)[1] == written
    told = [each["param"] for each in response["adaptations"]]
    assert told == ["cache_control"]


# Gemini: prompts that are kept for as long as a mark says

STORY = "Once upon a time there was a cache. " * 200
LIVING = {**EPHEMERAL, "ttl": "600s"}


def gemini(playing: Stage, name: str = "gemini") -> Gemini:
    fake = playing.cast()[name]
    assert isinstance(fake, Gemini)
    fake.answer = Answer((Words("Yes."),))
    return fake


def paths(fake: Gemini) -> list[str]:
    return [request.path.partition(":")[2] or request.path for request in fake.asked]


GEMINIS = [name for name, fake in CAST.items() if issubclass(fake, Gemini)]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", GEMINIS)
def test_gemini_keeps_a_marked_prefix_once_and_every_turn_names_it(
    playing: Stage, openai: OpenAI, name: str, stream: bool
) -> None:
    fake, client = gemini(playing, name), Client(openai, "stored")
    book, question = text(STORY, cache_control=LIVING), text("Who is in it?")
    turns = [message(book, question), message(text("And who else?")), message(text("Is that all?"))]
    for at, asked_now in enumerate(turns):
        turn = Turn(
            "", lambda _, said=asked_now: [said], fake.answer, {"instructions": f"Brief. {name}{stream}"}
        )
        response = client.play(turn, f"{name}/{fake.model}", stream=stream)
        assert counts(response)[1] > 1024, at
    assert paths(fake).count("/cachedContents") == 1
    assert len(fake.asked) == 4
    assert fake.refused == []
    assert all("cachedContent" in request.body for request in fake.asked[1:])
    assert not any(STORY in str(request.body) for request in fake.asked[1:])


def test_tools_and_choices_are_kept_with_the_prefix(playing: Stage, openai: OpenAI) -> None:
    fake = gemini(playing)
    history: list[Any] = [
        message(text("What does the log say?")),
        {"type": "function_call", "call_id": "a", "name": WEATHER["name"], "arguments": '{"city":"Oslo"}'},
        {"type": "function_call_output", "call_id": "a", "output": [text(STORY, cache_control=LIVING)]},
        message(text("Well?")),
    ]
    response = ask(openai, "gemini", input=history, tools=[WEATHER], tool_choice="required")
    assert counts(response)[1] > 1024
    kept, named = fake.asked
    assert {"tools", "toolConfig", "contents"} <= kept.body.keys()
    assert named.body["contents"] == [{"role": "user", "parts": [{"text": "Well?"}]}]


def test_a_prefix_that_is_gone_is_asked_for_anew_by_the_next_turn(playing: Stage, openai: OpenAI) -> None:
    fake = gemini(playing)
    asked_now = [message(text(f"Gone. {STORY}", cache_control=LIVING), text("?"))]
    assert counts(ask(openai, "gemini", input=asked_now))[1] > 0
    fake.kept.clear()
    assert counts(ask(openai, "gemini", input=asked_now))[1] == 0
    assert counts(ask(openai, "gemini", input=asked_now))[1] > 0
    said = [request.path == "/cachedContents" for request in fake.asked]
    assert said == [True, False, False, False, True, False]


def test_a_prefix_that_is_too_small_for_the_model_costs_one_call_and_no_answer(
    playing: Stage, openai: OpenAI
) -> None:
    fake = gemini(playing)
    small = "It is small. " * 330  # over 4 KiB, and yet under the 4,096 tokens of this model
    fake.least_kept = 4096
    asked_now = [message(text(small, cache_control=LIVING), text("?"))]
    for _ in range(2):
        assert ask(openai, "gemini", input=asked_now).output_text == "Yes."
    assert paths(fake).count("/cachedContents") == 1
    assert len(fake.asked) == 3
