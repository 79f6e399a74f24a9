"""Signed assertions: JSON Web Tokens with which somebody says who he is, in place of a password.

header.claims.signature, each in base64url without padding (RFC 7515, 3.1; RFC 7523).
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable

from antiphon.protocol.json import JSON, encode

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
"""The headers of a request for a token (RFC 6749, 4.4.2)."""


def assertion(header: JSON, claims: JSON, sign: Callable[[bytes], bytes]) -> str:
    said = f"{base64url(encode(header))}.{base64url(encode(claims))}"
    return f"{said}.{base64url(sign(said.encode()))}"


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
