"""Chunks to deltas: what the recordings do not show."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.protocol.errors import ProtocolViolation, UpstreamDisconnected, UpstreamFailed
from antiphon.upstream.base import Frame
from antiphon.upstream.dialects.gemini import Gemini
from antiphon.upstream.dialects.gemini.seals import seal
from tests.upstream.dialects.gemini.speaking import (
    VERTEX,
    calls,
    chunk,
    hear,
    hear_parts,
    of,
    output,
    text,
    thought,
)


def test_text_in_many_chunks_is_one_block_and_thoughts_are_another() -> None:
    deltas = hear(
        chunk(thought("A ")), chunk(thought("plan.")), chunk(text("So")), chunk(text(" it is"), finish="STOP")
    )
    assert deltas == [
        d.Reasoning("thoughts:1", "A "),
        d.Reasoning("thoughts:1", "plan."),
        d.Text("text:2", "So"),
        d.Text("text:2", " it is"),
        d.Stop("stop"),
    ]


def test_a_call_is_whole_and_its_signature_is_sealed_with_the_thoughts_before_it() -> None:
    deltas = hear_parts(thought("Look it up."), calls("look", {"q": "ø"}, "c1", thoughtSignature="s="))
    assert deltas == [
        d.Reasoning("thoughts:1", "Look it up."),
        d.Sealed("thoughts:1", seal([{"call": "look", "signature": "s="}])),
        d.Call("call:2", "c1", "look"),
        d.Arguments("call:2", '{"q":"ø"}'),
        d.End("call:2"),
        d.Stop("tool_calls"),
    ]


def test_signed_thoughts_text_and_call_of_one_answer_keep_their_places() -> None:
    deltas = hear_parts(
        thought("Hm.", thoughtSignature="a"), text("I look."), calls("look", thoughtSignature="b")
    )
    assert [sealed.blob for sealed in of(d.Sealed, deltas)] == [
        seal([{"thought": [0, 3], "signature": "a"}]),
        seal([{"call": "look", "signature": "b"}]),
    ]
    assert [item["type"] for item in output(deltas)] == [
        *("reasoning", "message", "reasoning", "function_call")
    ]


def test_a_part_that_is_only_a_signature_is_an_empty_text() -> None:
    (sealed, stop) = hear_parts({"thoughtSignature": "s"})
    assert sealed == d.Sealed("seal:2", seal([{"text": [0, 0], "signature": "s"}]))
    assert stop == d.Stop("stop")


def test_calls_without_arguments_get_the_empty_object() -> None:
    (item,) = output(hear_parts(calls("now")))
    assert (item["arguments"], item["status"]) == ("{}", "completed")
    assert item["call_id"]


def test_a_call_without_a_name_is_a_violation() -> None:
    with pytest.raises(ProtocolViolation):
        hear_parts({"functionCall": {"args": {}}})


def test_text_after_a_call_is_another_block() -> None:
    deltas = hear_parts(text("a"), calls("f"), text("b"))
    assert [delta.part for delta in of(d.Text, deltas)] == ["text:1", "text:3"]


def test_an_image_is_an_item_and_drafts_among_the_thoughts_are_not() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thoughtSignature": "s"}
    draft = {"inlineData": {"mimeType": "image/png", "data": "bm8="}, "thought": True}
    deltas = hear_parts(draft, picture)
    assert of(d.Sealed, deltas) == [d.Sealed("seal:1", seal([{"image": "image/png", "signature": "s"}]))]
    (hosted,) = of(d.Hosted, deltas)
    assert hosted.item == {
        "type": "image_generation_call",
        "status": "completed",
        "output_format": "png",
        "result": "aGk=",
    }


def test_code_and_its_result_are_one_item_and_what_failed_says_so() -> None:
    code = {"executableCode": {"id": "1", "language": "PYTHON", "code": "1/0"}}
    failed = {"codeExecutionResult": {"id": "1", "outcome": "OUTCOME_FAILED", "output": "ZeroDivisionError"}}
    (hosted,) = of(d.Hosted, hear(chunk(code), chunk(failed), chunk(text("Oh."), finish="STOP")))
    assert hosted.item["status"] == "failed"
    assert hosted.item["outputs"] == [{"type": "logs", "logs": "ZeroDivisionError"}]


def test_two_pieces_of_code_without_ids_get_their_results_in_order() -> None:
    parts = [{"executableCode": {"code": code}} for code in ("a", "b")]
    parts += [{"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": out}} for out in ("1", "2")]
    found = [hosted.item for hosted in of(d.Hosted, hear_parts(*parts))]
    assert [(item["code"], item["outputs"][0]["logs"]) for item in found] == [("a", "1"), ("b", "2")]


@pytest.mark.parametrize(
    ("kind", "args", "expected"),
    [
        ("URL_CONTEXT", {"urls": ["https://a.example"]}, {"type": "open_page", "url": "https://a.example"}),
        ("FILE_SEARCH", {"queries": ["q"]}, None),
        ("GOOGLE_MAPS", {"query": "q"}, "no item"),
    ],
)
def test_other_built_in_tools_are_items_where_there_is_one(kind: str, args: Any, expected: Any) -> None:
    used = {"toolCall": {"id": "1", "toolType": kind, "args": args}}
    answered = {"toolResponse": {"id": "1", "toolType": kind, "response": {}}}
    deltas = hear_parts(used, answered, text("x"))
    assert of(d.Sealed, deltas) == [d.Sealed("seal:1", seal([{"part": used}, {"part": answered}]))]
    items = [hosted.item for hosted in of(d.Hosted, deltas)]
    assert [item.get("action") for item in items] == ([] if expected == "no item" else [expected])


def test_a_search_that_was_shown_is_not_said_again_when_it_is_cited() -> None:
    used = {"toolCall": {"id": "1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["q"]}}}
    deltas = hear_parts(used, text("x"), groundingMetadata={"webSearchQueries": ["q"]})
    assert len(of(d.Hosted, deltas)) == 1


def test_citations_are_said_while_their_message_is_open_and_before_its_seal() -> None:
    metadata = {
        "groundingChunks": [{"retrievedContext": {"title": "t.pdf", "documentName": "f/1"}}],
        "groundingSupports": [{"segment": {"endIndex": 1, "text": "x"}, "groundingChunkIndices": [0, 7]}],
    }
    message, *_ = output(hear_parts(text("x"), text("", thoughtSignature="s"), groundingMetadata=metadata))
    (note,) = message["content"][0]["annotations"]
    assert note["type"] == "file_citation"
    assert (note["filename"], note["file_id"], note["index"]) == ("t.pdf", "f/1", 0)


def test_a_segment_whose_offsets_are_wrong_is_found_by_its_text() -> None:
    metadata = {
        "groundingChunks": [{"web": {"uri": "u"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 50, "endIndex": 60, "text": "cd"}, "groundingChunkIndices": [0]},
            {"segment": {"startIndex": 0, "endIndex": 2, "text": "zz"}, "groundingChunkIndices": [0]},
        ],
    }
    (cite,) = of(d.Citation, hear_parts(text("abcd"), groundingMetadata=metadata))
    assert (cite.annotation["start_index"], cite.annotation["end_index"]) == (2, 4)


def test_quoted_sources_are_citations() -> None:
    quoted = {"citations": [{"startIndex": 0, "endIndex": 2, "uri": "https://a.example", "title": "A"}]}
    (cite,) = of(d.Citation, hear_parts(text("ab cd"), citationMetadata=quoted))
    assert cite.annotation == {
        "type": "url_citation",
        "url": "https://a.example",
        "title": "A",
        "start_index": 0,
        "end_index": 2,
    }


def test_citations_in_the_text_after_a_call_count_from_its_own_beginning() -> None:
    metadata = {
        "groundingChunks": [{"web": {"uri": "u"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 4, "endIndex": 6, "text": "cd"}, "groundingChunkIndices": [0]}
        ],
    }
    (cite,) = of(d.Citation, hear_parts(text("ab "), calls("f"), text("_cd"), groundingMetadata=metadata))
    assert (cite.annotation["start_index"], cite.annotation["end_index"]) == (1, 3)


def test_a_refused_prompt_has_no_candidate() -> None:
    feedback = {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {"promptTokenCount": 4},
    }
    assert hear(feedback) == [d.Usage(input_tokens=4), d.Stop("content_filter")]
    said = {"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "No."}}
    assert hear(said) == [d.Refusal("refusal:1", "No."), d.Stop("content_filter")]


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"])
def test_what_google_filters_is_a_content_filter(reason: str) -> None:
    assert hear_parts(text("x"), finish=reason)[-1] == d.Stop("content_filter")


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "OTHER", "MISSING_THOUGHT_SIGNATURE"])
def test_what_went_wrong_is_a_failure_and_not_an_answer(reason: str) -> None:
    with pytest.raises(UpstreamFailed, match=reason):
        hear_parts(text("x"), finish=reason)


def test_a_number_without_a_name_and_an_unspecified_reason_are_no_trouble() -> None:
    assert hear_parts(text("x"), finish=77)[-1] == d.Stop("stop")
    with pytest.raises(UpstreamDisconnected):
        hear_parts(text("x"), finish="FINISH_REASON_UNSPECIFIED")


def test_log_probabilities_belong_to_the_first_text_of_their_chunk() -> None:
    chosen = [{"token": "ø", "logProbability": -0.5}]
    top = [{"candidates": [{"token": "ø", "logProbability": -0.5}, {"token": "o", "logProbability": -1.5}]}]
    result = {"chosenCandidates": chosen, "topCandidates": top}
    first, second, _ = hear_parts(text("ø"), text("!"), logprobsResult=result)
    (entry,) = first.logprobs
    assert (entry["token"], entry["logprob"], entry["bytes"]) == ("ø", -0.5, [0xC3, 0xB8])
    assert [each["token"] for each in entry["top_logprobs"]] == ["ø", "o"]
    assert second.logprobs == []


def test_the_tier_is_said_once_in_openais_words() -> None:
    usage = {"usageMetadata": {"serviceTier": "standard"}}
    deltas = hear({**chunk(text("a")), **usage}, {**chunk(finish="STOP"), **usage})
    assert of(d.Served, deltas) == [d.Served("default")]
    flex = {"usageMetadata": {"trafficType": "ON_DEMAND_FLEX"}}
    assert of(d.Served, hear({**chunk(finish="STOP"), **flex}, dialect=VERTEX)) == [d.Served("flex")]


def test_counts_that_are_left_out_later_stay() -> None:
    first = {**chunk(text("a")), "usageMetadata": {"promptTokenCount": 5, "cachedContentTokenCount": 2}}
    last = {**chunk(finish="STOP"), "usageMetadata": {"candidatesTokenCount": 3}}
    assert of(d.Usage, hear(first, last))[-1] == d.Usage(5, 3, cached_tokens=2)


def test_the_end_is_near_once_the_model_has_stopped_and_there_only_when_the_stream_is() -> None:
    decoder = Gemini().decoder()
    assert not decoder.answered
    list(decoder.feed(Frame(None, b'{"candidates": [{"finishReason": "STOP"}]}')))
    assert decoder.answered
    assert not decoder.ended
    assert list(decoder.finish()) == [d.Stop("stop")]
    assert decoder.ended
    assert list(decoder.feed(Frame(None, b"nonsense"))) == list(decoder.finish()) == []


@pytest.mark.parametrize("data", [b"nonsense", b"3", b"[3]"])
def test_what_is_no_chunk_is_a_violation(data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        list(Gemini().decoder().feed(Frame(None, data)))


@pytest.mark.parametrize("body", [{}, {"candidates": []}, {"candidates": [{"content": {}}]}])
def test_a_whole_answer_in_which_nothing_stopped_is_a_violation(body: dict) -> None:
    with pytest.raises(ProtocolViolation):
        list(Gemini().answer(body))


def test_fields_of_unknown_kinds_are_skipped_and_parts_are_noted() -> None:
    untold = d.Untold("a part of a kind that is not known here: hologram", "dropped")
    heard = hear_parts({"hologram": {}}, text("x"), novelty=1)
    assert heard == [untold, d.Text("text:1", "x"), d.Stop("stop")]
