"""Gemini's own computer tool: what the model is offered, what its calls become, and how they go back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.gemini import Gemini
from tests.play import answer_deltas, play, stream_deltas
from tests.upstream.computer.screenshots import screenshot
from tests.upstream.dialects.gemini.checker import check
from tests.upstream.dialects.gemini.official import judge
from tests.upstream.dialects.gemini.speaking import calls, chunk, function, user, wire
from tests.upstream.dialects.saying import said_to

NEW, OLD, OLDEST = "gemini-3.8-flash", "gemini-3-flash-preview", "gemini-2.5-computer-use-preview-10-2025"
COMPUTER = {"type": "computer"}
PREVIEW = {
    "type": "computer_use_preview",
    "environment": "browser",
    "display_width": 1440,
    "display_height": 900,
}
ON = {"x": 500, "y": 100}  # of the grid
AT = {"x": 720, "y": 90}  # the same in pixels
CLEAR = [{"type": "keypress", "keys": ["CTRL", "A"]}, {"type": "keypress", "keys": ["BACKSPACE"]}]
ENTER = {"type": "keypress", "keys": ["ENTER"]}
LEFT = {"type": "click", "button": "left", **AT}
DRAG = {"type": "drag", "path": [AT, {"x": 1440 * 999 // 1000, "y": 0}]}

SAME: list[tuple[str, str, JSON, list[JSON]]] = [
    (NEW, "take_screenshot", {}, [{"type": "screenshot"}]),
    (NEW, "click", ON, [LEFT]),
    (NEW, "right_click", ON, [{"type": "click", "button": "right", **AT}]),
    (NEW, "middle_click", ON, [{"type": "click", "button": "wheel", **AT}]),
    (NEW, "double_click", ON, [{"type": "double_click", **AT, "keys": None}]),
    (NEW, "move", ON, [{"type": "move", **AT}]),
    (NEW, "drag_and_drop", {"start_x": 500, "start_y": 100, "end_x": 999, "end_y": 0}, [DRAG]),
    (NEW, "type", {"text": "ä"}, [{"type": "type", "text": "ä"}]),
    (NEW, "press_key", {"key": "Enter"}, [ENTER]),
    (NEW, "hotkey", {"keys": ["Control", "a"]}, [{"type": "keypress", "keys": ["CTRL", "a"]}]),
    (
        NEW,
        "scroll",
        {**ON, "direction": "down", "magnitude_in_pixels": 250},
        [{"type": "scroll", **AT, "scroll_x": 0, "scroll_y": 250}],
    ),
    (OLD, "open_web_browser", {}, [{"type": "screenshot"}]),
    (OLD, "click_at", ON, [LEFT]),
    (OLD, "hover_at", ON, [{"type": "move", **AT}]),
    (OLD, "wait_5_seconds", {}, [{"type": "wait"}]),
    (OLD, "key_combination", {"keys": "Control+a"}, [{"type": "keypress", "keys": ["CTRL", "a"]}]),
    (OLD, "drag_and_drop", {**ON, "destination_x": 999, "destination_y": 0}, [DRAG]),
    (
        OLD,
        "scroll_at",
        {**ON, "direction": "left", "magnitude": 500},
        [{"type": "scroll", **AT, "scroll_x": -720, "scroll_y": 0}],
    ),
]
"""Functions that say what one action says."""

MORE: list[tuple[str, str, JSON, list[JSON]]] = [
    (NEW, "click", {**ON, "intent": "Open the menu."}, [LEFT]),
    (NEW, "wait", {"seconds": 9}, [{"type": "wait"}]),
    (NEW, "type", {"text": "a", "press_enter": True}, [{"type": "type", "text": "a"}, ENTER]),
    (NEW, "hotkey", {"keys": "Control+a"}, [{"type": "keypress", "keys": ["CTRL", "a"]}]),
    (NEW, "scroll", {**ON, "direction": "up"}, [{"type": "scroll", **AT, "scroll_x": 0, "scroll_y": -300}]),
    (OLD, "type_text_at", {**ON, "text": "a"}, [LEFT, *CLEAR, {"type": "type", "text": "a"}, ENTER]),
    (
        OLD,
        "type_text_at",
        {**ON, "text": "a", "press_enter": False, "clear_before_typing": False},
        [LEFT, {"type": "type", "text": "a"}],
    ),
    (
        OLD,
        "scroll_document",
        {"direction": "down"},
        [{"type": "scroll", "x": 720, "y": 450, "scroll_x": 0, "scroll_y": 450}],
    ),
    (
        OLD,
        "scroll_at",
        {**ON, "direction": "down"},
        [{"type": "scroll", **AT, "scroll_x": 0, "scroll_y": 720}],
    ),
]
"""Functions that say more, or something else."""

CANNOT: list[tuple[str, str, JSON]] = [
    (NEW, "mouse_down", ON),
    (NEW, "triple_click", ON),
    (NEW, "navigate", {"url": "https://a.example"}),
    (NEW, "click", {"x": 1000, "y": 0}),
    (NEW, "click", {"x": "1", "y": 0}),
    (NEW, "scroll", {**ON, "direction": "in"}),
    (NEW, "press_key", {}),
    (NEW, "hotkey", {"keys": []}),
    (NEW, "type", {"text": 1}),
    (OLD, "go_back", {}),
]


def asked(model: str = NEW, *items: JSON, tool: JSON = PREVIEW, **fields: Any) -> WireRequest:
    """The request; it is one that Google's library knows, and within the documented rules."""
    given = {"tools": [tool], **fields}
    request = said_to(Gemini(), Turn(model=model, items=[user("Go."), *items], **given))
    check(request)
    judge(request.body)
    return request


def seen() -> list[JSON]:
    """A history in which there was a screenshot."""
    call = {"type": "computer_call", "call_id": "before", "actions": [{"type": "screenshot"}]}
    return [call, output(call)]


def known(model: str = NEW) -> WireRequest:
    """The tool of today, on a screen whose size a screenshot has told."""
    return asked(model, *seen(), tool=COMPUTER)


def heard(request: WireRequest, *parts: JSON) -> JSON:
    """The response that the client gets, streamed and whole the same."""
    body = chunk(*parts, finish="STOP")
    response = play(stream_deltas(Gemini(), [wire(body)], request.filters))[1].response
    again = play(answer_deltas(Gemini(), json.dumps(body).encode(), request.filters))[1].response
    assert response["output"] == again["output"]
    return response


def calls_of(response: JSON) -> list[JSON]:
    return [item for item in response["output"] if item["type"] == "computer_call"]


def output(call: JSON, **fields: Any) -> JSON:
    kind = {"type": "computer_call_output", "call_id": call["call_id"]}
    return {**kind, "output": screenshot(), **fields}


def went_back(
    model: str, response: JSON, tool: JSON = COMPUTER, **fields: Any
) -> tuple[list[Any], list[Any]]:
    """The calls of the model's content and the responses after it, when the response is answered."""
    outputs = [output(call, **fields) for call in calls_of(response)]
    contents = asked(model, *response["output"], *outputs, tool=tool).body["contents"]
    spoken, answered = contents[-2]["parts"], contents[-1]["parts"]
    return (
        [part["functionCall"] for part in spoken],
        [part["functionResponse"] for part in answered],
    )


def named(model: str, said: list[Any]) -> list[Any]:
    """Calls without their ids, which models before 3 do not have."""
    assert all(("id" in call) is (model != OLDEST) for call in said)
    return [(call["name"], call["args"]) for call in said]


# What is offered


@pytest.mark.parametrize(
    ("model", "tool", "environment", "excluded"),
    [
        (NEW, COMPUTER, "DESKTOP", {"key_down", "key_up", "mouse_down", "mouse_up", "triple_click"}),
        (
            NEW,
            PREVIEW,
            "BROWSER",
            {
                *("key_down", "key_up", "mouse_down", "mouse_up", "triple_click"),
                *("go_back", "go_forward", "navigate"),
            },
        ),
        (OLD, COMPUTER, "BROWSER", {"go_back", "go_forward", "navigate", "search"}),
        (OLDEST, PREVIEW, "BROWSER", {"go_back", "go_forward", "navigate", "search"}),
    ],
)
def test_the_tool_is_offered_without_what_no_client_can_do(
    model: str, tool: JSON, environment: str, excluded: set[str]
) -> None:
    request = asked(model, tool=tool)
    (said,) = request.body["tools"]
    assert said["computerUse"]["environment"] == f"ENVIRONMENT_{environment}"
    assert set(said["computerUse"]["excludedPredefinedFunctions"]) == excluded
    assert request.adaptations == ()


@pytest.mark.parametrize("model", ["gemini-3.5-flash", "gemini-3.5-flash-lite", "gemini-3.7-flash"])
def test_models_that_google_names_have_it(model: str) -> None:
    assert "computerUse" in asked(model).body["tools"][0]


@pytest.mark.parametrize(
    "model",
    [
        *("gemini-3-pro-preview", "gemini-2.5-flash", "gemini-3.1-flash-lite", "gemini-3.8-flash-image"),
        *("gemini-3.8-flash-lite", "gemini-4-flash", "gemini-flash-latest", "gemma-4"),
    ],
)
def test_a_model_that_is_not_known_to_have_it_gets_a_function(model: str) -> None:
    request = asked(model)
    assert "functionDeclarations" in request.body["tools"][0]
    assert [(each.param, each.action) for each in request.adaptations] == [("tools[0]", "emulated")]


def test_an_upstream_can_do_without() -> None:
    turn = Turn(model=NEW, items=[user("Go.")], tools=[COMPUTER])
    assert "functionDeclarations" in said_to(Gemini(computer=False), turn).body["tools"][0]


def test_an_environment_that_the_model_does_not_know_is_noted() -> None:
    request = asked(OLD, tool={**PREVIEW, "environment": "mac"})
    assert [(each.param, each.action) for each in request.adaptations] == [
        ("tools[0].environment", "translated")
    ]
    assert asked(NEW, tool={**PREVIEW, "environment": "mac"}).adaptations == ()


def test_a_function_of_the_request_takes_the_place_of_googles() -> None:
    request = asked(NEW, *seen(), tools=[COMPUTER, function("click")])
    declared, said = request.body["tools"]
    assert declared["functionDeclarations"][0]["name"] == "click"
    assert "click" in said["computerUse"]["excludedPredefinedFunctions"]
    (item,) = heard(request, calls("click", ON, "c1"))["output"]
    assert (item["type"], item["name"]) == ("function_call", "click")


def test_it_stands_beside_functions_also_before_3() -> None:
    request = asked(OLDEST, tools=[COMPUTER, function("look"), {"type": "web_search"}])
    assert [[*tool] for tool in request.body["tools"]] == [["functionDeclarations"], ["computerUse"]]
    assert [each.param for each in request.adaptations] == ["tools"]
    modern = asked(NEW, tools=[COMPUTER, function("look")])
    assert "includeServerSideToolInvocations" not in modern.body.get("toolConfig", {})


@pytest.mark.parametrize("kind", ["computer", "computer_use", "computer_use_preview"])
def test_it_cannot_be_forced_but_it_can_be_the_only_tool(kind: str) -> None:
    request = asked(NEW, tools=[COMPUTER, function("look")], tool_choice={"type": kind})
    assert [[*tool] for tool in request.body["tools"]] == [["computerUse"]]
    assert [(each.param, each.action) for each in request.adaptations] == [("tool_choice", "emulated")]


def test_a_list_of_allowed_tools_keeps_it_or_leaves_it_out() -> None:
    def offered(*allowed: JSON) -> list[Any]:
        choice = {"type": "allowed_tools", "mode": "auto", "tools": list(allowed)}
        request = asked(NEW, tools=[COMPUTER, function("look")], tool_choice=choice)
        return [[*tool] for tool in request.body["tools"]]

    assert offered({"type": "computer"}) == [["computerUse"]]
    assert offered({"type": "function", "name": "look"}) == [["functionDeclarations"]]
    assert "tools" not in asked(NEW, tool_choice="none").body


def test_that_calls_come_one_by_one_cannot_be_asked() -> None:
    request = asked(NEW, parallel_tool_calls=False)
    assert [(each.param, each.action) for each in request.adaptations] == [("parallel_tool_calls", "dropped")]


# What comes, and goes back


@pytest.mark.parametrize(("model", "name", "given", "actions"), SAME)
def test_a_call_is_an_action_and_an_action_is_that_call(
    model: str, name: str, given: JSON, actions: list[JSON]
) -> None:
    response = heard(known(model), calls(name, given, "c1"))
    (call,) = response["output"]
    assert (call["type"], call["status"], call["call_id"]) == ("computer_call", "completed", "c1")
    assert call["actions"] == actions
    spoken, answered = went_back(model, response)
    assert named(model, spoken) == [(name, given)]
    assert [[*part] for part in answered[0]["parts"]] == [["inlineData"]]
    assert (answered[0]["id"], answered[0]["name"]) == ("c1", name)


@pytest.mark.parametrize(("model", "name", "given", "actions"), MORE)
def test_what_no_action_says_is_sealed_and_goes_back_as_it_was(
    model: str, name: str, given: JSON, actions: list[JSON]
) -> None:
    response = heard(known(model), calls(name, given, "c1"))
    assert calls_of(response)[0]["actions"] == actions
    assert response["output"][0]["type"] == "reasoning"
    assert named(model, went_back(model, response)[0]) == [(name, given)]


@pytest.mark.parametrize(("model", "name", "given", "actions"), MORE)
def test_without_its_seal_a_call_goes_back_as_its_actions(
    model: str, name: str, given: JSON, actions: list[JSON]
) -> None:
    response = heard(known(model), calls(name, given, "c1"))
    spoken, answered = went_back(model, {"output": calls_of(response)})
    assert len({call["id"] for call in spoken}) == len(spoken) == len(answered)
    places = [(call["args"].get("x"), call["args"].get("y")) for call in spoken]
    assert all(place in ((None, None), (500, 100), (500, 500)) for place in places)


def test_a_signature_goes_back_on_the_first_call_of_a_row() -> None:
    first = calls("click", {**ON, "intent": "a"}, "c1", thoughtSignature="c2ln")
    response = heard(known(), first, calls("type", {"text": "a", "intent": "b"}, "c2"))
    (call,) = calls_of(response)
    assert [action["type"] for action in call["actions"]] == ["click", "type"]
    contents = asked(NEW, *response["output"], output(call)).body["contents"]
    spoken = contents[1]["parts"]
    assert spoken == [first, calls("type", {"text": "a", "intent": "b"}, "c2")]
    answered = [part["functionResponse"] for part in contents[2]["parts"]]
    assert [(each["id"], "parts" in each) for each in answered] == [("c1", False), ("c2", True)]


def test_a_model_without_ids_gets_its_calls_back_by_their_order() -> None:
    response = heard(known(OLDEST), calls("click_at", ON), calls("wait_5_seconds", {"a": 1}))
    assert all(call["call_id"] for call in calls_of(response))
    spoken, answered = went_back(OLDEST, response)
    assert named(OLDEST, spoken) == [("click_at", ON), ("wait_5_seconds", {"a": 1})]
    assert ["parts" in each for each in answered] == [False, True]


def test_of_a_call_that_the_preview_cannot_say_at_once_each_action_is_a_call() -> None:
    response = heard(asked(OLD), calls("type_text_at", {**ON, "text": "a", "press_enter": False}, "c1"))
    assert [call["action"] for call in calls_of(response)] == [LEFT, *CLEAR, {"type": "type", "text": "a"}]
    assert [call["call_id"] for call in calls_of(response)] == ["c1", "c1_2", "c1_3", "c1_4"]


@pytest.mark.parametrize(("model", "name", "given"), CANNOT)
def test_what_cannot_be_done_is_not_done_and_the_model_reads_why(model: str, name: str, given: JSON) -> None:
    wait = "wait" if model == NEW else "wait_5_seconds"
    response = heard(known(model), calls(wait, {}, "c1"), calls(name, given, "c2"), calls(wait, {}, "c3"))
    (call,) = calls_of(response)
    assert call["actions"] == [{"type": "wait"}, {"type": "screenshot"}]
    spoken, answered = went_back(model, response)
    assert named(model, spoken) == [(wait, {}), (name, given), (wait, {})]
    assert ["error" in each["response"] for each in answered] == [False, True, True]
    assert ["parts" in each for each in answered] == [False, True, False]


def test_as_long_as_nobody_knows_the_screen_what_needs_a_place_is_a_look_at_it() -> None:
    response = heard(asked(tool=COMPUTER), calls("click", {**ON, "intent": "a"}, "c1"))
    (call,) = calls_of(response)
    assert call["actions"] == [{"type": "screenshot"}]
    spoken, answered = went_back(NEW, response)
    assert named(NEW, spoken) == [("click", {**ON, "intent": "a"})]
    assert "screenshot" in answered[0]["response"]["error"]
    assert calls_of(heard(asked(tool=COMPUTER), calls("type", {"text": "a"}, "c1")))[0]["actions"] == [
        {"type": "type", "text": "a"}
    ]


def test_a_screenshot_that_is_a_url_is_fetched_for_its_size() -> None:
    shown = {"type": "computer_screenshot", "image_url": "https://a.example/a.png"}
    assert not Gemini().takes_url(shown, NEW)
    assert Gemini().takes_url(shown, "gemini-3-pro-preview")
    call = {"type": "computer_call", "call_id": "c", "actions": [{"type": "screenshot"}]}
    with pytest.raises(InvalidRequest) as refusal:
        asked(NEW, call, {**output(call), "output": shown})
    assert refusal.value.param == "input[2].output.image_url"
    low = asked(NEW, call, output(call, output={**screenshot(), "detail": "low"}))
    assert "input[2].output.detail" in [each.param for each in low.adaptations]


# Safety, and the page


ASKS = {"decision": "require_confirmation", "explanation": "This buys it."}


@pytest.mark.parametrize("sealed", [True, False])
def test_a_decision_on_safety_is_a_check_that_the_client_acknowledges(sealed: bool) -> None:
    response = heard(known(), calls("click", {**ON, "safety_decision": ASKS}, "c1"))
    (call,) = calls_of(response)
    assert call["pending_safety_checks"] == [
        {"id": "check_1", "code": "require_confirmation", "message": "This buys it."}
    ]
    told = response if sealed else {"output": [call]}
    spoken, answered = went_back(NEW, told, acknowledged_safety_checks=call["pending_safety_checks"])
    assert named(NEW, spoken) == [("click", {**ON, "safety_decision": ASKS})]
    assert answered[0]["response"]["safety_acknowledgement"] == "true"
    assert "safety_acknowledgement" not in went_back(NEW, told)[1][0]["response"]


def test_a_check_is_made_before_the_first_of_several_calls() -> None:
    response = heard(asked(OLD), calls("type_text_at", {**ON, "text": "a", "safety_decision": ASKS}, "c1"))
    assert [len(call["pending_safety_checks"]) for call in calls_of(response)] == [1, 0, 0, 0, 0]


def test_what_is_allowed_is_not_asked() -> None:
    allowed = calls("click", {**ON, "safety_decision": {"decision": "allowed"}}, "c1")
    assert calls_of(heard(known(), allowed))[0]["pending_safety_checks"] == []


def test_in_a_browser_the_page_is_told() -> None:
    response = heard(asked(), calls("click", ON, "c1"))
    shown = {**screenshot(), "current_url": "https://a.example/"}
    assert went_back(NEW, response, PREVIEW)[1][0]["response"]["url"] == "about:blank"
    (told,) = went_back(NEW, response, PREVIEW, output=shown)[1]
    assert told["response"]["url"] == "https://a.example/"
    assert "url" not in went_back(NEW, response, COMPUTER)[1][0]["response"]


# What others did, and what is missing


@pytest.mark.parametrize(
    ("action", "new", "old"),
    [
        (
            {**LEFT, "keys": ["CTRL", "SHIFT"]},
            [
                *(("key_down", {"key": "Control"}), ("key_down", {"key": "Shift"}), ("click", ON)),
                *(("key_up", {"key": "Shift"}), ("key_up", {"key": "Control"})),
            ],
            [("click_at", ON)],
        ),
        (
            {**LEFT, "button": "back"},
            [("hotkey", {"keys": ["Alt", "ArrowLeft"]})],
            [("key_combination", {"keys": "Alt+ArrowLeft"})],
        ),
        ({"type": "double_click", **AT}, [("double_click", ON)], [("click_at", ON)] * 2),
        (
            {"type": "scroll", **AT, "scroll_x": 0, "scroll_y": -90},
            [("scroll", {**ON, "direction": "up", "magnitude_in_pixels": 90})],
            [("scroll_at", {**ON, "direction": "up", "magnitude": 100})],
        ),
        (
            {"type": "type", "text": "a"},
            [("type", {"text": "a"})],
            [
                (
                    "type_text_at",
                    {"x": 500, "y": 500, "text": "a", "press_enter": False, "clear_before_typing": False},
                )
            ],
        ),
        ({"type": "wait"}, [("wait", {"seconds": 2})], [("wait_5_seconds", {})]),
        ({"type": "of_the_future"}, [("take_screenshot", {})], [("open_web_browser", {})]),
    ],
)
def test_what_another_model_did_is_told_in_this_ones_words(
    action: JSON, new: list[Any], old: list[Any]
) -> None:
    response = {"output": [{"type": "computer_call", "call_id": "call_1", "actions": [action]}]}
    assert named(NEW, went_back(NEW, response)[0]) == new
    assert named(OLD, went_back(OLD, response)[0]) == old


def test_a_call_without_an_output_is_answered_all_the_same() -> None:
    call = {"type": "computer_call", "call_id": "call_1", "action": {"type": "screenshot"}}
    request = asked(NEW, call)
    assert "error" in request.body["contents"][2]["parts"][0]["functionResponse"]["response"]
    assert [(each.param, each.action) for each in request.adaptations if each.param != "input"] == [
        ("input[1]", "translated")
    ]


def test_a_damaged_seal_is_no_seal() -> None:
    call = {"type": "computer_call", "call_id": "call_1", "actions": [{"type": "wait"}]}
    seal = {"type": "reasoning", "summary": [], "encrypted_content": 'gemini:[{"computer":[{"id":1}]}]'}
    spoken = asked(NEW, seal, call, output(call)).body["contents"][1]["parts"]
    assert [part["functionCall"]["args"] for part in spoken] == [{"seconds": 2}]
