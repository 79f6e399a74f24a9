"""Items and their content, as Ollama's messages."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from antiphon.protocol.errors import InvalidRequest
from tests.upstream.dialects.ollama.hearing import noted, say
from tests.upstream.dialects.saying import PNG, call, file, image, message, output, thought, user

BARE = PNG.partition(",")[2]


def messages(*items: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    return say(items=list(items), **fields).body["messages"]


def test_the_system_speaks_where_it_speaks() -> None:
    said = messages(message("system", "b"), user("c"), message("developer", "d", "e"), instructions="a")
    assert [(each["role"], each["content"]) for each in said] == [
        ("system", "a"),
        ("system", "b"),
        ("user", "c"),
        ("system", "d\ne"),
    ]


def test_images_are_bare_base64_beside_the_text() -> None:
    assert messages(user("a", image(), "b")) == [{"role": "user", "content": "a\nb", "images": [BARE]}]


def test_a_text_may_be_empty() -> None:
    assert messages(user("")) == [{"role": "user", "content": ""}]


def test_an_image_in_another_encoding_is_brought_to_base64() -> None:
    assert messages(user(image("data:image/svg+xml,%3Csvg/%3E")))[0]["images"] == [
        b64encode(b"<svg/>").decode()
    ]


@pytest.mark.parametrize("url", ["https://e.com/a.png", "http://e.com/a", BARE])
def test_an_image_by_url_is_refused_with_what_to_do(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        messages(user("a", image(url)))
    assert caught.value.param == "input[0].content[1].image_url"
    assert "data URL" in caught.value.message


def test_a_text_file_is_its_name_and_its_text() -> None:
    assert messages(user("Read it.", file("Twelve.")))[0]["content"] == "Read it.\nnotes.txt:\n\nTwelve."


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "input_file", "file_data": b64encode(b"%PDF-1.4").decode()}, ".file_data"),
        ({"type": "input_file", "file_data": "not base64"}, ".file_data"),
        ({"type": "input_file", "file_url": "https://e.com/a.txt"}, ".file_url"),
        ({"type": "input_file", "file_data": "", "file_url": "https://e.com/a.txt"}, ".file_url"),
        ({"type": "input_file", "file_id": "file-1"}, ".file_id"),
        ({"type": "input_file"}, ".file_data"),
        ({"type": "input_image", "file_id": "file-1"}, ".file_id"),
        ({"type": "input_image"}, ".image_url"),
        ({"type": "input_image", "image_url": "data:image/png;base64,%%"}, ".image_url"),
        ({"type": "input_audio", "input_audio": {}}, ""),
    ],
)
def test_what_ollama_cannot_read_is_refused_by_its_path(part: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        messages(user("a", part))
    assert caught.value.param == f"input[0].content[1]{param}"


def test_the_system_shows_no_images() -> None:
    with pytest.raises(InvalidRequest):
        messages(message("system", image()))


def test_how_an_image_is_looked_at_cannot_be_said() -> None:
    assert noted(say(items=[user(image(detail="low"))])) == [
        "input[0].content[0].detail: dropped, this model does not offer it"
    ]
    assert not say(items=[user(image(detail="auto"))]).adaptations


def test_text_thoughts_and_calls_are_one_message() -> None:
    said = messages(thought("hm"), message("assistant", "Wait."), call("1"), output("1"), user("b"))
    assert said[0] == {
        "role": "assistant",
        "content": "Wait.",
        "thinking": "hm",
        "tool_calls": [
            {
                "id": "1",
                "type": "function",
                "function": {"index": 0, "name": "look", "arguments": {"x": "1"}},
            }
        ],
    }
    assert said[1] == {"role": "tool", "content": "done", "tool_name": "look", "tool_call_id": "1"}


def test_thoughts_go_back_before_an_answer() -> None:
    assert messages(thought("hm"), message("assistant", "8"))[0]["thinking"] == "hm"


def test_thoughts_alone_do_not() -> None:
    request = say(items=[thought("hm"), user("a")])
    assert [each["role"] for each in request.body["messages"]] == ["user"]
    assert noted(request) == ["input[0]: dropped, thoughts without an answer cannot go back to this model"]


def test_thoughts_that_others_sealed_are_left_out_and_noted() -> None:
    request = say(items=[thought("x", encrypted_content="anthropic:y"), message("assistant", "8")])
    assert request.body["messages"] == [{"role": "assistant", "content": "8"}]
    assert noted(request) == ["input[0]: dropped, these thoughts cannot go back to this model"]


@pytest.mark.parametrize(
    ("written", "said"),
    [('{"x": 1}', {"x": 1}), ("", {}), ("[1]", {"arguments": [1]}), ('{"x": ', {"arguments": '{"x":'})],
)
def test_arguments_are_objects_whatever_a_model_wrote(written: str, said: dict[str, Any]) -> None:
    first, *_ = messages(call("1", written), output("1"))
    assert first["tool_calls"][0]["function"]["arguments"] == said


def test_an_output_without_a_call_has_no_name() -> None:
    assert messages(output("lost"))[0] == {"role": "tool", "content": "done", "tool_call_id": "lost"}


def test_images_of_outputs_follow_after_the_last_of_them() -> None:
    parts = [{"type": "input_text", "text": "seen"}, image()]
    request = say(items=[call("1"), call("2"), output("1", parts), output("2", [image()]), user("Well?")])
    said = request.body["messages"]
    assert [each["role"] for each in said] == ["assistant", "tool", "tool", "user", "user", "user"]
    assert [each["content"] for each in said[1:3]] == [
        "seen",
        "(The output follows in the next user message.)",
    ]
    assert said[3] == {"role": "user", "content": "Output of the call 1:", "images": [BARE]}
    assert noted(request) == [
        f"input[{index}].output: translated, its images, said by the user after the outputs"
        for index in (2, 3)
    ]


def test_a_part_of_an_output_that_ollama_has_no_word_for_is_left_out() -> None:
    request = say(items=[call("1"), output("1", [{"type": "input_audio"}])])
    assert noted(request) == ["input[1].output[0]: dropped, a part of this type cannot be said to this model"]
