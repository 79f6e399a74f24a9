"""One stage and one gateway for all tests of the matrix."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI

from tests.matrix.stage import Stage, gateway, stage


@pytest.fixture(scope="package")
def playing() -> Iterator[Stage]:
    with stage(Stage()) as found:
        yield found


@pytest.fixture(scope="package")
def openai(playing: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    with gateway(playing, tmp_path_factory.mktemp("matrix")) as running:
        yield OpenAI(base_url=running.base_url, api_key=running.key, max_retries=0, timeout=20)
