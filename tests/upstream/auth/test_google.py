"""Service accounts: the assertion is signed as Google checks it, and a token is fetched when it is needed."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from antiphon.protocol.errors import UpstreamUnauthorized
from antiphon.upstream.auth.google import SCOPE, service_account
from antiphon.upstream.base import Outgoing

OUTGOING = Outgoing("https://aiplatform.googleapis.com/v1/x", {}, b"{}")
NOW = 1_800_000_000.0


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def pem(private: Any = None, password: bytes | None = None) -> str:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return (private or key()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


def key_file(**fields: Any) -> bytes:
    given = {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "k1",
        "private_key": pem(),
        "client_email": "gateway@p.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
        **fields,
    }
    return json.dumps({name: value for name, value in given.items() if value is not None}).encode()


class TokenServer:
    """Gives the same answer to all."""

    def __init__(self, answer: Any) -> None:
        self.asked: list[tuple[str, Mapping[str, str], bytes | None]] = []
        self._answer = answer

    async def ask(self, url: str, headers: Mapping[str, str], body: bytes | None) -> dict[str, Any]:
        self.asked.append((url, headers, body))
        return dict(self._answer)


TOKEN = {"access_token": "token", "expires_in": 3_599, "token_type": "Bearer"}


def decoded(part: str) -> dict[str, Any]:
    return json.loads(urlsafe_b64decode(part + "=="))


async def test_the_assertion_says_who_is_asking_for_what_and_is_signed() -> None:
    server = TokenServer(TOKEN)
    headers = await service_account(key_file()).begin().headers(OUTGOING, NOW, server.ask)
    assert headers == {"Authorization": "Bearer token"}
    ((url, sent, body),) = server.asked
    assert body is not None
    assert url == "https://oauth2.googleapis.com/token"
    assert sent["Content-Type"] == "application/x-www-form-urlencoded"
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assert form.pop("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    header, claims, signature = form.pop("assertion").split(".")
    assert not form
    assert decoded(header) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert decoded(claims) == {
        "iss": "gateway@p.iam.gserviceaccount.com",
        "scope": SCOPE,
        "aud": "https://oauth2.googleapis.com/token",
        "iat": int(NOW),
        "exp": int(NOW) + 3_600,
    }
    said, sealed = f"{header}.{claims}".encode(), urlsafe_b64decode(signature + "==")
    key().public_key().verify(sealed, said, PKCS1v15(), SHA256())


@pytest.mark.parametrize(
    "answer", [{"error": "x"}, {"access_token": "t"}, {"access_token": 3, "expires_in": 9}]
)
async def test_an_answer_without_a_token_is_our_own_trouble(answer: dict[str, Any]) -> None:
    with pytest.raises(UpstreamUnauthorized):
        await service_account(key_file()).begin().headers(OUTGOING, NOW, TokenServer(answer).ask)


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (b"nonsense", "is not JSON"),
        (b"[]", "is not the key file of a service account"),
        (b'{"type": "authorized_user"}', "is not the key file of a service account"),
        (key_file(client_email=None, private_key=None), "has no client_email and no private_key"),
        (key_file(token_uri=3), "has no token_uri"),
        (key_file(token_uri="http://a"), "has a token_uri that does not begin with https://"),
        (key_file(private_key="x"), "has a private_key that is not an RSA key in PEM"),
        (
            key_file(private_key=pem(ec.generate_private_key(ec.SECP256R1()))),
            "has a private_key that is not an RSA key in PEM",
        ),
        (key_file(private_key=pem(password=b"p")), "has a private_key that is not an RSA key in PEM"),
    ],
)
def test_a_key_file_that_is_wrong_says_what_is(data: bytes, wrong: str) -> None:
    with pytest.raises(ValueError, match=f"^{wrong}$"):
        service_account(data)


def test_the_private_key_is_a_secret() -> None:
    account = service_account(key_file())
    assert account.secrets == (pem(),)
    assert "PRIVATE" not in repr(account)
