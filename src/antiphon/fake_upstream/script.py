"""The script: what each model says, in YAML.

    port: 9000
    models:
      steady: {say: Hello there, chunks: 10, pause: 0.05, usage: {input: 10, output: 5}}
      flaky:                                # in order; the last one repeats
        - {status: 503, times: 2}
        - {say: at last}
      limited: {status: 429, headers: {retry-after: "2"}}
      cut: {say: "...", fault: {after_events: 3, then: reset}}
      loop: {call: {name: look_up, arguments: {q: x}}}

It is read as antiphon.yaml is (`settings.file`), environment included, and errors say `file:line: where: what
is wrong`. In `message` and in `headers`, `{key}` is the key of the caller, and `{in 30 s}` a date.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints, ValidationError, model_validator

from antiphon.fake_upstream.faults import Fault
from antiphon.settings import HeaderName
from antiphon.settings.file import read as read_layer
from antiphon.settings.file import typed
from antiphon.settings.layers import Layer
from antiphon.settings.problems import ConfigurationError, Problem, SettingPath, near_miss, spelled
from antiphon.settings.section import Section
from antiphon.settings.words import in_words

Seconds: TypeAlias = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
ErrorKind: TypeAlias = Literal[
    "invalid", "auth", "forbidden", "not_found", "too_large", "context", "filter", "rate_limit", "overloaded"
]
ModelName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[^+\s/]+$")]


class Call(Section):
    """A call of a tool."""

    name: str | None = None
    """Its name; without one, the first tool that the request offers."""

    arguments: Any = {}
    """A map, or text: arguments gone wrong."""

    id: str | None = None
    """Its id; without one it gets a new one."""


class Step(Section):
    """One answer."""

    about: str = ""
    """What it is for; `GET /` shows it."""

    think: str | None = None
    """Thoughts."""

    say: str | None = None
    """Text."""

    call: list[Call] = []
    """Calls of tools: one, or a list."""

    repeat: Annotated[int, Field(ge=1, le=100_000_000)] = 1
    """How often the text is said."""

    chunks: Annotated[int, Field(ge=1, le=10_000_000)] = 8
    """In how many pieces text, thoughts and arguments are streamed."""

    wait: Seconds = 0
    """Seconds until the answer begins."""

    pause: Seconds = 0
    """Seconds after each event."""

    stop: Literal["stop", "length", "content_filter"] = "stop"
    """Why it ends, when it calls nothing."""

    usage: dict[Literal["input", "output"], Any] | Literal[False] | None = None
    """The tokens that are told: any JSON, so that it can be wrong; `false`: none are. By default 10 of input,
    and one of output for each piece."""

    status: Annotated[int, Field(ge=200, le=599)] = 200
    """Anything but 200 is a refusal."""

    error: ErrorKind | None = None
    """What a refusal, or `then: error`, is about; without it the status says that."""

    message: str | None = None
    """The words of the error."""

    headers: dict[HeaderName, str] = {}
    """More header fields."""

    times: Annotated[int, Field(ge=1)] = 1
    """For how many requests this is the answer, when others follow."""

    fault: Fault = Fault()
    """What goes wrong."""

    @model_validator(mode="before")
    @classmethod
    def _takes_one_call(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("call"), dict):
            return {**given, "call": [given["call"]]}
        return given


class Script(Section):
    """All of it."""

    host: str = "127.0.0.1"
    """The address to listen on."""

    port: Annotated[int, Field(ge=0, le=65535)] = 9000
    """The TCP port to listen on; 0 for any that is free."""

    models: dict[ModelName, Annotated[list[Step], Field(min_length=1)]] = {}
    """The answers of each model, in their order."""


def read(file: Path, environ: Mapping[str, str]) -> Script:
    """The script in `file`. Raises ConfigurationError with all that is wrong."""
    layer = read_layer(file, environ)
    if layer.problems:
        raise ConfigurationError(layer.problems)
    tree = _filled(_listed(layer.tree))
    try:
        return Script.model_validate(tree)
    except ValidationError as error:
        found = [_problem(layer, detail) for detail in error.errors()]
        raise ConfigurationError(sorted(found, key=lambda problem: problem.line)) from None


def _filled(value: Any) -> Any:
    """Without the fields that have no value, and with the types of YAML where any may stand."""
    if isinstance(value, list):
        return [_filled(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        name: typed(inner) if name in ("arguments", "usage") else _filled(inner)
        for name, inner in value.items()
        if inner is not None
    }


def _listed(tree: dict[str, Any]) -> dict[str, Any]:
    """Each model with a list of steps, which a single one need not be; nothing is the default of all."""
    models = tree.get("models")
    if not isinstance(models, dict):
        return tree
    listed = {name: steps if isinstance(steps, list) else [steps or {}] for name, steps in models.items()}
    return {**tree, "models": listed}


def _problem(layer: Layer, detail: Any) -> Problem:
    path = _as_written(layer, detail["loc"])
    said = in_words(detail)
    if detail["type"] == "extra_forbidden":
        said = f"no such field{near_miss(str(path[-1]), _names_at(path))}"
    return Problem(layer.place(path), spelled(path), said)


def _as_written(layer: Layer, path: SettingPath) -> SettingPath:
    """The path without the steps that only we know: indexes of lists of one, and kinds of a union."""
    written: SettingPath = ()
    for number, step in enumerate(path):
        is_missing_name = number == len(path) - 1 and str(step).isidentifier()
        if (*written, step) in layer.places or is_missing_name:
            written = (*written, step)
    return written


def _names_at(path: SettingPath) -> list[str]:
    """The fields that could stand where an unknown one does."""
    above = [step for step in path[:-1] if isinstance(step, str)]
    if len(above) < 2:
        return list(Script.model_fields)
    within: dict[str, type[Section]] = {"call": Call, "fault": Fault}
    return list(within.get(above[-1], Step).model_fields)
