"""Prompts: templates of requests, kept by the gateway, each in versions that never change.

    {"id": "pmpt_…", "object": "prompt", "version": "2", "name": "greeting", "created_at": 1755777600,
     "template": {"model": "…", "instructions": "Greet {{name}}.", "input": […], "temperature": 0.2, …}}

A request names one: `prompt: {id, version, variables}`. What the request says itself goes before what the
template says; its `input` comes behind the template's. `{{name}}` in instructions and in texts of the input
is a variable. What is put in its place is data: it is not looked through for variables again, and a part (an
image, a file) stands as a part of its own between the texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

from antiphon.protocol.errors import InvalidRequest, NotFound
from antiphon.protocol.json import JSON
from antiphon.protocol.request import FIELDS, Limits, create_response
from antiphon.protocol.schema import check, wrong_type

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_-]{1,64})\s*\}\}")
_NOT_IN_TEMPLATES = (
    "prompt",
    "stream",
    "stream_options",
    "background",
    "previous_response_id",
    "conversation",
    "generate",
)
_INPUT_PARTS = ("input_text", "input_image", "input_file")

Variables: TypeAlias = Mapping[str, Any]


class PromptVersion(Struct, kw_only=True):
    """The body that makes a prompt, or another version of one."""

    template: Annotated[JSON, Meta(description="Fields of a request; `{{name}}` is a variable.")]
    name: Annotated[str, Meta(max_length=256, description="For readers.")] | None = None


def prompt_version(body: JSON, limits: Limits) -> PromptVersion:
    """The body, checked: with it alone a request could be made, but for what only requests say.

    Raises InvalidRequest.
    """
    for name in body:
        if name not in PromptVersion.__struct_fields__:
            raise InvalidRequest(
                f"Unknown parameter: '{name[:64]}'.", code="unknown_parameter", param=name[:64]
            )
    asked: PromptVersion = check(body, PromptVersion, "")
    for name in asked.template:
        if name in _NOT_IN_TEMPLATES or name not in FIELDS:
            raise InvalidRequest(
                f"Invalid 'template': '{name[:64]}' is not a field that a template can have.",
                code="invalid_value",
                param=f"template.{name[:64]}",
            )
    try:
        create_response({"model": "any", "input": "any", **asked.template}, limits)
    except InvalidRequest as error:
        error.param = f"template.{error.param}" if error.param else "template"
        raise
    return asked


def prompt_object(id: str, version: str, name: str | None, created_at: int, template: JSON) -> JSON:
    """`created_at`: seconds since 1970, of this version."""
    return {
        "id": id,
        "object": "prompt",
        "version": version,
        "name": name,
        "created_at": created_at,
        "template": template,
    }


def unknown_prompt(prompt_id: str, version: str | None = None, param: str = "prompt_id") -> NotFound:
    """Also for one that is somebody else's."""
    which = f" and version '{version[:20]}'" if version is not None else ""
    return NotFound(f"Prompt with id '{prompt_id[:100]}'{which} not found.", param=param)


def filled(body: JSON, template: JSON, prompt: JSON) -> JSON:
    """The request that `body` makes with this template. `prompt`: which it is, and the variables.

    Raises InvalidRequest naming the variable that is missing, too much, or of the wrong type.
    """
    variables = prompt.get("variables") or {}
    wanted = set(_names(template.get("instructions"))) | set(_names(template.get("input")))
    for name in wanted - variables.keys():
        raise _wrong(name, f"Missing prompt variable: '{name}'.", "missing_required_parameter")
    for name in variables.keys() - wanted:
        raise _wrong(name, f"Unknown prompt variable: '{name[:64]}'.", "unknown_parameter")
    made = {**template, **{name: value for name, value in body.items() if value is not None}}
    if body.get("instructions") is None and isinstance(instructions := template.get("instructions"), str):
        made["instructions"] = _text(instructions, variables)
    said = [*_items(_placed(template.get("input"), variables)), *_items(body.get("input"))]
    if said:
        made["input"] = said
    return {**made, "prompt": prompt}


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _VARIABLE.findall(value)
    elif isinstance(value, dict):
        yield from (name for inner in value.values() for name in _names(inner))
    elif isinstance(value, list):
        yield from (name for inner in value for name in _names(inner))


def _text(text: str, variables: Variables) -> str:
    """With the texts of the variables in their places. Raises InvalidRequest for one that is no text."""
    return _VARIABLE.sub(lambda found: _text_of(found[1], variables), text)


def _text_of(name: str, variables: Variables) -> str:
    value = variables[name]
    if isinstance(value, dict) and value.get("type") == "input_text":
        value = value.get("text")
    if not isinstance(value, str):
        raise _wrong(name, f"Invalid prompt variable '{name}': a text is needed here.", "invalid_type")
    return value


def _placed(value: Any, variables: Variables) -> Any:
    """The template's input with the variables in their places, however deep."""
    if isinstance(value, str):
        return _text(value, variables)
    if isinstance(value, dict):
        return {
            name: _parts(inner, variables) if name == "content" else _placed(inner, variables)
            for name, inner in value.items()
        }
    return [_placed(inner, variables) for inner in value] if isinstance(value, list) else value


def _parts(content: Any, variables: Variables) -> Any:
    """The content of a message. A variable that is a part needs content that is made of parts."""
    if isinstance(content, str):
        names = _VARIABLE.findall(content)
        if not any(isinstance(variables[name], dict) for name in names):
            return _text(content, variables)
        content = [{"type": "input_text", "text": content}]
    if not isinstance(content, list):
        return content
    return [each for part in content for each in _split(part, variables)]


def _split(part: Any, variables: Variables) -> Iterator[Any]:
    """A part of text, cut where a variable is another part."""
    if (
        not isinstance(part, dict)
        or part.get("type") != "input_text"
        or not isinstance(part.get("text"), str)
    ):
        yield _placed(part, variables)
        return
    said = ""
    pieces = _VARIABLE.split(part["text"])  # texts, and between them names
    for at, piece in enumerate(pieces):
        value = variables[piece] if at % 2 else None
        if not isinstance(value, dict) or value.get("type") == "input_text":
            said += _text_of(piece, variables) if at % 2 else piece
            continue
        if value.get("type") not in _INPUT_PARTS:
            raise _wrong(piece, f"Invalid prompt variable '{piece}': no part of an input.", "invalid_type")
        if said:
            yield {**part, "text": said}
        yield value
        said = ""
    if said or len(pieces) == 1:
        yield {**part, "text": said}


def _items(given: Any) -> list[Any]:
    """Raises InvalidRequest for an input that is neither text nor a list."""
    if given is None or given == "":
        return []
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if not isinstance(given, list):
        raise wrong_type("input", ("str", "array"), type(given).__name__)
    return given


def _wrong(name: str, message: str, code: str) -> InvalidRequest:
    return InvalidRequest(message, code=code, param=f"prompt.variables.{name[:64]}")
