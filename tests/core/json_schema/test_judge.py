"""A judge agrees with another validator, names where a value is wrong, and is never slow."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from antiphon.core.json_schema import judge
from antiphon.core.json_schema.document import Unsatisfiable
from antiphon.core.json_schema.judge import Judge
from antiphon.upstream.simulated.instance import instance
from tests.upstream.simulated.schemas import anything, malformed, satisfiable

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-6, 6)
    | st.sampled_from([0.5, 2.0, -1.25])
    | st.text("abcA1@. ", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "name", "city", "x-1"]), inner, max_size=3)
    ),
    max_leaves=5,
)
TREE: Any = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
        "price": {"type": "number", "multipleOf": 0.01},
        "children": {"type": "array", "items": {"$ref": "#"}},
        "pair": {"prefixItems": [{"type": "integer"}, {"enum": ["x", "y"]}], "items": False},
    },
    "required": ["name"],
    "additionalProperties": False,
}


def same_as_another(schema: Any, value: Any) -> None:
    assume('"format":' not in json.dumps(schema))  # which the other validator takes for an annotation
    judging = Judge(schema)
    try:
        judging.check()
        valid = Draft202012Validator(schema).is_valid(value)
    except (Unsatisfiable, RecursionError):
        assume(False)
    except BaseException as error:  # the other one's, in Rust, which has no name for us to catch
        if type(error).__name__ != "PanicException":
            raise
        assume(False)
    event("valid" if valid else "invalid")
    fault = judging.fault(value)
    if fault is None or "can be checked" not in fault.demand:
        assert (fault is None) is valid


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(satisfiable | anything, VALUES)
def test_a_judge_agrees_with_another_validator(schema: Any, value: Any) -> None:
    same_as_another(schema, value)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(satisfiable)
def test_what_was_made_for_a_schema_is_valid(schema: Any) -> None:
    same_as_another(schema, instance(schema))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(malformed, VALUES)
def test_what_is_no_schema_is_ignored_or_refused_but_never_an_accident(schema: Any, value: Any) -> None:
    judging = Judge(schema)
    try:
        judging.check()
    except Unsatisfiable:
        event("refused")
    judging.fault(value)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"name": "a", "price": 19.99, "children": [{"name": "b"}], "pair": [1, "x"]}, None),
        ([], "as a whole it does not meet 'type': [\"object\"]"),
        ({"price": 1}, "as a whole it does not meet 'required': [\"name\"]"),
        ({"name": "A"}, "at /name it does not meet 'pattern': [\"^[a-z]+$\"]"),
        ({"name": "a", "price": 0.005}, "at /price it does not meet 'multipleOf': 0.01"),
        ({"name": "a", "pair": [1, "z"]}, 'at /pair/1 it does not meet \'enum\': ["x","y"]'),
        (
            {"name": "a", "pair": [1, "x", 2]},
            "at /pair/2 it does not meet the schema, which allows nothing there",
        ),
        ({"name": "a", "more": 1}, "at /more it does not meet the schema, which allows nothing there"),
        (
            {"name": "a", "children": [{"name": "b"}, {"name": "toolong"}]},
            "at /children/1/name it does not meet 'maxLength': 5",
        ),
    ],
)
def test_the_place_and_the_keyword_are_named(value: Any, fault: str | None) -> None:
    found = Judge(TREE).fault(value)
    assert (found and str(found)) == fault


@pytest.mark.parametrize(
    ("name", "holds", "fails"),
    [
        (
            "date-time",
            ["2026-02-28T23:59:60Z", "2026-01-01t00:00:00.5+05:30"],
            ["2026-01-01T00:00:00", "today"],
        ),
        ("date", ["2024-02-29"], ["2026-02-29", "20260101", "2026-1-1", "2026-01-01 "]),
        ("time", ["12:00:00Z", "12:00:00.25-01:00"], ["12:00Z", "25:00:00Z", "noon"]),
        ("duration", ["P1D", "PT1H30M", "P3W", "P1Y2M3DT4S"], ["P", "PT", "1D", "P1W1D", "P1DT"]),
        ("email", ["a@example.com", "ä@example.com"], ["a", "@b", "a b@c.com"]),
        ("hostname", ["example.com", "a", "A-1.b"], ["-a", "a..b", "a_b", "a" * 64]),
        ("ipv4", ["192.0.2.1"], ["192.0.2.256", "1.2.3"]),
        ("ipv6", ["2001:db8::1", "::"], ["2001:db8::1%eth0", ":::"]),
        ("uuid", ["00000000-0000-4000-8000-00000000000A"], ["0000", "00000000000040008000000000000000"]),
        ("uri", ["no uri at all"], []),
    ],
)
def test_formats_hold_that_hold_at_openai(name: str, holds: list[str], fails: list[str]) -> None:
    judging = Judge({"format": name})
    assert [text for text in holds if judging.fault(text) is not None] == []
    assert [text for text in fails if judging.fault(text) is None] == []
    assert judging.fault(1) is None


@pytest.mark.parametrize(
    "name", ["date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"]
)
def test_what_the_simulated_model_says_is_of_its_format(name: str) -> None:
    schema = {
        "items": {"type": "string", "format": name},
        "minItems": 28,
        "uniqueItems": True,
        "type": "array",
    }
    assert Judge(schema).fault(instance(schema)) is None


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$ref": "https://example.com/schema"}, "outside of the schema"),
        ({"$ref": "file:///etc/passwd"}, "outside of the schema"),
        ({"allOf": [{"not": {"contains": {"$ref": "#/nowhere"}}}]}, "points to nothing"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"patternProperties": {"(a)\\1": {}}}}}, "pattern"),
        ({"pattern": "(" * 100_000}, "nested too deeply"),
        ({"items": {"unevaluatedItems": False}}, "unevaluatedItems"),
        ({"$dynamicRef": "#a"}, "dynamicRef"),
        ({"anyOf": [{"minimum": at} for at in range(30_000)]}, "too large"),
    ],
)
def test_by_what_nothing_can_be_judged_is_known_at_once(schema: Any, why: str) -> None:
    with pytest.raises(Unsatisfiable, match=why):
        Judge(schema).check()


def test_names_that_look_like_keywords_are_names() -> None:
    schema = {"properties": {"pattern": {"const": "(?=a)"}, "$ref": {"enum": ["https://example.com"]}}}
    Judge({**schema, "default": {"pattern": "("}, "examples": [{"$ref": "x"}]}).check()


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#"}, 1),
        ({"pattern": "^((a?)*b?)*(.*.*.*)*x$"}, "a" * 50_000),
        ({"pattern": "((?=.*(?<!.*b))a?)*x"}, "a" * 50_000),
        ({"patternProperties": {"^((a?)*b?)*$": False}}, {"a" * 50_000 + "c": 1}),
        ({"pattern": "|".join(f"word{at}" for at in range(5_000))}, "w" * 50_000),
        ({"uniqueItems": True}, list(range(100_000))),
        (
            {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"items": {"$ref": "#/$defs/a"}}] * 50}}},
            [[[[[[]]]]]] * 9,
        ),
        ({"type": "integer", "multipleOf": 0.5}, 10**400),
        ({"not": {}}, [[1] * 100_000] * 3),
    ],
)
def test_what_is_made_to_be_costly_ends_soon(
    schema: Any, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "WORK", judge.WORK // 10)  # so that the test takes a tenth, too
    before = time.thread_time()
    Judge(schema).fault(value)
    assert time.thread_time() - before < 2  # 0.4 on a machine with nothing else to do
