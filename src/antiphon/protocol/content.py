"""Content parts: what a message, a tool's output or a reasoning item is made of.

Known kinds are checked, with every field kept as it came; a kind we have not met is carried, so that the
newest client is not refused for it. Sizes are OpenAI's; `cache_control` is Anthropic's mark and
`prompt_cache_breakpoint` OpenAI's for the same wish.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from msgspec import Meta, Struct

from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.protocol.schema import by_type, check, missing, type_name, wrong_type

LongText = Annotated[str, Meta(max_length=10_485_760)]
CachedFor = Annotated[
    str, Meta(max_length=32, description="How long, as the provider writes it: 5m, 1h, 3600s.")
]


class CacheControl(Struct):
    """Cache the prompt up to here (of a request: up to its end), for providers that must be told."""

    type: Literal["ephemeral"]
    ttl: CachedFor | None = None


class CacheBreakpoint(Struct):
    """OpenAI's own mark for the end of a cached prefix."""

    mode: Literal["explicit"] = "explicit"
    ttl: CachedFor | None = None


class InputText(Struct):
    """Text for the model."""

    type: Literal["input_text"]
    text: LongText
    cache_control: CacheControl | None = None
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class InputImage(Struct):
    """An image: either `image_url` (http, https or a data: URL) or the `file_id` of an uploaded file."""

    type: Literal["input_image"]
    image_url: Annotated[str, Meta(max_length=20_971_520)] | None = None
    file_id: Annotated[str, Meta(min_length=1)] | None = None
    detail: Literal["low", "high", "auto", "original"] | None = None
    cache_control: CacheControl | None = None
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class InputFile(Struct):
    """A document: one of `file_data` (a data: URL or base64), `file_url` (http or https) and `file_id`."""

    type: Literal["input_file"]
    file_data: Annotated[str, Meta(max_length=73_400_320)] | None = None
    file_url: str | None = None
    file_id: Annotated[str, Meta(min_length=1)] | None = None
    filename: str | None = None
    detail: Literal["auto", "low", "high"] | None = None
    cache_control: CacheControl | None = None
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class AudioData(Struct):
    """Sound, base64, and how it is encoded (mp3, wav, …)."""

    data: str
    format: str


class InputAudio(Struct):
    """Sound for the model."""

    type: Literal["input_audio"]
    input_audio: AudioData


class OutputText(Struct):
    """Text a model wrote."""

    type: Literal["output_text"]
    text: LongText
    annotations: list[JSON] | None = None
    logprobs: list[JSON] | None = None
    cache_control: CacheControl | None = None


class Refusal(Struct):
    """Text in which a model declined."""

    type: Literal["refusal"]
    refusal: LongText


class ReasoningText(Struct):
    """What a model thought, word for word."""

    type: Literal["reasoning_text"]
    text: LongText


class SummaryText(Struct):
    """What a model thought, told for readers."""

    type: Literal["summary_text"]
    text: LongText


PARTS = by_type(InputText, InputImage, InputFile, InputAudio, OutputText, Refusal, ReasoningText, SummaryText)


def check_parts(parts: list[JSON], at: str) -> None:
    """Raises InvalidRequest naming the part and field, as in `input[2].content[0].image_url`."""
    for index, part in enumerate(parts):
        kind = part.get("type")
        if kind.__class__ is not str:
            raise untyped(part, f"{at}[{index}]")
        if kind in PARTS:
            check(part, PARTS[kind], at, index)
            if kind in _SOURCES:
                _SOURCES[kind](part, f"{at}[{index}]")


def untyped(value: JSON, at: str) -> InvalidRequest:
    """The error for an object that does not say, in a string, what it is."""
    if value.get("type") is None:
        return missing(f"{at}.type")
    return wrong_type(f"{at}.type", ("str",), type_name(value["type"]))


def _image(part: JSON, at: str) -> None:
    _exactly_one(part, ("image_url", "file_id"), at)
    url = part.get("image_url")
    if url is not None and not url.startswith(("http://", "https://", "data:")):
        raise InvalidRequest(
            f"Invalid '{at}.image_url'. Expected an http, https or data: URL, but got something else.",
            code="invalid_value",
            param=f"{at}.image_url",
        )


def _file(part: JSON, at: str) -> None:
    _exactly_one(part, ("file_data", "file_url", "file_id"), at)
    url = part.get("file_url")
    if url is not None and not url.startswith(("http://", "https://")):
        raise InvalidRequest(
            f"Invalid '{at}.file_url'. Expected an http or https URL, but got something else.",
            code="invalid_value",
            param=f"{at}.file_url",
        )


_SOURCES: dict[str, Callable[[JSON, str], None]] = {"input_image": _image, "input_file": _file}


def _exactly_one(part: JSON, names: tuple[str, ...], at: str) -> None:
    given = [name for name in names if part.get(name) is not None]
    if not given:
        raise missing(f"{at}.{names[0]}")
    if len(given) > 1:
        raise InvalidRequest(
            f"Mutually exclusive parameters: '{at}.{given[0]}' and '{at}.{given[1]}'. Give only one.",
            code="mutually_exclusive_parameters",
            param=f"{at}.{given[1]}",
        )
