"""Real exchanges with providers, as test data.

They live outside the project, in the folder named by ANTIPHON_RECORDINGS (format: its README). Without
it the tests that need them are skipped, with one line that says so, and the hand-made fixtures still run.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = os.environ.get("ANTIPHON_RECORDINGS", "")

STREAMS = ("sse", "eventstream", "ndjson")

needs_recordings = pytest.mark.skipif(not FOLDER, reason="ANTIPHON_RECORDINGS is not set: no recordings here")


@dataclass(frozen=True)
class Recording:
    """One exchange. `kind` is "json" or one of STREAMS; `family` is responses, chat, messages, …"""

    id: str
    file: Path
    provider: str
    api: str
    family: str
    kind: str
    status: int

    @cached_property
    def exchange(self) -> dict[str, Any]:
        return json.loads(self.file.read_text())

    @property
    def wire(self) -> bytes:
        """The bytes of the answer: the stream as it was, or the JSON body."""
        response = self.exchange["response"]
        if self.kind == "sse":
            return response["sse"].encode()
        if self.kind == "eventstream":
            return base64.b64decode(response["eventstream_b64"])
        if self.kind == "ndjson":
            return response["ndjson"].encode()
        return json.dumps(response["body"]).encode()

    @property
    def streamed(self) -> bool:
        return self.kind in STREAMS

    def __str__(self) -> str:
        return self.id


@lru_cache(maxsize=1)
def _index() -> list[dict[str, Any]]:
    if not FOLDER:
        return []
    return json.loads((Path(FOLDER) / "index.json").read_text())["exchanges"]


def _recording(row: dict[str, Any]) -> Recording:
    return Recording(
        row["id"],
        Path(FOLDER) / row["file"],
        row["provider"],
        row["api"],
        row["family"],
        row["kind"],
        row["status"],
    )


def recordings(*families: str, kind: str | None = None) -> list[Recording]:
    """The recordings of these families, in the order of the index; `kind` "stream" stands for all STREAMS."""
    return [
        _recording(row)
        for row in _index()
        if row["family"] in families
        and (kind in (None, row["kind"]) or (kind == "stream" and row["kind"] in STREAMS))
    ]


def each_recording(*families: str, kind: str | None = None) -> pytest.MarkDecorator:
    """Parametrise a test over recordings; the argument is called `recording`."""
    found = recordings(*families, kind=kind)
    return pytest.mark.parametrize("recording", found, ids=[str(row) for row in found])


def each_showing(quirk: str) -> pytest.MarkDecorator:
    """Parametrise a test over the recordings that show a quirk, a row of the README's table."""
    found = [_recording(row) for row in _index() if quirk in row["quirks"]]
    return pytest.mark.parametrize("recording", found, ids=[str(row) for row in found])
