"""One site for all agents. No test passes while the gateway's log shows a failure that was not meant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.installed import FOLDER
from tests.agents.site import Site, made


@pytest.fixture(scope="session")
def whole_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if not FOLDER.is_dir():
        pytest.skip("the agents are not installed: make test-clients")
    with made(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def site(whole_site: Site) -> Iterator[Site]:
    whole_site.fresh()
    yield whole_site
    assert whole_site.refused() == []
    assert whole_site.failures() == whole_site.meant
    assert [line for line in whole_site.logged() if line["level"] == "error"] == []
