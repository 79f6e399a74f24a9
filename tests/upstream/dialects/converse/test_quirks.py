"""The quirks of real traffic, one test each (the rows B1 to B10 of the recordings' list)."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from antiphon.core import deltas as d
from antiphon.protocol.errors import UpstreamRejected, UpstreamUnauthorized
from antiphon.upstream.dialects.converse import Converse
from antiphon.upstream.providers.bedrock import BEDROCK_OPENAI
from antiphon.upstream.stream import answer
from tests.play import play
from tests.upstream.dialects.converse.speaking import (
    METADATA,
    START,
    begin,
    end,
    hear,
    hear_whole,
    more,
    of,
    say,
    stopped,
)


def test_b1_the_padding_of_each_payload_changes_nothing() -> None:
    events = [START, more(0, text="Hi"), end(0), stopped(), METADATA]
    padded = [(name, {**said, "p": "abcdefghijklmnop"[:index]}) for index, (name, said) in enumerate(events)]
    assert hear(*padded) == hear(*events)


def test_b2_blocks_of_text_and_thoughts_have_no_start() -> None:
    deltas = hear(
        START,
        more(0, reasoningContent={"text": "Hm."}),
        end(0),
        more(1, text="Hi"),
        end(1),
        stopped(),
        METADATA,
    )
    assert deltas[:4] == [d.Reasoning("0", "Hm."), d.End("0"), d.Text("1", "Hi"), d.End("1")]


def test_b3_usage_comes_after_the_stop_and_its_names_are_doubled() -> None:
    usage = {
        "inputTokens": 10,
        "outputTokens": 4,
        "totalTokens": 7365,
        "cacheReadInputTokens": 7000,
        "cacheReadInputTokenCount": 7000,
        "cacheWriteInputTokens": 351,
        "cacheWriteInputTokenCount": 351,
        "serverToolUsage": {},
    }
    expected = d.Usage(input_tokens=7361, output_tokens=4, cached_tokens=7000, cache_write_tokens=351)
    deltas = hear(START, more(0, text="OK"), end(0), stopped(), ("metadata", {"usage": usage}))
    assert deltas[-2:] == [d.Stop("stop"), expected]
    old = {key: value for key, value in usage.items() if not key.endswith("InputTokens")}
    assert hear_whole([{"text": "OK"}], usage={**old, "inputTokens": 10})[-1] == expected


def test_b4_an_error_says_its_message_and_the_status_says_the_rest() -> None:
    body = json.dumps({"message": "The provided model identifier is invalid."}).encode()
    error = Converse().error(400, body)
    assert isinstance(error, UpstreamRejected)
    assert (error.code, error.param, error.message) == (
        "model_not_found",
        "model",
        "The provided model identifier is invalid.",
    )
    denied = json.dumps({"Message": "User: arn:aws:iam::123456789012:user/x is not authorized"}).encode()
    refused = Converse().error(403, denied)
    assert isinstance(refused, UpstreamUnauthorized)
    assert "arn" not in refused.message


@pytest.mark.parametrize("kind", [None, "tool_use"])
def test_b6_calls_of_the_requests_tools_may_have_a_type(kind: str | None) -> None:
    use = {"toolUseId": "tooluse_1", "name": "now", **({"type": kind} if kind else {})}
    deltas = hear(
        START, begin(0, toolUse=use), more(0, toolUse={"input": "{}"}), end(0), stopped("tool_use"), METADATA
    )
    assert deltas[:3] == [d.Call("0", "tooluse_1", "now"), d.Arguments("0", "{}"), d.End("0")]
    assert of(d.Stop, deltas) == [d.Stop("tool_calls")]


def test_b6_a_search_of_the_providers_is_an_item_when_its_result_is_there() -> None:
    use = {"toolUseId": "tooluse_1", "name": "nova_grounding", "type": "server_tool_use"}
    result = {"toolUseId": "tooluse_1", "type": "nova_grounding_result", "status": "success"}
    item = {
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": "latest Ruby"},
    }
    deltas = hear(
        START,
        begin(0, toolUse=use),
        more(0, toolUse={"input": '{"query":"latest'}),
        more(0, toolUse={"input": ' Ruby"}'}),
        end(0),
        begin(1, toolResult=result),
        more(1, toolResult=[{"text": "[HIDDEN]"}]),
        end(1),
        stopped(),
        METADATA,
    )
    assert deltas[0] == d.Hosted("0", item)
    whole = hear_whole(
        [
            {"toolUse": {**use, "input": {"query": "latest Ruby"}}},
            {"toolResult": {**result, "content": [{"text": "[HIDDEN]"}]}},
        ]
    )
    assert whole[0] == deltas[0]


def test_b7_an_intervention_of_a_guardrail_is_a_content_filter() -> None:
    metadata = ("metadata", {**METADATA[1], "trace": {"guardrail": {"modelOutput": ["secret"]}}})
    deltas = hear(START, more(0, text="{ADDRESS}"), end(0), stopped("guardrail_intervened"), metadata)
    assert of(d.Stop, deltas) == [d.Stop("content_filter")]
    response = play(deltas)[1].response
    assert response["incomplete_details"] == {"reason": "content_filter"}
    assert "secret" not in json.dumps(response)


CITED = {
    "location": {"documentChar": {"documentIndex": 0, "start": 3, "end": 9}},
    "sourceContent": [{"text": "Ruby."}],
    "title": "facts",
}
FILE_CITATION = {
    "type": "file_citation",
    "index": 0,
    "file_id": "",
    "filename": "facts",
    "location": "documentChar",
    "start": 3,
    "end": 9,
    "cited_text": "Ruby.",
}


def test_b8_a_citation_comes_before_the_text_that_it_covers() -> None:
    deltas = hear(START, more(0, citation=CITED), more(0, text="It is."), end(0), stopped(), METADATA)
    assert deltas[:3] == [d.Text("0", "It is."), d.Citation("0", FILE_CITATION), d.End("0")]
    content = {"citationsContent": {"content": [{"text": "It is."}], "citations": [CITED]}}
    assert hear_whole([content]) == deltas


def test_b8_citations_without_a_text_cover_the_text_before_them() -> None:
    web = {"location": {"web": {"url": "https://ruby-lang.org", "domain": "ruby-lang.org"}}}
    deltas = hear(
        START, more(2, text="It is 4."), end(2),
        more(3, citation=web), end(3),
        more(4, text=" Done."), end(4),
        stopped(), METADATA,
    )  # fmt: skip
    part = play(deltas)[1].response["output"][0]["content"][0]
    assert part["text"] == "It is 4. Done."
    assert part["annotations"] == [
        {
            "type": "url_citation",
            "title": "",
            "start_index": 0,
            "end_index": 8,
            "url": "https://ruby-lang.org",
            "domain": "ruby-lang.org",
        }
    ]


def test_b9_thoughts_are_sealed_with_their_signature_and_redacted_ones_whole() -> None:
    deltas = hear(
        START,
        more(0, reasoningContent={"text": "Hm."}),
        more(0, reasoningContent={"signature": "c2ln"}),
        end(0),
        more(1, reasoningContent={"redactedContent": "cmVk"}),
        end(1),
        stopped(),
        METADATA,
    )
    assert of(d.Sealed, deltas) == [d.Sealed("0", "converse:c2ln"), d.Sealed("1", "converse-redacted:cmVk")]
    whole = hear_whole(
        [
            {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
            {"reasoningContent": {"redactedContent": "cmVk"}},
        ]
    )
    assert whole == deltas


def test_b9_pieces_of_a_signature_and_of_redacted_content_are_joined() -> None:
    halves = [b64encode(half).decode() for half in (b"red", b"acted")]
    deltas = hear(
        START,
        more(0, reasoningContent={"signature": "abc"}),
        more(0, reasoningContent={"signature": "def"}),
        end(0),
        *(more(1, reasoningContent={"redactedContent": half}) for half in halves),
        end(1),
        stopped(),
        METADATA,
    )
    assert of(d.Sealed, deltas)[1].blob == "converse:abcdef"
    assert of(d.Sealed, deltas)[-1].blob == "converse-redacted:" + b64encode(b"redacted").decode()


def test_b9_what_was_sealed_goes_back_byte_for_byte() -> None:
    content = [
        {"reasoningContent": {"reasoningText": {"text": "Hm — so.", "signature": "c2ln+/=="}}},
        {"reasoningContent": {"redactedContent": "cmVkYWN0ZWQ="}},
        {"text": "Hi"},
    ]
    said = play(hear_whole(content))[1].said
    request = say(
        *said, {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "So?"}]}
    )
    assert request.body["messages"][1] == {"role": "assistant", "content": content}


def test_b10_the_path_that_speaks_chat_completions_is_a_provider_of_its_own() -> None:
    said = {"role": "assistant", "content": "<reasoning>Hm.</reasoning>Hi"}
    body = {"choices": [{"message": said, "finish_reason": "stop"}]}
    deltas = answer(BEDROCK_OPENAI.dialect, body, BEDROCK_OPENAI.filters)
    assert [*of(d.Reasoning, deltas), *of(d.Text, deltas)] == [
        d.Reasoning("think", "Hm."),
        d.Text("text", "Hi"),
    ]
    assert BEDROCK_OPENAI.base_url == "https://bedrock-runtime.{region}.amazonaws.com/openai/v1"
