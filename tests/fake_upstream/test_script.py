"""Scripts: what may stand there, and what is said of one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from antiphon.fake_upstream import builtin
from antiphon.fake_upstream.script import Script, read
from antiphon.settings.problems import ConfigurationError


def script(tmp_path: Path, text: str) -> Script:
    file = tmp_path / "script.yaml"
    file.write_text(text)
    return read(file, {"WORD": "xyzzy"})


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        script(tmp_path, text)
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


def test_one_step_needs_no_list_and_one_call_neither(tmp_path: Path) -> None:
    models = script(
        tmp_path,
        """
        models:
          one: {say: Hello, chunks: 3}
          several: [{status: 503, times: 2}, {say: at last}]
          call: {call: {name: look_up, arguments: {q: x, most: 3}}}
          calls: {call: [{name: first}, {name: second, arguments: "{broken"}]}
          nothing:
        """,
    ).models
    assert [step.say for step in models["one"]] == ["Hello"]
    assert [step.status for step in models["several"]] == [503, 200]
    assert models["call"][0].call[0].arguments == {"q": "x", "most": 3}
    assert [call.arguments for call in models["calls"][0].call] == [{}, "{broken"]
    assert len(models["nothing"]) == 1


def test_usage_may_be_any_json_and_a_variable_may_stand_anywhere(tmp_path: Path) -> None:
    models = script(
        tmp_path,
        """
        port: 9100
        models:
          odd: {usage: {input: -5, output: "5"}, say: "${WORD}"}
          none: {usage: false}
        """,
    ).models
    assert models["odd"][0].usage == {"input": -5, "output": "5"}
    assert models["odd"][0].say == "xyzzy"
    assert models["none"][0].usage is False


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("models:\n  a: {sya: x}", "script.yaml:2: models.a.sya: no such field, did you mean `say`?"),
        (
            "models:\n  a:\n    say: x\n    fault: {than: reset}",
            "script.yaml:4: models.a.fault.than: no such field, did you mean `then`?",
        ),
        ("modles: {}", "script.yaml:1: modles: no such field, did you mean `models`?"),
        (
            "models:\n  a:\n    - {say: x}\n    - {status: many}",
            "script.yaml:4: models.a[1].status: not a whole number",
        ),
        ("port: 99999", "script.yaml:1: port: should be less than or equal to 65535"),
        (
            "models:\n  a: {fault: {after_events: 3}}",
            "script.yaml:2: models.a.fault: `then` has to say what happens there",
        ),
        (
            "models:\n  a: {fault: {after_bytes: 3, mid: event, then: close}}",
            "script.yaml:2: models.a.fault: after_bytes says it all: leave after_events and mid out",
        ),
        (
            "models:\n  a: {fault: {after_bytes: 3, then: noise}}",
            "script.yaml:2: models.a.fault: after_bytes goes with close, reset, stall and end",
        ),
        (
            "models: {a+b: {say: x}}",
            "script.yaml:1: models.a+b: a character that is not allowed in this name",
        ),
        ("- a list", "script.yaml:1: the file is not a map of `name: value`"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    assert problems(tmp_path, text) == [told]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        read(tmp_path / "none.yaml", {})


def test_every_built_in_model_says_what_it_is_for() -> None:
    models = builtin.models()
    assert not [name for name, steps in models.items() if not steps[0].about]
    assert {name for names in builtin.ROWS.values() for name in names} <= models.keys()
    assert models["fault-07"] is models["idle-after-events"]
