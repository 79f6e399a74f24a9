"""The quirks of real traffic, one test each (the rows A1 to A15 of the recordings' list).

What the recordings themselves say of each row is in test_quirks_recorded.py.
"""

from __future__ import annotations

import json

import pytest

from antiphon.core import deltas as d
from antiphon.protocol.errors import UpstreamUnauthorized
from antiphon.upstream.dialects.anthropic import Anthropic
from tests.play import play
from tests.upstream.dialects.anthropic.speaking import (
    PING,
    START,
    STOP,
    begin,
    end,
    hear,
    more,
    of,
    say,
    stopped,
    user,
)


def test_a1_a_ping_may_stand_anywhere() -> None:
    spoken = [
        begin(0, type="text", text=""),
        more(0, type="text_delta", text="Hi"),
        end(0),
        stopped("end_turn"),
    ]
    plain = hear(*spoken)
    for place in range(len(spoken) + 1):
        assert hear(*spoken[:place], PING, *spoken[place:]) == plain


def test_a2_a_call_without_arguments_sends_an_empty_piece_and_gets_the_empty_object() -> None:
    deltas = hear(
        begin(0, type="tool_use", id="toolu_1", name="now", input={}),
        more(0, type="input_json_delta", partial_json=""),
        end(0),
        stopped("tool_use"),
    )
    assert of(d.Call, deltas) == [d.Call("0", "toolu_1", "now")]
    assert of(d.Arguments, deltas) == []
    assert play(deltas)[1].response["output"][0]["arguments"] == "{}"


def test_a3_usage_is_cumulative_and_what_is_left_out_stays() -> None:
    start = {
        **START,
        "message": {"usage": {"input_tokens": 10, "cache_read_input_tokens": 4, "output_tokens": 1}},
    }
    old = hear(start, stopped("end_turn", {"output_tokens": 7}), STOP, wrap=False)
    new = hear(start, stopped("end_turn", {"input_tokens": 12, "output_tokens": 7}), STOP, wrap=False)
    assert of(d.Usage, old)[-1] == d.Usage(input_tokens=14, output_tokens=7, cached_tokens=4)
    assert of(d.Usage, new)[-1] == d.Usage(input_tokens=16, output_tokens=7, cached_tokens=4)


def test_a4_null_stop_details_and_further_counts_are_no_trouble() -> None:
    usage = {
        "output_tokens": 9,
        "cache_creation_input_tokens": 6,
        "cache_creation": {"ephemeral_5m_input_tokens": 6, "ephemeral_1h_input_tokens": 0},
        "output_tokens_details": {"thinking_tokens": 2},
        "inference_geo": "global",
    }
    deltas = hear(stopped("end_turn", usage, stop_details=None, stop_sequence=None))
    assert deltas[-2:] == [d.Usage(9, 9, cache_write_tokens=6, reasoning_tokens=2), d.Stop("stop")]


SEARCH = begin(0, type="server_tool_use", id="srvtoolu_1", name="web_search", input={})
PAGE = {"type": "web_search_result", "url": "https://example.com", "title": "E", "encrypted_content": "x+/="}
FOUND = begin(1, type="web_search_tool_result", tool_use_id="srvtoolu_1", content=[PAGE])


def search(*rest: dict) -> list[d.Delta]:
    return hear(SEARCH, more(0, type="input_json_delta", partial_json='{"query": "cats"}'), end(0), *rest)


def test_a5_results_of_server_tools_come_whole_and_make_one_item_with_their_use() -> None:
    (hosted,) = of(d.Hosted, search(FOUND, end(1), stopped("end_turn")))
    sources = [{"type": "url", "url": "https://example.com", "title": "E"}]
    action = {"type": "search", "query": "cats", "sources": sources}
    assert hosted.item == {"type": "web_search_call", "status": "completed", "action": action}


def test_a6_a_calls_caller_is_no_trouble() -> None:
    block = {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "f",
        "input": {"a": 1},
        "caller": {"type": "direct"},
    }
    deltas = hear(begin(0, **block), end(0), stopped("tool_use"))
    assert deltas[1:4] == [d.Call("0", "toolu_1", "f"), d.Arguments("0", '{"a":1}'), d.End("0")]


def test_a7_redacted_thoughts_come_whole_and_go_back_as_they_came() -> None:
    deltas = hear(begin(0, type="redacted_thinking", data="abc="), end(0), stopped("end_turn"))
    (sealed,) = of(d.Sealed, deltas)
    item = {"type": "reasoning", "summary": [], "encrypted_content": sealed.blob}
    body = say(
        items=[user("a"), item, {"type": "message", "role": "assistant", "content": "b"}, user("c")]
    ).body
    assert body["messages"][1]["content"][0] == {"type": "redacted_thinking", "data": "abc="}


@pytest.mark.parametrize("reason", ["end_turn", "stop_sequence"])
def test_a8_an_answer_may_be_empty(reason: str) -> None:
    whole = Anthropic().answer({"content": [], "stop_reason": reason, "usage": {"output_tokens": 2}})
    assert list(whole)[-1] == d.Stop("stop")
    assert play(hear(stopped(reason, stop_sequence="x")))[1].response["status"] == "completed"


def test_a9_a_citation_comes_before_the_text_that_it_covers() -> None:
    cited = {
        "type": "char_location",
        "cited_text": "Ruby is",
        "document_index": 0,
        "document_title": "facts.txt",
    }
    deltas = hear(
        begin(0, type="text", text="", citations=[]),
        more(0, type="citations_delta", citation={**cited, "start_char_index": 0, "end_char_index": 7}),
        more(0, type="text_delta", text="Ruby is."),
        end(0),
        stopped("end_turn"),
    )
    assert [type(delta) for delta in deltas[1:4]] == [d.Citation, d.Text, d.End]
    (annotation,) = play(deltas)[1].response["output"][0]["content"][0]["annotations"]
    assert annotation.items() >= {"type": "file_citation", "index": 0, "filename": "facts.txt"}.items()
    assert annotation.items() >= {"cited_text": "Ruby is", "start_char_index": 0, "end_char_index": 7}.items()


def test_a9_a_cited_page_covers_its_whole_block_and_no_other() -> None:
    cited = {"type": "web_search_result_location", "url": "https://e.com", "title": "E", "cited_text": "c"}
    deltas = hear(
        begin(0, type="text", text="Look: "),
        end(0),
        begin(1, type="text", text=""),
        more(1, type="citations_delta", citation=cited),
        more(1, type="text_delta", text="cats"),
        end(1),
        stopped("end_turn"),
    )
    (part,) = play(deltas)[1].response["output"][0]["content"]
    place = {"type": "url_citation", "url": "https://e.com", "title": "E", "start_index": 6, "end_index": 10}
    assert (part["text"], part["annotations"]) == ("Look: cats", [{**place, "cited_text": "c"}])


def test_a10_an_error_without_a_request_id_is_read() -> None:
    body = {"type": "error", "error": {"type": "authentication_error", "message": "bad"}, "request_id": None}
    error = Anthropic().error(401, json.dumps(body).encode())
    assert (type(error), error.status) == (UpstreamUnauthorized, 401)
    assert "bad" not in error.message


def test_a12_a_paused_turn_goes_on_with_all_that_was_said() -> None:
    deltas = search(stopped("pause_turn"))
    assert deltas[-1] == d.Stop("pause")
    _, assembler = play(deltas)
    tools = [{"type": "web_search"}]
    body = say(items=[user("a"), *assembler.said], tools=tools).body
    assert [message["role"] for message in body["messages"]] == ["user", "assistant"]
    (use,) = body["messages"][1]["content"]
    assert use == {**SEARCH["content_block"], "input": {"query": "cats"}}


def test_a12_the_result_of_a_paused_search_comes_in_the_next_turn() -> None:
    _, first = play(search(stopped("pause_turn")))
    later = {**FOUND, "index": 0}
    _, second = play(hear(later, end(0), stopped("end_turn")))
    items = [user("a"), *first.said, *second.said, user("b")]
    content = say(items=items, tools=[{"type": "web_search"}]).body["messages"][1]["content"]
    assert content == [{**SEARCH["content_block"], "input": {"query": "cats"}}, FOUND["content_block"]]


def test_a13_a_compaction_becomes_an_item_and_goes_back_and_is_counted() -> None:
    iterations = [
        {"type": "compaction", "input_tokens": 100, "output_tokens": 80, "cache_read_input_tokens": 50},
        {"type": "message", "input_tokens": 9, "output_tokens": 5},
    ]
    deltas = hear(
        begin(0, type="compaction", content=None),
        more(0, type="compaction_delta", content="They said hello."),
        end(0),
        stopped("end_turn", {"input_tokens": 9, "output_tokens": 5, "iterations": iterations}),
    )
    assert of(d.Usage, deltas)[-1] == d.Usage(input_tokens=159, output_tokens=85, cached_tokens=50)
    request = say(items=[user("a"), of(d.Hosted, deltas)[0].item, user("b")])
    assert request.body["messages"][1]["content"] == [{"type": "compaction", "content": "They said hello."}]
    assert request.headers["anthropic-beta"] == "compact-2026-01-12"


RAN = {
    "type": "bash_code_execution_result",
    "stdout": "2\n",
    "stderr": "",
    "return_code": 0,
    "content": [{"type": "bash_code_execution_output", "file_id": "file_1"}],
}


def test_a14_a_container_is_no_trouble_and_named_where_it_is_known_in_time() -> None:
    use = {"type": "server_tool_use", "id": "s1", "name": "bash_code_execution", "input": {"command": "ls"}}
    result = {"type": "bash_code_execution_tool_result", "tool_use_id": "s1", "content": RAN}
    container = {"id": "container_1", "expires_at": "2026-11-21T00:00:00Z"}
    streamed = hear(
        begin(0, **use), end(0), begin(1, **result), end(1), stopped("end_turn", container=container)
    )
    whole = {"content": [use, result], "stop_reason": "end_turn", "container": container, "usage": {}}
    (item,) = (hosted.item for hosted in of(d.Hosted, list(Anthropic().answer(whole))))
    assert item == {
        "type": "code_interpreter_call",
        "status": "completed",
        "code": "ls",
        "container_id": "container_1",
        "outputs": [{"type": "logs", "logs": "2\n"}],
        "file_ids": ["file_1"],
        "return_code": 0,
    }
    assert of(d.Hosted, streamed)[0].item == {**item, "container_id": ""}


def test_a15_what_headers_say_is_not_the_dialects_to_hear() -> None:
    """retry-after comes with 200 as well: only the client, on an error, reads it."""
    assert Anthropic().error(429, b"").retry_after is None
