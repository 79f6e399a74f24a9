"""Tokens of Entra ID: how they are asked for, over real sockets, and what becomes of a call without one."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256
from structlog.testing import capture_logs

from antiphon.core.deltas import Text
from antiphon.core.records import Target
from antiphon.protocol.errors import UpstreamUnauthorized
from antiphon.upstream.auth.entra import (
    LIFETIME,
    Application,
    ClientSecret,
    Credential,
    FederatedToken,
    ManagedIdentity,
    client_certificate,
)
from antiphon.upstream.base import Auth
from antiphon.upstream.client import Client
from antiphon.upstream.providers.azure import AZURE_CHAT
from antiphon.upstream.speaker import Upstreams
from tests.running import running_gateway
from tests.upstream.auth.certificates import PASSWORD, certificate, in_pem, in_pkcs12, key, key_in_pem
from tests.upstream.faults import (
    HELLO,
    QUICK,
    FaultUpstream,
    NobodySimulated,
    Request,
    Visit,
    answer,
    serving,
    turn,
)

SECRET = "8Q~canary-secret-of-the-application"
TOKEN = {"token_type": "Bearer", "expires_in": 3_599, "access_token": "eyJ-canary"}
GOOD = answer(json.dumps(TOKEN).encode())


@dataclass
class Azure:
    """A token server and a model, on one port. `token` is sent in the pieces that it has."""

    token: list[bytes] = field(default_factory=lambda: [GOOD])
    model: bytes = HELLO
    upstream: FaultUpstream | None = None
    client: Client = field(default_factory=Client)

    @property
    def url(self) -> str:
        assert self.upstream is not None
        return self.upstream.url

    async def play(self, visit: Visit) -> None:
        while True:
            request = await visit.request()
            if is_call(request):
                await visit.send(self.model)
            elif not self.token:
                return
            else:
                await visit.send(*self.token, every=0.02)

    async def call(self, auth: Auth, times: int = 1) -> list[Any]:
        """The text or the error of each of so many calls at once."""
        provider = replace(AZURE_CHAT, base_url=f"{self.url}/openai/v1", auth=auth, timeouts=QUICK)
        upstreams = Upstreams({provider.name: provider}, NobodySimulated(), self.client)
        return await asyncio.gather(
            *(said(upstreams, provider.name) for _ in range(times)), return_exceptions=True
        )

    def asked(self) -> list[Request]:
        assert self.upstream is not None
        return [request for request in self.upstream.requests if not is_call(request)]

    def calls(self) -> list[Request]:
        assert self.upstream is not None
        return [request for request in self.upstream.requests if is_call(request)]


def is_call(request: Request) -> bool:
    return "/chat/completions" in request.line


async def said(upstreams: Upstreams, provider: str) -> str:
    asked = turn()
    target = Target(provider, asked.model)
    heard = [delta async for batch in upstreams.prepare(target, asked).deltas() for delta in batch]
    return "".join(delta.text for delta in heard if isinstance(delta, Text))


@asynccontextmanager
async def azure(*token: bytes) -> AsyncIterator[Azure]:
    there = Azure(list(token) or [GOOD])
    async with serving(there.play) as there.upstream:
        try:
            yield there
        finally:
            await there.client.aclose()


def application(there: Azure, credential: Credential) -> Application:
    return Application("contoso.example", "app-1", credential, there.url)


def form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def part(text: str) -> dict[str, Any]:
    return dict(json.loads(urlsafe_b64decode(text + "==")))


async def test_a_secret_buys_a_token_that_all_calls_share() -> None:
    async with azure() as there:
        auth = application(there, ClientSecret(SECRET))
        assert await there.call(auth, times=20) == ["Hello"] * 20
        (asked,) = there.asked()
    assert asked.line == "POST /contoso.example/oauth2/v2.0/token HTTP/1.1"
    assert asked.header("content-type") == "application/x-www-form-urlencoded"
    assert form(asked) == {
        "grant_type": "client_credentials",
        "client_id": "app-1",
        "client_secret": SECRET,
        "scope": "https://cognitiveservices.azure.com/.default",
    }
    assert {call.header("authorization") for call in there.calls()} == {"Bearer eyJ-canary"}
    assert {call.header("api-key") for call in there.calls()} == {None}


@pytest.mark.parametrize(
    "write",
    [
        lambda own: (in_pem(own), None),
        lambda own: (in_pem(certificate(rsa.generate_private_key(65_537, 2_048)), own), None),
        lambda own: (in_pem(own, password=PASSWORD), PASSWORD),
        lambda own: (in_pkcs12(own), None),
        lambda own: (in_pkcs12(own, PASSWORD), PASSWORD),
    ],
    ids=["pem", "chain", "pem under a password", "pkcs12", "pkcs12 under a password"],
)
async def test_a_certificate_signs_an_assertion(write: Callable[[Any], tuple[bytes, str | None]]) -> None:
    own = certificate()
    async with azure() as there:
        assert await there.call(application(there, client_certificate(*write(own)))) == ["Hello"]
        given = form(there.asked()[0])
    assert given["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert "client_secret" not in given
    header, claims, signature = given["client_assertion"].split(".")
    thumbprint = urlsafe_b64decode(part(header).pop("x5t#S256") + "==")
    assert thumbprint == own.fingerprint(SHA256())
    assert (part(header)["alg"], part(header)["typ"]) == ("PS256", "JWT")
    told = part(claims)
    assert (told["iss"], told["sub"]) == ("app-1", "app-1")
    assert told["aud"] == f"{there.url}/contoso.example/oauth2/v2.0/token"
    assert (told["nbf"], told["exp"]) == (told["iat"], told["iat"] + LIFETIME)
    assert len(told["jti"]) == 36
    padding = PSS(mgf=MGF1(SHA256()), salt_length=32)
    key().public_key().verify(
        urlsafe_b64decode(signature + "=="), f"{header}.{claims}".encode(), padding, SHA256()
    )


async def test_a_clusters_token_is_read_again_for_each_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "token"
    async with azure() as there:
        for text in ("first.of.cluster", "second.of.cluster"):
            file.write_text(f"{text}\n")
            assert await there.call(application(there, FederatedToken(file))) == ["Hello"]
        assert [form(asked)["client_assertion"] for asked in there.asked()] == [
            "first.of.cluster",
            "second.of.cluster",
        ]


async def test_a_clusters_token_that_is_gone_is_our_own_trouble(tmp_path: Path) -> None:
    async with azure() as there:
        (error,) = await there.call(application(there, FederatedToken(tmp_path / "token")))
        assert isinstance(error, UpstreamUnauthorized)
        assert str(tmp_path) not in error.message
        assert there.asked() == []


async def test_a_machine_asks_the_address_that_only_machines_reach() -> None:
    told = {"access_token": "of-the-machine", "expires_in": "86399", "expires_on": "1900086399"}
    async with azure(answer(json.dumps(told).encode())) as there:
        assert await there.call(ManagedIdentity("mine", f"{there.url}/metadata")) == ["Hello"]
        (asked,) = there.asked()
        assert there.calls()[0].header("authorization") == "Bearer of-the-machine"
    method, target, _ = asked.line.split(" ")
    assert (method, asked.header("metadata"), asked.body) == ("GET", "true", b"")
    assert parse_qs(urlsplit(target).query) == {
        "api-version": ["2018-02-01"],
        "resource": ["https://cognitiveservices.azure.com"],
        "client_id": ["mine"],
    }


async def test_an_app_service_asks_its_own_address_with_its_own_header() -> None:
    told = {"access_token": "of-the-app", "expires_on": "4000000000", "token_type": "Bearer"}
    async with azure(answer(json.dumps(told).encode())) as there:
        auth = ManagedIdentity(
            None, f"{there.url}/msi/token", "header-canary", "https://ai.azure.com/.default"
        )
        assert await there.call(auth) == ["Hello"]
        (asked,) = there.asked()
    assert asked.line.startswith("GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fai.azure.com ")
    assert (asked.header("x-identity-header"), asked.header("metadata")) == ("header-canary", None)
    assert auth.secrets == ("header-canary",)
    assert "canary" not in repr(auth)


async def test_a_token_may_come_in_pieces() -> None:
    async with azure(GOOD[:-30], GOOD[-30:-3], GOOD[-3:]) as there:
        assert await there.call(application(there, ClientSecret(SECRET))) == ["Hello"]


REFUSAL = {
    "error": "invalid_client",
    "error_description": f"AADSTS7000215: Invalid client secret {SECRET} provided.",
    "error_codes": [7000215],
}


@pytest.mark.parametrize(
    ("token", "logged"),
    [
        (
            answer(json.dumps(REFUSAL).encode(), "401 Unauthorized"),
            {"status": 401, "error": "invalid_client", "code": 7000215},
        ),
        (answer(b'{"error": "Secret Key"}', "400 Bad Request"), {"status": 400}),
        (answer(b"<html>", "503 Service Unavailable", "text/html"), {"status": 503}),
        (answer(b"", "302 Found", "text/html", "Location: http://127.0.0.1:1/"), {"status": 302}),
        (answer(b"nonsense"), {"status": 200}),
        (answer(b"[]"), {"status": 200}),
        (answer(b" " * 500_000 + b"{}"), {"status": 200}),
        (b"", {"reason": "ServerDisconnectedError"}),
    ],
)
async def test_without_a_token_there_is_no_call_and_no_secret_is_told(
    token: bytes, logged: dict[str, Any]
) -> None:
    async with azure() as there:
        there.token = [token] if token else []
        with capture_logs() as lines:
            (error,) = await there.call(application(there, ClientSecret(SECRET)))
        assert there.calls() == []
    assert isinstance(error, UpstreamUnauthorized)
    assert "canary" not in error.message
    assert lines == [{"event": "no_token", "log_level": "warning", "host": "127.0.0.1", **logged}]


async def test_a_token_that_is_not_taken_is_our_own_trouble_and_is_not_told() -> None:
    async with azure() as there:
        said = b'{"error": {"code": "400", "message": "Not for Bearer eyJ-canary"}}'
        there.model = answer(said, "400 Bad Request")
        (error,) = await there.call(application(there, ClientSecret(SECRET)))
        assert error.message == "Not for Bearer [redacted]"
        there.model = answer(said, "401 Unauthorized")
        (error,) = await there.call(application(there, ClientSecret(SECRET)))
        assert isinstance(error, UpstreamUnauthorized)
        assert error.status == 401


async def test_a_client_sees_a_502_of_its_own_kind_and_nothing_secret(tmp_path: Path) -> None:
    async with azure(answer(json.dumps(REFUSAL).encode(), "401 Unauthorized")) as there:
        entra = {"tenant_id": "t", "client_id": "c", "client_secret": SECRET, "authority_host": there.url}
        opened = running_gateway(tmp_path, providers={"azure_chat": {"base_url": there.url, "entra": entra}})
        gateway = await asyncio.to_thread(opened.__enter__)
        try:
            async with httpx.AsyncClient() as client:
                asked = {"model": "azure_chat/m", "input": "Hi"}
                url = f"{gateway.base_url}/responses"
                refused = await client.post(url, json=asked, headers=gateway.headers, timeout=20)
        finally:
            await asyncio.to_thread(opened.__exit__, None, None, None)
    assert (refused.status_code, refused.json()["error"]["code"]) == (502, "upstream_auth")
    assert "canary" not in refused.text
    assert "AADSTS" not in refused.text


@dataclass(frozen=True)
class Careless:
    """Credentials that hold the end of a line."""

    secrets: tuple[str, ...] = ()

    def begin(self) -> Careless:
        return self

    async def headers(self, *_: object) -> dict[str, str]:
        return {"Authorization": "Bearer canary\r\nX-Evil: 1"}


async def test_credentials_that_no_header_can_hold_are_not_sent() -> None:
    async with azure() as there:
        (error,) = await there.call(Careless())
        assert isinstance(error, UpstreamUnauthorized)
        assert "canary" not in error.message
        assert there.calls() == []


@pytest.mark.parametrize(
    ("data", "password", "wrong"),
    [
        (b"nonsense", None, "holds no key and certificate that can be read, or its password is wrong"),
        (key_in_pem(), None, "holds no key and certificate that can be read, or its password is wrong"),
        (
            in_pem(certificate(), password=PASSWORD),
            None,
            "holds no key and certificate that can be read, or its password is wrong",
        ),
        (
            in_pkcs12(certificate(), PASSWORD),
            "wrong",
            "holds no key and certificate that can be read, or its password is wrong",
        ),
        (
            in_pem(certificate(rsa.generate_private_key(65_537, 2_048))),
            None,
            "holds no certificate of its key",
        ),
        (
            in_pem(certificate()).replace(key_in_pem(), key_in_pem(ec.generate_private_key(ec.SECP256R1()))),
            None,
            "holds a key that is not an RSA key",
        ),
    ],
)
def test_a_file_that_is_wrong_says_what_is(data: bytes, password: str | None, wrong: str) -> None:
    with pytest.raises(ValueError, match=f"^{wrong}$"):
        client_certificate(data, password)


def test_no_secret_is_seen_in_a_repr() -> None:
    by_secret = Application("t", "c", ClientSecret(SECRET))
    assert SECRET not in repr(by_secret)
    assert by_secret.secrets == (SECRET,)
    assert "PRIVATE" not in repr(Application("t", "c", client_certificate(in_pem(certificate()))))
