"""Credentials that google-auth finds, with a token server on loopback.

It takes a user's server from the file only if he is of a workforce pool; that of others is always Google's.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from structlog.testing import capture_logs

from antiphon.protocol.errors import UpstreamUnauthorized
from antiphon.upstream.auth.google_default import DefaultCredentials, is_available
from antiphon.upstream.auth.leases import EARLY
from antiphon.upstream.base import Authorizer, Outgoing
from tests.upstream.auth.test_google import key_file
from tests.upstream.auth.test_sigv4 import _no_post
from tests.upstream.faults import FaultUpstream, always, answer, serving

OUTGOING = Outgoing("https://aiplatform.googleapis.com/v1/x", {}, b"{}")
TOKEN = {"access_token": "ya29.canary", "expires_in": 3_599, "token_type": "Bearer"}
GOOD = always(answer(json.dumps(TOKEN).encode()))


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of whoever runs the tests, and no look for those of an instance."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")


def user(folder: Path, upstream: FaultUpstream, **fields: Any) -> None:
    """Where `gcloud auth application-default login` leaves it."""
    given = {
        "type": "external_account_authorized_user",
        "audience": "//iam.googleapis.com/locations/global/workforcePools/pool/providers/provider",
        "client_id": "client",
        "client_secret": "secret-canary",
        "refresh_token": "refresh-canary",
        "token_url": f"{upstream.url}/token",
        "token_info_url": f"{upstream.url}/introspect",
        **fields,
    }
    (folder / "application_default_credentials.json").write_text(json.dumps(given))


async def headers(authorizer: Authorizer, now: float | None = None) -> dict[str, str]:
    return dict(await authorizer.headers(OUTGOING, time.time() if now is None else now, _no_post))


async def test_a_user_of_gcloud_calls_and_names_the_project_that_is_billed(tmp_path: Path) -> None:
    async with serving(GOOD) as upstream:
        user(tmp_path, upstream, quota_project_id="billed")
        tokens = DefaultCredentials().begin()
        said = await asyncio.gather(*(headers(tokens) for _ in range(20)))
    assert {tuple(sorted(each.items())) for each in said} == {
        (("authorization", "Bearer ya29.canary"), ("x-goog-user-project", "billed"))
    }
    assert tokens.secrets == ("ya29.canary",)
    (asked,) = upstream.requests
    form = parse_qs(asked.body.decode())
    assert (form["grant_type"], form["refresh_token"]) == (["refresh_token"], ["refresh-canary"])


async def test_a_file_named_in_the_environment_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(GOOD) as upstream:
        file = tmp_path / "elsewhere.json"
        file.write_bytes(key_file(token_uri=f"{upstream.url}/token", universe_domain="googleapis.com"))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        assert (await headers(DefaultCredentials().begin()))["authorization"] == "Bearer ya29.canary"
        assert b"jwt-bearer" in upstream.requests[0].body


async def test_a_workload_elsewhere_shows_its_own_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = answer(json.dumps({**TOKEN, "issued_token_type": "urn:ietf:params:oauth:token-type:jwt"}).encode())
    async with serving(always(told)) as upstream:
        (tmp_path / "token").write_text("of.the.cluster")
        federated = {
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"{upstream.url}/token",
            "credential_source": {"file": str(tmp_path / "token")},
        }
        file = tmp_path / "federated.json"
        file.write_text(json.dumps(federated))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        assert (await headers(DefaultCredentials().begin()))["authorization"] == "Bearer ya29.canary"
        assert parse_qs(upstream.requests[0].body.decode())["subject_token"] == ["of.the.cluster"]


async def test_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    async with serving(GOOD) as upstream:
        user(tmp_path, upstream)
        tokens = DefaultCredentials().begin()
        await headers(tokens)
        await headers(tokens, time.time() + 3_599 - EARLY - 60)
        assert len(upstream.requests) == 1
        await headers(tokens, time.time() + 3_599 - EARLY + 1)  # in the background
        for _ in range(500):
            if len(upstream.requests) == 2:
                break
            await asyncio.sleep(0.01)
        assert len(upstream.requests) == 2


REFUSED = always(
    answer(b'{"error": "invalid_grant", "error_description": "refresh-canary"}', "400 Bad Request")
)


async def test_a_token_that_is_refused_is_our_own_trouble_and_no_secret_is_told(tmp_path: Path) -> None:
    async with serving(REFUSED) as upstream:
        user(tmp_path, upstream)
        with capture_logs() as lines, pytest.raises(UpstreamUnauthorized) as caught:
            await headers(DefaultCredentials().begin())
    assert "canary" not in json.dumps(lines) + caught.value.message
    assert lines[0]["reason"] == "OAuthError"


async def test_without_credentials_there_is_no_call_and_the_log_says_why() -> None:
    with capture_logs() as lines, pytest.raises(UpstreamUnauthorized, match="found no credentials"):
        await headers(DefaultCredentials().begin())
    assert [(line["library"], line["reason"]) for line in lines] == [
        ("google-auth", "DefaultCredentialsError")
    ]


@pytest.mark.parametrize("module", ["google", "google.auth"])
def test_the_library_may_be_missing(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    assert is_available()
    monkeypatch.delitem(sys.modules, "google.auth", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    assert not is_available()
