"""Items and their content, as Cohere's messages."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from antiphon.protocol.errors import InvalidRequest
from antiphon.upstream.dialects.cohere import Cohere
from tests.upstream.dialects.cohere.hearing import PLANNER, THINKER, noted, say
from tests.upstream.dialects.saying import PNG, TOOLS, call, file, image, message, output, thought, user


def messages(*items: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    return say(items=list(items), **fields).body["messages"]


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def called(call_id: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "look", "arguments": '{"x": "1"}'}}


# The system


def test_instructions_and_leading_system_messages_are_one_system_message() -> None:
    first, *_ = messages(message("system", "b"), message("developer", "c"), user("d"), instructions="a")
    assert first == {"role": "system", "content": "a\n\nb\n\nc"}


def test_a_later_system_message_is_said_by_the_user() -> None:
    request = say(items=[user("a"), message("developer", "b")])
    assert request.body["messages"][-1] == {"role": "user", "content": "b"}
    assert noted(request) == ["input[1].content: translated, a later system message, said by the user"]


def test_a_system_message_is_text_alone() -> None:
    with pytest.raises(InvalidRequest) as caught:
        messages(message("system", "a", image()))
    assert caught.value.param == "input[0].content[1]"


# The user


def test_a_single_text_is_a_string_and_images_are_parts() -> None:
    assert messages(user("a")) == [{"role": "user", "content": "a"}]
    assert messages(user("a", image("https://e.com/a.png", detail="low")))[0]["content"] == [
        text("a"),
        {"type": "image_url", "image_url": {"url": "https://e.com/a.png", "detail": "low"}},
    ]


def test_a_text_may_be_empty() -> None:
    assert messages(user("", image()))[0]["content"][0] == text("")


def test_the_original_detail_is_asked_for_as_high() -> None:
    request = say(items=[user("a", image(detail="original"))])
    assert request.body["messages"][0]["content"][1]["image_url"]["detail"] == "high"
    assert noted(request) == ["input[0].content[1].detail: clamped, original is asked for as high"]


def test_a_text_file_is_a_document_that_can_be_cited() -> None:
    request = say(items=[user("Read it.", file("Twelve."))])
    assert request.body["documents"] == [{"data": {"title": "notes.txt", "text": "Twelve."}}]
    assert request.body["messages"][0]["content"] == [text("Read it."), text("(Document: notes.txt)")]
    assert noted(request) == [
        "input[0].content[1]: translated, a document beside the messages, which can be cited"
    ]


@pytest.mark.parametrize("beside", [{"tools": TOOLS}, {"text": {"format": {"type": "json_object"}}}])
def test_where_documents_are_refused_a_file_is_text(beside: dict[str, Any]) -> None:
    request = say(items=[user(file("Twelve."))], **beside)
    assert "documents" not in request.body
    assert request.body["messages"][0]["content"] == "notes.txt:\n\nTwelve."


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "input_file", "file_data": b64encode(b"%PDF-1.4").decode()}, "file_data"),
        ({"type": "input_file", "file_data": "data:image/png;base64,AAAA"}, "file_data"),
        ({"type": "input_file", "file_data": "not base64"}, "file_data"),
        ({"type": "input_file", "file_url": "https://e.com/a.txt"}, "file_url"),
        ({"type": "input_file", "file_data": "", "file_url": "https://e.com/a.txt"}, "file_url"),
        ({"type": "input_file", "file_id": "file-1"}, "file_id"),
        ({"type": "input_file"}, "file_data"),
        ({"type": "input_image", "file_id": "file-1"}, "file_id"),
        ({"type": "input_image"}, "image_url"),
    ],
)
def test_what_cohere_cannot_read_is_refused_by_its_path(part: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        messages(user("a", part))
    assert caught.value.param == f"input[0].content[1].{param}"


def test_a_part_that_cohere_has_no_word_for_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        messages(user({"type": "input_audio", "input_audio": {}}))
    assert caught.value.param == "input[0].content[0]"


def test_cache_markers_are_noted() -> None:
    part = {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"ttl": "1h"}}
    assert noted(say(items=[user(part)])) == [
        "input[0].content[0].prompt_cache_breakpoint: dropped, this model does not offer it"
    ]


# The assistant


def test_a_plan_goes_back_as_a_plan_to_a_model_that_plans() -> None:
    said = messages(user("a"), thought("I will look."), call("1"), output("1"), model=PLANNER)
    assert said[1:] == [
        {"role": "assistant", "tool_plan": "I will look.", "tool_calls": [called("1")]},
        {"role": "tool", "tool_call_id": "1", "content": "done"},
    ]


def test_thoughts_go_back_as_thoughts_to_a_model_that_thinks() -> None:
    items = [thought("hm"), call("1"), output("1"), thought("so"), message("assistant", "8")]
    said = messages(*items, model=THINKER)
    assert said[0] == {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "hm"}],
        "tool_calls": [called("1")],
    }
    assert said[2]["content"] == [{"type": "thinking", "thinking": "so"}, text("8")]


def test_a_model_that_plans_cannot_be_told_other_thoughts() -> None:
    request = say(items=[thought("so"), message("assistant", "8")], model=PLANNER)
    assert request.body["messages"] == [{"role": "assistant", "content": "8"}]
    assert noted(request) == ["input[0]: dropped, these thoughts cannot go back to this model"]


def test_a_model_that_is_told_not_to_think_is_not_shown_thoughts() -> None:
    items = [thought("hm"), message("assistant", "Wait."), call("1"), output("1")]
    request = say(items=items, model=THINKER, reasoning={"effort": "none"})
    assert request.body["messages"][:2] == [
        {"role": "assistant", "content": "Wait."},
        {"role": "assistant", "tool_calls": [called("1")]},
    ]
    assert noted(request) == ["input[0]: dropped, these thoughts cannot go back to this model"]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (PLANNER, {"tool_plan": "I will look.\n\nWait."}),
        (THINKER, {"content": [{"type": "thinking", "thinking": "I will look.\n\nWait."}]}),
    ],
)
def test_text_before_a_call_is_said_as_its_plan(model: str, said: dict[str, Any]) -> None:
    request = say(
        items=[thought("I will look."), message("assistant", "Wait."), call("1"), output("1")], model=model
    )
    assert request.body["messages"][0] == {"role": "assistant", **said, "tool_calls": [called("1")]}
    assert noted(request) == ["input[1].content: translated, text before a call, said as its plan"]


def test_which_way_thoughts_go_back_can_be_set() -> None:
    items = [thought("x"), call("1"), output("1")]
    body = say(Cohere(thinks=False), items=items, model="my-command").body
    assert body["messages"][0]["tool_plan"] == "x"


def test_thoughts_that_others_sealed_are_left_out_and_noted() -> None:
    request = say(items=[thought("x", encrypted_content="anthropic:y"), message("assistant", "8")])
    assert noted(request) == ["input[0]: dropped, these thoughts cannot go back to this model"]


# The outputs of tools


def test_parts_of_an_output_are_documents_that_can_be_cited() -> None:
    parts = [{"type": "input_text", "text": "seen"}, file("all")]
    *_, gave = messages(call("1"), output("1", parts), tools=TOOLS)
    assert gave["content"] == [
        {"type": "document", "document": {"data": {"content": "seen"}}},
        {"type": "document", "document": {"data": {"title": "notes.txt", "text": "all"}}},
    ]


def test_images_of_outputs_follow_after_the_last_of_them() -> None:
    request = say(items=[call("1"), call("2"), output("1", [image()]), output("2"), user("Well?")])
    roles = [said["role"] for said in request.body["messages"]]
    assert roles == ["assistant", "tool", "tool", "user", "user"]
    assert request.body["messages"][1]["content"] == "(The output follows in the next user message.)"
    assert request.body["messages"][3]["content"] == [
        text("Output of the call 1:"),
        {"type": "image_url", "image_url": {"url": PNG}},
    ]
    assert noted(request) == ["input[2].output: translated, its images, said by the user after the outputs"]


def test_a_part_of_an_output_that_cohere_has_no_word_for_is_left_out() -> None:
    request = say(items=[call("1"), output("1", [{"type": "input_audio"}])])
    assert request.body["messages"][-1]["content"] == ""
    assert noted(request) == ["input[1].output[0]: dropped, a part of this type cannot be said to this model"]
