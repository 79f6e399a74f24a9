"""What a turn becomes: fields, thoughts, sampling, shape of the answer, caching; and what AWS says to it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from antiphon.core.adaptations import Adaptation
from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest
from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.converse import Converse
from antiphon.upstream.dialects.converse.families import Family, family_of
from tests.turns.test_goldens import CASES, turn_of
from tests.upstream.dialects.adapted import dropped
from tests.upstream.dialects.converse.official import problems
from tests.upstream.dialects.converse.speaking import (
    CLAUDE,
    LLAMA,
    NOVA,
    call,
    function,
    message,
    output,
    say,
    user,
)

OPUS = "global.anthropic.claude-opus-4-8-v1"
BOUND = "us.anthropic.claude-opus-5-5-v1"
MODELS = [CLAUDE, OPUS, BOUND, NOVA, LLAMA, "amazon.titan-text-lite-v1", "mistral.mistral-large-2407-v1:0"]
MODELS += ["openai.gpt-oss-120b-1:0", "deepseek.v3-v1:0", "cohere.command-r-v1:0", "x.unknown-v1:0"]
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def additional(request: WireRequest) -> Any:
    return request.body.get("additionalModelRequestFields")


def params(request: WireRequest) -> list[tuple[str, str]]:
    return [(one.param, one.action) for one in request.adaptations]


# Where it goes


def test_the_model_stands_in_the_path_encoded() -> None:
    assert say(stream=False).path == "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
    arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-haiku-4-5-v1:0"
    encoded = "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.anthropic.claude-haiku-4-5-v1%3A0"
    assert say(model=arn).path == f"/model/{encoded}/converse-stream"


@pytest.mark.parametrize(
    ("model", "counted"),
    [
        (CLAUDE, "anthropic.claude-sonnet-4-5-20250929-v1%3A0"),
        ("anthropic.claude-haiku-4-5-v1:0", "anthropic.claude-haiku-4-5-v1%3A0"),
        (NOVA, None),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", None),
    ],
)
def test_only_claudes_tokens_are_counted_and_by_the_id_of_the_model_itself(
    model: str, counted: str | None
) -> None:
    turn = Turn(model=model, items=[user("Hi")], instructions="Be brief.", tools=[function()])
    request = Converse().count(turn)
    if counted is None:
        assert request is None
        return
    assert request is not None
    assert request.path == f"/model/{counted}/count-tokens"
    assert set(request.body["input"]["converse"]) == {"messages", "system", "toolConfig"}
    assert problems(request) == []
    assert Converse(counts_tokens=False).count(turn) is None


# Sampling


def test_bounds_and_sampling_have_their_own_names() -> None:
    request = say(model=LLAMA, max_output_tokens=9, temperature=0.5, top_p=0.9)
    assert request.body["inferenceConfig"] == {"maxTokens": 9, "temperature": 0.5, "topP": 0.9}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (CLAUDE, {"top_k": 5}),
        (NOVA, {"inferenceConfig": {"topK": 5}}),
        ("cohere.command-r-v1:0", {"k": 5}),
        (LLAMA, None),
    ],
)
def test_top_k_stands_where_each_family_looks_for_it(model: str, expected: Any) -> None:
    request = say(model=model, top_k=5)
    assert additional(request) == expected
    assert request.adaptations == (() if expected else dropped("top_k"))


def test_temperature_ends_at_one_and_newer_claudes_take_one_of_two() -> None:
    both = say(temperature=1.5, top_p=0.5)
    assert both.body["inferenceConfig"] == {"topP": 0.5}
    assert params(both) == [("temperature", "clamped")]
    assert params(say(temperature=0.5, top_p=0.5)) == [("top_p", "dropped")]
    assert params(say(model=OPUS, temperature=0.5, top_k=3)) == [
        ("temperature", "dropped"),
        ("top_k", "dropped"),
    ]


# Thoughts


@pytest.mark.parametrize(
    ("model", "effort", "expected", "clamped"),
    [
        (CLAUDE, "high", {"thinking": {"type": "enabled", "budget_tokens": 16_384}}, False),
        (OPUS, "high", {"thinking": {"type": "adaptive"}}, False),
        (OPUS, "minimal", {"thinking": {"type": "adaptive"}}, True),
        (NOVA, "high", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}, False),
        (NOVA, "xhigh", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}, True),
        (NOVA, "minimal", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}, True),
        (NOVA, "none", None, False),
        ("openai.gpt-oss-120b-1:0", "medium", {"reasoning_effort": "medium"}, False),
        ("moonshot.kimi-k2-thinking", "medium", {"reasoning_effort": "medium"}, False),
        ("deepseek.v3-v1:0", "low", {"reasoning_effort": "high"}, True),
        ("us.amazon.nova-pro-v1:0", "none", None, False),
    ],
)
def test_each_family_is_told_to_think_in_its_own_words(
    model: str, effort: str, expected: Any, clamped: bool
) -> None:
    request = say(model=model, reasoning={"effort": effort})
    assert additional(request) == expected
    assert params(request) == ([("reasoning.effort", "clamped")] if clamped else [])
    assert problems(request) == []


@pytest.mark.parametrize("model", ["deepseek.r1-v1:0", LLAMA, "us.amazon.nova-pro-v1:0", "x.unknown-v1:0"])
def test_a_model_that_is_not_told_to_think_is_not_told(model: str) -> None:
    request = say(model=model, reasoning={"effort": "low"})
    assert additional(request) is None
    assert request.adaptations == dropped("reasoning.effort")


def test_claudes_effort_is_a_field_of_converses_own() -> None:
    request = say(model=OPUS, reasoning={"effort": "xhigh", "summary": "auto"})
    assert request.body["outputConfig"] == {"effort": "xhigh"}
    assert additional(request) == {"thinking": {"type": "adaptive", "display": "summarized"}}
    schema = say(
        model=OPUS, reasoning={"effort": "low"}, text={"format": {"type": "json_schema", "schema": SCHEMA}}
    )
    assert set(schema.body["outputConfig"]) == {"effort", "textFormat"}
    assert problems(schema) == []


def test_novas_high_effort_takes_no_bound_so_a_bound_lowers_it() -> None:
    bounded = say(model=NOVA, reasoning={"effort": "high"}, max_output_tokens=500, temperature=0.5)
    assert additional(bounded)["reasoningConfig"]["maxReasoningEffort"] == "medium"
    assert bounded.body["inferenceConfig"] == {"maxTokens": 500, "temperature": 0.5}
    free = say(model=NOVA, reasoning={"effort": "high"}, temperature=0.5)
    assert "inferenceConfig" not in free.body
    assert params(free) == [("temperature", "dropped")]


def test_thoughts_give_way_to_a_forced_call_and_to_calls_made_without_them() -> None:
    forced = say(reasoning={"effort": "low"}, tools=[function()], tool_choice="required")
    assert (additional(forced), params(forced)) == (None, [("reasoning.effort", "dropped")])
    calling = [user("Hi"), call("c1"), output("c1")]
    later = say(*calling, reasoning={"effort": "low"}, tools=[function()])
    assert (additional(later), params(later)) == (None, [("reasoning.effort", "dropped")])
    assert additional(say(reasoning={"effort": "low"}, max_output_tokens=1000)) is None


def test_a_claude_that_thinks_by_default_is_told_not_to_and_one_that_always_does_to_think_little() -> None:
    assert additional(say(model="anthropic.claude-sonnet-5", reasoning={"effort": "none"})) == {
        "thinking": {"type": "disabled"}
    }
    assert say(model=BOUND, reasoning={"effort": "none"}).body["outputConfig"] == {"effort": "low"}


def test_thoughts_that_are_bound_to_a_changed_conversation_are_no_error() -> None:
    thought = {"type": "reasoning", "summary": [], "encrypted_content": "converse:c2ln"}
    request = say(user("Hi"), thought, message("assistant", "Hello."), user("So?"), model=BOUND)
    assert additional(request) == {
        "thinking": {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}},
        "anthropic_beta": ["thinking-binding-controls-2026-08-01"],
    }
    assert additional(say(model=BOUND)) is None


# The shape of the answer


def test_a_schema_is_a_text_format_where_it_is_taken() -> None:
    wish = {"type": "json_schema", "name": "it", "description": "An a.", "schema": SCHEMA, "strict": True}
    request = say(text={"format": wish})
    structure = request.body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert json.loads(structure["schema"]) == {**SCHEMA, "additionalProperties": False}
    assert (structure["name"], structure["description"]) == ("it", "An a.")
    assert problems(request) == []


def test_a_schema_is_a_tool_that_must_be_called_where_it_is_not() -> None:
    request = say(model=NOVA, text={"format": {"type": "json_schema", "schema": SCHEMA}}, tools=[function()])
    config = request.body["toolConfig"]
    assert [tool["toolSpec"]["name"] for tool in config["tools"]] == ["now", "antiphon_answer"]
    assert config["toolChoice"] == {"any": {}}
    assert params(request) == [("text.format", "emulated")]


@pytest.mark.parametrize(("model", "kind"), [(LLAMA, "json_schema"), (CLAUDE, "json_object")])
def test_else_json_is_asked_for_in_words(model: str, kind: str) -> None:
    request = say(model=model, text={"format": {"type": kind, "schema": SCHEMA}})
    assert "Answer with" in request.body["system"][-1]["text"]
    assert params(request) == [("text.format", "emulated")]


# Caching


@pytest.mark.parametrize(
    ("model", "ttl", "expected"),
    [
        (CLAUDE, None, {"type": "default"}),
        (CLAUDE, "1h", {"type": "default", "ttl": "1h"}),
        (CLAUDE, "300", {"type": "default", "ttl": "5m"}),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", "1h", {"type": "default"}),
        (NOVA, "5m", {"type": "default"}),
        (LLAMA, None, None),
    ],
)
def test_a_marker_is_a_cache_point_after_its_block(model: str, ttl: str | None, expected: Any) -> None:
    part = {"type": "input_text", "text": "Book", "cache_control": {"type": "ephemeral", "ttl": ttl}}
    content = say(user(part), model=model).body["messages"][0]["content"]
    assert content == [{"text": "Book"}, *([{"cachePoint": expected}] if expected else [])]


def test_a_marker_on_nothing_is_noted() -> None:
    blank = {"type": "input_text", "text": " ", "cache_control": {"type": "ephemeral"}}
    request = say(user(blank, "Hi"))
    assert request.body["messages"][0]["content"] == [{"text": "Hi"}]
    assert params(request) == [("input[0].content[0].cache_control", "dropped")]


def test_a_marker_in_an_output_stands_after_the_result() -> None:
    said = [{"type": "input_text", "text": "noon", "prompt_cache_breakpoint": {}}]
    request = say(user("Hi"), call("c1"), output("c1", said), tools=[function()])
    assert [next(iter(block)) for block in request.body["messages"][2]["content"]] == [
        "toolResult",
        "cachePoint",
    ]


def test_several_marks_in_an_output_are_one_point_after_it() -> None:
    def part(ttl: str) -> dict[str, Any]:
        return {"type": "input_text", "text": "noon", "cache_control": {"type": "ephemeral", "ttl": ttl}}

    request = say(user("Hi"), call("a"), output("a", [part("5m"), part("1h"), part("5m")]))
    result, *points = request.body["messages"][2]["content"]
    assert "toolResult" in result
    assert points == [{"cachePoint": {"type": "default", "ttl": "1h"}}]


def test_a_cache_without_marks_is_a_point_at_the_end() -> None:
    assert (
        say(prompt_cache_options={"ttl": "12h"}).body
        == say(prompt_cache_options={"mode": "implicit", "ttl": "1h"}).body
    )
    request = say(prompt_cache_options={"mode": "implicit", "ttl": "1h", "odd": 1})
    assert request.body["messages"][0]["content"][-1] == {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert request.adaptations == dropped("prompt_cache_options.odd")
    none = say(model=LLAMA, prompt_cache_options={"mode": "implicit", "ttl": "1h"})
    assert none.adaptations == dropped("prompt_cache_options.mode", "prompt_cache_options.ttl")
    explicit = say(prompt_cache_options={"mode": "explicit"})
    assert (explicit.body["messages"][0]["content"], explicit.adaptations) == ([{"text": "Hi"}], ())


def test_a_cache_for_the_request_as_a_whole_is_a_point_at_the_end_and_only_one() -> None:
    part = {"type": "input_text", "text": "Book", "cache_control": {"type": "ephemeral", "ttl": "5m"}}
    for items in ([user("Book")], [{"type": "message", "role": "user", "content": [part]}]):
        request = say(*items, cache_control={"type": "ephemeral", "ttl": "3600s"})
        assert request.body["messages"][0]["content"] == [
            {"text": "Book"},
            {"cachePoint": {"type": "default", "ttl": "1h"}},
        ]
        assert request.adaptations == ()
    none = say(model=LLAMA, cache_control={"type": "ephemeral"})
    assert [str(told) for told in none.adaptations] == ["cache_control: dropped, this model keeps no cache"]


@pytest.mark.parametrize(("ttl", "told"), [("3600s", False), ("1h", False), ("5m", False), ("30m", True)])
def test_a_time_to_live_that_aws_has_not_is_told(ttl: str, told: bool) -> None:
    request = say(prompt_cache_options={"mode": "implicit", "ttl": ttl})
    clamped = [("prompt_cache_options.ttl", "clamped")] if told else []
    assert params(request) == clamped


# The rest


def test_metadata_goes_into_the_log_as_far_as_it_fits() -> None:
    fitting = say(metadata={"team": "a b:c", "n": ""})
    assert fitting.body["requestMetadata"] == {"team": "a b:c", "n": ""}
    odd = say(metadata={"team": "ok", "größe": "1", "x": "é", **{f"k{index}": "v" for index in range(20)}})
    assert len(odd.body["requestMetadata"]) == 16
    assert params(odd) == [("metadata", "dropped")]
    assert problems(odd) == []


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        ("auto", None),
        ("default", {"type": "default"}),
        ("flex", {"type": "flex"}),
        ("priority", {"type": "priority"}),
        ("scale", {"type": "reserved"}),
    ],
)
def test_service_tiers_have_a_word_each(tier: str, expected: Any) -> None:
    request = say(service_tier=tier)
    assert request.body.get("serviceTier") == expected
    assert request.adaptations == ()
    assert problems(request) == []


def test_a_guardrail_comes_from_the_client_or_the_operator_who_wins() -> None:
    guardrail = {"guardrailIdentifier": "abc", "guardrailVersion": "1"}
    assert say(extra={"guardrailConfig": guardrail}).body["guardrailConfig"] == guardrail
    ours = Converse(extra_body={"guardrailConfig": {**guardrail, "guardrailVersion": "2"}})
    request = say(dialect=ours, extra={"guardrailConfig": guardrail})
    assert request.body["guardrailConfig"]["guardrailVersion"] == "2"
    with pytest.raises(InvalidRequest) as caught:
        say(extra={"guardrailConfig": 1})
    assert caught.value.param == "guardrailConfig"
    assert ours.own_fields == {"guardrailConfig", "performanceConfig", "stop"}


def test_what_the_operator_adds_is_joined_with_what_is_said() -> None:
    beta = Converse(extra_body={"additionalModelRequestFields": {"anthropic_beta": ["x"]}})
    request = say(dialect=beta, reasoning={"effort": "low"})
    assert set(additional(request)) == {"anthropic_beta", "thinking"}


@pytest.mark.parametrize("stop", ["|", ["|", "."]])
def test_a_client_may_send_where_to_stop(stop: Any) -> None:
    request = say(extra={"stop": stop}, max_output_tokens=9)
    assert request.body["inferenceConfig"] == {"maxTokens": 9, "stopSequences": list(stop)}
    assert problems(request) == []


@pytest.mark.parametrize("stop", [1, "", [1], [""]])
def test_where_to_stop_is_a_text_or_some(stop: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        say(extra={"stop": stop})
    assert caught.value.param == "stop"


def test_what_converse_has_no_word_for_is_noted() -> None:
    request = say(top_logprobs=3, presence_penalty=0.5, user="u", text={"verbosity": "low"}, max_tool_calls=1)
    fields = ("top_logprobs", "presence_penalty", "text.verbosity", "max_tool_calls", "user")
    assert request.adaptations == dropped(*fields)


def test_a_family_can_be_said_where_the_name_hides_it() -> None:
    arn = "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"
    assert family_of(arn) == Family()
    claude = Converse(known_as=CLAUDE)
    assert additional(say(model=arn, dialect=claude, reasoning={"effort": "low"})) is not None


def test_a_bound_over_the_models_own_is_clamped() -> None:
    request = say(max_output_tokens=100_000)
    assert request.body["inferenceConfig"] == {"maxTokens": 64_000}
    assert request.adaptations[0] == Adaptation(
        "max_output_tokens", "clamped", "100000 is more than this model says, sent as 64000"
    )


# What AWS says


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("case", [name for name, case in CASES.items() if "converse" in case["models"]])
def test_aws_takes_every_golden_on_every_model(case: str, model: str) -> None:
    turn = turn_of(CASES[case], "converse")
    turn.model = model
    turn.tools = [tool for tool in turn.tools if tool["type"] == "function"]
    try:
        request = Converse().encode(turn)
    except InvalidRequest as refused:
        assert refused.param
        return
    assert problems(request) == []


def random_items(chance: random.Random) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    calls: list[str] = []
    for index in range(chance.randint(1, 12)):
        match chance.choice(("user", "assistant", "system", "call", "output", "thought", "document", "odd")):
            case "user" | "assistant" | "system" as role:
                part = {"type": "input_text", "text": chance.choice(("Hi", " ", "", "So?"))}
                if chance.random() < 0.4:
                    part["cache_control"] = {"type": "ephemeral", "ttl": chance.choice((None, "1h", "5m"))}
                items.append(message(role, part))
            case "call":
                calls.append(chance.choice((f"call_{index}", "call_0", "", "über/lang" * 20)))
                items.append(call(calls[-1], arguments=chance.choice(("{}", "[1]", "", "{", '{"a":1}'))))
            case "output" if calls:
                items.append(output(calls.pop(0), chance.choice(("noon", "", '{"a":1}', []))))
            case "thought":
                blob = chance.choice(("converse:c2ln", "converse-redacted:cmVk", "anthropic:x", None))
                items.append({"type": "reasoning", "summary": [], "encrypted_content": blob})
            case "document":
                file = {"type": "input_file", "filename": "a  ü.txt", "file_data": "data:text/plain,x"}
                items.append(user(file))
            case _:
                items.append({"type": "web_search_call", "id": "ws_1"})
    return items


@pytest.mark.parametrize("seed", range(300))
def test_aws_takes_whatever_order_a_conversation_has(seed: int) -> None:
    chance = random.Random(seed)
    tools = chance.choice(([], [function()], [function(), function("other", strict=True)]))
    request = say(
        *random_items(chance),
        model=chance.choice(MODELS),
        tools=tools,
        tool_choice=chance.choice((None, "auto", "none")),
        instructions=chance.choice((None, "Be brief.", " ")),
        reasoning=chance.choice((None, {"effort": "low"}, {"effort": "high"})),
    )
    assert problems(request) == []
