"""Providers: the built-in table and what the configuration says, made into the values the gateway calls.

A built-in provider is enabled by the environment variable that holds its key, or by standing in the
configuration; one that runs on this machine needs no key and is enabled by the configuration alone. Any
other name is a provider of the operator's own, which needs `dialect` and `base_url`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, cast

from pydantic import SecretStr, TypeAdapter, ValidationError

from antiphon.settings import (
    DialectName,
    FilterName,
    ProviderSettings,
    Settings,
    Timeouts,
    aws,
    entra,
    google,
)
from antiphon.settings.layers import Layer, single
from antiphon.settings.problems import ConfigurationError, Problem, SettingPath, near_miss
from antiphon.settings.quirks import names_of
from antiphon.settings.words import in_words
from antiphon.upstream.auth import aws_chain, google_default
from antiphon.upstream.base import Auth, Dialect, Filter, Provider
from antiphon.upstream.base import Timeouts as Deadlines
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.cohere import Cohere
from antiphon.upstream.dialects.converse import Converse
from antiphon.upstream.dialects.gemini import Gemini
from antiphon.upstream.dialects.ollama import Ollama
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.filters.reasoning_tags import ReasoningTags
from antiphon.upstream.filters.think_tags import ThinkTags
from antiphon.upstream.providers import PROVIDERS
from antiphon.upstream.simulated import SIMULATED, ScriptError, Simulated

Table: TypeAlias = Mapping[str, Provider]

DIALECTS: Mapping[DialectName, Any] = {
    "responses": Responses,
    "chat": Chat,
    "anthropic": Anthropic,
    "cohere": Cohere,
    "converse": Converse,
    "ollama": Ollama,
    "gemini": Gemini,
}

FILTERS: Mapping[FilterName, Callable[[], Filter]] = {
    "think_tags": ThinkTags,
    "reasoning_tags": ReasoningTags,
}

# Where a key goes when the provider is not built in: (header, what stands before the key).
KEY_HEADERS: Mapping[DialectName, tuple[str, str]] = {
    "responses": ("Authorization", "Bearer "),
    "chat": ("Authorization", "Bearer "),
    "anthropic": ("x-api-key", ""),
    "cohere": ("Authorization", "Bearer "),
    "converse": ("Authorization", "Bearer "),
    "ollama": ("Authorization", "Bearer "),
    "gemini": ("x-goog-api-key", ""),
}


def keys_in(environ: Mapping[str, str], table: Table = PROVIDERS) -> dict[str, str]:
    """Each built-in provider whose key stands in the environment, and the variable where it stands."""
    return {
        name: provider.key_from
        for name, provider in table.items()
        if provider.key_from
        and environ.get(provider.key_from)
        and (not aws.is_amazons(provider) or aws.has_region(environ))
    }


def discovered(environ: Mapping[str, str], table: Table = PROVIDERS) -> Layer:
    """A layer with those providers and their keys."""
    layer = Layer({"providers": {}})
    keys = keys_in(environ, table)
    for name, variable in keys.items():
        layer = layer.covered_by(single(("providers", name, "api_key"), environ[variable], variable))
    for name, provider in table.items():
        if aws.is_amazons(provider) and provider.key_from:
            layer = layer.covered_by(aws.discovered(name, environ, keyed=name in keys))
    return layer


def completed(layer: Layer, environ: Mapping[str, str], table: Table = PROVIDERS) -> Layer:
    """The layer with what its providers lack to say who is calling, as far as the environment has it."""
    providers, found = layer.tree.get("providers"), Layer()
    for name, entry in providers.items() if isinstance(providers, dict) else ():
        if not isinstance(entry, dict):
            continue
        base_url = _base_url(entry, table.get(name))
        sections = {
            "aws": aws.region_for(entry, environ, base_url),
            "entra": entra.discovered(entry, environ, base_url, keyed=_has_key(entry)),
        }
        for section, variables in sections.items():
            for setting, variable in variables.items():
                path = ("providers", name, section, setting)
                found = found.covered_by(single(path, environ[variable], variable))
    return found.covered_by(layer)


def problems(tree: Mapping[str, Any], table: Table = PROVIDERS) -> Iterator[tuple[SettingPath, str]]:
    """What is wrong with the providers of an unchecked tree beyond the types of single settings."""
    providers = tree.get("providers")
    for name, entry in providers.items() if isinstance(providers, dict) else ():
        if isinstance(entry, dict) and str(entry.get("enabled", "true")).lower() not in _NO:
            for below, message in _problems_of(name, entry, table):
                yield ("providers", name, *below), message


def build(settings: Settings, table: Table = PROVIDERS) -> dict[str, Provider]:
    """The enabled providers of checked settings, by name."""
    return {
        name: _built(name, entry, settings.timeouts, table.get(name))
        for name, entry in settings.providers.items()
        if entry.enabled
    }


def simulated(settings: Settings) -> Simulated:
    """The simulated models. Raises ConfigurationError when their script is wrong."""
    try:
        return Simulated.from_script(settings.simulated.script)
    except ScriptError as error:
        raise ConfigurationError([Problem("", "simulated.script", str(error))]) from None


_NO = ("false", "no", "off", "0", "f", "n")  # what pydantic reads as False


def _problems_of(name: str, entry: dict[str, Any], table: Table) -> Iterator[tuple[SettingPath, str]]:
    builtin = table.get(name)
    dialect = entry.get("dialect") or (builtin.dialect.name if builtin else None)
    missing = [needed for needed in ("dialect", "base_url") if not entry.get(needed)]
    if name == SIMULATED:
        yield (), "this name belongs to the built-in simulated model"
    elif builtin is None and missing:
        yield (), f"no built-in provider, so it needs {' and '.join(missing)}{near_miss(name, table)}"
    elif builtin and not builtin.base_url and not entry.get("base_url"):
        yield (), "needs base_url"
    if isinstance(like := entry.get("like"), str) and like not in table:
        yield ("like",), f"no built-in provider{near_miss(like, table)}"
    yield from aws.problems(entry, _base_url(entry, builtin))
    if entry.get("entra") is not None:
        yield from entra.problems(entry)
    if entry.get("service_account"):
        yield from google.problems(entry)
    elif not _has_key(entry):
        yield from _problems_without_key(entry, builtin)
    quirks = entry.get("quirks")
    known: Any = DIALECTS.get(cast("Any", dialect))
    if known and isinstance(quirks, dict):
        yield from _problems_of_quirks(known, quirks)


def _base_url(entry: dict[str, Any], builtin: Provider | None) -> str:
    return str(entry.get("base_url") or (builtin.base_url if builtin else ""))


def _has_key(entry: dict[str, Any]) -> bool:
    keys = entry.get("api_key") or entry.get("api_keys")
    return bool(keys or entry.get("headers") or aws.has_keys(entry))


def _problems_without_key(
    entry: dict[str, Any], builtin: Provider | None
) -> Iterator[tuple[SettingPath, str]]:
    base_url = _base_url(entry, builtin)
    ways = [*([builtin.key_from] if builtin and builtin.key_from else []), "api_key"]
    if entra.is_azures(base_url):
        ways.append("entra")
    if aws.is_in_aws(entry, base_url):
        instead, needed = aws.MISSING, not aws_chain.is_available()
    elif google.is_googles(base_url):
        instead, needed = google.MISSING, not google_default.is_available()
    else:
        instead, needed = "", builtin is not None and not builtin.local
    if needed and entry.get("entra") is None:
        yield (), f"no key; set {' or '.join(ways)}, {instead and instead + ', '}or `enabled: false`"


def _problems_of_quirks(dialect: Any, quirks: dict[str, Any]) -> Iterator[tuple[SettingPath, str]]:
    names = names_of(dialect)
    for name in quirks:
        if name not in names:
            yield ("quirks", name), f"no such quirk of this dialect{near_miss(name, names)}"
    try:
        TypeAdapter(dialect).validate_python({name: quirks[name] for name in quirks if name in names})
    except ValidationError as error:
        for detail in error.errors():
            yield ("quirks", *detail["loc"]), in_words(detail)


def _built(name: str, entry: ProviderSettings, default: Timeouts, builtin: Provider | None) -> Provider:
    deadlines = default.model_dump() | entry.timeouts.model_dump(exclude_none=True)
    if builtin is None:
        assert entry.dialect is not None and entry.base_url is not None  # `problems` saw to it
        header, prefix = KEY_HEADERS[entry.dialect]
        builtin = Provider(
            name, DIALECTS[entry.dialect](), entry.base_url, key_header=header, key_prefix=prefix
        )
    elif entry.dialect and entry.dialect != builtin.dialect.name:
        spoken = {dialect.name: dialect for dialect in builtin.also}
        dialect = spoken.get(entry.dialect) or DIALECTS[entry.dialect]()
        builtin = dataclasses.replace(builtin, dialect=dialect)
    base_url = aws.placed(entry.base_url or builtin.base_url, entry.aws)
    auth = _auth(entry, base_url) or builtin.auth
    keys = _keys(entry) if auth is None else []
    return dataclasses.replace(
        builtin,
        dialect=_dialect(builtin.dialect, entry.quirks),
        base_url=base_url,
        key=keys[0] if keys else None,
        more_keys=tuple(keys[1:]),
        auth=auth,
        headers={**builtin.headers, **_revealed(entry.headers)},
        query={**builtin.query, **_revealed(entry.query)},
        timeouts=Deadlines(**deadlines),
        models=tuple(entry.models) or builtin.models,
        filters=builtin.filters if entry.filters is None else tuple(FILTERS[name] for name in entry.filters),
    )


def _keys(entry: ProviderSettings) -> list[str]:
    """Each once: one may stand in the list and, as the provider's usual variable, in the environment."""
    given = [*([entry.api_key] if entry.api_key else []), *entry.api_keys]
    return list(dict.fromkeys(key.get_secret_value() for key in given if key.get_secret_value()))


def _auth(entry: ProviderSettings, base_url: str) -> Auth | None:
    """Whoever calls without a key. Raises OSError and ValueError for a file that was changed meanwhile."""
    keyed = bool(entry.api_key or entry.api_keys or entry.headers)
    return (
        google.credentials(entry.service_account, base_url, keyed=keyed)
        or aws.credentials(entry.aws, base_url, keyed=keyed)
        or entra.credentials(entry.entra)
    )


def _dialect(base: Dialect, quirks: Mapping[str, Any]) -> Dialect:
    """`base` with the quirks of the configuration in place of its own."""
    if not quirks:
        return base
    kind: Any = type(base)
    checked = TypeAdapter(kind).validate_python(quirks)
    values = {name: getattr(checked, name) for name in quirks}
    changed: Dialect = dataclasses.replace(cast("Any", base), **values)
    return changed


def _revealed(values: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in values.items()}
