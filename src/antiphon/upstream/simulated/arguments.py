"""Arguments for a call that nobody dictated: valid under the tool's schema, or its grammar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antiphon.core.json_schema.document import Unsatisfiable
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import encode
from antiphon.upstream.simulated.instance import instance
from antiphon.upstream.simulated.offered import Offered


def arguments_for(tool: Offered, hints: Mapping[str, str] | None = None) -> str:
    """JSON text, or the input of a custom tool. `hints`: texts for properties of these names.

    Input for a grammar in Lark is plain text: to follow such a grammar is beyond this model.
    Raises InvalidRequest: the schema has no instance.
    """
    if tool.kind == "custom":
        return _input(tool)
    schema = tool.definition.get("parameters") or {}
    return made(schema if "type" in schema else {**schema, "type": "object"}, f"{tool.name}'", "tools", hints)


def made(schema: Any, what: str, param: str, hints: Mapping[str, str] | None = None) -> str:
    """An instance of the schema as JSON text. Raises InvalidRequest saying of `what` there is none."""
    try:
        return encode(instance(schema, hints)).decode()
    except Unsatisfiable as error:
        raise InvalidRequest(f"Nothing fits the schema of {what}: {error}", param=param) from None


def _input(tool: Offered) -> str:
    match tool.definition.get("format"):
        case {"type": "grammar", "syntax": "regex", "definition": str(pattern)}:
            whole = {"type": "string", "pattern": f"^(?:{pattern})$"}
            try:
                return str(instance(whole))
            except Unsatisfiable as error:
                raise InvalidRequest(
                    f"No text follows the grammar of {tool.name}: {error}", param="tools"
                ) from None
        case _:
            return "text"
