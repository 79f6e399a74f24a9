"""Items, as the steps of a chat."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.adaptations import Adaptations
from antiphon.core.transcript import NO_OUTPUT, Call, Gave, Said, Spoke, Step, steps
from antiphon.protocol.errors import InvalidRequest


def told(*items: dict[str, Any]) -> list[Step]:
    return steps(list(items), Adaptations())


def noted(*items: dict[str, Any]) -> list[str]:
    adapted = Adaptations()
    steps(list(items), adapted)
    return [str(note) for note in adapted.noted]


def message(role: str, text: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def call(call_id: str, **fields: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": "look", "arguments": "{}", **fields}


def output(call_id: str, said: Any = "done") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": said}


def thought(text: str, **fields: Any) -> dict[str, Any]:
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}], **fields}


def test_what_the_assistant_does_between_two_other_steps_is_one_step() -> None:
    first, spoke, last = told(
        message("user", "a"),
        thought("I look."),
        message("assistant", "Wait."),
        call("1"),
        call("2", name="roll"),
        output("2"),
    )
    assert isinstance(first, Said) and first.where == "input[0].content"
    assert isinstance(spoke, Spoke)
    assert (spoke.thought, spoke.text) == ("I look.", "Wait.")
    assert (spoke.thought_at, spoke.text_at) == ("input[1]", "input[2].content")
    assert spoke.calls == [Call("1", "look", "{}"), Call("2", "roll", "{}")]
    assert last == Gave("2", "roll", "done", "input[5].output")


def test_nothing_stands_between_calls_and_their_outputs() -> None:
    kinds = [
        type(step)
        for step in told(
            call("1"), call("2"), output("1"), message("user", "hurry"), output("2"), message("user", "b")
        )
    ]
    assert kinds == [Spoke, Gave, Gave, Said, Said]


def test_outputs_come_in_the_order_of_their_calls() -> None:
    found = told(call("1"), call("2"), call("3"), output("3"), output("1"), output("lost"), output("2"))
    assert [step.call_id for step in found if isinstance(step, Gave)] == ["1", "2", "3", "lost"]


def test_outputs_of_different_steps_are_not_mixed() -> None:
    found = told(call("b"), output("b"), call("a"), output("a"))
    assert [type(step) for step in found] == [Spoke, Gave, Spoke, Gave]


def test_what_waits_for_an_output_that_never_comes_is_said_before_the_assistant_goes_on() -> None:
    found = told(call("1"), message("user", "never mind"), message("assistant", "Fine."))
    assert [type(step) for step in found] == [Spoke, Gave, Said, Spoke]


def test_a_call_that_the_assistant_leaves_open_is_told_to_have_no_output() -> None:
    history = [call("1"), call("2"), message("user", "a"), output("2"), message("assistant", "b")]
    assert [step for step in told(*history) if isinstance(step, Gave)] == [
        Gave("1", "look", NO_OUTPUT, "input[0]"),
        Gave("2", "look", "done", "input[3].output"),
    ]
    assert noted(*history) == ["input[0]: translated, this call has no output here, the model is told so"]


def test_an_output_that_comes_after_all_is_put_where_it_was_missed() -> None:
    history = [call("1"), output("lost"), message("assistant", "b"), output("1")]
    kinds = [Spoke, Gave, Gave, Spoke]
    found = told(*history)
    assert [type(step) for step in found] == kinds
    assert Gave("1", "look", "done", "input[3].output") in found


def test_a_history_that_is_told_twice_leaves_no_call_open() -> None:
    once = [message("user", "a"), call("1")]
    spoke = [step for step in told(*once, *once, output("1")) if not isinstance(step, Said)]
    assert [type(step) for step in spoke] == [Spoke, Gave, Spoke, Gave]
    assert [step.output for step in spoke if isinstance(step, Gave)] == [NO_OUTPUT, "done"]


def test_what_waits_at_the_end_is_said() -> None:
    assert [type(step) for step in told(call("1"), message("user", "and?"))] == [Spoke, Said]


def test_a_call_of_a_server_brings_its_output() -> None:
    item = {"type": "mcp_call", "id": "m1", "name": "roll", "arguments": "{}"}
    spoke, gave = told({**item, "output": "4", "error": None})
    assert isinstance(spoke, Spoke) and spoke.calls == [Call("m1", "roll", "{}")]
    assert gave == Gave("m1", "roll", "4", "input[0].output")
    failed = told({**item, "output": None, "error": {"code": 1}})[1]
    assert isinstance(failed, Gave) and failed.output == '{"code":1}'


@pytest.mark.parametrize(
    ("written", "said"), [('{"a": "cu', '{"arguments":"{\\"a\\": \\"cu"}'), ("[1]", '{"arguments":[1]}')]
)
def test_arguments_that_are_no_object_are_put_into_one(written: str, said: str) -> None:
    (spoke,) = told(call("1", arguments=written))
    assert isinstance(spoke, Spoke)
    assert spoke.calls[0].arguments == said


@pytest.mark.parametrize("arguments", ["", " ", None])
def test_arguments_that_are_empty_are_the_empty_object(arguments: Any) -> None:
    (spoke,) = told(call("1", arguments=arguments))
    assert isinstance(spoke, Spoke)
    assert spoke.calls[0].arguments == "{}"


def test_parts_of_an_output_are_kept_as_parts() -> None:
    parts = [{"type": "input_text", "text": "a"}]
    assert told(call("1"), output("1", parts))[1] == Gave("1", "look", parts, "input[1].output")


def test_thoughts_in_full_come_before_their_summary() -> None:
    item = thought("short", content=[{"type": "reasoning_text", "text": "long"}])
    (spoke,) = told(item)
    assert isinstance(spoke, Spoke)
    assert spoke.thought == "long"


def test_sealed_thoughts_are_left_out_and_noted() -> None:
    item = thought("x", encrypted_content="anthropic:abc")
    assert told(item) == []
    assert noted(item) == ["input[0]: dropped, these thoughts cannot go back to this model"]


def test_what_no_chat_knows_is_left_out_and_noted() -> None:
    assert noted({"type": "web_search_call", "id": "ws"}) == [
        "input[0]: dropped, this model cannot be told a web_search_call"
    ]
    drawn = {"type": "message", "role": "assistant", "content": [{"type": "output_image"}]}
    assert noted(drawn) == ["input[0].content[0]: dropped, a part of this type cannot be said in a chat"]


def test_markers_of_a_cache_are_noted_in_the_assistants_texts_too() -> None:
    part = {"type": "output_text", "text": "a", "cache_control": {"type": "ephemeral"}}
    assert noted({"type": "message", "role": "assistant", "content": [part]}) == [
        "input[0].content[0].cache_control: dropped, this model does not offer it"
    ]


def test_tools_that_came_as_items_are_no_step() -> None:
    assert told({"type": "additional_tools", "tools": []}) == []


def test_a_refusal_is_text() -> None:
    content = [{"type": "refusal", "refusal": "No."}]
    (spoke,) = told({"type": "message", "role": "assistant", "content": content})
    assert isinstance(spoke, Spoke)
    assert spoke.text == "No."


def test_a_compaction_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        told(message("user", "a"), {"type": "compaction", "encrypted_content": "x"})
    assert caught.value.param == "input[1]"
