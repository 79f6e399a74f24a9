"""What a hosted tool did, told as a call of a function."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.adaptations import Adaptations
from antiphon.core.hosted import as_function
from antiphon.core.transcript import Gave, Spoke, steps

ROLLED = {"type": "mcp_call", "id": "m", "name": "roll", "arguments": '{"n":1}'}
RAN = {"type": "code_interpreter_call", "id": "c", "code": "1+1"}


@pytest.mark.parametrize(
    ("item", "name", "arguments", "output"),
    [
        ({**ROLLED, "output": "4", "error": None}, "roll", '{"n":1}', "4"),
        ({**ROLLED, "arguments": "", "output": None, "error": {"code": 1}}, "roll", "{}", '{"code":1}'),
        ({**ROLLED, "name": None}, "tool", '{"n":1}', ""),
        (
            {**RAN, "outputs": [{"type": "logs", "logs": "2"}, {"type": "image", "url": "u"}, {"logs": "3"}]},
            "code_interpreter",
            '{"code":"1+1"}',
            "2\n3",
        ),
        ({**RAN, "outputs": None}, "code_interpreter", '{"code":"1+1"}', ""),
    ],
)
def test_it_is_a_call_with_its_output(item: Any, name: str, arguments: str, output: str) -> None:
    told = as_function(item)
    assert told is not None
    call, gave = told
    assert (call["type"], call["name"], call["arguments"]) == ("function_call", name, arguments)
    assert (gave["type"], gave["call_id"], gave["output"]) == (
        "function_call_output",
        call["call_id"],
        output,
    )


@pytest.mark.parametrize(
    "item", [{"type": "web_search_call"}, {"type": "file_search_call", "results": []}, {**RAN, "code": None}]
)
def test_of_others_nothing_is_left_to_tell(item: Any) -> None:
    assert as_function(item) is None


def test_chats_are_told_and_it_is_noted() -> None:
    adapted = Adaptations()
    spoke, gave = steps([{**RAN, "outputs": [{"type": "logs", "logs": "2"}]}], adapted)
    assert isinstance(spoke, Spoke) and spoke.calls[0].name == "code_interpreter"
    assert isinstance(gave, Gave) and gave.output == "2"
    assert [(told.param, told.action) for told in adapted.noted] == [("input[0]", "translated")]
