"""A turn to a request; the goldens (tests/turns) show whole ones."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProtocolViolation
from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.providers import PROVIDERS
from tests.play import answer_deltas, play, stream_deltas
from tests.recordings import Recording, each_recording, needs_recordings
from tests.upstream.dialects.responses.speaking import JSON, answered, ended, relayed

SEALED = "reasoning.encrypted_content"
BLOB = "gAAAAABo+/9_-=="
TAKES_NO_SEALS = Responses(sealed_reasoning=False, raw_reasoning=True)


def encoded(*items: JSON, dialect: Responses | None = None, **fields: Any) -> WireRequest:
    return (dialect or Responses()).encode(Turn(**{"model": "gpt-5.2", "items": list(items), **fields}))


def sent(*items: JSON, dialect: Responses | None = None) -> list[JSON]:
    return encoded(*items, dialect=dialect).body["input"]


def thought(blob: str | None, **fields: Any) -> JSON:
    return {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": blob, **fields}


# Thoughts


def test_a_sealed_thought_goes_back_byte_for_byte_and_without_the_id_that_is_ours() -> None:
    said = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], "of_the_future": 1}
    _, _, stored = answered(
        {
            "status": "completed",
            "output": [{**said, "id": "rs_up", "status": None, "encrypted_content": BLOB}],
        }
    )
    assert sent(*stored) == [{**said, "encrypted_content": BLOB}]


@pytest.mark.parametrize("blob", ["responses:", "openai:x", "anthropic:x", BLOB])
def test_what_a_blob_looks_like_changes_nothing_on_its_way_there_and_back(blob: str) -> None:
    dialect = Responses(seal="openai")
    item = {"type": "reasoning", "summary": [], "encrypted_content": blob}
    _, _, stored = answered({"status": "completed", "output": [item]}, dialect)
    assert sent(*stored, dialect=dialect) == [item]


@pytest.mark.parametrize(
    "blob",
    [
        "anthropic:EqQB",
        "anthropic-redacted:abc==",
        'anthropic:blocks:[{"type":"server_tool_use"}]',
        'chat:[{"type":"reasoning.text"}]',
        "sim:aHVo.00000000",
        "gemini:a-dialect-of-the-future",
        f"xai:{BLOB}",
        f"openai:{BLOB}",
    ],
)
@pytest.mark.parametrize("dialect", [Responses(), TAKES_NO_SEALS, Responses(seal="azure")])
def test_what_others_sealed_never_reaches_an_upstream(blob: str, dialect: Responses) -> None:
    request = encoded(thought(blob, summary=[{"type": "summary_text", "text": "Hm."}]), dialect=dialect)
    assert request.body["input"] == []
    assert [(told.param, told.action) for told in request.adaptations] == [("input[0]", "dropped")]


def test_no_two_providers_of_the_table_read_each_others_seals() -> None:
    speakers = [p.dialect for p in PROVIDERS.values() if isinstance(p.dialect, Responses)]
    assert len({dialect.seal for dialect in speakers}) == len(speakers) == 3
    for maker in speakers:
        item = {"type": "reasoning", "summary": [], "encrypted_content": BLOB}
        _, _, stored = answered({"status": "completed", "output": [item]}, maker)
        assert [sent(*stored, dialect=reader) for reader in speakers] == [
            [item] if reader is maker else [] for reader in speakers
        ]


def test_a_blob_that_a_client_brought_from_the_provider_itself_is_passed_on() -> None:
    assert sent(thought(BLOB), dialect=Responses(seal="openai"))[0]["encrypted_content"] == BLOB


@pytest.mark.parametrize(
    "follows", [{"role": "user"}, {"role": "developer"}, {"type": "function_call_output"}]
)
def test_thoughts_of_which_nothing_came_are_left_out_because_openai_refuses_them(follows: JSON) -> None:
    other = {"type": "message", "content": [], **follows}
    request = encoded(thought(BLOB), thought(BLOB), other)
    assert [item["type"] for item in request.body["input"]] == [other["type"]]
    assert [(told.param, told.action) for told in request.adaptations] == [
        ("input[0]", "dropped"),
        ("input[1]", "dropped"),
    ]


def test_citations_have_the_fields_that_openai_knows_and_all_that_it_demands() -> None:
    web = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 1}
    file = {"type": "file_citation", "file_id": "", "filename": "a.pdf", "index": 0}
    unheard_of = {"type": "of_the_future", "x": 1}
    given = [
        {**web, "cited_text": "a"},
        {**file, "location": "page_location"},
        {"type": "file_path"},
        unheard_of,
    ]
    part = {"type": "output_text", "text": "a", "annotations": given}
    (told,) = sent({"type": "message", "role": "assistant", "content": [part]})
    assert told["content"] == [{**part, "annotations": [web, file, unheard_of]}]


def test_what_the_model_said_has_a_list_of_citations_because_strict_servers_demand_it() -> None:
    (told,) = sent(
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]}
    )
    assert told["content"] == [{"type": "output_text", "text": "a", "annotations": []}]


def test_the_name_of_a_call_that_openai_would_refuse_is_made_fit_unless_it_is_offered() -> None:
    made_up = {
        "type": "function_call",
        "call_id": "a",
        "name": "server/tool.of ä" + "x" * 64,
        "arguments": "{}",
    }
    (told,) = encoded(made_up).body["input"]
    assert told["name"] == ("server_tool_of__" + "x" * 64)[:64]
    (kept,) = encoded(made_up, tools=[{"type": "function", "name": made_up["name"]}]).body["input"]
    assert kept["name"] == made_up["name"]


@pytest.mark.parametrize("kind", ["message", "function_call", "web_search_call", "of_the_future"])
def test_thoughts_stay_before_what_came_of_them(kind: str) -> None:
    said = {"type": kind, "role": "assistant", "content": []}
    assert [item["type"] for item in sent(thought(BLOB), thought(BLOB), said)] == [
        "reasoning",
        "reasoning",
        kind,
    ]


@pytest.mark.parametrize("blob", [None, ""])
def test_raw_thoughts_go_back_only_where_they_are_taken(blob: str | None) -> None:
    raw = thought(blob, content=[{"type": "reasoning_text", "text": "hm"}])
    assert sent(raw) == []
    assert sent(raw, dialect=TAKES_NO_SEALS) == [
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}
    ]
    assert sent(thought(blob), dialect=TAKES_NO_SEALS) == []


@pytest.mark.parametrize(
    "model", ["gpt-5.2", "o3", "grok-4.3", "gpt-oss-120b", "my-gpt-4-like", "gpt-5.6-luna"]
)
def test_sealed_thoughts_are_asked_for(model: str) -> None:
    assert encoded(model=model).body["include"] == [SEALED]
    assert encoded(model=model, include=[SEALED, "x"]).body["include"] == ["x", SEALED]


@pytest.mark.parametrize(
    "model",
    ["gpt-4o", "gpt-4.1-mini", "gpt-3.5-turbo", "chatgpt-4o-latest", "gpt-5-chat-latest", "ft:gpt-4o:o::i"],
)
def test_sealed_thoughts_are_not_asked_of_a_model_that_has_none(model: str) -> None:
    assert "include" not in encoded(model=model).body
    request = encoded(model=model, include=[SEALED])
    assert "include" not in request.body
    assert [(told.param, told.action) for told in request.adaptations] == [("include", "dropped")]


def test_an_upstream_that_knows_no_seals_is_not_asked_for_any() -> None:
    assert "include" not in encoded(dialect=TAKES_NO_SEALS).body
    assert encoded(dialect=TAKES_NO_SEALS, include=[SEALED, "x"]).body["include"] == ["x"]


# Fields


def test_the_upstream_is_asked_to_keep_nothing_and_to_pad_nothing() -> None:
    assert encoded().body["store"] is False
    assert "store" not in encoded(dialect=Responses(keeps_nothing=False)).body
    padding = Responses(pads_deltas=True)
    assert encoded(dialect=padding).body["stream_options"] == {"include_obfuscation": False}
    assert "stream_options" not in encoded(dialect=padding, stream=False).body
    assert "stream_options" not in encoded().body


def test_fields_that_openai_lacks_go_where_they_are_taken_and_are_named_elsewhere() -> None:
    fields: JSON = {"top_k": 3, "presence_penalty": 0.0, "frequency_penalty": 1.5}
    request = encoded(**fields, dialect=Responses(top_k=True, penalties=True))
    assert {name: request.body[name] for name in fields} == fields
    assert request.adaptations == ()
    request = encoded(**fields)
    assert not request.body.keys() & fields.keys()
    assert [told.param for told in request.adaptations] == list(fields)


def test_unknown_fields_pass_and_never_take_the_place_of_known_ones() -> None:
    body = encoded(extra={"client_metadata": {"a": 1}, "n": None, "store": True, "model": "x"}).body
    assert (body["client_metadata"], body["n"]) == ({"a": 1}, None)
    assert (body["store"], body["model"]) == (False, "gpt-5.2")


@pytest.mark.parametrize(
    "choice",
    [
        "required",
        {"type": "function", "name": "f"},
        {"type": "custom", "name": "f"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        {"type": "mcp", "server_label": "s"},
        {"type": "web_search"},
        {"type": "apply_patch"},
    ],
)
def test_tools_and_every_form_of_tool_choice_pass_as_they_came(choice: Any) -> None:
    tools: list[JSON] = [{"type": "function", "name": "f", "strict": None}, {"type": "telepathy", "range": 3}]
    body = encoded(tools=tools, tool_choice=choice).body
    assert (body["tools"], body["tool_choice"]) == (tools, choice)


def test_cache_marks_go_where_they_are_understood_in_messages_and_in_outputs() -> None:
    part = {"type": "input_text", "text": "a", "cache_control": {"type": "ephemeral"}}
    items: list[JSON] = [
        {"type": "message", "role": "user", "content": [part]},
        {"type": "function_call_output", "call_id": "c", "output": [part]},
    ]
    assert sent(*items, dialect=Responses(cache_control=True)) == items
    request = encoded(*items)
    assert "cache_control" not in str(request.body)
    assert [told.param for told in request.adaptations] == [
        "input[0].content[0].cache_control",
        "input[1].output[0].cache_control",
    ]


BREAKS = Responses(cache_breakpoints=True)
MARKED: JSON = {"type": "input_text", "text": "a", "cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    ("model", "breaks"),
    [("gpt-5.6", True), ("gpt-5.10-mini", True), ("gpt-6", True), ("gpt-5.2", False), ("gpt-4.1", False)],
)
def test_openai_is_told_of_marks_in_its_own_words_where_the_model_knows_them(
    model: str, breaks: bool
) -> None:
    request = encoded({"type": "message", "role": "user", "content": [MARKED]}, dialect=BREAKS, model=model)
    (part,) = request.body["input"][0]["content"]
    point = {"prompt_cache_breakpoint": {"mode": "explicit"}} if breaks else {}
    assert part == {"type": "input_text", "text": "a", **point}
    (told,) = request.adaptations
    assert (told.param, told.action) == (
        "input[0].content[0].cache_control",
        "translated" if breaks else "dropped",
    )


def test_what_a_model_said_takes_no_breakpoint() -> None:
    said = {"type": "output_text", "text": "a", "annotations": [], "cache_control": {"type": "ephemeral"}}
    request = encoded(
        {"type": "message", "role": "assistant", "content": [said]}, dialect=BREAKS, model="gpt-6"
    )
    assert "prompt_cache_breakpoint" not in request.body["input"][0]["content"][0]
    assert [told.action for told in request.adaptations] == ["dropped"]


def test_a_mark_on_the_request_goes_where_it_is_understood() -> None:
    wish = {"type": "ephemeral", "ttl": "1h"}
    assert encoded(dialect=Responses(cache_control=True), cache_control=wish).body["cache_control"] == wish
    request = encoded(cache_control=wish)
    assert "cache_control" not in request.body
    assert [(told.param, told.action) for told in request.adaptations] == [("cache_control", "dropped")]


# Items


def test_what_is_sent_is_a_copy() -> None:
    item = {
        "type": "message",
        "id": "msg_1",
        "role": "user",
        "content": [{"type": "input_text", "text": "a"}],
    }
    before = str(item)
    sent(item)[0]["content"][0]["text"] = "b"
    assert str(item) == before


def test_a_call_and_its_output_go_back_without_our_ids_and_with_what_is_theirs() -> None:
    call = {"call_id": "c", "name": "f", "namespace": "crm", "arguments": "{}", "caller": {"type": "direct"}}
    item = {"type": "function_call", "status": "completed", **call}
    _, _, stored = relayed(ended(item))
    assert stored[0]["id"] == "function_call_1"
    assert sent(*stored) == [{"type": "function_call", **call}]


def test_a_long_call_id_is_shortened_alike_in_the_call_and_its_output_where_it_must_be() -> None:
    for length, kept in ((64, True), (65, False), (4000, False)):
        items = [
            {"type": "function_call", "call_id": "x" * length, "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "x" * length, "output": "o"},
        ]
        call, output = sent(*items, dialect=Responses(call_ids="short"))
        assert call["call_id"] == output["call_id"]
        assert len(call["call_id"]) <= 64
        assert (call["call_id"] == "x" * length) is kept
        assert sent(*items) == items


def test_a_null_that_says_something_is_sent_and_one_that_does_not_is_not() -> None:
    run = {
        "type": "code_interpreter_call",
        "id": "ci_1",
        "status": "completed",
        "code": None,
        "outputs": None,
    }
    assert sent({**run, "status": None}) == [{key: run[key] for key in run if key != "status"}]
    message = {"type": "message", "role": "assistant", "content": []}
    assert sent({**message, "id": None, "status": None, "phase": None}) == [message]


# Counting


def test_tokens_are_counted_with_the_fields_that_matter() -> None:
    turn = Turn(model="gpt-5.2", items=[], instructions="x", temperature=0.5, parallel_tool_calls=True)
    request = PROVIDERS["openai"].dialect.count(turn)
    assert request is not None
    assert request.path == "/responses/input_tokens"
    assert request.body == {
        "model": "gpt-5.2",
        "input": [],
        "instructions": "x",
        "parallel_tool_calls": True,
    }
    assert Responses().count(turn) is None


def test_a_count_is_a_number_of_tokens() -> None:
    assert Responses().counted({"object": "response.input_tokens", "input_tokens": 7}) == 7


@pytest.mark.parametrize("count", [None, "7", True, -1, 1.5])
def test_a_count_that_is_none_is_a_violation(count: Any) -> None:
    with pytest.raises(ProtocolViolation):
        Responses().counted({"input_tokens": count})


# Real traffic


@needs_recordings
@each_recording("responses")
def test_what_a_recording_says_can_be_sent_back_and_its_seals_are_the_same_bytes(
    recording: Recording,
) -> None:
    if recording.status != 200:
        pytest.skip("an error has no items")
    dialect = Responses(seal="maker")
    streamed = recording.kind == "sse"
    deltas = stream_deltas(dialect, [recording.wire]) if streamed else answer_deltas(dialect, recording.wire)
    _, assembler = play(deltas)
    back = sent(*assembler.said, dialect=dialect)
    stored = [item for item in assembler.said if item["type"] != "reasoning" or item.get("encrypted_content")]
    assert [item["type"] for item in back] == [item["type"] for item in stored]
    for item, theirs in zip(back, stored, strict=True):
        if item["type"] == "reasoning":
            assert item["encrypted_content"] in recording.wire.decode()
            assert f"maker:{item['encrypted_content']}" == theirs["encrypted_content"]
            assert "id" not in item
