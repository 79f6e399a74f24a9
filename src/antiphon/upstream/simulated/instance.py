"""A valid instance of a JSON schema, always the same one.

    schema ──branches──▶ regular schemas without combinators ──candidates──▶ values ──holds?──▶ the first

A schema is opened into branches (one choice of every `anyOf`, `oneOf`, `if`, with `allOf` and `$ref` merged
in); each branch gives candidates, plainest first; the first that is valid under the whole schema is taken.
What cannot be built towards (`not`, exclusive `oneOf`) is thus still honoured.

A reference is followed once on the way from the root to a value: recursion ends at the first turn, in a
`null`, an empty list or a missing property. All properties are filled; when that is too much work, only the
required ones. Work is bounded, so a schema made to be costly is refused and never slow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count, islice
from typing import Any

from antiphon.core.json_schema.document import Document, Schema, Unsatisfiable
from antiphon.core.json_schema.validity import Validity, applicable, same
from antiphon.upstream.simulated.merging import merge
from antiphon.upstream.simulated.scalars import MOST, numbers, strings

WORK = 6_000  # schema nodes looked at; some tens of milliseconds
FEW = 24  # variations of an object or array, one member changed

_IMPLIED = {
    "object": ("properties", "required", "additionalProperties", "minProperties", "propertyNames"),
    "array": ("items", "prefixItems", "minItems", "uniqueItems", "contains"),
    "string": ("minLength", "maxLength", "patterns", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_ALL = ("string", "integer", "boolean", "number", "object", "array", "null")

References = frozenset[str]


def instance(schema: Any, hints: Mapping[str, str] | None = None) -> Any:
    """A value valid under `schema`. `hints` are texts to use for properties of these names, where valid.

    Raises Unsatisfiable: there is none, or the schema is beyond what is tried.
    """
    reason = "none was found"
    for generous in (True, False):
        maker = _Maker(Document(schema, WORK), hints or {}, generous=generous)
        try:
            for value in maker.values(schema, frozenset({"#"})):
                return value
        except Unsatisfiable as error:
            reason = str(error)
        except RecursionError:
            reason = "it is nested too deeply"
        except OverflowError:
            reason = "its numbers are too large"
    raise Unsatisfiable(f"No instance of the schema can be made: {reason}.")


class _Maker:
    """Makes values for the schemas of one document."""

    def __init__(self, document: Document, hints: Mapping[str, str], *, generous: bool) -> None:
        self.document = document
        self.hints = hints
        self.generous = generous
        self.validity = Validity(document, divides=True)

    def values(self, schema: Any, seen: References) -> Iterator[Any]:
        """Valid values, not always different ones."""
        for branch, seen_there in self._branches({}, [[schema]], seen):
            for value in self._candidates(branch, seen_there):
                if self.validity.holds(value, schema):
                    yield value

    def _branches(
        self, merged: Schema, waiting: list[list[Any]], seen: References
    ) -> Iterator[tuple[Schema, References]]:
        """What `merged` comes to when of each list in `waiting` one schema must hold too."""
        if not waiting:
            yield merged, seen
            return
        for schema in waiting[0]:
            own = dict(self.document.regular(schema))
            reference = own.get("$ref")
            if reference in seen:
                continue
            inner = list(self._alternatives(own))
            both = merge(merged, own, self.document)
            if not self._is_never(both):
                yield from self._branches(
                    both, inner + waiting[1:], seen | {reference} if reference is not None else seen
                )

    def _is_never(self, schema: Schema) -> bool:
        return schema.get("type") == [] or ("not" in schema and self.document.regular(schema["not"]) == {})

    def _alternatives(self, own: Schema) -> Iterator[list[Any]]:
        """Takes the combinators out of `own`, each as the list of schemas of which one must hold."""
        if "$ref" in own:
            yield [self.document.resolve(own.pop("$ref"))]
        yield from ([member] for member in own.pop("allOf", ()))
        for name in ("anyOf", "oneOf"):
            if name in own:
                yield own.pop(name)
        condition, then, otherwise = own.pop("if", None), own.pop("then", {}), own.pop("else", {})
        if condition is not None:
            yield [{"allOf": [condition, then]}, {"allOf": [{"not": condition}, otherwise]}]
        for name, names in own.pop("dependentRequired", {}).items():
            yield [{"required": names}, {"properties": {name: False}}]
        for name, inner in own.pop("dependentSchemas", {}).items():
            yield [inner, {"properties": {name: False}}]

    def _candidates(self, schema: Schema, seen: References) -> Iterator[Any]:
        if "enum" in schema:
            yield from schema["enum"]
            return
        yield from schema.get("examples", ())
        for name in _types(schema):
            yield from self._of_type(name, schema, seen)

    def _of_type(self, name: str, schema: Schema, seen: References) -> Iterator[Any]:
        match name:
            case "object":
                yield from self._objects(schema, seen)
            case "array":
                yield from self._arrays(schema, seen)
            case "string":
                yield from strings(schema, self.document)
            case "integer" | "number":
                yield from numbers(schema, whole=name == "integer")
            case "boolean":
                yield from (True, False)
            case "null":
                yield None
            case _:
                return

    def _objects(self, schema: Schema, seen: References) -> Iterator[dict[str, Any]]:
        required = dict.fromkeys(schema.get("required", ()))
        optional = [name for name in schema.get("properties", ()) if name not in required]
        least = {name: self._property(schema, name, seen) for name in required}
        if _MISSING in least.values():
            return
        members = dict(least)
        room = schema.get("maxProperties", MOST) - len(members)
        for name in optional if self.generous else ():
            value = self._property(schema, name, seen) if room > 0 else _MISSING
            if value is not _MISSING:
                members[name] = value
                room -= 1
        members |= self._extra_members(schema, members, seen)
        yield {name: members[name] for name in [*schema.get("properties", ()), *members] if name in members}
        yield least
        yield from self._variations(schema, members, seen)

    def _variations(
        self, schema: Schema, members: dict[str, Any], seen: References
    ) -> Iterator[dict[str, Any]]:
        for name in members:
            for other in islice(self.values(self._schema_of(schema, name), seen), 1, FEW):
                yield members | {name: other}
        for name in members:
            yield {kept: value for kept, value in members.items() if kept != name}

    def _property(self, schema: Schema, name: str, seen: References) -> Any:
        inner = self._schema_of(schema, name)
        hint = self.hints.get(name.lower())
        if hint is not None and self.validity.holds(hint, inner):
            return hint
        return next(self.values(inner, seen), _MISSING)

    def _schema_of(self, schema: Schema, name: str) -> Any:
        found = applicable(schema, name, self.document)
        return found[0] if len(found) == 1 else {"allOf": found} if found else {}

    def _extra_members(self, schema: Schema, members: dict[str, Any], seen: References) -> dict[str, Any]:
        """As many more properties as `minProperties` asks for."""
        extra: dict[str, Any] = {}
        lacking = schema.get("minProperties", 0) - len(members)
        for name in self._names(schema, seen) if lacking > 0 else ():
            if len(extra) >= lacking:
                break
            if name in members or name in extra:
                continue
            value = self._property(schema, name, seen)
            if value is not _MISSING:
                extra[name] = value
        return extra

    def _names(self, schema: Schema, seen: References) -> Iterator[str]:
        yield from schema.get("properties", ())
        if "propertyNames" in schema:
            yield from self.values({"allOf": [{"type": "string"}, schema["propertyNames"]]}, seen)
        for pattern in schema.get("patternProperties", ()):
            yield from self.values({"type": "string", "pattern": pattern}, seen)
        for number in count(1):
            self.document.regular({})  # counts as work: a schema may refuse every name
            yield f"property{number}"

    def _arrays(self, schema: Schema, seen: References) -> Iterator[list[Any]]:
        low, high = schema.get("minItems", 0), schema.get("maxItems", MOST)
        elements: list[Any] = []
        for inner in islice(
            self._element_schemas(schema), int(min(high, max(low, self._wanted(schema)), WORK))
        ):
            value = self._element(inner, elements if schema.get("uniqueItems") else [], seen)
            if value is _MISSING:
                break
            elements.append(value)
        yield elements
        if len(elements) > low:
            yield elements[: int(low)]
        yield from self._variations_of(schema, elements, seen)

    def _wanted(self, schema: Schema) -> int:
        """How many elements to make when fewer are allowed: one shows what an element looks like."""
        found = sum(low for _, low, _ in schema.get("contains", ()))
        if found or self.generous:
            return len(schema.get("prefixItems", ())) + found or int("items" in schema)
        return 0

    def _element_schemas(self, schema: Schema) -> Iterator[Any]:
        yield from schema.get("prefixItems", ())
        rest = schema.get("items", {})
        for inner, low, _ in schema.get("contains", ()):
            for _ in range(low):
                yield {"allOf": [rest, inner]}
        while True:
            yield rest

    def _element(self, schema: Any, others: list[Any], seen: References) -> Any:
        for value in self.values(schema, seen):
            if not any(same(value, other) for other in others):
                return value
        return _MISSING

    def _variations_of(self, schema: Schema, elements: list[Any], seen: References) -> Iterator[list[Any]]:
        rest = schema.get("items", {})
        if elements:
            for other in islice(self.values(rest, seen), 1, FEW):
                yield [*elements[:-1], other]
        for value in islice(self.values(rest, seen), FEW):
            elements = [*elements, value]
            yield elements


_MISSING = object()


def _types(schema: Schema) -> list[str]:
    """The types to try: those asked for, or those the keywords speak of and then all; null last."""
    types = schema.get("type")
    if types is None:
        implied = [name for name, keywords in _IMPLIED.items() if any(key in schema for key in keywords)]
        types = list(dict.fromkeys([*implied, *_ALL]))
    return sorted(types, key=lambda name: name == "null")
