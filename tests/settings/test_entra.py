"""Providers in Azure: who calls them, from the file and from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from antiphon.settings.problems import ConfigurationError
from antiphon.settings.providers import build
from antiphon.settings.sources import load
from antiphon.upstream.auth.entra import (
    METADATA,
    Application,
    ClientCertificate,
    ClientSecret,
    FederatedToken,
    ManagedIdentity,
)
from antiphon.upstream.base import Auth
from antiphon.upstream.endpoint import Endpoint
from tests.upstream.auth.certificates import PASSWORD, certificate, in_pem

HERE = "https://mine.openai.azure.com/openai/v1"
SECRET = "8Q~canary-secret-of-the-application"
IDS = {"AZURE_TENANT_ID": "contoso", "AZURE_CLIENT_ID": "app"}
BY_SECRET = {**IDS, "AZURE_CLIENT_SECRET": SECRET}
APP_SERVICE = {"IDENTITY_ENDPOINT": "http://127.0.0.1:41/msi/token", "IDENTITY_HEADER": "header-canary"}


def auth(folder: Path, entry: str, environ: dict[str, str] | None = None, name: str = "azure") -> Auth | None:
    """Who calls a provider with this entry, at this URL unless it says another."""
    base_url = "" if "base_url" in entry else f"base_url: '{HERE}', "
    file = folder / "antiphon.yaml"
    file.write_text(f"providers: {{{name}: {{{base_url}{entry}}}}}")
    return build(load(environ or {}, config=file).settings)[name].auth


def problems(folder: Path, entry: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        auth(folder, entry, environ)
    return [f"{problem.path}: {problem.message}" for problem in caught.value.problems]


def test_a_secret_in_the_file(tmp_path: Path) -> None:
    entry = (
        "entra: {tenant_id: contoso, client_id: app, client_secret: '${KEY}', scope: 'https://ai/.default'}"
    )
    assert auth(tmp_path, entry, {"KEY": SECRET}) == Application(
        "contoso", "app", ClientSecret(SECRET), scope="https://ai/.default"
    )


def test_a_certificate_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "app.pem").write_bytes(in_pem(certificate(), password=PASSWORD))
    entry = f"entra: {{tenant_id: t, client_id: c, client_certificate: '{tmp_path}/app.pem', "
    found = auth(tmp_path, f"{entry}client_certificate_password: {PASSWORD}}}")
    assert isinstance(found, Application)
    assert isinstance(found.credential, ClientCertificate)


def test_a_machine_in_the_file(tmp_path: Path) -> None:
    assert auth(tmp_path, "entra: {managed_identity: true}") == ManagedIdentity(None, METADATA)
    found = auth(tmp_path, "entra: {managed_identity: yes, client_id: mine}", {"AZURE_TENANT_ID": "t"})
    assert found == ManagedIdentity("mine", METADATA)


@pytest.mark.parametrize("name", ["azure", "azure_chat"])
def test_the_environment_alone_is_enough_where_there_is_no_key(tmp_path: Path, name: str) -> None:
    assert auth(tmp_path, "", BY_SECRET, name) == Application("contoso", "app", ClientSecret(SECRET))
    assert auth(tmp_path, "api_key: k", BY_SECRET, name) is None
    assert auth(tmp_path, "headers: {Authorization: Bearer x}", BY_SECRET, name) is None
    assert auth(tmp_path, "", APP_SERVICE, name) == ManagedIdentity(
        None, "http://127.0.0.1:41/msi/token", "header-canary"
    )


def test_the_environment_says_nothing_of_providers_elsewhere(tmp_path: Path) -> None:
    entry = "dialect: chat, base_url: 'https://llm.example.com/v1'"
    assert auth(tmp_path, entry, BY_SECRET, "mine") is None
    assert isinstance(auth(tmp_path, f"{entry}, entra: {{}}", BY_SECRET, "mine"), Application)
    own = "dialect: chat, base_url: 'https://mine.services.ai.azure.com/models'"
    assert isinstance(auth(tmp_path, own, BY_SECRET, "mine"), Application)


def test_it_enables_nobody() -> None:
    assert load({**BY_SECRET, **APP_SERVICE}, config=Path("/dev/null")).settings.providers == {}


def test_a_cluster_gives_a_file_and_a_sovereign_cloud_an_authority(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("of.the.cluster")
    environ = {
        **IDS,
        "AZURE_FEDERATED_TOKEN_FILE": str(token),
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us/",
    }
    expected = Application("contoso", "app", FederatedToken(token), "https://login.microsoftonline.us")
    assert auth(tmp_path, "", environ) == expected
    assert auth(tmp_path, "", {**environ, "AZURE_AUTHORITY_HOST": "login.microsoftonline.us"}) == expected


def test_one_way_in_is_taken_and_what_is_written_down_wins(tmp_path: Path) -> None:
    (tmp_path / "app.pem").write_bytes(in_pem(certificate()))
    environ = {**BY_SECRET, "AZURE_CLIENT_CERTIFICATE_PATH": f"{tmp_path}/app.pem", **APP_SERVICE}
    found = auth(tmp_path, "", environ)
    assert isinstance(found, Application)
    assert isinstance(found.credential, ClientSecret)
    found = auth(tmp_path, f"entra: {{client_id: other, client_certificate: '{tmp_path}/app.pem'}}", environ)
    assert isinstance(found, Application)
    assert (found.client_id, type(found.credential)) == ("other", ClientCertificate)
    found = auth(tmp_path, "entra: {managed_identity: true}", environ)
    assert found == ManagedIdentity("app", "http://127.0.0.1:41/msi/token", "header-canary")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("", "providers.azure: no key; set api_key or entra, or `enabled: false`"),
        (
            "entra: {}",
            "providers.azure.entra: needs client_secret, client_certificate, federated_token_file or "
            "managed_identity",
        ),
        (
            "entra: {client_secret: s}",
            "providers.azure.entra: needs tenant_id or AZURE_TENANT_ID and client_id or AZURE_CLIENT_ID",
        ),
        (
            "api_key: k, entra: {managed_identity: true}",
            "providers.azure.entra: stands in place of api_key, so one of them is too much",
        ),
        (
            "entra: {tenant_id: t, client_id: c, client_secret: s, managed_identity: true}",
            "providers.azure.entra: has client_secret and managed_identity, of which one is enough",
        ),
        (
            "entra: {managed_identity: true, identity_header: h}",
            "providers.azure.entra: needs identity_endpoint and identity_header, or neither",
        ),
        (
            "entra: {tenant_id: t, client_id: c, client_certificate: /nowhere.pem}",
            "providers.azure.entra.client_certificate: cannot be read: No such file or directory",
        ),
        (
            "entra: {tenant_id: t, client_id: c, client_certificate: /dev/null}",
            "providers.azure.entra.client_certificate: holds no key and certificate that can be read, or its "
            "password is wrong",
        ),
        (
            "entra: {tenant_id: t, client_id: c, federated_token_file: /nowhere}",
            "providers.azure.entra.federated_token_file: cannot be read: No such file or directory",
        ),
        (
            "entra: {tenant_id: t, client_id: c, client_secret: s, authority_host: 'http://evil.example'}",
            "providers.azure.entra.authority_host: secrets only go to https://, or to this machine",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, entry: str, expected: str) -> None:
    assert expected in problems(tmp_path, entry)


def test_half_of_it_in_the_environment_is_not_enough(tmp_path: Path) -> None:
    assert problems(tmp_path, "", IDS) == [
        "providers.azure: no key; set api_key or entra, or `enabled: false`"
    ]


def test_a_tenant_is_no_place_for_a_path(tmp_path: Path) -> None:
    assert problems(tmp_path, "entra: {tenant_id: '../x', client_id: c, client_secret: s}")


def test_no_secret_is_shown_or_told(tmp_path: Path) -> None:
    file = tmp_path / "antiphon.yaml"
    file.write_text(f"providers: {{azure: {{base_url: '{HERE}'}}}}")
    settings = load(BY_SECRET, config=file).settings
    azure = build(settings)["azure"]
    assert SECRET not in repr(settings) + repr(azure) + str(settings.model_dump(mode="json"))
    assert Endpoint(azure, "us").redaction._text(f"bad {SECRET}") == "bad [redacted]"
    assert "api-key" not in Endpoint(azure, "us").headers(True, {})
