"""The four sources of settings, read once and joined: defaults, file, environment, command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from antiphon.settings import Settings, environment, file, providers, targets
from antiphon.settings.fields import choices_at, names_beside
from antiphon.settings.layers import Layer, single
from antiphon.settings.named import Named
from antiphon.settings.places import CONFIG_FILE
from antiphon.settings.problems import ConfigurationError, Problem, SettingPath, near_miss, spelled
from antiphon.settings.words import in_words
from antiphon.upstream.providers import PROVIDERS
from antiphon.upstream.simulated import ScriptError, read_script


@dataclass(frozen=True, slots=True)
class Loaded:
    """Checked settings, the file they came from (if any), and what is odd but no error.

    `layer` still knows where each of them stands.
    """

    settings: Settings
    layer: Layer
    file: Path | None
    warnings: tuple[str, ...]


def load(
    environ: Mapping[str, str],
    *,
    config: Path | None = None,
    options: Mapping[str, object] | None = None,
    table: providers.Table = PROVIDERS,
) -> Loaded:
    """Read everything and check it. Raises ConfigurationError with all that is wrong.

    `config` is the file named on the command line; `options` are settings given there, by dotted name;
    an option that is None was not given.
    """
    path = _file(environ, config)
    layer = providers.discovered(environ, table)
    if path is not None:
        layer = layer.covered_by(file.read(path, environ))
    layer = layer.covered_by(environment.read(environ)).covered_by(_command_line(options or {}))
    layer = providers.completed(replace(layer, tree=_without_nothing(layer.tree)), environ, table)
    settings, wrong = _checked(layer.tree, table)
    problems = list(layer.problems)
    known = {(problem.place, problem.path) for problem in problems}
    found = (_problem(layer, *each) for each in wrong)
    # What is said of a setting that could not even be read only follows from that.
    problems += [problem for problem in found if (problem.place, problem.path) not in known]
    if settings is not None:
        problems += _script_problems(settings, layer) or _alias_problems(settings, layer, table)
    if settings is None or problems:
        raise ConfigurationError(sorted(problems, key=lambda problem: problem.line))
    odd = (str(_problem(layer, *each)) for each in _named(settings, table).oddities())
    return Loaded(settings, layer, path, (*environment.misspelled(environ), *odd))


def _file(environ: Mapping[str, str], config: Path | None) -> Path | None:
    if config is not None:
        return config
    if environ.get(environment.CONFIG):
        return Path(environ[environment.CONFIG])
    return CONFIG_FILE if CONFIG_FILE.exists() else None


def _command_line(options: Mapping[str, object]) -> Layer:
    layer = Layer()
    for name, value in options.items():
        if value is not None:
            option = "--" + name.replace(".", "-").replace("_", "-")
            layer = layer.covered_by(single(tuple(name.split(".")), str(value), option))
    return layer


def _without_nothing(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The tree without the settings that have no value; `groq:` alone still names a provider.

    Quirks keep their nulls, and the types that YAML sees: their own types are those of the dialect.
    """
    filled: dict[str, Any] = _filled(tree)
    named = tree.get("providers")
    if isinstance(named, dict):
        filled["providers"] = {name: {} if entry is None else _filled(entry) for name, entry in named.items()}
        for name, entry in named.items():
            if isinstance(entry, dict) and entry.get("quirks") is not None:
                filled["providers"][name]["quirks"] = file.typed(entry["quirks"])
    return filled


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_filled(item) for item in value]
    return value


def _checked(
    tree: dict[str, Any], table: providers.Table
) -> tuple[Settings | None, list[tuple[SettingPath, str]]]:
    found = list(providers.problems(tree, table))
    try:
        return Settings.model_validate(tree), found
    except ValidationError as error:
        return None, [*((detail["loc"], _said(detail)) for detail in error.errors()), *found]


def _script_problems(settings: Settings, layer: Layer) -> list[Problem]:
    """The rules of `sim/script` are read here too, so that `antiphon check` knows whether they can be."""
    script, path = settings.simulated.script, ("simulated", "script")
    try:
        if script is not None and settings.simulated.enabled:
            read_script(script)
    except ScriptError as error:
        return [_problem(layer, path, str(error))]
    return []


def _alias_problems(settings: Settings, layer: Layer, table: providers.Table) -> list[Problem]:
    if not settings.aliases:
        return []
    known = targets.catalogue(settings, ())
    return [_problem(layer, *each) for each in _named(settings, table).problems(known.offers)]


def _named(settings: Settings, table: providers.Table) -> Named:
    simulated = providers.simulated(settings).models if settings.simulated.enabled else ()
    return Named(settings, targets.listed(settings, simulated, table), table)


def _said(detail: Any) -> str:
    path: SettingPath = detail["loc"]
    if detail["type"] == "extra_forbidden":
        return f"no such setting{near_miss(str(path[-1]), names_beside(path))}"
    if detail["type"] == "literal_error":
        return in_words(detail) + near_miss(str(detail["input"]), choices_at(path))
    return in_words(detail)


def _problem(layer: Layer, path: SettingPath, message: str) -> Problem:
    path = tuple(step for step in path if step != "[key]")
    return Problem(layer.place(path), spelled(path), message)
