"""Microsoft Entra ID: tokens for Azure, of an application or of the machine that the gateway runs on.

    Application        POST AUTHORITY/TENANT/oauth2/v2.0/token, grant_type client_credentials (RFC 6749, 4.4)
      ClientSecret         client_secret
      ClientCertificate    client_assertion, signed by us: PS256 (RFC 7518, 3.5), x5t#S256 (RFC 7515, 4.1.8)
      FederatedToken       client_assertion, signed by a cluster that the tenant trusts: the text of a file,
                           which is replaced by and by and so read for each token
    ManagedIdentity    GET of an address that only this machine can reach
      Azure's own          169.254.169.254, with the header Metadata
      App Service          IDENTITY_ENDPOINT, with IDENTITY_HEADER in the header X-IDENTITY-HEADER

After https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow and
/certificate-credentials, …/entra/identity/managed-identities-azure-resources/how-to-use-vm-token, and
https://learn.microsoft.com/azure/app-service/overview-managed-identity.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from cryptography.x509 import Certificate, load_pem_x509_certificates

from antiphon.protocol.errors import UpstreamUnauthorized
from antiphon.upstream.auth.assertions import FORM, assertion, base64url
from antiphon.upstream.auth.leases import Lease, LeasedHeaders, bearer
from antiphon.upstream.base import Ask

AUTHORITY = "https://login.microsoftonline.com"
"""Of the public cloud; others have their own (https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud)."""

SCOPE = "https://cognitiveservices.azure.com/.default"

METADATA = "http://169.254.169.254/metadata/identity/oauth2/token"

LIFETIME = 600
"""Seconds that an assertion of ours is good for, the most that Microsoft advises."""

_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A password of an application."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate that the application is known by, and its key. `thumbprint`: SHA-256 of its DER form."""

    thumbprint: bytes
    key: RSAPrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class FederatedToken:
    """The file of a token of another identity provider, such as a Kubernetes cluster's."""

    path: Path


Credential: TypeAlias = ClientSecret | ClientCertificate | FederatedToken


@dataclass(frozen=True, slots=True)
class Application:
    """An application of a tenant. `authority` is a URL without a slash at its end."""

    tenant_id: str
    client_id: str
    credential: Credential
    authority: str = AUTHORITY
    scope: str = SCOPE

    def begin(self) -> LeasedHeaders:
        return LeasedHeaders(self._fetch)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.credential.secret,) if isinstance(self.credential, ClientSecret) else ()

    @property
    def token_uri(self) -> str:
        return f"{self.authority}/{self.tenant_id}/oauth2/v2.0/token"

    async def _fetch(self, now: float, ask: Ask) -> Lease[Mapping[str, str]]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "scope": self.scope,
            **await self._proof(int(now)),
        }
        return bearer(await ask(self.token_uri, FORM, urlencode(form).encode()), now)

    async def _proof(self, now: int) -> dict[str, str]:
        match self.credential:
            case ClientSecret(secret):
                return {"client_secret": secret}
            case ClientCertificate(thumbprint, key):
                said = self._assertion(thumbprint, key, now)
            case FederatedToken(path):
                said = await _text(path)
        return {"client_assertion_type": _BEARER, "client_assertion": said}

    def _assertion(self, thumbprint: bytes, key: RSAPrivateKey, now: int) -> str:
        claims = {
            "aud": self.token_uri,
            "iss": self.client_id,
            "sub": self.client_id,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME,
        }
        padding = PSS(mgf=MGF1(SHA256()), salt_length=SHA256.digest_size)
        header = {"alg": "PS256", "typ": "JWT", "x5t#S256": base64url(thumbprint)}
        return assertion(header, claims, lambda said: key.sign(said, padding, SHA256()))


@dataclass(frozen=True, slots=True)
class ManagedIdentity:
    """The identity that Azure gave this machine; `client_id` if it is one of several.

    `header` goes with the `endpoint` of App Service; without it the endpoint is that of virtual machines.
    """

    client_id: str | None = None
    endpoint: str = METADATA
    header: str | None = field(default=None, repr=False)
    scope: str = SCOPE

    def begin(self) -> LeasedHeaders:
        return LeasedHeaders(self._fetch)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.header,) if self.header else ()

    async def _fetch(self, now: float, ask: Ask) -> Lease[Mapping[str, str]]:
        asked = {
            "api-version": "2019-08-01" if self.header else "2018-02-01",
            "resource": self.scope.removesuffix("/.default"),
            **({"client_id": self.client_id} if self.client_id else {}),
        }
        headers = {"X-IDENTITY-HEADER": self.header} if self.header else {"Metadata": "true"}
        return bearer(await ask(f"{self.endpoint}?{urlencode(asked)}", headers, None), now)


def client_certificate(data: bytes, password: str | None = None) -> ClientCertificate:
    """From a file with a key and its certificate, PEM or PKCS #12.

    Raises ValueError, which says what is wrong and quotes nothing.
    """
    secret = password.encode() if password else None
    try:
        key, certificates = _in_pem(data, secret) if b"-----BEGIN " in data else _in_pkcs12(data, secret)
    except (ValueError, TypeError):  # the latter for a key under a password, and for a password without one
        raise ValueError("holds no key and certificate that can be read, or its password is wrong") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("holds a key that is not an RSA key")
    own = key.public_key()
    for certificate in certificates:
        if certificate.public_key() == own:
            return ClientCertificate(certificate.fingerprint(SHA256()), key)
    raise ValueError("holds no certificate of its key")


def _in_pem(data: bytes, password: bytes | None) -> tuple[object, list[Certificate]]:
    return load_pem_private_key(data, password), load_pem_x509_certificates(data)


def _in_pkcs12(data: bytes, password: bytes | None) -> tuple[object, list[Certificate]]:
    key, certificate, _ = pkcs12.load_key_and_certificates(data, password)
    return key, [certificate] if certificate is not None else []


async def _text(path: Path) -> str:
    try:
        return (await asyncio.to_thread(path.read_text, encoding="ascii")).strip()
    except (OSError, UnicodeError):
        raise UpstreamUnauthorized("The gateway cannot read its own token for the provider.") from None
