"""Google service accounts: a signed assertion is exchanged for a token that lives an hour.

    assertion   header.claims.signature, each base64url: RS256 (RFC 7515, RFC 7518) over what the account
                says of itself: iss, scope, aud, iat, exp
    exchange    grant_type urn:ietf:params:oauth:grant-type:jwt-bearer (RFC 7523) → access_token, expires_in

After https://developers.google.com/identity/protocols/oauth2/service-account#httprest. The key file is the
one that Google Cloud gives out: type, client_email, private_key, private_key_id, token_uri.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from antiphon.protocol.json import MalformedJSON, decode
from antiphon.upstream.auth.assertions import FORM, assertion
from antiphon.upstream.auth.leases import Lease, LeasedHeaders, bearer
from antiphon.upstream.base import Ask

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_URI = "https://oauth2.googleapis.com/token"

LIFETIME = 3_600
"""Seconds that an assertion is good for, the most that Google takes."""

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A service account's credentials. `private_key` is PEM."""

    client_email: str
    private_key: str = field(repr=False)
    private_key_id: str = ""
    token_uri: str = TOKEN_URI

    def begin(self) -> LeasedHeaders:
        return LeasedHeaders(_Tokens(self).fetch)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.private_key,)


def service_account(data: bytes) -> ServiceAccount:
    """From the key file. Raises ValueError, which says what is wrong and quotes nothing."""
    try:
        value = decode(data)
    except MalformedJSON:
        raise ValueError("is not JSON") from None
    if not isinstance(value, dict) or value.get("type") != "service_account":
        raise ValueError("is not the key file of a service account")
    given: dict[str, Any] = {name: value.get(name) for name in ("client_email", "private_key")}
    given |= {name: value[name] for name in ("private_key_id", "token_uri") if name in value}
    if wrong := [name for name, text in given.items() if not isinstance(text, str) or not text]:
        raise ValueError(f"has no {' and no '.join(wrong)}")
    account = ServiceAccount(**given)
    if urlsplit(account.token_uri).scheme != "https":
        raise ValueError("has a token_uri that does not begin with https://")
    _signing_key(account)
    return account


class _Tokens:
    """Asks for tokens in the name of an account."""

    __slots__ = ("_account", "_key")

    def __init__(self, account: ServiceAccount) -> None:
        self._account = account
        self._key = _signing_key(account)

    async def fetch(self, now: float, ask: Ask) -> Lease[Mapping[str, str]]:
        form = urlencode({"grant_type": _GRANT, "assertion": self._assertion(int(now))})
        return bearer(await ask(self._account.token_uri, FORM, form.encode()), now)

    def _assertion(self, now: int) -> str:
        """What the account says of itself, signed. `now` in seconds since 1970."""
        account = self._account
        header = {"alg": "RS256", "typ": "JWT"}
        if account.private_key_id:
            header["kid"] = account.private_key_id
        claims = {
            "iss": account.client_email,
            "scope": SCOPE,
            "aud": account.token_uri,
            "iat": now,
            "exp": now + LIFETIME,
        }
        return assertion(header, claims, lambda said: self._key.sign(said, PKCS1v15(), SHA256()))


def _signing_key(account: ServiceAccount) -> RSAPrivateKey:
    """Raises ValueError."""
    try:
        key = load_pem_private_key(account.private_key.encode(), password=None)
    except (ValueError, TypeError):  # the latter for a key under a password
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("has a private_key that is not an RSA key in PEM") from None
    return key
