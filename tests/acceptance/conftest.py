"""One gateway with a provider that does what it is told, for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import postgres
from tests.acceptance.provider import Place, made_with_provider


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with made_with_provider(tmp_path_factory.mktemp("place")) as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def storage(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings of where a gateway keeps things, for each database."""
    if request.param == "sqlite":
        return {}
    url = request.getfixturevalue("postgres_of_session")
    postgres.empty(url)
    return {"storage": url}
