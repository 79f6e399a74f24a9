"""The rows A1 to A15 of the table of quirks, in every recording that shows them.

The same rows without recordings, and with what the recordings do not have, are in test_quirks.py.
"""

from __future__ import annotations

import json
from typing import Any

from antiphon.core import deltas as d
from antiphon.core.turn import Turn
from antiphon.protocol.errors import UpstreamUnauthorized
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.providers.vertex_anthropic import VERTEX_ANTHROPIC
from tests.play import play, stream_deltas
from tests.recordings import Recording, each_showing, needs_recordings
from tests.upstream.dialects.anthropic.oracle import Said, message_of, said
from tests.upstream.dialects.anthropic.speaking import of, say, user
from tests.upstream.dialects.recorded import JSON, deltas_of, played, sent
from tests.upstream.faults import answer, call, once

pytestmark = needs_recordings


def what_was_said(recording: Recording) -> Said:
    return said(message_of(recording.kind, recording.wire))


def blocks(recording: Recording, kind: str) -> dict[int, JSON]:
    """The blocks of this type as they begin, by their index."""
    return {
        event["index"]: event["content_block"]
        for event in sent(recording)
        if event["type"] == "content_block_start" and event["content_block"]["type"] == kind
    }


def deltas_for(recording: Recording, index: int) -> list[JSON]:
    return [
        event["delta"]
        for event in sent(recording)
        if event["type"] == "content_block_delta" and event["index"] == index
    ]


def final(recording: Recording) -> JSON:
    """The answer as Anthropic would have sent it whole."""
    return message_of(recording.kind, recording.wire)


@each_showing("A1")
def test_a1_a_ping_after_the_first_block_began_says_nothing(recording: Recording) -> None:
    kinds = [event["type"] for event in sent(recording)]
    assert kinds.index("ping") > kinds.index("content_block_start")
    frames = [frame for frame in recording.wire.split(b"\n\n") if not frame.startswith(b"event: ping")]
    events, _ = play(stream_deltas(Anthropic(), [b"\n\n".join(frames)]))
    assert played(recording).events == events


@each_showing("A2")
def test_a2_arguments_that_begin_with_an_empty_piece_are_whole(recording: Recording) -> None:
    calls = blocks(recording, "tool_use")
    pieces = [[delta["partial_json"] for delta in deltas_for(recording, index)] for index in calls]
    assert all(first == "" for first, *_ in pieces)
    arguments = [arguments for _, arguments in played(recording).calls]
    assert arguments == ["".join(each) or "{}" for each in pieces]
    assert calls or blocks(recording, "server_tool_use")


@each_showing("A3")
def test_a3_the_last_usage_counts_with_what_it_leaves_out_from_the_first(recording: Recording) -> None:
    given, taken, cached, written = what_was_said(recording).usage
    usage = played(recording).response["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (given, taken)
    assert usage["input_tokens_details"] == {"cached_tokens": cached, "cache_write_tokens": written}


@each_showing("A4")
def test_a4_null_stop_details_and_counts_by_duration_are_no_trouble(recording: Recording) -> None:
    assert b'"stop_details"' in recording.wire
    assert final(recording).get("stop_details") is None
    answer = played(recording)
    assert answer.parts("refusal") == []
    assert answer.tokens[:2] == what_was_said(recording).usage[:2]


@each_showing("A5")
def test_a5_results_that_come_whole_are_in_the_item_of_their_use(recording: Recording) -> None:
    results = blocks(recording, "web_search_tool_result")
    assert not any(deltas_for(recording, index) for index in results)
    searches = [item for item in played(recording).items("web_search_call") if item["status"] == "completed"]
    found = [[source["url"] for source in item["action"]["sources"]] for item in searches]
    assert found == [[page["url"] for page in result["content"]] for result in results.values()] != []


@each_showing("A6")
def test_a6_a_caller_is_no_trouble(recording: Recording) -> None:
    assert b'"caller"' in recording.wire
    calls = [(name, arguments) for _, name, arguments in what_was_said(recording).calls]
    assert [(name, json.loads(arguments)) for name, arguments in played(recording).calls] == calls


@each_showing("A7")
def test_a7_redacted_thoughts_come_whole_and_go_back_as_they_came(recording: Recording) -> None:
    redacted = blocks(recording, "redacted_thinking")
    assert not any(deltas_for(recording, index) for index in redacted)
    answer = played(recording)
    seals = [item["encrypted_content"] for item in answer.stored if item["type"] == "reasoning"]
    assert set(seals) >= {f"anthropic-redacted:{block['data']}" for block in redacted.values()}
    content = say(items=[user("a"), *answer.stored, user("b")]).body["messages"][1]["content"]
    assert [block for block in content if block["type"] == "redacted_thinking"] == [*redacted.values()]


@each_showing("A8")
def test_a8_an_answer_may_be_empty(recording: Recording) -> None:
    assert final(recording)["content"] == []
    response = played(recording).response
    assert (response["status"], response["output"]) == ("completed", [])


@each_showing("A8s")
def test_a8s_a_stream_may_have_no_block_at_all(recording: Recording) -> None:
    assert [event["type"] for event in sent(recording)] == ["message_start", "message_delta", "message_stop"]
    answer = played(recording)
    assert (answer.response["status"], answer.response["output"]) == ("completed", [])
    assert answer.kinds == ["created", "in_progress", "completed"]


@each_showing("A9")
def test_a9_a_citation_is_on_the_text_of_the_block_that_it_comes_before(recording: Recording) -> None:
    cited = [
        (str(index), delta["citation"]["cited_text"])
        for index in blocks(recording, "text")
        for delta in deltas_for(recording, index)
        if delta["type"] == "citations_delta"
    ]
    heard = list(deltas_of(recording))
    citations = of(d.Citation, heard)
    assert [(each.part, each.annotation["cited_text"]) for each in citations] == cited != []
    for each in citations:
        later = of(d.Text, heard[heard.index(each) :])
        assert later[0].part == each.part
    (message,) = played(recording).items("message")
    annotations = [note["cited_text"] for part in message["content"] for note in part["annotations"]]
    assert annotations == [text for _, text in cited]


@each_showing("A10")
def test_a10_an_error_without_a_request_id_is_read(recording: Recording) -> None:
    assert sent(recording)[0]["request_id"] is None
    error = Anthropic().error(recording.status, recording.wire)
    assert (type(error), error.status) == (UpstreamUnauthorized, 401)


@each_showing("A11")
def test_a11_on_vertex_the_model_is_in_the_path_and_the_version_in_the_body(recording: Recording) -> None:
    asked = recording.exchange["request"]
    assert "model" not in asked["body"]
    turn = Turn(model="claude-3-7-sonnet@20250219", items=[user("a")], stream=recording.streamed)
    request = VERTEX_ANTHROPIC.dialect.encode(turn)
    assert asked["path"].endswith(request.path)
    assert "model" not in request.body
    assert request.body["anthropic_version"] == asked["body"]["anthropic_version"]
    heard = [(name, json.loads(arguments)) for name, arguments in played(recording).calls]
    assert heard == [(name, arguments) for _, name, arguments in what_was_said(recording).calls]


@each_showing("A12")
def test_a12_a_paused_turn_is_resent_as_it_was_said(recording: Recording) -> None:
    assert final(recording)["stop_reason"] == "pause_turn"
    deltas = list(deltas_of(recording))
    assert deltas[-1] == d.Stop("pause")
    items = [user("a"), *played(recording).stored]
    _, resent = say(items=items, tools=[{"type": "web_search"}]).body["messages"]
    assert [plain(block) for block in resent["content"]] == [
        plain(block) for block in final(recording)["content"]
    ]


def plain(block: JSON) -> tuple[Any, ...]:
    """What of a block Anthropic checks or reads; the input of a streamed one stands in its pieces."""
    asked = json.loads(block["json"]) if block.get("json") else block.get("input")
    content = block.get("content")
    return (
        block["type"],
        block.get("text"),
        block.get("signature"),
        block.get("id") or block.get("tool_use_id"),
        asked,
        [page.get("encrypted_content") for page in content] if isinstance(content, list) else content,
    )


@each_showing("A13")
def test_a13_a_compaction_is_an_item_that_goes_back_and_is_counted(recording: Recording) -> None:
    ((index, _),) = blocks(recording, "compaction").items()
    (summary,) = deltas_for(recording, index)
    answer = played(recording)
    content = say(items=[user("a"), *answer.stored, user("b")]).body["messages"][1]["content"]
    assert content[0] == {"type": "compaction", "content": summary["content"]}
    given, taken, *_ = what_was_said(recording).usage
    assert len(final(recording)["usage"]["iterations"]) > 1
    assert answer.tokens[:2] == (given, taken)


@each_showing("A14")
def test_a14_the_container_is_named_where_it_is_known_before_its_calls(recording: Recording) -> None:
    container = final(recording)["container"]["id"]
    named = {item["container_id"] for item in played(recording).items("code_interpreter_call")}
    assert named == {"" if recording.streamed else container}


@each_showing("A15")
async def test_a15_a_time_to_wait_beside_a_good_answer_makes_nobody_wait(recording: Recording) -> None:
    seconds = recording.exchange["response"]["headers"]["retry-after"]
    script = once(answer(recording.wire, "200 OK", "text/event-stream", f"retry-after: {seconds}"))
    heard = await call(script, {"dialect": Anthropic()})
    assert (heard.text, heard.error) == (played(recording).text, None)
    assert heard.seconds < int(seconds)
