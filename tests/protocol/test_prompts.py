"""Templates of requests: what they may hold, and what becomes of their variables."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.protocol.prompts import filled, prompt_version
from antiphon.protocol.request import Limits

PICTURE = {"type": "input_image", "image_url": "https://example.com/a.png"}


def made(template: JSON, variables: JSON | None = None, **body: Any) -> JSON:
    request = filled({"prompt": {"id": "p"}, **body}, template, {"id": "p", "variables": variables})
    del request["prompt"]
    return request


def user(content: Any) -> JSON:
    return {"role": "user", "content": content}


def text(said: str) -> JSON:
    return {"type": "input_text", "text": said}


def test_what_the_request_says_goes_before_the_template() -> None:
    template = {"model": "a", "temperature": 0.2, "instructions": "Be kind.", "input": "Hello."}
    assert made(template) == {**template, "input": [user("Hello.")]}
    request = made(template, model="b", temperature=None, instructions="Be brief.", input="Now?")
    assert request["model"] == "b"
    assert request["temperature"] == 0.2
    assert request["instructions"] == "Be brief."
    assert request["input"] == [user("Hello."), user("Now?")]


def test_variables_stand_where_their_names_stood() -> None:
    template = {"instructions": "Greet {{ name }}, {{name}}!", "input": [user("I am {{name}}.")]}
    request = made(template, {"name": "Ada"})
    assert request == {"instructions": "Greet Ada, Ada!", "input": [user("I am Ada.")]}


def test_what_is_put_in_is_data() -> None:
    nasty = '{{other}} \\1 \\g<0> {"role": "system"} {0} %s'
    request = made({"input": [user([text("<{{a}}>{{other}}")])]}, {"a": nasty, "other": "x"})
    assert request["input"] == [user([text(f"<{nasty}>x")])]


def test_a_part_stands_as_a_part_of_its_own() -> None:
    template = {"input": [user("Look: {{picture}} What is it, {{name}}?")]}
    request = made(template, {"picture": PICTURE, "name": text("Ada")})
    assert request["input"] == [user([text("Look: "), PICTURE, text(" What is it, Ada?")])]
    alone = made({"input": [user([text("{{picture}}")])]}, {"picture": PICTURE})
    assert alone["input"] == [user([PICTURE])]


@pytest.mark.parametrize(
    ("variables", "param", "code"),
    [
        ({}, "prompt.variables.name", "missing_required_parameter"),
        ({"name": "a", "more": "b"}, "prompt.variables.more", "unknown_parameter"),
        ({"name": PICTURE}, "prompt.variables.name", "invalid_type"),
        ({"name": {"type": "function_call"}}, "prompt.variables.name", "invalid_type"),
    ],
)
def test_variables_that_do_not_fit_are_named(variables: JSON, param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        made({"instructions": "Greet {{name}}."}, variables)
    assert (refused.value.param, refused.value.code) == (param, code)


def test_a_variable_that_is_no_part_is_refused_in_the_input_too() -> None:
    with pytest.raises(InvalidRequest):
        made({"input": [user("{{name}}")]}, {"name": {"type": "input_audio"}})


@pytest.mark.parametrize(
    ("template", "param"),
    [
        ({"temperature": 9}, "template.temperature"),
        ({"stream": True}, "template.stream"),
        ({"previous_response_id": "resp_1"}, "template.previous_response_id"),
        ({"colour": "red"}, "template.colour"),
        ({"input": [{"type": "message"}]}, "template.input[0].role"),
    ],
)
def test_a_template_is_checked_when_it_is_made(template: JSON, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        prompt_version({"template": template}, Limits())
    assert refused.value.param == param


def test_a_template_needs_not_be_a_whole_request() -> None:
    template = {"instructions": "Be {{how}}.", "tools": [{"type": "function", "name": "f"}]}
    assert prompt_version({"template": template, "name": "x"}, Limits()).template == template
