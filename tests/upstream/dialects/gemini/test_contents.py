"""Items to contents."""

from __future__ import annotations

import pytest

from antiphon.core import deltas as d
from antiphon.protocol.errors import InvalidRequest
from tests.play import play
from tests.upstream.dialects.gemini.speaking import (
    VERTEX,
    call,
    calls,
    contents,
    hear_parts,
    message,
    noted,
    output,
    result,
    say,
    sealed,
    text,
    thought,
    user,
)

OLD, NEW = "gemini-2.5-flash", "gemini-3-flash-preview"


def roles(said: list[dict]) -> list[str]:
    return [content["role"] for content in said]


def test_neighbours_of_one_speaker_are_one_content() -> None:
    said = contents(user("a"), user("b"), message("assistant", "c"), message("assistant", "d"), user("e"))
    assert [[part["text"] for part in content["parts"]] for content in said] == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
    ]
    assert roles(said) == ["user", "model", "user"]


def test_instructions_and_leading_system_messages_are_the_system_instruction() -> None:
    body = say(instructions="i", items=[message("system", "s"), message("developer", "d"), user("a")]).body
    assert body["systemInstruction"] == {"parts": [{"text": "i"}, {"text": "s"}, {"text": "d"}]}
    assert body["contents"] == [{"role": "user", "parts": [{"text": "a"}]}]


def test_a_later_system_message_is_said_by_the_user_in_tags() -> None:
    request = say(items=[user("a"), message("developer", "d")])
    assert request.body["contents"][0]["parts"][1] == {"text": "<system>\nd\n</system>"}
    assert noted(request) == {"input[1]": "translated"}


def test_without_any_item_the_user_begins() -> None:
    request = say(items=[], instructions="i")
    assert request.body["contents"] == [{"role": "user", "parts": [{"text": "Begin."}]}]
    assert noted(request) == {"input": "emulated"}


def test_a_conversation_that_the_model_began_and_ended_is_framed_by_the_user() -> None:
    said = contents(message("assistant", "a"))
    assert [content["parts"][0]["text"] for content in said] == ["Begin.", "a", "Continue."]


@pytest.mark.parametrize("model", [OLD, NEW])
def test_responses_stand_behind_their_step_in_the_order_of_the_calls(model: str) -> None:
    items = [user("a"), call("1", "f"), call("2", "g"), result("2", "of g"), result("1", "of f"), user("b")]
    _, step, answer = contents(*items, model=model)
    assert [part["functionCall"]["name"] for part in step["parts"]] == ["f", "g"]
    responses = [part["functionResponse"] for part in answer["parts"][:2]]
    assert [response["response"]["output"] for response in responses] == ["of f", "of g"]
    assert answer["parts"][2] == {"text": "b"}
    assert ("id" in responses[0]) == (model == NEW)


def test_a_call_after_an_output_is_another_step() -> None:
    items = [user("a"), call("1"), result("1"), call("2"), result("2")]
    assert roles(contents(*items)) == ["user", "model", "user", "model", "user"]


def test_calls_with_the_same_id_get_their_own_outputs() -> None:
    items = [user("a"), call("1"), result("1", "x"), call("1"), result("1", "y")]
    said = contents(*items)
    assert [said[place]["parts"][0]["functionResponse"]["response"]["output"] for place in (2, 4)] == [
        "x",
        "y",
    ]


def test_an_output_without_a_call_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        contents(user("a"), result("9"))
    assert refusal.value.param == "input[1].call_id"


def test_a_call_without_an_output_gets_one_that_says_so() -> None:
    request = say(items=[user("a"), call("1")])
    response = request.body["contents"][2]["parts"][0]["functionResponse"]["response"]
    assert response == {"error": "There is no output of this call."}
    assert noted(request) == {"input[1]": "translated"}


@pytest.mark.parametrize(
    ("arguments", "args"),
    [("{}", {}), ("", {}), ('{"a": 1}', {"a": 1}), ("[1]", {"arguments": [1]}), ("{a", {"arguments": "{a"})],
)
def test_arguments_are_an_object_whatever_they_were(arguments: str, args: dict) -> None:
    assert contents(user("a"), call("1", arguments=arguments))[1]["parts"][0]["functionCall"]["args"] == args


def test_a_custom_call_is_a_call_with_its_input() -> None:
    custom = {"type": "custom_tool_call", "call_id": "1", "name": "patch", "input": "*** Begin"}
    given = {"type": "custom_tool_call_output", "call_id": "1", "output": "ok"}
    _, step, answer = contents(user("a"), custom, given)
    assert step["parts"] == [{"functionCall": {"name": "patch", "args": {"input": "*** Begin"}}}]
    assert answer["parts"][0]["functionResponse"]["response"] == {"output": "ok"}


def test_a_call_of_an_mcp_server_is_a_call_and_its_output() -> None:
    item = {"type": "mcp_call", "id": "mcp_1", "name": "find", "arguments": '{"q": 1}', "output": "found"}
    request = say(items=[user("a"), item, message("assistant", "b"), user("c")])
    assert roles(request.body["contents"]) == ["user", "model", "user", "model", "user"]
    assert request.body["contents"][2]["parts"] == [
        {"functionResponse": {"name": "find", "response": {"output": "found"}}}
    ]
    assert noted(request) == {"input[1]": "translated"}


@pytest.mark.parametrize(("name", "expected"), [("9lives", "_9lives"), ("a b", "a_b"), ("-x", "_-x")])
def test_names_of_old_calls_are_brought_into_googles_alphabet(name: str, expected: str) -> None:
    assert contents(user("a"), call("1", name))[1]["parts"][0]["functionCall"]["name"] == expected


def test_names_in_a_namespace_are_joined() -> None:
    item = {**call("1", "now"), "namespace": "crm"}
    assert contents(user("a"), item)[1]["parts"][0]["functionCall"]["name"] == "crm__now"


PICTURE = {"type": "input_image", "image_url": "data:image/png;base64,aGk="}


def test_pictures_in_outputs_stand_in_the_response_on_new_models() -> None:
    said = [{"type": "input_text", "text": "see"}, PICTURE]
    response = contents(user("a"), call("1"), result("1", said), model=NEW)[2]["parts"][0]["functionResponse"]
    assert response["response"] == {"output": "see"}
    assert response["parts"] == [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]


def test_pictures_in_outputs_follow_the_responses_on_old_models() -> None:
    request = say(items=[user("a"), call("1", "f"), call("2", "g"), result("1", [PICTURE]), result("2")])
    answer = request.body["contents"][2]["parts"]
    assert [next(iter(part)) for part in answer] == [
        "functionResponse",
        "functionResponse",
        "text",
        "inlineData",
    ]
    assert answer[2] == {"text": "Output of the call of f:"}
    assert noted(request) == {"input[3].output": "translated"}


# Signatures


def test_a_signed_text_is_cut_where_it_was() -> None:
    seal = sealed({"text": [5, 9], "signature": "s"}, {"text": [9, 9], "signature": "t"})
    _, said, _ = contents(user("a"), message("assistant", "One. Two. Three."), seal, user("b"))
    assert said["parts"] == [
        {"text": "One. "},
        {"text": "Two.", "thoughtSignature": "s"},
        {"text": "", "thoughtSignature": "t"},
        {"text": " Three."},
    ]


def test_a_signature_on_text_that_is_not_there_any_more_is_left_out() -> None:
    seal = sealed({"text": [5, 90], "signature": "s"})
    _, said, _ = contents(user("a"), message("assistant", "Short."), seal, user("b"))
    assert said["parts"] == [{"text": "Short."}]


def test_a_signature_on_text_finds_only_the_message_right_before_it() -> None:
    seal = sealed({"text": [0, 1], "signature": "s"})
    items = [user("a"), message("assistant", "b"), user("c"), seal, message("assistant", "d"), user("e")]
    said = [part for content in contents(*items) for part in content["parts"]]
    assert said == [{"text": each} for each in "abcde"]


def test_signed_thoughts_go_back_with_their_words() -> None:
    seal = sealed({"thought": [0, 3], "signature": "s"}, summary="Hm. More.")
    _, said, _ = contents(user("a"), seal, message("assistant", "b"), user("c"))
    assert said["parts"] == [{"text": "Hm.", "thought": True, "thoughtSignature": "s"}, {"text": "b"}]


def test_a_signature_goes_on_the_call_that_follows_it_and_on_no_other() -> None:
    seal = sealed({"call": "f", "signature": "s"})
    _, said, _ = contents(user("a"), seal, call("1", "f"), call("2", "f"), result("1"), result("2"))
    assert [part.get("thoughtSignature") for part in said["parts"]] == ["s", None]
    _, said, _ = contents(user("a"), seal, call("1", "g"), result("1"))
    assert "thoughtSignature" not in said["parts"][0]


@pytest.mark.parametrize(("model", "mark"), [(OLD, None), (NEW, "skip_thought_signature_validator")])
def test_calls_that_nobody_signed_are_marked_where_that_is_needed(model: str, mark: str | None) -> None:
    items = [user("a"), call("1"), call("2"), result("1"), result("2"), call("3"), result("3")]
    request = say(model=model, items=items)
    steps = [content["parts"] for content in request.body["contents"] if content["role"] == "model"]
    assert [[part.get("thoughtSignature") for part in parts] for parts in steps] == [[mark, None], [mark]]
    assert noted(request) == ({"input": "emulated"} if mark else {})


@pytest.mark.parametrize(
    "blob", ["anthropic:abc", "gemini:nonsense", "gemini:[3]", 'gemini:[{"text": [2, 1]}]', None]
)
def test_seals_of_others_and_damaged_ones_are_left_out(blob: str | None) -> None:
    item = {"type": "reasoning", "summary": [], "encrypted_content": blob}
    request = say(items=[user("a"), item, message("assistant", "b"), user("c")])
    assert request.body["contents"][1]["parts"] == [{"text": "b"}]
    assert noted(request) == {"input[1]": "dropped"}


def test_only_parts_of_googles_own_tools_are_taken_out_of_a_seal() -> None:
    seal = sealed({"part": {"functionResponse": {"name": "f"}}})
    assert noted(say(items=[user("a"), seal, user("b")])) == {"input[1]": "dropped"}


def test_calls_of_built_in_tools_do_not_go_to_vertex_but_code_does() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    seal = sealed({"part": {"toolCall": {"id": "1"}}}, {"part": code})
    request = say(VERTEX, model=NEW, items=[user("a"), seal, user("b")])
    assert request.body["contents"][1]["parts"] == [code]
    assert noted(request) == {"input[1]": "dropped"}


def test_code_of_another_provider_is_told_as_a_call_of_a_function() -> None:
    ran = {"type": "code_interpreter_call", "id": "c", "code": "1+1", "container_id": ""}
    request = say(items=[user("a"), {**ran, "outputs": [{"type": "logs", "logs": "2"}]}, user("b")])
    _, asked, answered = request.body["contents"]
    assert asked["parts"] == [{"functionCall": {"name": "code_interpreter", "args": {"code": "1+1"}}}]
    assert answered["parts"][0]["functionResponse"]["response"] == {"output": "2"}
    assert noted(request) == {"input[1]": "translated"}


def test_a_history_that_another_provider_sealed_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        say(items=[user("a"), {"type": "compaction", "encrypted_content": "x"}])
    assert refusal.value.param == "input[1]"


def test_an_image_of_its_own_goes_back_to_a_model_that_draws() -> None:
    picture = {"inlineData": {"mimeType": "image/jpeg", "data": "aGk="}, "thoughtSignature": "s"}
    items = output(hear_parts(text("Here."), picture))
    _, said, _ = contents(user("draw"), *items, user("bluer"), model="gemini-3-pro-image-preview")
    assert said["parts"] == [{"text": "Here."}, picture]
    assert noted(say(items=[user("draw"), *items, user("b")], model=OLD))["input[3]"] == "dropped"


def test_a_whole_answer_goes_back_as_it_came() -> None:
    said = [
        thought("Look.", thoughtSignature="a"),
        text("I "),
        text("look.", thoughtSignature="b"),
        calls("f", {"q": 1}, "c1", thoughtSignature="c"),
        calls("g", {}, "c2"),
    ]
    items = play(hear_parts(*said))[1].said
    _, again, _ = contents(user("a"), *items, result("c1"), result("c2"), model=NEW)
    assert again["parts"] == said


def test_the_assembler_gives_calls_ids_where_google_gave_none() -> None:
    assert [delta.call_id for delta in hear_parts(calls("f")) if isinstance(delta, d.Call)] == [""]
    (item,) = output(hear_parts(calls("f")))
    assert item["call_id"].startswith("call_")
