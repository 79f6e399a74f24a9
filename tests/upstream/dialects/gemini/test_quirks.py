"""The quirks of real traffic, one test each (the rows G1 to G17 of the recordings' list)."""

from __future__ import annotations

import json

import pytest

from antiphon.core import deltas as d
from antiphon.protocol.errors import (
    RateLimited,
    UpstreamDisconnected,
    UpstreamFailed,
    UpstreamUnauthorized,
)
from antiphon.upstream.dialects.gemini import Gemini
from antiphon.upstream.dialects.gemini.seals import unseal
from tests.play import answer_deltas, stream_deltas
from tests.recordings import Recording, needs_recordings, recordings
from tests.upstream.dialects.gemini.oracle import chunks
from tests.upstream.dialects.gemini.speaking import (
    VERTEX,
    calls,
    chunk,
    contents,
    hear,
    hear_parts,
    of,
    output,
    result,
    text,
    user,
    wire,
)


def recorded(ending: str, family: str = "gemini") -> Recording:
    (found,) = [row for row in recordings(family) if row.id.endswith(ending)]
    return found


def played(ending: str) -> list[d.Delta]:
    recording = recorded(ending)
    dialect = VERTEX if recording.provider == "vertex" else Gemini()
    if recording.kind == "sse":
        return list(stream_deltas(dialect, [recording.wire]))
    return list(answer_deltas(dialect, recording.wire))


@needs_recordings
@pytest.mark.parametrize("ending", ["cfeaa7be", "25894562"])
def test_g1_lines_end_in_crlf_and_no_marker_ends_the_stream(ending: str) -> None:
    wire = recorded(ending).wire
    assert b"\r\n\r\n" in wire
    assert b"[DONE]" not in wire
    assert b"event:" not in wire
    assert played(ending)[-1] == d.Stop("stop")


def test_g1_the_marker_of_another_protocol_may_stand_there() -> None:
    stream = wire(chunk(text("Hi"), finish="STOP")) + b"data: [DONE]\n\n"
    assert list(stream_deltas(Gemini(), [stream])) == hear(chunk(text("Hi"), finish="STOP"))


def test_g1_the_end_of_the_connection_is_the_end_if_the_model_has_stopped() -> None:
    assert hear(chunk(text("Hi")), chunk(finish="STOP"))[-1] == d.Stop("stop")
    with pytest.raises(UpstreamDisconnected):
        hear(chunk(text("Hi")))


@needs_recordings
def test_g2_without_alt_sse_the_stream_is_one_list() -> None:
    recording = recorded("04bbf7e1")
    assert isinstance(recording.exchange["response"]["body"], list)
    assert played("04bbf7e1") == hear(*chunks(recording))


@needs_recordings
@pytest.mark.parametrize("ending", ["4f849755", "87ca0894"])
def test_g3_calls_without_ids_get_some_and_are_matched_by_their_order(ending: str) -> None:
    deltas = played(ending)
    assert {call.call_id for call in of(d.Call, deltas)} == {""}
    made = [item for item in output(deltas) if item["type"] == "function_call"]
    results = [result(item["call_id"], f"of {item['name']}") for item in reversed(made)]
    *_, model, answers = contents(user("a"), *output(deltas), *results, model="gemini-2.5-pro")
    assert not any("id" in part["functionCall"] for part in model["parts"])
    assert [part["functionResponse"] for part in answers["parts"]] == [
        {"name": item["name"], "response": {"output": f"of {item['name']}"}} for item in made
    ]


@needs_recordings
@pytest.mark.parametrize("ending", ["4f849755", "77a9f521"])
def test_g4_of_parallel_calls_the_first_alone_is_signed_and_stays_so(ending: str) -> None:
    deltas = played(ending)
    items = output(deltas)
    results = [result(item["call_id"]) for item in items if item["type"] == "function_call"]
    (signature,) = [part["thoughtSignature"] for part in parts_of(ending) if "thoughtSignature" in part]
    for model in ("gemini-2.5-pro", "gemini-3-flash-preview"):
        _, said, _ = contents(user("a"), *items, *results, model=model)
        assert [part.get("thoughtSignature") for part in said["parts"]] == [signature, None]


@needs_recordings
@pytest.mark.parametrize("ending", ["25894562", "70ffd0b3"])
def test_g5_a_signature_may_ride_on_an_empty_text_and_goes_back_on_one(ending: str) -> None:
    last = parts_of(ending)[-1]
    assert last["text"] == ""
    _, said, _ = contents(user("a"), *output(played(ending)), user("b"), model="gemini-3.1-pro-preview")
    assert said["parts"][-1] == last
    assert "thoughtSignature" not in said["parts"][0]


@needs_recordings
@pytest.mark.parametrize("ending", ["4f849755", "87ca0894"])
def test_g6_the_reason_is_stop_for_calls_too(ending: str) -> None:
    (candidate,) = chunks(recorded(ending))[0]["candidates"]
    assert candidate["finishReason"] == "STOP"
    assert played(ending)[-1] == d.Stop("tool_calls")


@needs_recordings
def test_g7_usage_comes_with_every_chunk_and_thoughts_are_beside_the_candidates() -> None:
    usages = of(d.Usage, played("25894562"))
    assert usages[0] == d.Usage(input_tokens=13)
    assert usages[-1] == d.Usage(input_tokens=13, output_tokens=30 + 308, reasoning_tokens=308)
    assert [usage.output_tokens for usage in usages] == sorted(usage.output_tokens for usage in usages)


def test_g8_a_candidate_may_have_no_content_or_content_without_parts() -> None:
    cut = {"candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}]}
    assert hear(cut) == [d.Stop("length")]
    assert hear({"candidates": [{"finishReason": "SAFETY"}]}) == [d.Stop("content_filter")]


@needs_recordings
def test_g9_finish_reasons_and_other_enums_may_be_numbers() -> None:
    deltas = played("181fba82")
    assert deltas[-1] == d.Stop("stop")
    assert of(d.Usage, deltas)[-1] == d.Usage(input_tokens=521, output_tokens=429, reasoning_tokens=424)


@pytest.mark.parametrize(
    ("number", "dialect", "reason"),
    [(2, Gemini(), "length"), (3, VERTEX, "content_filter"), (7, Gemini(), "content_filter"),
     (6, VERTEX, "content_filter"), (10, VERTEX, "content_filter"), (99, Gemini(), "stop")],
)  # fmt: skip
def test_g9_the_two_services_number_their_reasons_differently(
    number: int, dialect: Gemini, reason: str
) -> None:
    assert hear(chunk(text("x"), finish=number), dialect=dialect)[-1] == d.Stop(reason)


def test_g9_a_malformed_call_has_another_number_on_vertex() -> None:
    for number, dialect in ((10, Gemini()), (9, VERTEX)):
        with pytest.raises(UpstreamFailed):
            hear(chunk(text("x"), finish=number), dialect=dialect)


@needs_recordings
def test_g10_code_that_google_ran_is_an_item_and_goes_back_as_it_came() -> None:
    deltas = played("987f9db5")
    item, found = [hosted.item for hosted in of(d.Hosted, deltas)]
    assert item["type"] == "code_interpreter_call"
    assert item["code"].startswith("print(file_search.query(")
    assert found["type"] == "file_search_call"
    _, said, _ = contents(user("a"), *output(deltas), user("b"), model="gemini-2.5-pro")
    assert said["parts"][0] == parts_of("987f9db5")[0]


SEARCHED = [
    {
        "toolCall": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["cats", "cats 2026"]}},
        "thoughtSignature": "c2VhcmNo",
    },
    {"toolResponse": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "response": {"search_suggestions": "…"}}},
]


def test_g10_calls_of_built_in_tools_are_items_and_go_back_with_their_signatures() -> None:
    deltas = hear(chunk(*SEARCHED), chunk(text("Cats."), finish="STOP"))
    (item,) = [hosted.item for hosted in of(d.Hosted, deltas)]
    action = {"type": "search", "query": "cats", "queries": ["cats", "cats 2026"]}
    assert item == {"type": "web_search_call", "status": "completed", "action": action}
    _, said, _ = contents(user("a"), *output(deltas), user("b"), model="gemini-3.6-flash")
    assert said["parts"] == [*SEARCHED, {"text": "Cats."}]


@needs_recordings
@pytest.mark.parametrize("ending", ["8963340e", "5881ba77"])
def test_g11_an_invalid_key_is_a_400_and_our_own_trouble(ending: str) -> None:
    recording = recorded(ending)
    error = Gemini().error(recording.status, recording.wire)
    assert isinstance(error, UpstreamUnauthorized)
    assert error.status == recording.status == 400


@needs_recordings
def test_g12_model_armor_refuses_and_says_why() -> None:
    deltas = played("15f267dd")
    assert deltas[-1] == d.Stop("content_filter")
    (refusal,) = of(d.Refusal, deltas)
    assert refusal.text.startswith("The response violated Responsible AI Safety settings")


def test_g12_an_unexpected_call_breaks_the_answer_off_with_googles_words() -> None:
    with pytest.raises(UpstreamFailed, match=r"\(UNEXPECTED_TOOL_CALL\)\. No tools were given\.$"):
        hear_parts(finish="UNEXPECTED_TOOL_CALL", finishMessage="No tools were given.")


@needs_recordings
@pytest.mark.parametrize("ending", ["866df0cb", "715e0621"])
def test_g13_what_vertex_adds_is_no_trouble_and_its_traffic_type_is_the_tier(ending: str) -> None:
    assert "createTime" in chunks(recorded(ending))[0]
    deltas = played(ending)
    assert of(d.Served, deltas) == [d.Served("default")]
    assert deltas[-1] == d.Stop("stop")


def grounded(*segments: tuple[int, int, str]) -> dict:
    return {
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "a"}}],
        "groundingSupports": [
            {"segment": {"startIndex": start, "endIndex": end, "text": said}, "groundingChunkIndices": [0]}
            for start, end, said in segments
        ],
        "webSearchQueries": ["q"],
    }


def test_g14_grounding_counts_bytes_and_we_count_characters() -> None:
    said = "Ærø is an ø. 66°F there."
    start, end = len("Ærø is an ø. ".encode()), len(said.encode())
    deltas = hear_parts(text(said), groundingMetadata=grounded((start, end, "66°F there.")))
    ((cite),) = of(d.Citation, deltas)
    note = cite.annotation
    assert said[note["start_index"] : note["end_index"]] == "66°F there."
    assert note["url"] == "https://a.example"


def test_g14_grounding_in_every_chunk_is_said_once() -> None:
    one, two = (0, 3, "One"), (4, 7, "two")
    every = hear(
        chunk(text("One"), groundingMetadata=grounded(one)),
        chunk(text(" two"), finish="STOP", groundingMetadata=grounded(one, two)),
    )
    last = hear(chunk(text("One")), chunk(text(" two"), finish="STOP", groundingMetadata=grounded(one, two)))
    assert of(d.Citation, every) == of(d.Citation, last)
    assert len(of(d.Citation, last)) == 2
    assert [hosted.item["action"]["query"] for hosted in of(d.Hosted, every)] == ["q"]


@needs_recordings
def test_g15_the_interactions_api_is_not_taken_for_an_answer() -> None:
    with pytest.raises(UpstreamDisconnected):
        list(stream_deltas(Gemini(), [recorded("b6413f7b", "interactions").wire]))


@needs_recordings
@pytest.mark.parametrize("ending", ["5881ba77", "a13e5ead"])
def test_g16_an_error_of_a_stream_is_plain_json_whatever_its_content_type(ending: str) -> None:
    recording = recorded(ending)
    assert recording.exchange["response"]["headers"]["content-type"].startswith("text/event-stream")
    assert isinstance(Gemini().error(recording.status, recording.wire), UpstreamUnauthorized)


EXHAUSTED = {
    "error": {
        "code": 429,
        "status": "RESOURCE_EXHAUSTED",
        "message": "Slow down.",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "36.5s"}],
    }
}


@pytest.mark.parametrize("body", [EXHAUSTED, [EXHAUSTED]])
def test_g16_an_error_may_stand_in_a_list_and_in_the_stream_itself(body: object) -> None:
    error = Gemini().error(429, json.dumps(body).encode())
    assert isinstance(error, RateLimited)
    assert error.retry_after == 36.5
    with pytest.raises(RateLimited, match=r"^Slow down\.$"):
        list(stream_deltas(Gemini(), [wire(chunk(text("Hi")), body)]))


@needs_recordings
@pytest.mark.parametrize("ending", ["987f9db5", "a697b71e"])
def test_g17_what_tools_brought_into_the_prompt_counts_as_input(ending: str) -> None:
    counts = chunks(recorded(ending))[-1]["usageMetadata"]
    usage = of(d.Usage, played(ending))[-1]
    assert usage.input_tokens == counts["promptTokenCount"] + counts["toolUsePromptTokenCount"]
    assert usage.input_tokens + usage.output_tokens == counts["totalTokenCount"]


def test_g17_counts_are_never_negative() -> None:
    said = {
        **chunk(calls("f"), finish="STOP"),
        "usageMetadata": {"promptTokenCount": -3, "totalTokenCount": 1},
    }
    assert of(d.Usage, hear(said)) == []


def parts_of(ending: str) -> list[dict]:
    return [part for each in chunks(recorded(ending)) for part in each["candidates"][0]["content"]["parts"]]


def test_a_seal_says_on_which_part_each_signature_was() -> None:
    deltas = hear_parts(text("One. "), text("Two.", thoughtSignature="s2"), text("", thoughtSignature="s3"))
    (sealed,) = of(d.Sealed, deltas)
    assert unseal(sealed.blob) == [
        {"text": [5, 9], "signature": "s2"},
        {"text": [9, 9], "signature": "s3"},
    ]
