"""OpenAI's own library as the judge of a body: its types, with no field that they do not have.

Servers that speak the dialect add fields of their own to a request and to what the assistant said: `more` and
`more_said` name those that this one knows.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from openai.types import chat
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from pydantic import TypeAdapter
from typing_extensions import is_typeddict


@cache
def _judges() -> tuple[TypeAdapter[Any], TypeAdapter[Any]]:
    for module in pkgutil.iter_modules(chat.__path__):
        if module.name.endswith(("_param", "_params")):
            for value in vars(importlib.import_module(f"openai.types.chat.{module.name}")).values():
                if is_typeddict(value) and not hasattr(value, "__pydantic_config__"):
                    value.__pydantic_config__ = {"extra": "forbid"}
    return TypeAdapter(CompletionCreateParamsBase), TypeAdapter(chat.ChatCompletionMessageParam)


def judge(body: dict[str, Any], more: frozenset[str], more_said: frozenset[str]) -> None:
    """Raises ValidationError if the body is not a request to `POST /chat/completions`."""
    request, message = _judges()
    stream = body.get("stream", False)
    assert isinstance(stream, bool)
    known = {name: value for name, value in body.items() if name not in more | {"stream"}}
    _read(request.validate_python({**known, "messages": []}))
    assert body["messages"]
    for each in body["messages"]:
        plain = {name: value for name, value in each.items() if name not in more_said}
        _read(message.validate_python(plain if each["role"] == "assistant" else each))


def _read(value: Any) -> None:
    """Iterables are judged while they are read."""
    if isinstance(value, dict):
        value = value.values()
    if not isinstance(value, str) and hasattr(value, "__iter__"):
        for inner in value:
            _read(inner)
