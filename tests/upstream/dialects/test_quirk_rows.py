"""Every quirk of real traffic has a test that bears its row: C5 is test_c5_…, or test_c5_c18_… with others.

The rows are those of the table in the README of the recordings, which grows with them.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.recordings import FOLDER, needs_recordings

pytestmark = needs_recordings

HERE = Path(__file__).parents[1]  # all of upstream: a quirk is tested where what meets it lives
ROW = re.compile(r"^\| ([A-Z]\d+[a-z]?) \|", re.MULTILINE)
ROWS_IN_NAME = re.compile(r"test_((?:[a-z]\d+[a-z]?_)+)")


def in_the_table() -> set[str]:
    return set(ROW.findall((Path(FOLDER) / "README.md").read_text()))


def in_the_names() -> set[str]:
    found: set[str] = set()
    for file in HERE.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
                named := ROWS_IN_NAME.match(node.name)
            ):
                found.update(row[0].upper() + row[1:] for row in named[1].split("_") if row)
    return found


def test_every_row_has_a_test() -> None:
    assert len(in_the_table()) > 100
    assert sorted(in_the_table() - in_the_names()) == []


def test_every_test_that_bears_a_row_bears_one_of_the_table() -> None:
    assert sorted(in_the_names() - in_the_table()) == []
