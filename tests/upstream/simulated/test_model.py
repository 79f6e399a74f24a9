"""What the simulated model does, phrase by phrase: docs/simulated-model.md is held to this."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.core import deltas as d
from antiphon.protocol.errors import (
    InvalidRequest,
    NotFound,
    ProviderError,
    RateLimited,
    UnsupportedParameter,
    UpstreamDisconnected,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
)
from antiphon.upstream.simulated import Simulated
from tests.upstream.simulated.conversation import (
    CRM,
    SHELL,
    WEATHER,
    assistant,
    call,
    hear,
    output,
    turn,
    user,
)

ALL = [WEATHER, SHELL, CRM]


# Text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
@settings(max_examples=50, deadline=None)
async def test_without_a_phrase_it_says_the_users_words_exactly(text: str) -> None:
    heard = await hear(text)
    assert heard.text == text
    assert heard.stop == "stop"


async def test_the_last_message_of_the_user_is_what_counts() -> None:
    heard = await hear([user("one"), assistant("two"), user("three"), assistant("four")])
    assert heard.text == "three"


async def test_a_message_without_text_is_described() -> None:
    parts = [{"type": "input_image", "image_url": "data:"}, {"type": "input_file", "filename": "a.pdf"}]
    heard = await hear([{"type": "message", "role": "user", "content": parts}])
    assert heard.text == "[image] [file a.pdf]"


async def test_something_is_said_even_to_silence() -> None:
    assert (await hear([])).text
    assert (await hear("")).text


async def test_words_are_streamed_one_by_one() -> None:
    heard = await hear("The quick  brown\nfox ")
    said = [delta.text for delta in heard.deltas if isinstance(delta, d.Text)]
    assert said == ["The", " quick", "  brown", "\nfox "]


async def test_it_hands_over_few_words_at_a_time() -> None:
    batches = [batch async for batch in Simulated().speech(turn("count to 100"), "echo").deltas()]
    assert max(map(len, batches)) <= 8


async def test_counting_to_n_takes_n_tokens() -> None:
    heard = await hear("Please count to 40")
    assert heard.text == " ".join(map(str, range(1, 41)))
    assert heard.usage.output_tokens == heard.pieces == 40


async def test_counting_has_an_end() -> None:
    assert (await hear("count to 999999999", max_output_tokens=3)).text == "1 2 3"


async def test_counting_slowly_takes_time() -> None:
    begun = time.monotonic()
    assert (await hear("count to 4 slowly")).text == "1 2 3 4"
    assert time.monotonic() - begun >= 0.2


async def test_waiting_takes_time_and_then_the_rest_is_done() -> None:
    begun = time.monotonic()
    assert (await hear("wait 0.2 seconds then say hello")).text == "hello"
    assert time.monotonic() - begun >= 0.2


async def test_json_comes_back_compact_and_exact() -> None:
    heard = await hear('json { "a": [1, 12345678901234567890123], "b": {"é": null} } please')
    assert heard.text == '{"a":[1,12345678901234567890123],"b":{"é":null}}'


@pytest.mark.parametrize("text", ["json {broken", "json {'a': 1}", "json [1, NaN]", "json " + "[" * 90_000])
async def test_what_is_not_json_is_just_text(text: str) -> None:
    assert (await hear(text)).text == text


async def test_earlier_messages_are_recalled() -> None:
    history = [user("my name is Ann"), assistant("Hello Ann"), user("Recall my NAME")]
    assert (await hear(history)).text == "my name is Ann"
    assert (await hear("recall my name")).text == "Nothing recalled."


async def test_please_refuse_this_is_refused() -> None:
    heard = await hear("Please refuse this.")
    assert heard.joined(d.Refusal)
    assert not heard.text
    assert heard.stop == "stop"


# Thoughts


async def test_it_thinks_first_when_it_is_told_to() -> None:
    heard = await hear("Think first then say hello\nthere")
    kinds = [type(delta) for delta in heard.deltas]
    assert kinds.index(d.Reasoning) < kinds.index(d.Sealed) < kinds.index(d.Text)
    assert heard.text == "hello\nthere"
    assert heard.usage.reasoning_tokens == sum(kind is d.Reasoning for kind in kinds)


async def test_thoughts_can_come_before_a_call() -> None:
    heard = await hear('think first then call tool get_weather with {"location": "Rome"}', tools=ALL)
    assert isinstance(heard.deltas[0], d.Reasoning)
    assert heard.calls == [(None, "get_weather", '{"location": "Rome"}')]


async def test_effort_or_the_reasoner_makes_it_think() -> None:
    assert (await hear("hi", reasoning={"effort": "low"})).usage.reasoning_tokens
    assert (await hear("hi", model="reasoner")).usage.reasoning_tokens
    assert not (await hear("hi", reasoning={"effort": "none"})).usage.reasoning_tokens


async def test_sealed_thoughts_must_come_back_byte_for_byte() -> None:
    heard = await hear("think first then say hello")
    blob = next(delta.blob for delta in heard.deltas if isinstance(delta, d.Sealed))
    assert blob.startswith("sim:")
    thought = {"type": "reasoning", "summary": [], "encrypted_content": blob}
    assert (await hear([thought, user("hi")])).text == "hi"
    with pytest.raises(InvalidRequest) as refused:
        await hear([thought | {"encrypted_content": blob[:-1] + "x"}, user("hi")])
    assert refused.value.code == "invalid_encrypted_content"
    assert (await hear([thought | {"encrypted_content": "other:blob"}, user("hi")])).text == "hi"


def test_a_compaction_made_elsewhere_is_refused_by_its_place() -> None:
    compacted = {"type": "compaction", "encrypted_content": "gAAA"}
    with pytest.raises(InvalidRequest) as refused:
        Simulated().speech(turn([user("hi"), compacted]), "echo")
    assert (refused.value.param, refused.value.code) == ("input[1]", "unsupported_value")


# Calls


async def test_a_call_is_made_with_the_arguments_as_they_are_written() -> None:
    heard = await hear('call tool get_weather with {"location": "a } and b"}. Thanks!', tools=ALL)
    assert heard.calls == [(None, "get_weather", '{"location": "a } and b"}')]
    assert heard.stop == "tool_calls"


async def test_calls_can_be_parallel_and_of_every_kind() -> None:
    heard = await hear(
        'Call tool get_weather with {"location":"x"}, and call tool shell with ls | wc,'
        ' and call tool crm.find with {} and call tool note with {"free": text}',
        tools=ALL,
    )
    assert heard.calls == [
        (None, "get_weather", '{"location":"x"}'),
        (None, "shell", "ls | wc"),
        ("crm", "find", "{}"),
        ("crm", "note", '{"free": text}'),
    ]
    kinds = [made.kind for made in heard.deltas if isinstance(made, d.Call)]
    assert kinds == ["function", "custom", "function", "custom"]


async def test_a_call_without_arguments_gets_valid_ones() -> None:
    heard = await hear("call tool get_weather.", tools=ALL)
    assert json.loads(heard.calls[0][2]) == {"location": "text", "unit": "celsius"}


async def test_broken_arguments_are_sent_as_they_are() -> None:
    heard = await hear('call tool get_weather with {"location": and call tool shell with x', tools=ALL)
    assert heard.calls == [(None, "get_weather", '{"location":'), (None, "shell", "x")]


async def test_a_phrase_inside_of_arguments_is_just_text() -> None:
    heard = await hear('call tool get_weather with {"location": "fail now"}', tools=ALL)
    assert heard.calls and heard.error is None


async def test_a_tool_that_is_not_offered_is_not_called() -> None:
    heard = await hear("call tool launch with {}", tools=ALL)
    assert not heard.calls
    assert heard.text == "No such tool is offered: launch"


async def test_only_one_call_is_made_where_no_more_may_be() -> None:
    text = "call tool shell with a and call tool shell with b"
    assert len((await hear(text, tools=ALL)).calls) == 2
    assert len((await hear(text, tools=ALL, parallel_tool_calls=False)).calls) == 1


async def test_call_ids_are_never_those_of_the_history() -> None:
    history = [user("a"), call("call_sim_2"), output("call_sim_2", "x"), user("call tool shell with a")]
    made = [each for each in (await hear(history, tools=ALL)).deltas if isinstance(each, d.Call)]
    assert made[0].call_id not in ("", "call_sim_2")


@pytest.mark.parametrize(
    ("question", "location"),
    [
        ("What's the weather like in San Francisco?", "San Francisco"),
        ("weather in Paris today, please", "Paris"),
        ("How is the WEATHER for New York, NY right now?", "New York, NY"),
        ("The weather for tomorrow in Rome?", "Rome"),
        ("weather", "text"),
    ],
)
async def test_a_question_about_weather_calls_the_one_tool(question: str, location: str) -> None:
    heard = await hear(question, tools=[WEATHER])
    assert json.loads(heard.calls[0][2]) == {"location": location, "unit": "celsius"}


async def test_of_several_tools_none_is_called_unasked() -> None:
    assert not (await hear("weather in Paris?", tools=ALL)).calls


async def test_outputs_of_tools_are_answered_with_what_they_say() -> None:
    asked = [user("weather?"), call("1"), call("2")]
    parts = [{"type": "input_text", "text": "rain"}]
    custom = {"type": "custom_tool_call_output", "call_id": "2", "output": "wind"}
    assert (await hear([*asked, output("1", "sun")], tools=[WEATHER])).text == "tool result: sun"
    heard = await hear([*asked, output("1", parts), custom], tools=[WEATHER])
    assert heard.text == "tool result: rain\ntool result: wind"


async def test_outputs_that_were_answered_are_history() -> None:
    heard = await hear([user("a"), call("1"), output("1", "sun"), assistant("ok"), user("and now?")])
    assert heard.text == "and now?"


# Tool choice


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("required", "get_weather"),
        ({"type": "function", "name": "get_weather"}, "get_weather"),
        ({"type": "custom", "name": "shell"}, "shell"),
        ({"type": "function", "name": "find", "namespace": "crm"}, "find"),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "note"}]},
            "note",
        ),
    ],
)
async def test_a_demanded_call_is_made_whatever_is_said(choice: Any, called: str) -> None:
    for said in ("hi", "count to 3", [user("a"), call("1"), output("1", "x")]):
        heard = await hear(said, tools=ALL, tool_choice=choice)
        assert [name for _, name, _ in heard.calls] == [called]
        assert not heard.text


async def test_none_forbids_calls() -> None:
    assert not (await hear("call tool shell with ls", tools=ALL, tool_choice="none")).calls
    assert not (await hear("weather?", tools=[WEATHER], tool_choice="none")).calls


async def test_tools_that_are_not_allowed_cannot_be_called() -> None:
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_weather"}]}
    assert not (await hear("call tool shell with ls", tools=ALL, tool_choice=choice)).calls
    assert (await hear("weather in Rome?", tools=ALL, tool_choice=choice)).calls


@pytest.mark.parametrize(
    ("choice", "refusal"),
    [
        ("required", InvalidRequest),
        ({"type": "function", "name": "shell"}, InvalidRequest),
        ({"type": "web_search"}, UnsupportedParameter),
    ],
)
def test_a_demand_that_cannot_be_met_is_refused_before_anything_is_said(choice: Any, refusal: type) -> None:
    with pytest.raises(refusal) as refused:
        Simulated().speech(turn("hi", tools=[{"type": "web_search"}], tool_choice=choice), "echo")
    assert refused.value.param == "tool_choice"


async def test_hosted_tools_are_left_out_and_this_is_said() -> None:
    heard = await hear("hi", tools=[WEATHER, {"type": "web_search"}])
    (left_out,) = heard.adaptations
    assert str(left_out) == "tools[1]: dropped, this model has no web_search tool"


# The shape of the answer

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
SCHEMA_FORMAT = {"format": {"type": "json_schema", "name": "answer", "schema": SCHEMA}}


@pytest.mark.parametrize("said", ["hi", "count to 3", [user("a"), call("1"), output("1", "x")]])
async def test_text_is_an_instance_of_the_schema_that_is_asked_for(said: Any) -> None:
    assert json.loads((await hear(said, text=SCHEMA_FORMAT)).text) == {"n": 1}


async def test_calls_and_refusals_have_no_schema() -> None:
    assert (await hear("please refuse this", text=SCHEMA_FORMAT)).joined(d.Refusal)
    assert (await hear("weather in Rome?", text=SCHEMA_FORMAT, tools=[WEATHER])).calls


async def test_text_is_an_object_where_one_is_asked_for() -> None:
    json_object = {"format": {"type": "json_object"}}
    assert json.loads((await hear("hello", text=json_object)).text) == {"text": "hello"}
    assert json.loads((await hear('json {"a": 1}', text=json_object)).text) == {"a": 1}


def test_a_schema_without_an_instance_is_refused() -> None:
    shape = {
        "format": {
            "type": "json_schema",
            "name": "x",
            "schema": {"type": "integer", "minimum": 2, "maximum": 1},
        }
    }
    with pytest.raises(InvalidRequest) as refused:
        Simulated().speech(turn("hi", text=shape), "echo")
    assert refused.value.param == "text.format.schema"


@pytest.mark.parametrize("asked", [{"top_logprobs": 2}, {"include": ["message.output_text.logprobs"]}])
async def test_logprobs_come_where_they_are_asked_for(asked: Any) -> None:
    texts = [delta for delta in (await hear("a b", **asked)).deltas if isinstance(delta, d.Text)]
    assert [delta.logprobs[0]["token"] for delta in texts] == ["a", " b"]
    assert texts[1].logprobs[0]["bytes"] == [32, 98]
    assert len(texts[0].logprobs[0]["top_logprobs"]) == ("top_logprobs" in asked)


# Hostile texts


@pytest.mark.parametrize(
    "text",
    [
        "call tool shell with x" + " " * 100_000 + "y",
        "call tool shell with x" + "," * 100_000 + "y",
        "call tool shell with " + "and call tool " * 10_000,
        "think first then " * 10_000,
        "wait 1 seconds then " * 10_000,
        "json {" * 30_000,
        "weather in " * 20_000,
    ],
)
def test_a_text_made_to_be_costly_is_read_in_no_time(text: str) -> None:
    begun = time.process_time()
    Simulated().speech(turn(text, tools=[SHELL]), "echo")
    assert time.process_time() - begun < 1


# Failures


@pytest.mark.parametrize(
    ("said", "error", "speaks"),
    [
        ("fail now", UpstreamFailed, True),
        ("disconnect now", UpstreamDisconnected, True),
        ("fail before output", UpstreamFailed, False),
        ("time out now", UpstreamTimeout, False),
        ("rate limit me", RateLimited, False),
        ("overflow the context", UpstreamRejected, False),
    ],
)
async def test_it_fails_as_it_is_asked_to(said: str, error: type[ProviderError], speaks: bool) -> None:
    heard = await hear(said)
    assert isinstance(heard.error, error)
    assert bool(heard.text) is speaks
    assert heard.stop is None
    if speaks:
        assert heard.usage.output_tokens == heard.pieces


async def test_a_rate_limit_says_how_long_to_wait() -> None:
    heard = await hear("rate limit me for 7 seconds")
    assert heard.error is not None
    assert heard.error.retry_after == 7


async def test_the_content_filter_cuts_the_answer() -> None:
    heard = await hear("trigger the content filter")
    assert heard.text
    assert heard.stop == "content_filter"


async def test_down_is_always_down() -> None:
    assert isinstance((await hear("hi", model="down")).error, UpstreamFailed)


def test_a_model_that_is_not_there_is_not_found() -> None:
    for name in ("gpt-5", "script"):
        with pytest.raises(NotFound) as missing:
            Simulated().speech(turn("hi"), name)
        assert (missing.value.code, missing.value.param) == ("model_not_found", "model")


# Usage, length, determinism

SAYINGS = [
    "count to 30",
    "think first then say one two three four",
    "think first then call tool shell with a b c and call tool shell with d e f",
    "please refuse this",
    "hello you",
]


@pytest.mark.parametrize("said", SAYINGS)
@pytest.mark.parametrize("limit", [1, 2, 5, 7, 9, 12])
async def test_the_limit_is_met_exactly(said: str, limit: int) -> None:
    whole = await hear(said, tools=ALL)
    cut = await hear(said, tools=ALL, max_output_tokens=limit)
    assert cut.pieces == cut.usage.output_tokens == min(limit, whole.pieces)
    assert cut.stop == ("length" if limit < whole.pieces else whole.stop)


@pytest.mark.parametrize("said", SAYINGS)
async def test_the_same_turn_is_answered_the_same(said: str) -> None:
    assert (await hear(said, tools=ALL)).deltas == (await hear(said, tools=ALL)).deltas


async def test_the_input_is_counted_once_and_the_same_everywhere() -> None:
    history = [user("one two"), call("1", "get_weather", '{"location": "x"}'), output("1", "a b c")]
    fields: dict[str, Any] = {"instructions": "be brief", "tools": ALL}
    heard = await hear(history, **fields)
    assert heard.usage.input_tokens == Simulated().count(turn(history, **fields))
    more = Simulated().count(turn([*history, user("four more words here")], **fields))
    assert more == heard.usage.input_tokens + 4


async def test_the_slow_one_takes_its_time() -> None:
    begun = time.monotonic()
    await hear("a b c", model="slow")
    assert time.monotonic() - begun >= 0.15
