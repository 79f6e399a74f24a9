"""Requests of real agents, to models that know only functions: no tool of the client's is lost.

The files live outside the project, in the folder named by ANTIPHON_CAPTURES.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.items import normalised, split
from antiphon.protocol.json import JSON
from antiphon.upstream.base import Dialect
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.emulation import adapt

FOLDER = Path(os.environ.get("ANTIPHON_CAPTURES", ""))
FILES = sorted(FOLDER.glob("**/*.json")) if FOLDER.name else []
SENSELESS = {"create_all_params.json"}  # every field of the surface at once
ELSEWHERE = {"item_reference", "compaction"}
HOSTED = {"web_search", "image_generation"}
TOOL = re.compile(r"tools\[\d+\](\.tools\[\d+\])?")
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")

pytestmark = pytest.mark.skipif(
    not FILES, reason="ANTIPHON_CAPTURES is not set: no requests of real agents here"
)


def turns() -> Iterator[tuple[Path, Turn]]:
    for file in FILES:
        capture = json.loads(file.read_text())
        body = capture if capture.get("type") == "response.create" else capture.get("body")
        asks = capture.get("path", "/responses").endswith("/responses") and isinstance(body, dict)
        if asks and file.name not in SENSELESS and not goes_on_from_elsewhere(body):
            yield file, turn_of(body)


def goes_on_from_elsewhere(body: JSON) -> bool:
    """From a response, an item or a history that is not here."""
    items = body["input"] if isinstance(body.get("input"), list) else []
    kinds = {item.get("type") for item in items}
    return bool(body.get("previous_response_id") or body.get("conversation") or kinds & ELSEWHERE)


def turn_of(body: JSON) -> Turn:
    items, added = split(normalised(body.get("input") or ""))
    return Turn(
        model="claude-sonnet-4-5",
        items=items,
        tools=[*(body.get("tools") or ()), *added],
        tool_choice=body.get("tool_choice"),
    )


def tools_of_the_client(tools: list[JSON]) -> list[JSON]:
    flat: list[JSON] = []
    for tool in tools:
        flat += tool["tools"] if tool["type"] == "namespace" else [tool] * (tool["type"] not in HOSTED)
    return flat


@pytest.mark.parametrize("dialect", [Chat(files="data"), Anthropic()], ids=["chat", "anthropic"])
def test_every_tool_of_the_client_is_offered_and_the_request_can_be_said(dialect: Dialect) -> None:
    said: Counter[str] = Counter()
    for file, turn in turns():
        adapted = adapt(turn, dialect.native_tools(turn))
        hosted = HOSTED - (dialect.native_tools(turn) or set())
        left_out = {told.param for told in adapted.adaptations if told.action == "dropped"}
        expected = {f"tools[{at}]" for at, tool in enumerate(turn.tools) if tool["type"] in hosted}
        assert {param for param in left_out if TOOL.fullmatch(param)} == expected, file
        functions = [tool for tool in adapted.turn.tools if tool["type"] == "function"]
        assert len(functions) == len(tools_of_the_client(turn.tools)), file
        assert all(NAME.fullmatch(tool["name"]) for tool in functions), file
        assert len({tool["name"] for tool in functions}) == len(functions), file
        body = dialect.encode(adapted.turn).body
        assert len(body.get("tools", [])) >= len(functions), file
        said.update(tool["type"] for tool in turn.tools)
    assert said["namespace"] > 10
    assert said["custom"] >= 3
    assert said["tool_search"] >= 3
