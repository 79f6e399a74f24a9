"""Where in a cloud a provider is, and who calls it there, where that is no key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import SecretStr, StringConstraints

from antiphon.settings.section import Section
from antiphon.upstream.auth.entra import AUTHORITY, SCOPE

TenantName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]+$")]


class ProviderAWS(Section):
    """Where in AWS a provider is, and who calls it there. With access keys each request is signed."""

    region: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")] | None = None
    """The region, such as `eu-central-1`."""

    access_key_id: str | None = None
    """The id of an access key, in place of `api_key`."""

    secret_access_key: SecretStr | None = None
    """The secret of that access key, best written as `${NAME}`."""

    session_token: SecretStr | None = None
    """The token that goes with temporary access keys."""

    profile: Annotated[str, StringConstraints(min_length=1)] | None = None
    """A profile of AWS's own files, in place of access keys; needs the extra `antiphon[aws]`."""


class ProviderEntra(Section):
    """Who calls a provider in Azure. What is left out, the variables of Azure's own tools say."""

    tenant_id: TenantName | None = None
    """The tenant, by its id or its domain; without it `AZURE_TENANT_ID`."""

    client_id: Annotated[str, StringConstraints(min_length=1)] | None = None
    """The id of the application, or of a user-assigned managed identity; without it `AZURE_CLIENT_ID`."""

    client_secret: SecretStr | None = None
    """A secret of the application, best written as `${NAME}`; where there is no other way in,
    `AZURE_CLIENT_SECRET`."""

    client_certificate: Path | None = None
    """The file of a certificate of the application and its RSA key, PEM or PKCS #12; where there is no other
    way in, `AZURE_CLIENT_CERTIFICATE_PATH`."""

    client_certificate_password: SecretStr | None = None
    """The password of that file; without it `AZURE_CLIENT_CERTIFICATE_PASSWORD`."""

    federated_token_file: Path | None = None
    """The file of a token of a cluster that the tenant trusts (workload identity); where there is no other
    way in, `AZURE_FEDERATED_TOKEN_FILE`."""

    managed_identity: bool = False
    """Whether it is the machine that calls, with the identity that Azure gave it."""

    identity_endpoint: str | None = None
    """Where App Service gives out tokens; without it `IDENTITY_ENDPOINT`, and without that the address that
    all machines of Azure have."""

    identity_header: SecretStr | None = None
    """What App Service wants to see there; without it `IDENTITY_HEADER`."""

    authority_host: str = AUTHORITY
    """Who gives out tokens; without it `AZURE_AUTHORITY_HOST`, which sovereign clouds set."""

    scope: Annotated[str, StringConstraints(min_length=1)] = SCOPE
    """What a token is for; sovereign clouds have other names for it."""
