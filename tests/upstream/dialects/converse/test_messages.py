"""Items, as Converse's system prompt, messages and blocks."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.protocol.errors import InvalidRequest
from tests.upstream.dialects.converse.official import problems
from tests.upstream.dialects.converse.speaking import (
    CLAUDE,
    LLAMA,
    call,
    function,
    message,
    output,
    say,
    user,
)

PNG = "data:image/png;base64,iVBORw0KGgo="
TITAN, MISTRAL = "amazon.titan-text-lite-v1", "mistral.mistral-large-2407-v1:0"


def messages(*items: dict[str, Any], **turn: Any) -> Any:
    request = say(*items, **turn)
    assert problems(request) == []
    return request.body["messages"]


def kinds(content: list[dict[str, Any]]) -> list[str]:
    return [next(iter(block)) for block in content]


def test_consecutive_items_of_one_speaker_are_one_message() -> None:
    said = messages(user("a"), user("b"), message("assistant", "c"), message("assistant", "d"), user("e"))
    assert [one["role"] for one in said] == ["user", "assistant", "user"]
    assert said[1]["content"] == [{"text": "c"}, {"text": "d"}]


def test_results_follow_their_calls_in_one_message_of_the_user() -> None:
    items = [user("Hi"), call("a"), call("b"), output("b", "B"), output("a", "A"), user("And?")]
    said = messages(*items, tools=[function()])
    results = [block["toolResult"] for block in said[2]["content"][:2]]
    assert results == [
        {"toolUseId": "a", "content": [{"text": "A"}]},
        {"toolUseId": "b", "content": [{"text": "B"}]},
    ]
    assert said[2]["content"][2] == {"text": "And?"}


def test_a_call_without_output_is_told_so_and_an_empty_one_is_empty() -> None:
    said = messages(user("Hi"), call("a"), user("?"), call("b"), output("b", ""), tools=[function()])
    missing, empty = said[2]["content"][0]["toolResult"], said[4]["content"][0]["toolResult"]
    assert missing["status"] == "error"
    assert missing["content"] == [{"text": "There is no output of this call."}]
    assert empty["content"] == [{"text": "(empty)"}]


def test_the_status_of_a_result_is_only_for_those_who_take_it() -> None:
    said = messages(user("Hi"), call("a"), model=LLAMA, tools=[function()])
    assert "status" not in said[2]["content"][0]["toolResult"]


def test_an_output_without_a_call_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        say(user("Hi"), output("nobody"))
    assert caught.value.param == "input[1].call_id"


def test_ids_fit_the_alphabet_and_come_once() -> None:
    said = messages(user("Hi"), call("ü/1"), output("ü/1"), call("ü/1"), output("ü/1"), tools=[function()])
    first, second = (said[place]["content"][0]["toolUse"]["toolUseId"] for place in (1, 3))
    assert first != second
    assert first.startswith("__1_")


def test_arguments_that_are_no_object_are_the_one_member_of_one() -> None:
    items = [user("Hi"), call("a", arguments="[1]"), call("b", arguments="{oops"), call("c", arguments="")]
    said = messages(*items, tools=[function()])
    asked = [block["toolUse"]["input"] for block in said[1]["content"]]
    assert asked == [{"arguments": [1]}, {"arguments": "{oops"}, {}]


def test_a_conversation_begins_and_ends_with_the_user() -> None:
    request = say(message("assistant", "Hello."))
    assert [one["role"] for one in request.body["messages"]] == ["user", "assistant", "user"]
    assert [one.action for one in request.adaptations] == ["emulated", "emulated"]


def test_system_messages_before_all_others_are_the_prompt_and_later_ones_stand_in_tags() -> None:
    request = say(message("system", "A."), user("Hi"), message("developer", "B."), instructions="I.")
    assert request.body["system"] == [{"text": "I."}, {"text": "A."}]
    assert request.body["messages"][0]["content"][1] == {"text": "<system>\nB.\n</system>"}
    assert [(one.param, one.action) for one in request.adaptations] == [("input[2]", "translated")]


def test_a_model_without_a_system_prompt_is_told_by_the_user() -> None:
    request = say(user("Hi"), model=TITAN, instructions="Be brief.")
    assert "system" not in request.body
    assert request.body["messages"][0]["content"][0] == {"text": "<system>\nBe brief.\n</system>"}
    assert [(one.param, one.action) for one in request.adaptations] == [("instructions", "translated")]


def test_where_words_cannot_stand_beside_results_the_model_speaks_between() -> None:
    items = [user("Hi"), call("a"), output("a"), user("And?")]
    said = messages(*items, model=LLAMA, tools=[function()])
    assert [one["role"] for one in said] == ["user", "assistant", "user", "assistant", "user"]
    assert [kinds(one["content"]) for one in said[2:]] == [["toolResult"], ["text"], ["text"]]


def test_outputs_are_json_for_those_who_take_nothing_else() -> None:
    items = [user("Hi"), call("a"), call("b"), output("a", "noon"), output("b", '{"h":12}')]
    said = messages(*items, model=MISTRAL, tools=[function()])
    contents = [block["toolResult"]["content"] for block in said[2]["content"]]
    assert contents == [[{"json": {"output": "noon"}}], [{"json": {"h": 12}}]]


def test_thoughts_go_back_where_they_are_read_and_nowhere_else() -> None:
    thought = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": "converse:c2ln",
    }
    items = [user("Hi"), thought, message("assistant", "Hello."), user("So?")]
    block = messages(*items)[1]["content"][0]
    assert block == {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}}
    request = say(*items, model=LLAMA)
    assert kinds(request.body["messages"][1]["content"]) == ["text"]
    assert [(one.param, one.action) for one in request.adaptations] == [("input[1]", "dropped")]


def test_thoughts_that_nothing_came_of_are_left_out_and_noted() -> None:
    thought = {"type": "reasoning", "summary": [], "encrypted_content": "converse:c2ln"}
    request = say(user("Hi"), thought)
    assert request.body["messages"] == [{"role": "user", "content": [{"text": "Hi"}]}]
    assert [(one.param, one.action) for one in request.adaptations] == [("input", "dropped")]


def test_a_compaction_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        say({"type": "compaction", "encrypted_content": "x"}, user("Hi"))
    assert caught.value.param == "input[0]"


# Images and files


def image(url: Any) -> dict[str, Any]:
    return {"type": "input_image", "image_url": url}


def file(**fields: Any) -> dict[str, Any]:
    return {"type": "input_file", **fields}


def test_an_image_is_bytes_or_a_place_in_s3() -> None:
    content = messages(user(image(PNG), image("s3://bucket/key/a.JPG"), "?"))[0]["content"]
    assert content[0] == {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}
    assert content[1] == {
        "image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://bucket/key/a.JPG"}}}
    }


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (image("https://example.com/a.png"), "image_url"),
        (image("data:image/tiff;base64,AAAA"), "image_url"),
        (image("data:image/png;base64,!!"), "image_url"),
        (image("s3://bucket/key"), "image_url"),
        ({"type": "input_image", "file_id": "file_1"}, "file_id"),
        (file(file_url="https://example.com/a.pdf"), "file_url"),
        (file(file_data="!!"), "file_data"),
        (file(file_data="data:application/zip;base64,AAAA"), "file_data"),
        (file(file_id="file_1"), "file_id"),
    ],
)
def test_what_cannot_be_sent_is_refused_where_it_stands(part: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        say(user("Hi", part))
    assert caught.value.param == f"input[0].content[1].{param}"


def test_sound_is_said_by_the_user() -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    (said,) = messages(user("Hi", sound))
    assert said["content"][1] == {"audio": {"format": "wav", "source": {"bytes": "UklGRg=="}}}


def test_sound_of_another_kind_is_refused_and_in_an_output_left_out() -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "midi"}}
    with pytest.raises(InvalidRequest) as caught:
        say(user("Hi", sound))
    assert caught.value.param == "input[0].content[1].input_audio.format"
    request = say(user("Hi"), call("a"), output("a", [sound]), tools=[function()])
    assert [(one.param, one.action) for one in request.adaptations] == [("input[2].output[0]", "dropped")]


def test_a_part_that_nobody_knows_is_refused_in_a_question_and_left_out_of_an_answer() -> None:
    with pytest.raises(InvalidRequest) as caught:
        say(user({"type": "new"}))
    assert caught.value.param == "input[0].content[0]"
    request = say(user("Hi"), message("assistant", {"type": "new"}, "Hello."), user("So?"))
    assert [(one.param, one.action) for one in request.adaptations] == [("input[1].content[0]", "dropped")]


@pytest.mark.parametrize(
    ("fields", "format", "name"),
    [
        ({"file_data": "JVBERi0xLjQ=", "filename": "My Report_2.pdf"}, "pdf", "My Report 2"),
        ({"file_data": "data:text/csv;base64,YSxi"}, "csv", "document"),
        ({"file_data": "data:text/x-python,print()", "filename": "a.py"}, "txt", "a py"),
        ({"file_data": "eA==", "filename": "notes.MD"}, "md", "notes"),
        ({"file_url": "s3://bucket/a.docx", "filename": "..//..\x00.docx"}, "docx", "document"),
        ({"file_data": "JVBERi0xLjQ="}, "pdf", "document"),
    ],
)
def test_a_file_is_a_document_with_a_name_that_fits(fields: Any, format: str, name: str) -> None:
    document = messages(user(file(**fields), "?"))[0]["content"][0]["document"]
    assert (document["format"], document["name"]) == (format, name)


def test_an_image_in_a_file_is_an_image() -> None:
    assert kinds(messages(user(file(file_data=PNG), "?"))[0]["content"]) == ["image", "text"]


def test_documents_have_names_of_their_own_and_words_beside_them() -> None:
    same = file(file_data="data:text/plain,x", filename="a.txt")
    request = say(user(same, same))
    content = request.body["messages"][0]["content"]
    assert [block["document"]["name"] for block in content[:2]] == ["a", "a (2)"]
    assert content[2] == {"text": "See the attached document."}
    assert [one.action for one in request.adaptations] == ["emulated"]


def test_an_image_in_an_output_stands_in_the_result() -> None:
    said = messages(user("Hi"), call("a"), output("a", [image(PNG)]), tools=[function()], model=CLAUDE)
    assert kinds(said[2]["content"][0]["toolResult"]["content"]) == ["image"]


def test_a_detail_is_noted() -> None:
    request = say(user({**image(PNG), "detail": "high"}, "?"))
    assert [one.param for one in request.adaptations] == ["input[0].content[0].detail"]
