"""The page says what there is, and its scripts can be read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from antiphon.fake_upstream import builtin
from antiphon.fake_upstream.faults import AnswerFault, BodyFault, Ending, Fault, HeadFault
from antiphon.fake_upstream.script import ErrorKind, Step, read

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "fake-upstream.md").read_text(encoding="utf-8")


def named(text: str) -> set[str]:
    return set(re.findall(r"`([\w-]+)`", text))


def test_every_row_names_its_models() -> None:
    rows = {
        int(row): named(models)
        for row, models in re.findall(r"^\| (\d+) \|[^|]*\|(.*)\|$", PAGE, re.MULTILINE)
    }
    assert sorted(rows) == list(range(1, 31))
    assert {row: names & builtin.models().keys() for row, names in rows.items() if row in builtin.ROWS} == {
        row: set(names) for row, names in builtin.ROWS.items()
    }


def test_every_field_and_every_word_of_a_script_is_told() -> None:
    words = {
        word for kind in (Ending, HeadFault, BodyFault, AnswerFault, ErrorKind) for word in get_args(kind)
    }
    assert words | Step.model_fields.keys() | Fault.model_fields.keys() <= named(PAGE)


def test_its_scripts_can_be_read(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "script.yaml"
    file.write_text(shown)
    assert read(file, {}).models["flaky"][0].times == 2
