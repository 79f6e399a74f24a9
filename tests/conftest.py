"""What all tests share: the PostgreSQL and the Redis they use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import postgres, redis_server

# A machine that has much to do takes any time over an example, and that is no fault of the example.
settings.register_profile("patient", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow]))
settings.load_profile("patient")


def pytest_sessionstart(session: pytest.Session) -> None:
    """A line each, also where pytest is quiet and shows no header; not by each worker of xdist."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not hasattr(session.config, "workerinput"):
        reporter.write_line(f"PostgreSQL: {postgres.choose().description}")
        reporter.write_line(f"Redis: {redis_server.choose().description}")


@pytest.fixture(scope="session")
def postgres_of_session() -> Iterator[str]:
    """The URL of this process's throw-away database. Without a server: a skip, in CI a failure."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def postgres_database(postgres_of_session: str) -> str:
    """The same, empty but for what a new one holds."""
    postgres.empty(postgres_of_session)
    return postgres_of_session


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis that others may use, too. Without a server: a skip, in CI a failure."""
    with redis_server.running(tmp_path_factory.mktemp("redis")) as url:
        yield url
