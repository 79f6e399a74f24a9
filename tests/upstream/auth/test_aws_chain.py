"""Credentials that botocore finds: in its own files, from a process, nowhere."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from antiphon.protocol.errors import UpstreamUnauthorized
from antiphon.upstream.auth import libraries
from antiphon.upstream.auth.aws_chain import GOOD_FOR, AWSChain, ChainSigner, is_available
from antiphon.upstream.auth.leases import EARLY
from antiphon.upstream.auth.sigv4 import Signer, SigV4
from antiphon.upstream.base import Outgoing
from tests.upstream.auth.test_sigv4 import _no_post

OUTGOING = Outgoing("https://bedrock-runtime.eu-central-1.amazonaws.com/model/m/converse", {}, b"{}")
NOW = time.time()
WORKED = """\
import datetime, json, pathlib, time
runs = pathlib.Path({runs!r})
runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
time.sleep({seconds})
end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
print(json.dumps({{"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": "process-secret",
    "SessionToken": "process-token", "Expiration": end.isoformat()}}))
"""


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of whoever runs the tests, and no look for those of an instance."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def process(folder: Path, *, seconds: float = 0) -> Path:
    """A profile `worked` whose credentials a process tells; the file that counts its runs."""
    runs, script = folder / "runs", folder / "credentials.py"
    script.write_text(WORKED.format(runs=str(runs), seconds=seconds))
    (folder / "config").write_text(f"[profile worked]\ncredential_process = {sys.executable} {script}\n")
    return runs


async def sign(signer: ChainSigner, now: float = NOW) -> Mapping[str, str]:
    return await signer.headers(OUTGOING, now, _no_post)


def by(now: float, *keys: Any) -> Mapping[str, str]:
    return Signer(SigV4(keys[0], keys[1], "eu-central-1", *keys[2:])).sign("POST", OUTGOING, now)


async def test_a_shared_credentials_file_signs(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = default-secret\n"
        "[other]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = other-secret\n"
    )
    assert await sign(AWSChain("eu-central-1").begin()) == by(NOW, "AKIADEFAULT", "default-secret")
    assert await sign(AWSChain("eu-central-1", "other").begin()) == by(NOW, "AKIAOTHER", "other-secret")


async def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = A\naws_secret_access_key = b\n")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    assert await sign(AWSChain("eu-central-1").begin()) == by(NOW, "AKIAENV", "env-secret")


async def test_many_at_once_look_once_and_the_loop_goes_on_meanwhile(tmp_path: Path) -> None:
    runs, signer = process(tmp_path, seconds=1), AWSChain("eu-central-1", "worked").begin()
    waiting = asyncio.gather(*(sign(signer) for _ in range(20)))
    longest, before = 0.0, time.monotonic()
    while not waiting.done():
        await asyncio.sleep(0.005)
        longest, before = max(longest, time.monotonic() - before), time.monotonic()
    assert all(said == by(NOW, "AKIAPROCESS", "process-secret", "process-token") for said in waiting.result())
    assert runs.read_text() == "x"
    assert signer.secrets == ("process-secret", "process-token")
    assert longest < 0.8  # seconds; the process alone takes 1


async def test_temporary_keys_are_renewed_before_they_end(tmp_path: Path) -> None:
    runs, signer = process(tmp_path), AWSChain("eu-central-1", "worked").begin()
    await sign(signer)
    await sign(signer, NOW + EARLY - 1)
    assert runs.read_text() == "x"
    signer._credentials._expiry_time = datetime.now(UTC) + timedelta(seconds=GOOD_FOR - 1)
    await sign(signer, NOW + EARLY)  # in the background
    for _ in range(500):
        if runs.read_text() == "xx":
            break
        await asyncio.sleep(0.01)
    assert runs.read_text() == "xx"


async def test_without_credentials_there_is_no_call_and_the_log_says_why() -> None:
    with capture_logs() as lines:
        with pytest.raises(UpstreamUnauthorized, match="found no credentials"):
            await sign(AWSChain("eu-central-1").begin())
        with pytest.raises(UpstreamUnauthorized, match="found no credentials"):
            await sign(AWSChain("eu-central-1", "nowhere").begin())
    told = {"event": "no_credentials", "log_level": "warning", "library": "botocore"}
    assert lines == [{**told, "reason": "there are none"}, {**told, "reason": "ProfileNotFound"}]


async def test_what_a_failing_process_says_is_told_nobody(tmp_path: Path) -> None:
    script = tmp_path / "credentials.py"
    script.write_text("import sys; sys.exit('secret-canary')")
    (tmp_path / "config").write_text(f"[profile bad]\ncredential_process = {sys.executable} {script}\n")
    with capture_logs() as lines, pytest.raises(UpstreamUnauthorized) as caught:
        await sign(AWSChain("eu-central-1", "bad").begin())
    assert "canary" not in json.dumps(lines) + caught.value.message
    assert lines[0]["reason"] == "CredentialRetrievalError"


async def test_a_search_that_hangs_is_given_up_and_stands_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries, "TIME_LIMIT", 0.2)
    runs, signer = process(tmp_path, seconds=2.5), AWSChain("eu-central-1", "worked").begin()
    start = time.monotonic()
    for _ in range(3):
        with pytest.raises(UpstreamUnauthorized):
            await sign(signer)
    assert time.monotonic() - start < 2
    monkeypatch.setattr(libraries, "TIME_LIMIT", 20)
    for _ in range(400):
        try:
            assert await sign(signer) == by(NOW, "AKIAPROCESS", "process-secret", "process-token")
        except UpstreamUnauthorized:
            await asyncio.sleep(0.05)
        else:
            break
    assert runs.read_text() == "x"


def test_the_library_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_available()
    monkeypatch.setitem(sys.modules, "botocore", None)
    assert not is_available()
