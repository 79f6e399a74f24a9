"""How items become chat messages."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.adaptations import Adaptation
from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.chat import Chat
from tests.upstream.dialects.adapted import dropped

SEALED = 'chat:[{"type":"reasoning.text","text":"hm","signature":"s/+=","index":0}]'
IMAGE: JSON = {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"}
CHAT_IMAGE: JSON = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}
PDF: JSON = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}


def text(said: str, **more: Any) -> JSON:
    return {"type": "input_text", "text": said, **more}


def message(role: str, *parts: str | JSON) -> JSON:
    content = [text(part) if isinstance(part, str) else part for part in parts]
    return {"type": "message", "role": role, "content": content}


def call(call_id: str, name: str = "f", arguments: str = "{}") -> JSON:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def output(call_id: str, said: str | list[JSON] = "ok") -> JSON:
    return {"type": "function_call_output", "call_id": call_id, "output": said}


def reasoning(said: str, sealed: str | None = None) -> JSON:
    item = {"type": "reasoning", "summary": [{"type": "summary_text", "text": said}]}
    return item | ({"encrypted_content": sealed} if sealed else {})


def chat_call(call_id: str, name: str = "f", arguments: str = "{}") -> JSON:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool(call_id: str, said: Any = "ok") -> JSON:
    return {"role": "tool", "tool_call_id": call_id, "content": said}


def said(*items: JSON, instructions: str | None = None, **quirks: Any) -> list[JSON]:
    return encoded(*items, instructions=instructions, **quirks)[0]


def encoded(
    *items: JSON, instructions: str | None = None, **quirks: Any
) -> tuple[list[JSON], tuple[Adaptation, ...]]:
    turn = Turn(model="m", items=list(items), instructions=instructions)
    request = Chat(**quirks).encode(turn)
    return request.body["messages"], request.adaptations


def test_a_conversation_keeps_its_order_and_plain_texts_are_strings() -> None:
    turns = message("user", "hi"), message("assistant", "hello"), message("user", "a", "b")
    assert said(*turns, instructions="be kind") == [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
    ]


def test_leading_system_messages_are_one_and_later_ones_are_said_as_user() -> None:
    items = message("developer", "b"), message("user", "hi"), message("system", "c")
    messages, adaptations = encoded(*items, instructions="a")
    assert [(one["role"], one["content"]) for one in messages] == [
        ("system", "a\n\nb"),
        ("user", "hi"),
        ("user", "c"),
    ]
    assert [str(told) for told in adaptations] == [
        "input[2]: translated, a later system message, said by the user"
    ]


def test_where_roles_are_free_each_message_keeps_its_own() -> None:
    items = message("user", "hi"), message("developer", "b"), message("system", "c")
    messages, adaptations = encoded(*items, instructions="a", system_first=False, developer_role=True)
    assert [one["role"] for one in messages] == ["developer", "user", "developer", "system"]
    assert not adaptations


def test_neighbours_of_one_role_are_joined_where_roles_must_alternate() -> None:
    items = message("user", "a"), message("user", "b"), message("assistant", "c"), message("user", IMAGE)
    assert [one["content"] for one in said(*items, alternate_roles=True)] == ["a\n\nb", "c", [CHAT_IMAGE]]


def test_a_word_of_the_assistant_parts_a_tool_from_a_user_where_that_is_demanded() -> None:
    items = call("a"), output("a"), message("user", "go on")
    assert [one["role"] for one in said(*items)] == ["assistant", "tool", "user"]
    bridged, adaptations = encoded(*items, user_after_tool=False)
    assert [one["role"] for one in bridged] == ["assistant", "tool", "assistant", "user"]
    assert [(one.param, one.action) for one in adaptations] == [("input", "emulated")]


def test_text_thoughts_and_parallel_calls_of_one_turn_are_one_message() -> None:
    items = (
        reasoning("hm"),
        message("assistant", "look"),
        call("a"),
        call("b", "g", ""),
        output("a"),
        output("b"),
    )
    assert said(*items, replay="reasoning_content") == [
        {
            "role": "assistant",
            "content": "look",
            "reasoning_content": "hm",
            "tool_calls": [chat_call("a"), chat_call("b", "g")],
        },
        tool("a"),
        tool("b"),
    ]


def test_a_message_after_the_calls_of_its_turn_does_not_part_them_from_their_outputs() -> None:
    items = call("a"), message("assistant", "wait"), output("a"), message("assistant", "done")
    assert [one["role"] for one in said(*items)] == ["assistant", "tool", "assistant"]


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_thoughts_go_back_in_the_field_that_the_server_reads(field: str) -> None:
    (back,) = said(reasoning("hm"), message("assistant", "hi"), replay=field)
    assert back == {"role": "assistant", "content": "hi", field: "hm"}


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ("", "{}"),
        ('{"a": "cu', '{"arguments":"{\\"a\\": \\"cu"}'),
        ("[1]", '{"arguments":[1]}'),
    ],
)
def test_arguments_are_an_object_because_templates_can_say_nothing_else(arguments: str, sent: str) -> None:
    assert said(call("a", "f", arguments), output("a"))[0]["tool_calls"] == [chat_call("a", "f", sent)]


def test_a_call_of_an_mcp_server_gets_a_name_that_a_function_can_have() -> None:
    item = {"type": "mcp_call", "id": "m", "name": "find it/ä", "arguments": "{}", "output": "x"}
    assert said(item)[0]["tool_calls"] == [chat_call("m", "find_it__")]


@pytest.mark.parametrize("last", [message("assistant", "hi"), message("system", "hi")])
def test_where_the_user_must_speak_last_he_says_to_go_on(last: JSON) -> None:
    messages, adaptations = encoded(message("user", "a"), last, user_last=True, system_first=False)
    assert messages[2:] == [{"role": "user", "content": "Continue."}]
    assert [(one.param, one.action) for one in adaptations] == [("input", "emulated")]
    assert len(said(message("user", "a"), last, system_first=False)) == 2
    assert [one["role"] for one in said(call("a"), output("a"), user_last=True)] == ["assistant", "tool"]


def test_the_field_of_thoughts_stands_also_where_others_spoke_without_them_if_it_must() -> None:
    items = call("a"), output("a"), message("assistant", "hi")
    called, _, answered = said(*items, replay="reasoning_content", needs_thoughts=True)
    assert (called["reasoning_content"], answered["reasoning_content"]) == ("", "")
    assert "reasoning_content" not in said(*items, replay="reasoning_content")[0]


def test_thoughts_go_back_as_parts_to_mistral() -> None:
    (back,) = said(reasoning("hm"), message("assistant", "hi"), replay="content")
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    assert back["content"] == [thinking, {"type": "text", "text": "hi"}]


def test_sealed_thoughts_go_back_as_they_came() -> None:
    (back,) = said(reasoning("hm", SEALED), call("a"), replay="reasoning_details")
    detail = {"type": "reasoning.text", "text": "hm", "signature": "s/+=", "index": 0}
    assert back["reasoning_details"] == [detail]
    assert "reasoning" not in back


@pytest.mark.parametrize("blob", ["anthropic:abc", "gAAAAAB"])
def test_thoughts_sealed_by_another_are_left_out_and_said_so(blob: str) -> None:
    messages, adaptations = encoded(reasoning("hm", blob), message("assistant", "hi"), replay="reasoning")
    assert messages == [{"role": "assistant", "content": "hi"}]
    assert adaptations == (Adaptation("input[0]", "dropped", "these thoughts cannot go back to this model"),)


def test_a_blob_that_a_client_made_up_is_no_failure() -> None:
    assert said(reasoning("", "chat:nonsense"), message("assistant", "hi"), replay="reasoning_details")


def test_images_and_files_are_said_where_they_are_known() -> None:
    parts = "look", IMAGE, PDF
    (user,) = said(message("user", *parts), files="data")
    file = {"filename": "a.pdf", "file_data": PDF["file_data"]}
    assert user["content"] == [{"type": "text", "text": "look"}, CHAT_IMAGE, {"type": "file", "file": file}]


def test_audio_is_its_data_and_format_and_nothing_besides() -> None:
    audio = {"data": "AA==", "format": "wav"}
    (user,) = said(message("user", {"type": "input_audio", "input_audio": {**audio, "unheard_of": 1}}))
    assert user["content"] == [{"type": "input_audio", "input_audio": audio}]


def test_a_system_message_is_text_and_its_images_are_said_by_the_user() -> None:
    items = message("developer", "see", IMAGE, "and", PDF), message("system", IMAGE), message("user", "hi")
    messages, adaptations = encoded(*items, instructions="a", files="document_url", system_first=False)
    document = {"type": "document_url", "document_url": PDF["file_data"], "document_name": "a.pdf"}
    assert messages == [
        {"role": "system", "content": "a"},
        {"role": "system", "content": [{"type": "text", "text": "see"}, {"type": "text", "text": "and"}]},
        {"role": "user", "content": [CHAT_IMAGE, document]},
        {"role": "user", "content": [CHAT_IMAGE]},
        {"role": "user", "content": "hi"},
    ]
    assert [str(one) for one in adaptations] == [
        "input[0]: translated, a system message is text alone, the rest is said by the user",
        "input[1]: translated, a system message is text alone, the rest is said by the user",
    ]


def test_a_later_system_message_that_the_user_says_keeps_its_images_in_their_place() -> None:
    items = message("system", "a", IMAGE), message("system", IMAGE, "b")
    messages, adaptations = encoded(*items)
    assert messages == [
        {"role": "system", "content": "a"},
        {"role": "user", "content": [CHAT_IMAGE]},
        {"role": "user", "content": [CHAT_IMAGE, {"type": "text", "text": "b"}]},
    ]
    assert [(one.param, one.action) for one in adaptations] == [
        ("input[0]", "translated"),
        ("input[1]", "translated"),
    ]


def test_a_file_is_a_document_to_mistral_and_a_url_will_do() -> None:
    by_url = {"type": "input_file", "file_url": "https://a/b.pdf"}
    (user,) = said(message("user", PDF, by_url), files="document_url")
    assert user["content"] == [
        {"type": "document_url", "document_url": PDF["file_data"], "document_name": "a.pdf"},
        {"type": "document_url", "document_url": "https://a/b.pdf"},
    ]


def test_a_file_that_the_server_keeps_is_named_by_its_id() -> None:
    kept = {"type": "input_file", "file_id": "file-1", "filename": "a.pdf"}
    messages, adaptations = encoded(message("user", kept), files="data", file_ids=True)
    assert messages[0]["content"] == [{"type": "file", "file": {"file_id": "file-1"}}]
    assert adaptations == dropped("input[0].content[0].filename")


@pytest.mark.parametrize(
    ("part", "quirks", "param"),
    [
        (IMAGE, {"images": False}, "input[1].content[0]"),
        ({"type": "input_image", "file_id": "f"}, {}, "input[1].content[0].file_id"),
        ({"type": "input_image"}, {}, "input[1].content[0].image_url"),
        ({"type": "input_audio"}, {}, "input[1].content[0].input_audio"),
        ({"type": "input_audio", "input_audio": {"data": "AA=="}}, {}, "input[1].content[0].input_audio"),
        (PDF, {"files": "none"}, "input[1].content[0]"),
        ({"type": "input_file", "file_id": "f"}, {"files": "data"}, "input[1].content[0].file_id"),
        ({"type": "input_file", "file_url": "u"}, {"files": "data"}, "input[1].content[0].file_url"),
    ],
)
def test_what_cannot_be_said_is_refused_by_its_path(part: JSON, quirks: JSON, param: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        said(message("user", "hi"), message("user", part), **quirks)
    assert refusal.value.param == param
    assert isinstance(refusal.value, UnsupportedParameter) or param.endswith(("image_url", "input_audio"))


def test_media_of_tools_follow_after_the_last_of_the_tool_messages() -> None:
    items = (
        call("a"),
        call("b"),
        output("a", [text("see"), IMAGE]),
        output("b", [IMAGE]),
        message("user", "so?"),
    )
    messages, adaptations = encoded(*items)
    assert [(one.param, one.action) for one in adaptations] == [
        ("input[2].output", "translated"),
        ("input[3].output", "translated"),
    ]
    assert messages[1:3] == [tool("a", "see"), tool("b", "(The output follows in the next user message.)")]
    of_a, of_b = (
        {"type": "text", "text": "Output of the call a:"},
        {"type": "text", "text": "Output of the call b:"},
    )
    assert messages[3] == {"role": "user", "content": [of_a, CHAT_IMAGE, of_b, CHAT_IMAGE]}
    assert messages[4] == {"role": "user", "content": "so?"}


def test_what_stands_between_calls_and_their_outputs_waits_until_the_last_output() -> None:
    items = (
        call("a"),
        call("b"),
        output("a", [IMAGE]),
        message("user", "hurry"),
        output("b"),
        message("user", "now"),
    )
    messages = said(*items)
    assert [one["role"] for one in messages] == ["assistant", "tool", "tool", "user", "user", "user"]
    assert [one["content"] for one in messages[4:]] == ["hurry", "now"]


def test_what_waits_for_an_output_that_never_comes_is_said_all_the_same() -> None:
    messages = said(call("a"), message("user", "hurry"), message("assistant", "yes"))
    assert [one["role"] for one in messages] == ["assistant", "tool", "user", "assistant"]


def test_a_history_that_is_told_twice_leaves_no_call_open() -> None:
    items = [message("user", "a"), call("1")]
    outputs = [one["content"] for one in said(*items, *items, output("1")) if one["role"] == "tool"]
    assert outputs == ["There is no output of this call.", "ok"]


def test_an_output_that_comes_after_all_is_put_where_it_was_missed() -> None:
    messages = said(call("1"), message("user", "a"), message("assistant", "b"), output("1"))
    assert [one["role"] for one in messages] == ["assistant", "tool", "user", "assistant"]
    assert messages[1]["content"] == "ok"


def test_an_answer_that_says_nothing_is_no_message() -> None:
    assert said(message("user", "a"), message("assistant", ""), reasoning("hm"), replay="reasoning") == [
        {"role": "user", "content": "a"}
    ]


def test_media_of_tools_stay_where_tool_messages_may_have_them() -> None:
    messages, adaptations = encoded(call("a"), output("a", [IMAGE]), tool_media=True)
    assert messages[1] == tool("a", [CHAT_IMAGE])
    assert not adaptations


def test_an_output_of_several_texts_is_one_string() -> None:
    assert said(call("a"), output("a", [text("x"), text("y")]))[1] == tool("a", "x\ny")


def test_a_custom_call_is_itself() -> None:
    custom = {"type": "custom_tool_call", "call_id": "a", "name": "sql", "input": "SELECT"}
    result = {"type": "custom_tool_call_output", "call_id": "a", "output": "1"}
    native = {"id": "a", "type": "custom", "custom": {"name": "sql", "input": "SELECT"}}
    assert said(custom, result, custom_tools=True)[0]["tool_calls"] == [native]
    assert said(custom, result, custom_tools=True)[1] == tool("a", "1")


@pytest.mark.parametrize(("form", "fitting"), [("short", 40), ("nine", 9)])
def test_ids_that_a_server_would_refuse_are_replaced_in_the_call_and_in_its_output(
    form: str, fitting: int
) -> None:
    asked, answered = said(call("c-" * 30), output("c-" * 30), call_ids=form)
    assert asked["tool_calls"][0]["id"] == answered["tool_call_id"]
    assert len(answered["tool_call_id"]) <= fitting
    assert said(output("abcDEF123"), call_ids=form) == [tool("abcDEF123")]


def test_a_call_to_a_remote_server_is_a_call_with_its_output() -> None:
    mcp = {"type": "mcp_call", "id": "m", "name": "roll", "arguments": "{}", "output": "4"}
    assert said(mcp) == [
        {"role": "assistant", "content": None, "tool_calls": [chat_call("m", "roll")]},
        tool("m", "4"),
    ]


def test_what_has_no_place_in_a_chat_is_left_out_and_named_by_its_place() -> None:
    search = {"type": "web_search_call", "id": "w", "action": {}}
    drawn = message("assistant", {"type": "hologram"}, "hi")
    messages, adaptations = encoded(search, search, drawn, call("a"), output("a", [{"type": "hologram"}]))
    assert [said.get("content") for said in messages] == ["hi", ""]
    assert [(told.param, told.action) for told in adaptations] == [
        ("input[0]", "dropped"),
        ("input[1]", "dropped"),
        ("input[2].content[0]", "dropped"),
        ("input[4].output[0]", "dropped"),
    ]
    assert "web_search_call" in adaptations[0].detail
    assert "hologram" not in adaptations[2].detail  # a word of the client's own


@pytest.mark.parametrize("role", ["user", "system", "developer"])
def test_what_the_client_says_is_said_or_refused_by_its_place(role: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        said(message("user", "hi"), message(role, "hi", {"type": "hologram"}))
    assert (refusal.value.param, refusal.value.code) == ("input[1].content[1]", "unsupported_value")


def test_a_compaction_is_refused_by_its_place() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        said(message("user", "hi"), {"type": "compaction", "encrypted_content": "gAAA"})
    assert (refusal.value.param, refusal.value.code) == ("input[1]", "unsupported_value")


def test_the_detail_of_a_file_is_named() -> None:
    _, adaptations = encoded(message("user", {**PDF, "detail": "high"}), files="data")
    assert adaptations == dropped("input[0].content[0].detail")
    assert encoded(message("user", {**PDF, "detail": "auto"}), files="data")[1] == ()


def test_cache_markers_go_where_they_are_known_and_are_named_elsewhere() -> None:
    marked = message("user", text("hi", cache_control={"type": "ephemeral"}))
    assert said(marked, cache_control=True)[0]["content"] == [
        {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}
    ]
    messages, adaptations = encoded(marked)
    assert messages[0]["content"] == "hi"
    assert adaptations == dropped("input[0].content[0].cache_control")


def test_media_in_the_model_s_own_message_are_named() -> None:
    image = {"type": "input_image", "image_url": "https://a.example/b.png"}
    marked = text("hi", cache_control={"type": "ephemeral"})
    messages, adaptations = encoded(message("assistant", image, marked), cache_control=True)
    assert messages == [{"role": "assistant", "content": "hi"}]
    assert [(told.param, told.action) for told in adaptations] == [
        ("input[0].content[0]", "dropped"),
        ("input[0].content[1].cache_control", "dropped"),
    ]


def test_thoughts_of_which_nothing_came_are_named() -> None:
    thought, said = reasoning("hm"), message("user", "hi")
    messages, adaptations = encoded(thought, said, replay="reasoning_content")
    assert messages == [{"role": "user", "content": "hi"}]
    assert [(told.param, told.action) for told in adaptations] == [("input[0]", "dropped")]


def test_cache_markers_on_the_output_of_a_tool_stay() -> None:
    marked = text("x", cache_control={"type": "ephemeral"})
    assert said(call("a"), output("a", [marked]), cache_control=True)[1]["content"][0]["cache_control"]


def test_a_refusal_is_said_as_the_text_it_was() -> None:
    refused = message("assistant", {"type": "refusal", "refusal": "No."})
    assert said(refused) == [{"role": "assistant", "content": "No."}]
