"""A Google service account in place of a key."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from antiphon.settings.problems import ConfigurationError
from antiphon.settings.providers import build
from antiphon.upstream.auth.google import ServiceAccount
from antiphon.upstream.auth.google_default import DefaultCredentials
from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.gemini import Gemini
from antiphon.upstream.providers import PROVIDERS
from tests.settings.setup import TABLE, loaded, problems
from tests.upstream.auth.test_google import key_file, pem

HERE = "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google"


def built(folder: Path, **entry: str) -> Provider:
    given = ", ".join(f"{name}: '{value}'" for name, value in entry.items())
    text = f"providers: {{mine: {{dialect: gemini, {given}}}}}"
    return build(loaded(text, folder=folder).settings, TABLE)["mine"]


def test_the_key_file_is_read_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "google.json").write_bytes(key_file())
    provider = built(tmp_path, base_url=HERE, service_account=f"{tmp_path}/google.json")
    assert provider.auth == ServiceAccount("gateway@p.iam.gserviceaccount.com", pem(), "k1")
    assert provider.key is None
    assert "PRIVATE" not in repr(provider)


def test_a_gemini_of_ones_own_gets_its_key_under_googles_name(tmp_path: Path) -> None:
    provider = built(tmp_path, base_url="https://g.example/v1beta", api_key="k")
    assert (provider.dialect, provider.key_header, provider.key_prefix) == (Gemini(), "x-goog-api-key", "")
    assert provider.auth is None


def test_vertex_needs_an_address_and_one_way_to_say_who_is_calling() -> None:
    vertex = PROVIDERS["vertex"]
    assert (vertex.dialect, vertex.base_url, vertex.key_from) == (Gemini(vertex=True), "", None)


@pytest.mark.parametrize(
    "entry",
    [
        f"vertex: {{base_url: '{HERE}'}}",
        "vertex_anthropic: {base_url: 'https://us-east5-aiplatform.googleapis.com/v1/projects/p'}",
        f"mine: {{dialect: gemini, base_url: '{HERE}', quirks: {{vertex: true}}}}",
    ],
)
def test_without_a_key_it_is_whoever_googles_own_tools_find_if_they_are_installed(
    tmp_path: Path, entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = loaded(f"providers: {{{entry}}}", folder=tmp_path, table=PROVIDERS).settings
    (provider,) = build(settings, PROVIDERS).values()
    assert (provider.key, provider.auth) == (None, DefaultCredentials())
    monkeypatch.delitem(sys.modules, "google.auth", raising=False)
    monkeypatch.setitem(sys.modules, "google.auth", None)
    with pytest.raises(ConfigurationError) as caught:
        loaded(f"providers: {{{entry}}}", folder=tmp_path, table=PROVIDERS)
    assert "or install `antiphon[google]` for what Google's own tools find" in str(caught.value)


def test_with_a_key_and_elsewhere_nobody_is_looked_for(tmp_path: Path) -> None:
    assert built(tmp_path, base_url=HERE, api_key="k").auth is None
    assert built(tmp_path, base_url="https://proxy.example/v1").auth is None


def problem(folder: Path, account: str, more: str = "") -> str:
    text = f"providers:\n  mine:\n    dialect: gemini\n    base_url: {HERE}\n    service_account: {account}\n"
    (said,) = problems(text + more, folder)
    return said


def test_a_key_file_that_is_not_there_is_said_with_its_line(tmp_path: Path) -> None:
    said = problem(tmp_path, "/nowhere/google.json")
    assert (
        said == "antiphon.yaml:5: providers.mine.service_account: cannot be read: No such file or directory"
    )


def test_one_that_is_wrong_too(tmp_path: Path) -> None:
    (tmp_path / "google.json").write_text("{}")
    said = problem(tmp_path, f"{tmp_path}/google.json")
    assert said.endswith("5: providers.mine.service_account: is not the key file of a service account")


def test_a_key_beside_it_is_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "google.json").write_bytes(key_file())
    said = problem(tmp_path, f"{tmp_path}/google.json", "    api_key: k\n")
    assert "stands in place of api_key" in said
