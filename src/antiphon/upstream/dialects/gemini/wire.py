"""What the JSON of Gemini's API should hold, and nothing where it holds something else."""

from __future__ import annotations

from typing import Any

from antiphon.protocol.json import JSON


def string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def strings(value: Any) -> list[str]:
    return [each for each in items(value) if isinstance(each, str)]


def mapping(value: Any) -> JSON:
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[JSON]:
    return [each for each in items(value) if isinstance(each, dict)]
