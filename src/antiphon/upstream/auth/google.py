"""Google service accounts: a signed assertion is exchanged for a token that lives an hour.

    assertion   header.claims.signature, each base64url: RS256 (RFC 7515, RFC 7518) over what the account
                says of itself: iss, scope, aud, iat, exp
    exchange    grant_type urn:ietf:params:oauth:grant-type:jwt-bearer (RFC 7523) → access_token, expires_in

After https://developers.google.com/identity/protocols/oauth2/service-account#httprest. The key file is the
one that Google Cloud gives out: type, client_email, private_key, private_key_id, token_uri.

    no token ──fetch──▶ token ──until shortly before it expires──▶ no token

One token is fetched at a time; whoever else needs one waits for it, and fetches only if that failed.
"""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from antiphon.protocol.errors import UpstreamUnauthorized
from antiphon.protocol.json import JSON, MalformedJSON, decode, encode
from antiphon.upstream.base import Outgoing, Post

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_URI = "https://oauth2.googleapis.com/token"

LIFETIME = 3_600
"""Seconds that an assertion is good for, the most that Google takes."""

EARLY = 300
"""Seconds before its end at which a token is no longer used: a call may take as long to reach Google."""

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A service account's credentials. `private_key` is PEM."""

    client_email: str
    private_key: str = field(repr=False)
    private_key_id: str = ""
    token_uri: str = TOKEN_URI

    def begin(self) -> Tokens:
        return Tokens(self)

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


class Tokens:
    """Keeps one token."""

    __slots__ = ("_account", "_expires", "_fetching", "_key", "_token")

    def __init__(self, account: ServiceAccount) -> None:
        self._account = account
        self._key = _signing_key(account)
        self._fetching = asyncio.Lock()
        self._token = ""
        self._expires = 0.0  # seconds since 1970

    async def headers(self, outgoing: Outgoing, now: float, post: Post) -> Mapping[str, str]:
        if now >= self._expires - EARLY:
            async with self._fetching:
                if now >= self._expires - EARLY:
                    await self._fetch(now, post)
        return {"Authorization": f"Bearer {self._token}"}

    async def _fetch(self, now: float, post: Post) -> None:
        form = urlencode({"grant_type": _GRANT, "assertion": self.assertion(int(now))})
        answer = await post(self._account.token_uri, _FORM, form.encode())
        token, lives = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(lives, int | float):
            raise UpstreamUnauthorized("The gateway was given no token for the provider.")
        self._token, self._expires = token, now + lives

    def assertion(self, now: int) -> str:
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
        said = f"{_part(header)}.{_part(claims)}"
        return f"{said}.{_base64url(self._key.sign(said.encode(), PKCS1v15(), SHA256()))}"


def _signing_key(account: ServiceAccount) -> RSAPrivateKey:
    """Raises ValueError."""
    try:
        key = load_pem_private_key(account.private_key.encode(), password=None)
    except (ValueError, TypeError):  # the latter for a key under a password
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("has a private_key that is not an RSA key in PEM") from None
    return key


def _part(value: JSON | dict[str, str]) -> str:
    return _base64url(encode(value))


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
