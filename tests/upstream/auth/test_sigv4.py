"""Signatures: AWS's published test suite, and botocore over random requests."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from antiphon.protocol.json import JSON
from antiphon.upstream.auth.sigv4 import Signer, SigV4
from antiphon.upstream.base import Outgoing

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SUITE_TIME = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()
SUITE = SigV4("AKIDEXAMPLE", SECRET, "us-east-1", service="service")
STS_TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflf"
    "KD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd"
    "8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3i"
    "SIlTJabIQwj2ICCR/oLxBA=="
)
UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

# From AWS's Signature Version 4 test suite: name, method, target, the signature.
VECTORS = [
    ("get-vanilla", "GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("post-vanilla", "POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ("get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ("get-vanilla-query-unreserved", "GET", f"/?{UNRESERVED}={UNRESERVED}",
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
    ("post-vanilla-query", "POST", "/?Param1=value1",
     "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
    ("get-utf8", "GET", "/ሴ", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
    ("get-space", "GET", "/example space/",
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
    ("get-relative-relative", "GET", "/example1/example2/../..",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-slash-dot-slash", "GET", "/./",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-slashes", "GET", "//example//",
     "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
    ("get-slash-pointless-dot", "GET", "/./example",
     "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"),
]  # fmt: skip


def sign(credentials: SigV4, method: str, outgoing: Outgoing, now: float = SUITE_TIME) -> dict[str, str]:
    return Signer(credentials).sign(method, outgoing, now)


@pytest.mark.parametrize(("name", "method", "target", "signature"), VECTORS, ids=[row[0] for row in VECTORS])
def test_the_signatures_of_awss_test_suite_come_out(
    name: str, method: str, target: str, signature: str
) -> None:
    said = sign(SUITE, method, Outgoing("https://example.amazonaws.com" + target, {}, b""))
    assert said == {
        "X-Amz-Date": "20150830T123600Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={signature}",
    }


def test_the_body_and_its_type_are_signed_as_in_awss_test_suite() -> None:
    outgoing = Outgoing(
        "https://example.amazonaws.com/",
        {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "any"},
        b"Param1=value1",
    )
    assert sign(SUITE, "POST", outgoing)["Authorization"].endswith(
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
    )


def test_a_session_token_is_signed_as_in_awss_test_suite() -> None:
    temporary = SigV4("AKIDEXAMPLE", SECRET, "us-east-1", STS_TOKEN, service="service")
    said = sign(temporary, "POST", Outgoing("https://example.amazonaws.com/", {}, b""))
    assert said["X-Amz-Security-Token"] == STS_TOKEN
    assert said["Authorization"].endswith(
        "SignedHeaders=host;x-amz-date;x-amz-security-token, "
        "Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
    )


def by_botocore(
    credentials: SigV4, outgoing: Outgoing, now: float, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: datetime.fromtimestamp(now, UTC))
    request = AWSRequest("POST", outgoing.url, headers=dict(outgoing.headers), data=outgoing.body)
    known = Credentials(
        credentials.access_key_id, credentials.secret_access_key, credentials.session_token
    ).get_frozen_credentials()
    botocore.auth.SigV4Auth(known, credentials.service, credentials.region).add_auth(request)
    names = ("X-Amz-Date", "X-Amz-Security-Token", "Authorization")
    return {name: request.headers[name] for name in names if name in request.headers}


def random_request(chance: random.Random) -> tuple[SigV4, Outgoing, float]:
    characters = "abcXYZ012-._~:/@!$&'()*+,;= %é漢"
    model = "".join(chance.choices(characters, k=chance.randint(1, 60)))
    place = chance.choice(("converse", "converse-stream", "invoke", "count-tokens"))
    credentials = SigV4(
        "".join(chance.choices("ABCDEFGHIJ0123", k=20)),
        "".join(chance.choices("abcXYZ0/+=", k=40)),
        chance.choice(("us-east-1", "eu-central-1", "us-gov-west-1")),
        chance.choice((None, "".join(chance.choices("abcXYZ0/+=", k=300)))),
    )
    host = chance.choice(("bedrock-runtime.us-east-1.amazonaws.com", "127.0.0.1:8443", "[::1]:9", "host:443"))
    query = chance.choice(("", "?b=2&a=1", "?a=%20%2F&A=", "?x"))
    headers = {"Content-Type": "application/json"}
    if chance.random() < 0.3:
        headers["X-Amzn-Bedrock-Service-Tier"] = "  flex   tier "
    url = f"https://{host}/model/{quote(model, safe='')}/{place}{query}"
    return (
        credentials,
        Outgoing(url, headers, chance.randbytes(chance.randint(0, 500))),
        chance.random() * 4e9,
    )


def test_hundreds_of_random_requests_are_signed_as_botocore_signs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = random.Random(4)
    for _ in range(600):
        credentials, outgoing, now = random_request(chance)
        expected = by_botocore(credentials, outgoing, now, monkeypatch)
        assert sign(credentials, "POST", outgoing, now) == expected, outgoing.url


def test_the_arn_of_an_inference_profile_is_signed_as_botocore_signs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-v1:0"
    url = f"https://bedrock-runtime.us-east-1.amazonaws.com/model/{quote(arn, safe='')}/converse"
    outgoing = Outgoing(url, {"Content-Type": "application/json"}, b"{}")
    credentials = SigV4("AKIDEXAMPLE", SECRET, "us-east-1")
    assert sign(credentials, "POST", outgoing) == by_botocore(credentials, outgoing, SUITE_TIME, monkeypatch)


async def _no_post(url: str, headers: Any, body: bytes) -> JSON:
    raise AssertionError("a signature asks nobody")


def test_the_signing_key_changes_with_the_day() -> None:
    outgoing = Outgoing("https://example.amazonaws.com/", {}, b"")
    signer = SUITE.begin()
    for now in (SUITE_TIME, SUITE_TIME + 1, SUITE_TIME + 86_400, SUITE_TIME):
        said = asyncio.run(signer.headers(outgoing, now, _no_post))
        assert said == sign(SUITE, "POST", outgoing, now)


def test_no_secret_is_seen_in_a_repr() -> None:
    credentials = SigV4("AKIDEXAMPLE", SECRET, "us-east-1", STS_TOKEN)
    assert SECRET not in repr(credentials)
    assert STS_TOKEN not in repr(credentials)
    assert credentials.secrets == (SECRET, STS_TOKEN)
    assert SigV4("AKIDEXAMPLE", SECRET, "us-east-1").secrets == (SECRET,)
