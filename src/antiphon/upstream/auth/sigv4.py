"""AWS Signature Version 4: each request is signed with a key that never leaves.

    canonical request   method, path, query, signed headers, SHA-256 of the body, line by line
    string to sign      algorithm, time, scope (date/region/service/aws4_request), SHA-256 of the above
    signing key         HMAC of date, region, service and "aws4_request", each keyed with the one before
    signature           HMAC of the string to sign

After https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. All
services but S3 take the path encoded twice: as it stands in the URL, and once more for the signature. That
matters here, because the names of models hold colons and slashes.

Signed are the host, the content type, and what begins with `x-amz`: what proxies may change is not.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from antiphon.upstream.base import Ask, Outgoing

_ALGORITHM = "AWS4-HMAC-SHA256"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class SigV4:
    """The credentials of an AWS principal, for one service in one region."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str
    session_token: str | None = field(default=None, repr=False)
    service: str = "bedrock"

    def begin(self) -> Signer:
        return Signer(self)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.secret_access_key, *([self.session_token] if self.session_token else ()))


class Signer:
    """Signs requests. It keeps the signing key, which is good for a day."""

    __slots__ = ("_credentials", "_date", "_key")

    def __init__(self, credentials: SigV4) -> None:
        self._credentials = credentials
        self._date = ""
        self._key = b""

    async def headers(self, outgoing: Outgoing, now: float, ask: Ask) -> Mapping[str, str]:
        return self.sign("POST", outgoing, now)

    @property
    def secrets(self) -> tuple[str, ...]:
        return self._credentials.secrets

    def sign(self, method: str, outgoing: Outgoing, now: float) -> dict[str, str]:
        """The headers to add; `now` in seconds since 1970."""
        time = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        added = {"X-Amz-Date": time}
        if self._credentials.session_token:
            added["X-Amz-Security-Token"] = self._credentials.session_token
        signed = _signed_headers(outgoing, added)
        names = ";".join(name for name, _ in signed)
        scope = f"{time[:8]}/{self._credentials.region}/{self._credentials.service}/aws4_request"
        request = _canonical_request(method, outgoing, signed, names)
        text = "\n".join((_ALGORITHM, time, scope, hashlib.sha256(request.encode()).hexdigest()))
        signature = _hmac(self._signing_key(time[:8]), text).hex()
        credential = f"{self._credentials.access_key_id}/{scope}"
        added["Authorization"] = (
            f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
        )
        return added

    def _signing_key(self, date: str) -> bytes:
        if date != self._date:
            key = b"AWS4" + self._credentials.secret_access_key.encode()
            for step in (date, self._credentials.region, self._credentials.service, "aws4_request"):
                key = _hmac(key, step)
            self._date, self._key = date, key
        return self._key


def _canonical_request(method: str, outgoing: Outgoing, signed: list[tuple[str, str]], names: str) -> str:
    url = urlsplit(outgoing.url)
    lines = [method, _path(url.path), _query(url.query)]
    lines += [f"{name}:{value}" for name, value in signed]
    return "\n".join((*lines, "", names, hashlib.sha256(outgoing.body).hexdigest()))


def _path(path: str) -> str:
    """Without dots and doubled slashes, and encoded once more."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(quote(segment, safe="~"))
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")


def _query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return "&".join(
        f"{name}={value}"
        for name, value in sorted((quote(n, safe="~"), quote(v, safe="~")) for n, v in pairs)
    )


def _signed_headers(outgoing: Outgoing, added: Mapping[str, str]) -> list[tuple[str, str]]:
    """Sorted, in lower case, white space made one."""
    given = {name.lower(): value for name, value in (*outgoing.headers.items(), *added.items())}
    kept = {
        name: value for name, value in given.items() if name == "content-type" or name.startswith("x-amz")
    }
    kept["host"] = _host(urlsplit(outgoing.url))
    return sorted((name, " ".join(value.split())) for name, value in kept.items())


def _host(url: SplitResult) -> str:
    """As it stands in the header `Host`: without the port that goes without saying."""
    host = url.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if url.port in (None, _DEFAULT_PORTS.get(url.scheme)) else f"{host}:{url.port}"


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
