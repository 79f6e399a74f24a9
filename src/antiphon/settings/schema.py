"""The JSON schema of antiphon.yaml, for editors that complete and check while one types."""

from __future__ import annotations

from typing import Any

from antiphon.protocol.json import JSON
from antiphon.settings import Settings
from antiphon.settings.providers import DIALECTS
from antiphon.settings.quirks import quirks_of
from antiphon.upstream.providers import PROVIDERS
from antiphon.upstream.simulated import SIMULATED

_VARIABLE = {"type": "string", "pattern": r"\$\{", "description": "`${NAME}` or `${NAME:-default}`"}
_NOT_TEXT = ("integer", "number", "boolean")
_BOUNDS = frozenset(("const", "enum", "minLength", "pattern"))
_SAID = ("title", "description", "default")


def json_schema() -> JSON:
    """The schema: pydantic's, with what it cannot know: variables, names of providers, quirks."""
    schema: JSON = _loosened(Settings.model_json_schema())
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "antiphon.yaml"
    entry = schema["$defs"]["ProviderSettings"]
    names: dict[str, Any] = {}
    for dialect in DIALECTS.values():
        for quirk in quirks_of(dialect):
            names.setdefault(quirk.name, {"description": quirk.sentence})
    entry["properties"]["quirks"] |= {"properties": names, "additionalProperties": False}
    entry["properties"]["like"]["anyOf"] = [{"enum": list(PROVIDERS)}, _VARIABLE, {"type": "null"}]
    providers = schema["properties"]["providers"]
    # A built-in provider may stand there with nothing behind its colon.
    entry_or_nothing = {"anyOf": [{"$ref": "#/$defs/ProviderSettings"}, {"type": "null"}]}
    providers["properties"] = dict.fromkeys(PROVIDERS, entry_or_nothing)
    providers["patternProperties"] = dict.fromkeys(providers["patternProperties"], entry_or_nothing)
    providers |= {"propertyNames": {"not": {"const": SIMULATED}}, "additionalProperties": False}
    return schema


def _loosened(schema: Any) -> Any:
    """The schema where a variable may stand for every number, truth value and bounded text."""
    if isinstance(schema, list):
        return [_loosened(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") in _NOT_TEXT or not _BOUNDS.isdisjoint(schema):
        said = {name: value for name, value in schema.items() if name in _SAID}
        return {**said, "anyOf": [{name: schema[name] for name in schema if name not in _SAID}, _VARIABLE]}
    return {name: _loosened(inner) for name, inner in schema.items()}
