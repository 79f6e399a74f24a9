"""The quirks of real traffic, one law each: those of the rows R1 to R29 that are about answers.

R20 and R27 have a side that is not here: background responses and compaction are asked of no upstream. What
the recordings themselves say of each row is in test_quirks_recorded.py.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.protocol.errors import RateLimited, UpstreamFailed, UpstreamUnauthorized
from antiphon.upstream.base import Frame
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.wire.sse import SSEReader
from tests.play import play, stream_deltas
from tests.upstream.dialects.responses.speaking import (
    CREATED,
    JSON,
    added,
    answered,
    done,
    ended,
    event,
    heard,
    kinds,
    message,
    relayed,
    text_of,
)

HELLO = message("Hello")
THOUGHT = {"output_index": 0, "item_id": "up_0"}


def test_r1_the_upstreams_own_beginning_is_not_said_twice() -> None:
    events, _, _ = relayed(CREATED, {**CREATED, "type": "response.in_progress"}, *HELLO, ended())
    assert kinds(events)[:3] == ["created", "in_progress", "output_item.added"]


@pytest.mark.parametrize(
    ("kind", "delta"),
    [
        ("message", "output_text.delta"),
        ("function_call", "function_call_arguments.delta"),
        ("custom_tool_call", "custom_tool_call_input.delta"),
        ("reasoning", "reasoning_summary_text.delta"),
        ("code_interpreter_call", "code_interpreter_call_code.delta"),
        ("mcp_call", "mcp_call_arguments.delta"),
        ("shell_call", "shell_call_command.delta"),
    ],
)
def test_r2_padding_of_deltas_is_taken_off(kind: str, delta: str) -> None:
    padded = event(delta, **THOUGHT, content_index=0, summary_index=0, delta="x", obfuscation="q8Zr")
    events, _, _ = relayed(added(0, kind), padded, ended())
    (said,) = [said for said in events if said["type"] == f"response.{delta}"]
    assert said["delta"] == "x"
    assert "obfuscation" not in said


def test_r3_the_tier_is_the_one_of_the_end() -> None:
    begun = {"type": "response.created", "response": {"service_tier": "auto", "output": []}}
    _, response, _ = relayed(begun, *HELLO, ended(service_tier="default"))
    assert response["service_tier"] == "default"


def test_r4_only_the_seal_of_the_finished_thought_is_kept() -> None:
    thought = {"summary": [], "encrypted_content": "later=="}
    events, response, stored = relayed(
        added(0, "reasoning", summary=[], encrypted_content="earlier=="),
        done(0, "reasoning", **thought),
        ended({"type": "reasoning", "id": "up_0", **thought}),
    )
    assert stored[0]["encrypted_content"] == "responses:later=="
    assert "earlier" not in json.dumps([events, response, stored])


def test_r5_what_was_streamed_counts_when_the_end_lists_nothing() -> None:
    _, response, _ = relayed(CREATED, *HELLO, ended())
    assert [item["content"][0]["text"] for item in response["output"]] == ["Hello"]


def test_r6_an_item_is_the_same_whatever_its_id_is_in_each_event() -> None:
    changing = [
        {**said, **({"item_id": f"id_{n}"} if "item_id" in said else {})} for n, said in enumerate(HELLO)
    ]
    for n, said in enumerate(changing):
        if "item" in said:
            changing[n] = {**said, "item": {**said["item"], "id": f"id_{n}"}}
    events, response, _ = relayed(*changing, ended())
    assert [item["content"][0]["text"] for item in response["output"]] == ["Hello"]
    assert {said["item_id"] for said in events if "item_id" in said} == {"message_1"}


def test_r7_comments_and_the_marker_of_chats_are_no_events_and_names_are_not_needed() -> None:
    said = "".join(f"data: {json.dumps(one)}\n\n" for one in [CREATED, *HELLO, ended()])
    wire = f": OPENROUTER PROCESSING\n\n{said}data: [DONE]\n\n".encode()
    _, assembler = play(stream_deltas(Responses(), [wire]))
    assert assembler.response["output"][0]["content"][0]["text"] == "Hello"


def test_r7_a_kind_that_only_the_name_tells_is_taken_from_there() -> None:
    wire = b'event: response.completed\ndata: {"response":{"status":"completed","output":[]}}\n\n'
    decoder = Responses().decoder()
    deltas = [delta for frame in SSEReader().feed(wire) for delta in decoder.feed(frame)]
    assert (deltas[-1], decoder.ended) == (d.Stop("stop"), True)


def test_r8_a_time_that_is_no_whole_number_stays_upstream() -> None:
    _, response, _ = relayed(*HELLO, ended(created_at=1763700000.25, completed_at=1763700001.5))
    assert (response["created_at"], response["completed_at"]) == (1, 2)


@pytest.mark.parametrize("numbers", [[None] * 7, [0, 0, 5, 9, 9, 30, 31], [7, 6, 5, 4, 3, 2, 1]])
def test_r9_numbers_are_ours_whatever_the_upstreams_are(numbers: list[int | None]) -> None:
    said = [*HELLO, ended()]
    numbered = [
        one if number is None else {**one, "sequence_number": number}
        for one, number in zip(said, numbers, strict=True)
    ]
    assert relayed(*numbered)[0] == relayed(*said)[0]


RAW = event("reasoning_text.delta", **THOUGHT, content_index=0, delta="hm")
RAW_DONE = event("reasoning_text.done", **THOUGHT, content_index=0, text="hm")
RAW_PART = {"type": "reasoning_text", "text": "hm"}


@pytest.mark.parametrize("part", ["content_part", "reasoning_part", None])
def test_r10a_r10b_raw_thoughts_are_the_same_in_either_framing_and_without_any(part: str | None) -> None:
    where = {**THOUGHT, "content_index": 0}
    before = [event(f"{part}.added", **where, part={**RAW_PART, "text": ""})] if part else []
    after = [event(f"{part}.done", **where, part=RAW_PART)] if part else []
    finished = done(0, "reasoning", summary=[], content=[RAW_PART])
    events, response, _ = relayed(
        added(0, "reasoning", summary=[]), *before, RAW, RAW_DONE, *after, finished, ended()
    )
    assert kinds(events)[2:-1] == [
        "output_item.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "output_item.done",
    ]
    assert response["output"][0]["content"] == [RAW_PART]


def test_r10c_thoughts_that_come_as_summaries_stay_summaries() -> None:
    said = event("reasoning_summary_text.delta", **THOUGHT, summary_index=0, delta="hm")
    summary = [{"type": "summary_text", "text": "hm"}]
    _, response, _ = relayed(added(0, "reasoning"), said, done(0, "reasoning", summary=summary), ended())
    assert response["output"][0]["summary"] == summary


def test_r11_counts_beside_ours_are_carried() -> None:
    usage = {"input_tokens": 3, "output_tokens": 4, "cost_in_usd_ticks": 5, "context_details": {"a": 1}}
    usage["output_tokens_details"] = {"reasoning_tokens": 1, "audio_tokens": 2}
    _, response, _ = relayed(*HELLO, ended(usage=usage))
    assert response["usage"] == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 1, "audio_tokens": 2},
        "total_tokens": 7,
        "cost_in_usd_ticks": 5,
        "context_details": {"a": 1},
    }


@pytest.mark.parametrize("field", ["content_filters", "moderation"])
def test_r12_r26_what_the_upstreams_response_has_and_ours_has_not_is_carried(field: str) -> None:
    found = [{"blocked": False, "source_type": "prompt"}]
    _, response, _ = relayed(*HELLO, ended(**{field: found, "store": False, "id": "theirs"}))
    assert response[field] == found
    assert response["id"] == "resp_1"


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
def test_r13_a_cut_answer_is_incomplete_with_its_reason_and_its_usage(reason: str) -> None:
    cut = [*HELLO[:-1], done(0, "message", status="incomplete", role="assistant", content=[text_of("Hello")])]
    end = ended(
        status="incomplete",
        incomplete_details={"reason": reason},
        usage={"input_tokens": 1, "output_tokens": 2},
    )
    events, response, _ = relayed(*cut, end)
    assert kinds(events)[-1] == "incomplete"
    assert response["incomplete_details"] == {"reason": reason}
    assert (response["usage"]["total_tokens"], response["output"][0]["status"]) == (3, "incomplete")


def test_r14_a_cut_call_keeps_its_broken_arguments_and_is_incomplete() -> None:
    call = {"call_id": "c", "name": "f", "arguments": '{"city": "Os'}
    _, response, _ = relayed(
        added(0, "function_call", call_id="c", name="f", arguments="", status="in_progress"),
        event("function_call_arguments.delta", **THOUGHT, delta='{"city": "Os'),
        event("function_call_arguments.done", **THOUGHT, arguments='{"city": "Os'),
        done(0, "function_call", **call, status="incomplete"),
        ended(status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
    )
    (item,) = response["output"]
    assert item == {"id": "function_call_1", "type": "function_call", **call, "status": "incomplete"}


def test_r15_a_refusal_is_a_part_of_a_completed_message() -> None:
    where = {**THOUGHT, "content_index": 0}
    part = {"type": "refusal", "refusal": "No."}
    events, response, _ = relayed(
        added(0, "message", role="assistant", content=[]),
        event("content_part.added", **where, part={"type": "refusal", "refusal": ""}),
        event("refusal.delta", **where, delta="No."),
        event("refusal.done", **where, refusal="No."),
        event("content_part.done", **where, part=part),
        done(0, "message", role="assistant", content=[part], status="completed"),
        ended(),
    )
    assert response["status"] == response["output"][0]["status"] == "completed"
    assert response["output"][0]["content"] == [part]
    assert kinds(events)[3:7] == ["content_part.added", "refusal.delta", "refusal.done", "content_part.done"]


@pytest.mark.parametrize(
    "action",
    [
        {"type": "search", "query": "q", "queries": ["q", "r"], "sources": []},
        {"type": "open_page", "url": "https://example.com"},
        {"type": "find_in_page", "url": "https://example.com", "pattern": "p"},
    ],
)
def test_r16_what_a_search_did_is_told_when_it_is_done(action: JSON) -> None:
    events, response, _ = relayed(
        added(0, "web_search_call", status="in_progress"),
        event("web_search_call.in_progress", **THOUGHT),
        event("web_search_call.searching", **THOUGHT),
        event("web_search_call.completed", **THOUGHT),
        done(0, "web_search_call", status="completed", action=action),
        ended(),
    )
    assert "action" not in events[2]["item"]
    assert response["output"][0]["action"] == action


def test_r17_events_without_an_item_id_belong_to_the_item_of_their_index() -> None:
    said = [
        event("shell_call_command.added", output_index=0, command_index=0, command=""),
        event("shell_call_command.delta", output_index=0, command_index=0, delta="ls"),
        event("shell_call_command.done", output_index=0, command_index=0, command="ls"),
    ]
    finished = done(0, "shell_call", call_id="c", status="completed", action={"commands": ["ls"]})
    events, response, _ = relayed(added(0, "shell_call", call_id="c"), *said, finished, ended())
    assert [{**one, "sequence_number": None} for one in events[3:6]] == [
        {**one, "sequence_number": None} for one in said
    ]
    assert response["output"][0]["action"] == {"commands": ["ls"]}


@pytest.mark.parametrize(
    "item",
    [
        {"type": "mcp_list_tools", "server_label": "s", "tools": []},
        {"type": "mcp_approval_request", "server_label": "s", "name": "t", "arguments": "{}"},
        {"type": "compaction", "encrypted_content": "gAAA"},
        {"type": "program", "code": "1"},
        {"type": "reasoning", "summary": []},
    ],
)
def test_r18_an_item_without_a_status_is_given_none(item: JSON) -> None:
    _, response, _ = relayed(added(0, **_typed(item)), done(0, **_typed(item)), ended())
    assert response["output"] == [{**item, "id": f"{item['type']}_1"}]


def _typed(item: JSON) -> JSON:
    return {"kind": item["type"], **{key: value for key, value in item.items() if key != "type"}}


QUOTA = {"type": "insufficient_quota", "code": "insufficient_quota", "message": "No credit.", "param": None}
FAILED = event("failed", response={"status": "failed", "error": {"code": "server_error", "message": "Oops."}})


def test_r19_an_error_is_raised_with_the_failed_response_that_follows_it() -> None:
    nothing_more = event("failed", response={"status": "failed", "error": None, "usage": None})
    with pytest.raises(RateLimited, match="No credit") as raised:
        heard(CREATED, {"type": "error", "error": QUOTA, "sequence_number": 2}, nothing_more)
    assert raised.value.code == "insufficient_quota"


@pytest.mark.parametrize("error", [{"error": QUOTA}, {key: QUOTA[key] for key in ("code", "message")}])
def test_r19_an_error_counts_without_a_failed_response_too(error: JSON) -> None:
    with pytest.raises(RateLimited, match="No credit"):
        heard(CREATED, {"type": "error", **error})
    with pytest.raises(RateLimited, match="No credit"):
        heard(CREATED, error if "error" in error else {"error": QUOTA})


def test_r19_usage_of_a_failed_response_is_counted() -> None:
    usage = {"input_tokens": 3, "output_tokens": 4}
    decoder = Responses().decoder()
    deltas: list[d.Delta] = []
    with pytest.raises(UpstreamFailed, match="Oops"):
        said = {**FAILED, "response": {**FAILED["response"], "usage": usage}}
        deltas.extend(decoder.feed(Frame(None, json.dumps(said).encode())))
    assert deltas == [d.Usage(3, 4)]


def test_r20_a_queue_before_the_beginning_is_not_relayed() -> None:
    events, _, _ = relayed(CREATED, {**CREATED, "type": "response.queued"}, *HELLO, ended())
    assert "queued" not in kinds(events)


@pytest.mark.parametrize("phase", ["commentary", "final_answer"])
def test_r21_the_phase_of_a_message_is_carried(phase: str) -> None:
    _, response, stored = relayed(*message("Hello", phase=phase), ended())
    assert response["output"][0]["phase"] == stored[0]["phase"] == phase


def test_r21_a_phase_that_is_null_is_left_out() -> None:
    _, response, _ = relayed(*message("Hello", phase=None), ended())
    assert "phase" not in response["output"][0]


def test_r22_namespaces_and_searches_for_tools_are_carried() -> None:
    search = {"execution": "client", "call_id": "s", "arguments": {"q": "crm"}, "status": "completed"}
    call = {"call_id": "c", "name": "find", "namespace": "crm", "arguments": "{}", "status": "completed"}
    _, response, _ = relayed(
        added(0, "tool_search_call", **search),
        done(0, "tool_search_call", **search),
        added(1, "function_call", **{**call, "arguments": ""}),
        event("function_call_arguments.delta", output_index=1, item_id="up_1", delta="{}"),
        done(1, "function_call", **call),
        ended(),
    )
    found, called = response["output"]
    assert {key: found[key] for key in search} == search
    assert {key: called[key] for key in call} == call


def test_r23_code_is_streamed_and_its_outputs_may_be_null() -> None:
    run = {"container_id": "cntr", "code": "1+1", "outputs": None, "status": "completed"}
    events, response, _ = relayed(
        added(0, "code_interpreter_call", **{**run, "code": "", "status": "in_progress"}),
        event("code_interpreter_call.in_progress", **THOUGHT),
        event("code_interpreter_call_code.delta", **THOUGHT, delta="1+1"),
        event("code_interpreter_call_code.done", **THOUGHT, code="1+1"),
        event("code_interpreter_call.interpreting", **THOUGHT),
        event("code_interpreter_call.completed", **THOUGHT),
        done(0, "code_interpreter_call", **run),
        ended(),
    )
    assert response["output"] == [{"type": "code_interpreter_call", "id": "code_interpreter_call_1", **run}]
    assert kinds(events)[3:8] == [
        "code_interpreter_call.in_progress",
        "code_interpreter_call_code.delta",
        "code_interpreter_call_code.done",
        "code_interpreter_call.interpreting",
        "code_interpreter_call.completed",
    ]


CITED = {"type": "url_citation", "url": "https://example.com", "title": "E", "start_index": 0, "end_index": 5}


def cited(annotation: JSON) -> list[JSON]:
    """A message with an annotation that is said in every place where OpenAI says it."""
    said = message("Hello")
    note = event(
        "output_text.annotation.added",
        **THOUGHT,
        content_index=0,
        annotation_index=0,
        annotation=annotation,
    )
    part = text_of("Hello", annotations=[annotation])
    return [
        *said[:3],
        note,
        said[3],
        {**said[4], "part": part},
        done(0, "message", role="assistant", content=[part], status="completed"),
        ended({"type": "message", "id": "up_0", "role": "assistant", "content": [part]}),
    ]


def test_r24_an_annotation_said_four_times_is_there_once() -> None:
    events, response, _ = relayed(*cited(CITED))
    assert kinds(events).count("output_text.annotation.added") == 1
    assert response["output"][0]["content"][0]["annotations"] == [CITED]


def test_r24_an_annotation_that_only_the_finished_part_has_is_said_before_its_end() -> None:
    events, response, _ = relayed(*[said for said in cited(CITED) if "annotation" not in said])
    order = kinds(events)
    assert order.index("output_text.annotation.added") < order.index("content_part.done")
    assert response["output"][0]["content"][0]["annotations"] == [CITED]


def test_r24_an_annotation_that_only_the_finished_item_has_is_in_it() -> None:
    plain, said = message("Hello"), cited(CITED)
    _, response, _ = relayed(*plain[:-1], *said[-2:])
    assert response["output"][0]["content"][0]["annotations"] == [CITED]


def test_r25_a_bad_key_that_is_called_an_invalid_argument_is_ours_and_not_the_clients() -> None:
    body = {"code": "invalid-argument", "error": "Incorrect API key provided. You can obtain one there."}
    error = Responses().error(400, json.dumps(body).encode())
    assert isinstance(error, UpstreamUnauthorized)
    assert "Incorrect" not in error.message


def test_r27_a_compaction_is_carried_with_what_it_holds() -> None:
    held = {"encrypted_content": "gAAA+/=="}
    _, response, stored = relayed(added(0, "compaction", **held), done(0, "compaction", **held), ended())
    assert response["output"][0]["encrypted_content"] == stored[0]["encrypted_content"] == "gAAA+/=="


@pytest.mark.parametrize("given", [{}, {"title": None, "start_index": None, "end_index": None}])
def test_r28_a_citation_that_is_only_a_url_covers_the_text(given: JSON) -> None:
    bare = {"type": "url_citation", "url": "https://example.com", **given}
    whole = {**bare, "title": "", "start_index": 0, "end_index": 5}
    output = [{"type": "message", "role": "assistant", "content": [text_of("Hello", annotations=[bare])]}]
    for _, response, _ in (relayed(*cited(bare)), answered({"status": "completed", "output": output})):
        assert response["output"][0]["content"][0]["annotations"] == [whole]


def test_r29_items_that_overlap_are_kept_apart() -> None:
    listed: dict[str, Any] = {"server_label": "s", "tools": [], "error": None}
    said = message("Hello", index=1)
    _, response, _ = relayed(
        added(0, "mcp_list_tools", **listed),
        *said[:3],
        done(0, "mcp_list_tools", **listed),
        *said[3:],
        ended(),
    )
    assert [item["type"] for item in response["output"]] == ["mcp_list_tools", "message"]
    assert response["output"][1]["content"][0]["text"] == "Hello"


def test_r29_indexes_with_gaps_are_closed_up() -> None:
    events, response, _ = relayed(*message("a", index=1), *message("b", index=7), ended())
    assert [item["content"][0]["text"] for item in response["output"]] == ["a", "b"]
    assert {said["output_index"] for said in events if "output_index" in said} == {0, 1}
