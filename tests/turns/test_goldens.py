"""What each dialect sends for a turn, compared with the file that says so.

A turn comes to a dialect as in the gateway: tools that it does not have were made functions before.

    <case>.json               {"says": a sentence, "models": {dialect: model, …}, "turn": the other fields}
    <case>.<dialect>.json     the request: path, headers, body, adaptations; or the error

With ANTIPHON_WRITE_GOLDENS=1 the second kind of file is written anew for every dialect that a case names;
then read the diff. A dialect takes part by its name in `models`.
"""

from __future__ import annotations

import importlib
import json
import os
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest
from antiphon.upstream.base import Dialect
from antiphon.upstream.emulation import adapt

HERE = Path(__file__).parent
WRITE = os.environ.get("ANTIPHON_WRITE_GOLDENS") == "1"
CASES = {
    file.stem: json.loads(file.read_text()) for file in sorted(HERE.glob("*.json")) if "." not in file.stem
}
PAIRS = [(case, dialect) for case, said in CASES.items() for dialect in said["models"]]


def dialect_of(name: str) -> Dialect:
    """`anthropic` is the class Anthropic of antiphon.upstream.dialects.anthropic, with its own defaults."""
    module = importlib.import_module(f"antiphon.upstream.dialects.{name}")
    return getattr(module, name.capitalize())()


def turn_of(case: dict[str, Any], dialect: str) -> Turn:
    return msgspec.convert({"model": case["models"][dialect], **deepcopy(case["turn"])}, Turn, strict=True)


def request_of(case: dict[str, Any], dialect: str) -> dict[str, Any]:
    encoder = dialect_of(dialect)
    try:
        turn = turn_of(case, dialect)
        adapted = adapt(turn, encoder.native_tools(turn), encoder.own_fields)
        request = adapted.encoded(encoder.encode)
    except InvalidRequest as error:
        return {"error": {"type": type(error).__name__, "message": error.message, "param": error.param}}
    return {
        "path": request.path,
        "headers": dict(request.headers),
        "adaptations": [str(adaptation) for adaptation in adapted.placed(request.adaptations)],
        "body": request.body,
    }


@pytest.mark.parametrize(("case", "dialect"), PAIRS)
def test_the_request_is_the_one_in_the_file(case: str, dialect: str) -> None:
    golden = HERE / f"{case}.{dialect}.json"
    request = json.dumps(request_of(CASES[case], dialect), indent=2, ensure_ascii=False) + "\n"
    if WRITE:
        golden.write_text(request)
    assert golden.exists(), "run once with ANTIPHON_WRITE_GOLDENS=1"
    assert request == golden.read_text()


def test_every_golden_belongs_to_a_case() -> None:
    goldens = {file.name for file in HERE.glob("*.*.json")}
    assert goldens == {f"{case}.{dialect}.json" for case, dialect in PAIRS}
