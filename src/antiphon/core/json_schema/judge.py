"""What is wrong with an answer, in words for whoever gave it.

A judge is made for one schema. `check` refuses what could not be judged by: references that lead out of the
schema or nowhere, patterns that are not read here, keywords that are not known here. `fault` then names the
first place that does not hold, as deep inside of the value as it can be pinned down.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from antiphon.core.json_schema.document import Document, Schema, Unsatisfiable
from antiphon.core.json_schema.validity import Validity, applicable
from antiphon.protocol.json import MalformedJSON, encode

WORK = 200_000
"""What one judgement may cost, in schema nodes looked at: 1.2 µs each, 8 where patterns are hostile."""

LARGEST = 20_000
"""Nodes of a schema that is taken. OpenAI takes 5,000 properties."""

_UNKNOWN = ("unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef")
_LONGEST = 200  # characters of a keyword's value or of a name, when it is told
_TOO_DEEP = "it is nested too deeply"
_AS_WRITTEN = {"patterns": "pattern"}  # keywords that a regular schema calls otherwise

_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "dependentSchemas")
_SINGLE = ("items", "additionalProperties", "propertyNames", "not", "if", "then", "else")


class Fault(Struct, frozen=True):
    """`path` is a JSON pointer into the value, "" for the whole; what stands there does not meet `demand`."""

    path: str
    demand: str

    def __str__(self) -> str:
        return f"{f'at {self.path}' if self.path else 'as a whole'} it does not meet {self.demand}"


class Judge:
    """Judges values by one schema, each within the same bounds."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema

    def check(self) -> None:
        """Raises Unsatisfiable, which says why nothing can be judged by this schema."""
        document = Document(self._schema, LARGEST)
        waiting, seen = [self._schema], set[int]()
        try:
            while waiting:
                schema = waiting.pop()
                if isinstance(schema, dict) and id(schema) not in seen:
                    seen.add(id(schema))
                    waiting += _checked(schema, document)
        except RecursionError:
            raise Unsatisfiable(_TOO_DEEP) from None

    def fault(self, value: Any) -> Fault | None:
        """None: the value is valid."""
        try:
            return _Search(Document(self._schema, WORK)).fault(value, self._schema, "")
        except Unsatisfiable as error:
            return Fault("", f"what can be checked: {error}")
        except RecursionError:
            return Fault("", f"what can be checked: {_TOO_DEEP}")
        except OverflowError:
            return Fault("", "what can be checked: its numbers are too large")


def _checked(schema: Schema, document: Document) -> Iterator[Any]:
    """The schemas directly inside of this one. Raises Unsatisfiable."""
    if unknown := next((keyword for keyword in _UNKNOWN if keyword in schema), None):
        raise Unsatisfiable(f"'{unknown}' is not known here")
    regular = document.regular(schema)
    for pattern in (*regular.get("patterns", ()), *regular.get("patternProperties", ())):
        document.pattern(pattern)
    if "$ref" in regular:
        yield document.resolve(regular["$ref"])
    for keyword in _LISTS:
        yield from regular.get(keyword, ())
    for keyword in _NAMED:
        yield from regular.get(keyword, {}).values()
    for keyword in _SINGLE:
        if keyword in regular:
            yield regular[keyword]
    yield from (inner for inner, _, _ in regular.get("contains", ()))


class _Search:
    """Looks for the first fault: what holds as a whole has none, and only what does not is looked into."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._validity = Validity(document, formats=True)

    def fault(self, value: Any, schema: Any, path: str) -> Fault | None:
        keyword = self._validity.broken(value, schema)
        if keyword is None:
            return None
        if schema is False:
            return Fault(path, "the schema, which allows nothing there")
        regular = self._document.regular(schema)
        for inner, member, step in self._inside(value, regular):
            if (found := self.fault(member, inner, path + step)) is not None:
                return found
        demand = regular[keyword]
        if keyword == "required":
            demand = [name for name in demand if name not in value]
        return Fault(path, f"'{_AS_WRITTEN.get(keyword, keyword)}': {_shown(demand)}")

    def _inside(self, value: Any, regular: Schema) -> Iterator[tuple[Any, Any, str]]:
        """All that must hold for the value and its members: schema, member, and the step down to it."""
        if "$ref" in regular:
            yield self._document.resolve(regular["$ref"]), value, ""
        for inner in regular.get("allOf", ()):
            yield inner, value, ""
        if isinstance(value, dict) and "properties" in regular:
            for name, member in value.items():
                for inner in applicable(regular, name, self._document):
                    yield inner, member, f"/{name[:_LONGEST]}"
        if isinstance(value, list):
            firsts = regular.get("prefixItems", [])
            for index, member in enumerate(value):
                if index < len(firsts):
                    yield firsts[index], member, f"/{index}"
                elif "items" in regular:
                    yield regular["items"], member, f"/{index}"


def _shown(demand: Any) -> str:
    try:
        text = encode(demand).decode()
    except (MalformedJSON, TypeError):
        return "…"
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
