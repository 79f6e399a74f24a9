"""Tools that Anthropic runs itself: how they are offered, what comes of them, and how they go back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.assembler import Assembler
from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest
from antiphon.upstream.base import Frame, WireRequest
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.providers import PROVIDERS
from tests.play import counting_ids, play, snapshot
from tests.recordings import Recording, needs_recordings, recordings
from tests.upstream.dialects.anthropic.official import judge
from tests.upstream.dialects.anthropic.oracle import message_of
from tests.upstream.dialects.anthropic.speaking import (
    START,
    begin,
    call,
    end,
    function,
    hear,
    message,
    more,
    of,
    output,
    say,
    stopped,
    user,
)
from tests.upstream.dialects.recorded import played

DICE = {"type": "mcp", "server_label": "dice", "server_url": "https://dice.example/mcp"}
FREE = {**DICE, "require_approval": "never"}
CARDS = {**FREE, "server_label": "cards", "server_url": "https://cards.example/mcp"}
CODE = {"type": "code_interpreter", "container": {"type": "auto"}}
TOOLSET = {"type": "mcp_toolset", "mcp_server_name": "dice"}
RUNS_CODE = {"type": "code_execution_20250825", "name": "code_execution"}


def only(*names: str) -> dict[str, Any]:
    return {
        **TOOLSET,
        "default_config": {"enabled": False},
        "configs": {name: {"enabled": True} for name in names},
    }


def told(request: WireRequest) -> dict[str, str]:
    judge(request.body)
    return {adaptation.param: adaptation.action for adaptation in request.adaptations}


# MCP servers


def test_a_server_is_told_with_the_beta_that_it_needs() -> None:
    request = say(tools=[{**FREE, "authorization": "secret"}])
    assert request.body["tools"] == [TOOLSET]
    assert request.body["mcp_servers"] == [
        {"type": "url", "url": "https://dice.example/mcp", "name": "dice", "authorization_token": "secret"}
    ]
    assert request.headers["anthropic-beta"] == "mcp-client-2025-11-20"
    assert told(request) == {}
    assert "anthropic-beta" not in say(tools=[function("look")]).headers


def test_a_token_in_the_headers_is_an_authorization() -> None:
    request = say(tools=[{**FREE, "headers": {"Authorization": "Bearer t"}}])
    assert request.body["mcp_servers"][0]["authorization_token"] == "t"
    assert told(request) == {}
    more_headers = say(tools=[{**FREE, "headers": {"authorization": "bearer t", "X-A": "b"}}])
    assert told(more_headers) == {"tools[0].headers": "dropped"}
    both = say(tools=[{**FREE, "authorization": "a", "headers": {"Authorization": "Bearer t"}}])
    assert both.body["mcp_servers"][0]["authorization_token"] == "a"
    assert told(both) == {"tools[0].headers": "dropped"}


@pytest.mark.parametrize("allowed", [["roll"], {"tool_names": ["roll"]}])
def test_tools_that_are_not_allowed_are_switched_off(allowed: Any) -> None:
    request = say(tools=[{**FREE, "allowed_tools": allowed}])
    assert request.body["tools"] == [only("roll")]
    assert told(request) == {}


@pytest.mark.parametrize(
    ("allowed", "approval", "left"),
    [
        (None, {"never": {"tool_names": ["roll", "toss"]}}, ["roll", "toss"]),
        (["roll", "flip"], {"never": {"tool_names": ["roll"]}}, ["roll"]),
        (None, {"never": {"tool_names": ["a", "b"]}, "always": {"tool_names": ["b"]}}, ["a"]),
    ],
)
def test_tools_that_need_approval_are_not_offered(allowed: Any, approval: Any, left: list[str]) -> None:
    request = say(tools=[{**DICE, "allowed_tools": allowed, "require_approval": approval}])
    assert request.body["tools"] == [only(*left)]
    assert told(request) == {"tools[0].require_approval": "dropped"}


@pytest.mark.parametrize(
    "tool",
    [
        DICE,
        {**DICE, "require_approval": "always"},
        {**DICE, "require_approval": {"always": {"tool_names": ["roll"]}}},
        {**DICE, "require_approval": {"never": {"read_only": True}}},
        {**DICE, "require_approval": {"never": {"tool_names": ["a"]}}, "allowed_tools": ["b"]},
        {**FREE, "allowed_tools": {"read_only": True}},
        {**FREE, "allowed_tools": []},
        {**FREE, "server_url": "http://dice.example/mcp"},
        {
            "type": "mcp",
            "server_label": "mail",
            "connector_id": "connector_gmail",
            "require_approval": "never",
        },
        {"type": "mcp", "server_label": "lan", "tunnel_id": "tunnel_1", "require_approval": "never"},
    ],
)
def test_a_server_whose_limits_cannot_be_kept_is_left_out_and_cannot_be_demanded(tool: Any) -> None:
    request = say(tools=[tool, function("look")])
    assert [offered["name"] for offered in request.body["tools"]] == ["look"]
    assert "mcp_servers" not in request.body
    assert told(request) == {"tools[0]": "dropped"}
    with pytest.raises(InvalidRequest) as refusal:
        say(tools=[tool], tool_choice={"type": "mcp", "server_label": tool["server_label"]})
    assert refusal.value.param == "tool_choice"


def test_what_a_server_cannot_be_told_is_named() -> None:
    extras = {"server_description": "Dice.", "defer_loading": True, "allowed_callers": ["programmatic"]}
    assert told(say(tools=[{**FREE, **extras}], max_tool_calls=2)) == {
        "tools[0].server_description": "dropped",
        "tools[0].defer_loading": "dropped",
        "tools[0].allowed_callers": "dropped",
        "max_tool_calls": "dropped",
    }
    usual = {"server_description": None, "defer_loading": False, "allowed_callers": ["direct"]}
    assert told(say(tools=[{**FREE, **usual}])) == {}


def test_two_servers_are_two_and_one_label_is_one() -> None:
    request = say(tools=[FREE, CARDS, FREE])
    assert [server["name"] for server in request.body["mcp_servers"]] == ["dice", "cards"]
    assert told(request) == {"tools[2]": "dropped"}


@pytest.mark.parametrize(
    ("choice", "tools"),
    [
        ({"type": "mcp", "server_label": "dice"}, [TOOLSET]),
        ({"type": "mcp", "server_label": "dice", "name": "roll"}, [only("roll")]),
        ({"type": "code_interpreter"}, [RUNS_CODE]),
    ],
)
def test_what_is_demanded_is_all_that_is_offered(choice: Any, tools: Any) -> None:
    request = say(tools=[function("look"), CARDS, FREE, CODE], tool_choice=choice)
    assert request.body["tools"] == tools
    assert request.body["tool_choice"] == {"type": "any"}
    names = [server["name"] for server in request.body.get("mcp_servers", [])]
    assert names == [tool["mcp_server_name"] for tool in tools if "mcp_server_name" in tool]
    assert told(request) == {}


def test_of_allowed_servers_only_the_allowed_tools_are_offered() -> None:
    entries = [{"type": "mcp", "server_label": "dice", "name": name} for name in ("roll", "toss")]
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [*entries, {"type": "code_interpreter"}]}
    request = say(tools=[FREE, CARDS, CODE, function("look")], tool_choice=choice)
    assert request.body["tools"] == [only("roll", "toss"), RUNS_CODE]
    assert [server["name"] for server in request.body["mcp_servers"]] == ["dice"]


def test_a_tool_that_is_switched_off_cannot_be_demanded() -> None:
    choice = {"type": "mcp", "server_label": "dice", "name": "toss"}
    with pytest.raises(InvalidRequest, match="mcp dice toss"):
        say(tools=[{**FREE, "allowed_tools": ["roll"]}], tool_choice=choice)


# Code


def test_code_is_run_by_the_tool_for_it() -> None:
    request = say(tools=[CODE])
    assert request.body["tools"] == [RUNS_CODE]
    assert "container" not in request.body
    assert told(request) == {}


def test_a_container_of_anthropics_is_used_again() -> None:
    request = say(tools=[{**CODE, "container": "container_1"}])
    assert request.body["container"] == "container_1"
    assert told(request) == {}


@pytest.mark.parametrize("container", ["cntr_1", {"type": "auto", "file_ids": ["file_1"]}])
def test_a_container_of_another_providers_is_not(container: Any) -> None:
    request = say(tools=[{**CODE, "container": container}])
    assert "container" not in request.body
    assert told(request) == {"tools[0].container": "dropped"}


def test_a_function_of_the_same_name_comes_first() -> None:
    request = say(tools=[function("code_execution"), CODE])
    assert told(request) == {"tools[1]": "dropped"}
    with pytest.raises(InvalidRequest):
        say(tools=[function("code_execution"), CODE], tool_choice={"type": "code_interpreter"})


@pytest.mark.parametrize("name", ["bedrock_anthropic", "vertex_anthropic"])
def test_on_other_platforms_anthropic_runs_neither(name: str) -> None:
    turn, hosted = Turn(model="claude-sonnet-4-5", items=[]), {"mcp", "code_interpreter"}
    native = PROVIDERS[name].dialect.native_tools(turn)
    assert native is not None and not native & hosted
    assert hosted < Anthropic().native_tools(turn)


# What comes of them, and how it goes back

ROLLED = (
    begin(0, type="mcp_tool_use", id="mcptoolu_1", name="roll", server_name="dice", input={}),
    more(0, type="input_json_delta", partial_json='{"sides": 6}'),
    end(0),
    begin(
        1,
        type="mcp_tool_result",
        tool_use_id="mcptoolu_1",
        is_error=False,
        content=[{"type": "text", "text": "4"}],
    ),
    end(1),
)
BLOCKS = [
    {
        "type": "mcp_tool_use",
        "id": "mcptoolu_1",
        "name": "roll",
        "server_name": "dice",
        "input": {"sides": 6},
    },
    {
        "type": "mcp_tool_result",
        "tool_use_id": "mcptoolu_1",
        "is_error": False,
        "content": [{"type": "text", "text": "4"}],
    },
]
RAN = {
    "type": "server_tool_use",
    "id": "srvtoolu_1",
    "name": "bash_code_execution",
    "input": {"command": "ls"},
}
CAME = {
    "type": "bash_code_execution_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": {
        "type": "bash_code_execution_result",
        "stdout": "a\n",
        "stderr": "",
        "return_code": 0,
        "content": [{"type": "bash_code_execution_output", "file_id": "file_1"}],
    },
}
LISTED = (begin(0, **RAN), end(0), begin(1, **CAME), end(1))


def heard(*events: Any) -> list[dict[str, Any]]:
    return play(hear(*events, stopped("end_turn")))[1].response["output"]


def kinds(*events: Any) -> list[str]:
    told_of = play(hear(*events, stopped("end_turn")))[0]
    return [each["type"].removeprefix("response.") for each in told_of if "item_id" in each]


def test_a_call_of_a_server_has_the_events_of_one() -> None:
    assert kinds(*ROLLED) == [
        "mcp_call.in_progress",
        "mcp_call_arguments.delta",
        "mcp_call_arguments.done",
        "mcp_call.completed",
    ]


def test_code_that_ran_has_the_events_of_it() -> None:
    assert kinds(*LISTED) == [
        "code_interpreter_call.in_progress",
        "code_interpreter_call_code.delta",
        "code_interpreter_call_code.done",
        "code_interpreter_call.interpreting",
        "code_interpreter_call.completed",
    ]


def told_by(*events: Any) -> list[str]:
    """Our events while the provider's stream is at this point."""
    listener = Assembler(snapshot(), new_id=counting_ids())
    listener.begin()
    told_of = [each for delta in _so_far(*events) for each in listener.apply(delta)]
    return [f"{each['type'].removeprefix('response.')} {each['output_index']}" for each in told_of]


def _so_far(*events: Any) -> list[d.Delta]:
    decoder = Anthropic().decoder()
    wire = (json.dumps(event).encode() for event in (START, *events))
    return [delta for data in wire for delta in decoder.feed(Frame(None, data))]


def test_a_call_of_a_server_is_told_while_it_is_made() -> None:
    assert told_by(*ROLLED[:1]) == ["output_item.added 0", "output_item.added 1", "mcp_call.in_progress 1"]
    halves = [more(0, type="input_json_delta", partial_json=half) for half in ('{"sides"', ": 6}")]
    assert told_by(ROLLED[0], *halves)[3:] == ["mcp_call_arguments.delta 1"] * 2
    assert told_by(*ROLLED[:3])[4:] == ["mcp_call_arguments.done 1"]
    assert told_by(*ROLLED[:4])[5:] == ["output_item.done 0", "mcp_call.completed 1", "output_item.done 1"]


def test_a_call_without_arguments_has_the_empty_object() -> None:
    assert told_by(ROLLED[0], end(0))[3:] == ["mcp_call_arguments.delta 1", "mcp_call_arguments.done 1"]
    _, rolled = heard(ROLLED[0], end(0), *ROLLED[3:])
    assert rolled["arguments"] == "{}"


def test_a_call_that_failed_says_so() -> None:
    failed = begin(1, type="mcp_tool_result", tool_use_id="mcptoolu_1", is_error=True, content="No dice.")
    assert told_by(*ROLLED[:3], failed)[-2:] == ["mcp_call.failed 1", "output_item.done 1"]


@pytest.mark.parametrize(("tool", "field"), [("code_execution", "code"), ("bash_code_execution", "command")])
def test_code_is_told_while_it_is_written(tool: str, field: str) -> None:
    pieces = (f'{{"{field}": "a\\', "nb\\u00", 'e9"', "}")
    written = [more(0, type="input_json_delta", partial_json=piece) for piece in pieces]
    uses = begin(0, type="server_tool_use", id="srvtoolu_1", name=tool, input={})
    assert told_by(uses)[2:] == ["code_interpreter_call.in_progress 1"]
    assert told_by(uses, *written[:2])[3:] == ["code_interpreter_call_code.delta 1"] * 2
    assert told_by(uses, *written, end(0))[6:] == [
        "code_interpreter_call_code.done 1",
        "code_interpreter_call.interpreting 1",
    ]
    came = begin(1, **{**CAME, "type": f"{tool}_tool_result"})
    _, ran = heard(uses, *written, end(0), came, end(1))
    assert (ran["code"], ran["status"]) == ("a\nb\u00e9", "completed")


def test_a_file_that_is_edited_is_told_as_the_call_that_edits_it() -> None:
    uses = begin(0, type="server_tool_use", id="e", name="text_editor_code_execution", input={})
    asked = '{"command": "create", "path": "a.py"}'
    came = begin(1, type="text_editor_code_execution_tool_result", tool_use_id="e", content={})
    _, edited = heard(uses, more(0, type="input_json_delta", partial_json=asked), end(0), came, end(1))
    assert edited["code"] == asked


def test_a_search_is_told_when_it_begins() -> None:
    uses = begin(0, type="server_tool_use", id="s", name="web_search", input={})
    asked = more(0, type="input_json_delta", partial_json='{"query": "q"}')
    assert told_by(uses, asked, end(0)) == [
        "output_item.added 0",
        "output_item.added 1",
        "web_search_call.in_progress 1",
        "web_search_call.searching 1",
    ]
    came = begin(1, type="web_search_tool_result", tool_use_id="s", content=[])
    assert heard(uses, asked, end(0), came, end(1))[1]["action"] == {
        "type": "search",
        "query": "q",
        "sources": [],
    }


def test_a_page_that_is_fetched_is_sealed_nowhere() -> None:
    uses = begin(0, type="server_tool_use", id="f", name="web_fetch", input={"url": "https://a.example"})
    assert told_by(uses, end(0)) == [
        "output_item.added 0",
        "web_search_call.in_progress 0",
        "web_search_call.searching 0",
    ]


def test_tools_without_an_item_are_said_to_be_left_out() -> None:
    found = begin(0, type="tool_search_tool_result", tool_use_id="t", content={})
    uses = begin(1, type="server_tool_use", id="t", name="tool_search_tool_regex", input={})
    response = play(hear(found, end(0), uses, end(1), stopped("end_turn")))[1].response
    assert response["output"] == []
    assert [(each["param"], each["action"], each["detail"]) for each in response["adaptations"]] == [
        ("output", "dropped", "a block of a kind that is not known here: tool_search_tool_result"),
        ("output", "dropped", "a tool that the provider ran, and for which there is no item"),
    ]


@needs_recordings
@pytest.mark.parametrize("name", ["anthropic-mcp-1", "code-execution-tool-stream"])
def test_recorded_calls_are_told_before_their_results(name: str) -> None:
    found = [each for each in recordings("messages", kind="stream") if name in str(each)]
    assert found
    for recording in found:
        events = played(recording).events
        streamed = [index for index, each in enumerate(events) if each["type"].endswith(_STREAMED)]
        done = {
            each["output_index"]: index
            for index, each in enumerate(events)
            if each["type"] == "response.output_item.done" and each["item"]["type"] in _RUN
        }
        assert done
        pieces = [index for index in streamed if index < done[events[index]["output_index"]] - 3]
        assert len(pieces) > len(done)


_STREAMED = ("mcp_call_arguments.delta", "code_interpreter_call_code.delta")
_RUN = ("mcp_call", "code_interpreter_call")


def test_a_call_of_a_server_goes_back_as_it_came_while_the_server_is_offered() -> None:
    items = [user("a"), *heard(*ROLLED), message("assistant", "4."), user("b")]
    request = say(items=items, tools=[FREE])
    assert request.body["messages"][1]["content"][:2] == BLOCKS
    assert told(request) == {}


@pytest.mark.parametrize("tools", [[], [CARDS]])
def test_without_its_server_it_is_a_call_of_a_function(tools: Any) -> None:
    items = [user("a"), *heard(*ROLLED), message("assistant", "4."), user("b")]
    request = say(items=items, tools=tools)
    asked, answered, spoken = request.body["messages"][1:4]
    (use,), (result,) = asked["content"], answered["content"]
    assert (use["type"], use["name"], use["input"]) == ("tool_use", "roll", {"sides": 6})
    assert (result["tool_use_id"], result["content"]) == (use["id"], [{"type": "text", "text": "4"}])
    assert spoken["content"] == [{"type": "text", "text": "4."}]
    assert told(request) == {"input[1]": "dropped", "input[2]": "translated"}


def test_code_goes_back_while_code_is_run_and_else_as_a_call_of_a_function() -> None:
    items = [user("a"), *heard(*LISTED), message("assistant", "There is a."), user("b")]
    again = say(items=items, tools=[CODE])
    assert again.body["messages"][1]["content"][:2] == [RAN, CAME]
    assert told(again) == {}
    moved = say(items=items, tools=[function("look")])
    (use,), (result,) = (moved.body["messages"][at]["content"] for at in (1, 2))
    assert (use["name"], use["input"]) == ("code_interpreter", {"code": "ls"})
    assert result["content"] == [{"type": "text", "text": "a\n"}]
    assert told(moved) == {"input[1]": "dropped", "input[2]": "translated"}


def test_a_call_that_waits_while_the_client_answers_goes_on_in_the_next_turn() -> None:
    """As recorded: the server is called once the client's own call was answered."""
    use, result = BLOCKS
    first = heard(
        begin(0, **{**use, "input": {}}), more(0, type="input_json_delta", partial_json='{"sides":6}'), end(0)
    )
    items = [user("a"), *first, call("c"), output("c")]
    request = say(items=items, tools=[FREE, function("look")])
    assert [block["type"] for block in request.body["messages"][1]["content"]] == ["mcp_tool_use", "tool_use"]
    assert first[1]["status"] == "incomplete"
    second = heard(begin(0, **result), end(0))
    request = say(
        items=[*items, *second, message("assistant", "4."), user("b")], tools=[FREE, function("look")]
    )
    assert request.body["messages"][1]["content"][0] == use
    assert request.body["messages"][3]["content"][0] == result
    assert told(request) == {}


def test_what_text_editing_says_is_logged_and_the_rest_is_carried() -> None:
    edit = {"command": "str_replace", "path": "a.py"}
    result = {
        "type": "text_editor_code_execution_str_replace_result",
        "lines": ["-a", "+b"],
        "old_start": 1,
        "new_lines": None,
    }
    (item,) = (
        hosted.item
        for hosted in of(
            d.Hosted,
            hear(
                begin(0, type="server_tool_use", id="s", name="text_editor_code_execution", input=edit),
                end(0),
                begin(1, type="text_editor_code_execution_tool_result", tool_use_id="s", content=result),
                end(1),
                stopped("end_turn"),
            ),
        )
    )
    assert item["outputs"] == [{"type": "logs", "logs": "-a\n+b\n"}]
    assert item["old_start"] == 1 and "new_lines" not in item


def test_the_tools_of_a_server_are_an_item() -> None:
    tools = [{"name": "roll", "description": "Rolls.", "input_schema": {"type": "object"}}]
    (item,) = heard(begin(0, type="mcp_tool_listing", mcp_server_name="dice", tools=tools), end(0))
    assert {key: item[key] for key in ("type", "server_label", "tools")} == {
        "type": "mcp_list_tools",
        "server_label": "dice",
        "tools": tools,
    }


SERVED = ("mcp_tool_use", "bash_code_execution")


def recorded_runs() -> list[Recording]:
    runs = [row for row in recordings("messages") if row.status == 200]
    return [row for row in runs if any(word.encode() in row.wire for word in SERVED)]


@needs_recordings
@pytest.mark.parametrize("recording", recorded_runs(), ids=str)
def test_recorded_runs_go_back_as_they_came(recording: Recording) -> None:
    kinds = ("mcp_tool_use", "mcp_tool_result", "server_tool_use", "bash_code_execution_tool_result")
    served = [
        block for block in message_of(recording.kind, recording.wire)["content"] if block["type"] in kinds
    ]
    labels = {block["server_name"] for block in served if "server_name" in block} or {"deepwiki"}
    for block in served:
        if json_text := block.pop("json", ""):
            block["input"] = json.loads(json_text)
        block.pop("cites", None)
    items = [user("a"), *played(recording).response["output"], user("b")]
    servers = [{**FREE, "server_label": label} for label in labels]
    content = say(items=items, tools=[*servers, CODE]).body["messages"][1]["content"]
    uses = {block["id"] for block in served if "id" in block}
    whole = [block for block in served if block.get("tool_use_id", block.get("id")) in uses]
    assert whole == [block for block in content if block["type"] in kinds]
    assert whole or recording.id.startswith("pydantic-ai--test-in-flight")
