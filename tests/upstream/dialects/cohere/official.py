"""Cohere's own library as the judge of requests and events: its types, and no field besides."""

from __future__ import annotations

from functools import cache
from typing import Any, get_type_hints

from cohere.v2.client import V2Client
from cohere.v2.types import V2ChatStreamResponse
from pydantic import BaseModel, TypeAdapter


@cache
def _fields() -> dict[str, TypeAdapter[Any]]:
    """The fields of a request, from the parameters of the method that sends one."""
    hints = get_type_hints(V2Client.chat)
    return {
        name: TypeAdapter(hint) for name, hint in hints.items() if name not in ("return", "request_options")
    }


@cache
def _event() -> TypeAdapter[Any]:
    return TypeAdapter(V2ChatStreamResponse)


def judge(body: dict[str, Any]) -> None:
    """Raises ValidationError or AssertionError if the body is no request to `POST /v2/chat`."""
    assert isinstance(body["stream"], bool)
    for name, value in body.items():
        if name != "stream":
            _read(_fields()[name].validate_python(value, strict=True), name)


def judge_event(event: dict[str, Any]) -> None:
    """Raises ValidationError if the event is none that the library knows."""
    assert _event().validate_python(event).type == event["type"]


def _read(value: Any, where: str) -> None:
    if isinstance(value, BaseModel):
        assert not value.model_extra, f"{where}: {sorted(value.model_extra or ())}"
        for name in value.model_fields_set:
            _read(getattr(value, name), f"{where}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _read(inner, f"{where}[{index}]")
