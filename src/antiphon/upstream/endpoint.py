"""A provider, checked once and ready to be called: its URLs, the headers it gets, its secrets.

What goes out is an allowlist by construction: our own five headers, the provider's key under the
provider's name for it, the headers of its configuration, and those of its dialect. Nothing of a client's
request is at hand here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode, urlsplit

from multidict import CIMultiDict
from yarl import URL

from antiphon.protocol.errors import InvalidRequest, ProviderError
from antiphon.protocol.json import JSON
from antiphon.upstream.base import Prefix, Provider
from antiphon.upstream.redaction import Redaction
from antiphon.upstream.wire import WIRES

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a token of RFC 9110, 5.6.2
_VALUE = re.compile(r"[\x21-\x7e\x80-\xff]([\x20-\x7e\x80-\xff\t]*[\x21-\x7e\x80-\xff])?")
_PATH = re.compile(r"(/[A-Za-z0-9\-._~%!$&'()*+,;=:@]*)+")
_PROJECT = re.compile(r".*/(projects/[^/]+/locations/[^/]+)")  # of Google Cloud
_DOTS = re.compile(r"/(\.|%2e){1,2}(/|$)", re.IGNORECASE)

_OURS = frozenset(
    {
        *("host", "content-type", "content-length", "content-encoding", "transfer-encoding", "trailer", "te"),
        *("connection", "keep-alive", "upgrade", "expect", "cookie"),
        *("proxy-authorization", "proxy-connection"),
    }
)
"""What belongs to the connection or to the body: nobody else sets it."""

_OWN = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
_JSON = "application/json"

_URLS_KEPT = 256
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Endpoint:
    """Where a provider is and how it is spoken to. Raises ValueError for a configuration nobody can call."""

    def __init__(self, provider: Provider, user_agent: str) -> None:
        self.name = provider.name
        self.timeouts = provider.timeouts
        self.filters = provider.filters
        self._base = _base(provider)
        self.authorizer = provider.auth.begin() if provider.auth is not None else None
        self._query = dict(provider.query)
        self._urls: dict[tuple[Any, ...], URL] = {}
        self._headers = {
            streamed: _headers(provider, {**_OWN, "User-Agent": user_agent, "Accept": accept})
            for streamed, accept in _accepts(provider).items()
        }
        self.keys = _key_headers(provider)
        """The headers of its keys, of which each request gets one; none if it has but one key."""
        self.redaction = Redaction([provider.key or "", *provider.more_keys, *_secrets(provider)])

    def clean(self, error: ProviderError) -> ProviderError:
        """The same error, without the secrets of the configuration, nor those that were leased."""
        if self.authorizer is not None and (leased := self.authorizer.secrets):
            error = Redaction(leased).clean(error)
        return self.redaction.clean(error)

    def url(self, path: str, query: Mapping[str, str] = _NOTHING) -> URL:
        """Where a request goes. Raises InvalidRequest for a path that a model's name has broken."""
        place = (path, *query.items())
        url = self._urls.get(place)
        if url is None:
            if not _PATH.fullmatch(path) or _DOTS.search(path):
                raise InvalidRequest("The model's name cannot be part of a URL.", param="model")
            url = self._url(self._base + path, query)
            if len(self._urls) < _URLS_KEPT:
                self._urls[place] = url
        return url

    def _url(self, place: str, query: Mapping[str, str] = _NOTHING) -> URL:
        asked = urlencode({**self._query, **query})
        return URL(place + ("?" + asked if asked else ""), encoded=True)

    def keeping(self, prefix: Prefix) -> tuple[URL, JSON] | None:
        """Where a prefix is asked for, and the body that asks. None: nothing is kept at this base URL."""
        if not prefix.beside:
            return self.url(prefix.path), prefix.body
        place, found, rest = self._base.rpartition(prefix.beside)
        project = _PROJECT.fullmatch(place)
        if not found or rest or project is None:
            return None
        model = f"{project[1]}{prefix.beside}/{prefix.body['model']}"
        return self._url(place + prefix.path), {**prefix.body, "model": model}

    def headers(self, streamed: bool, more: Mapping[str, str]) -> CIMultiDict[str]:
        """Raises InvalidRequest for a header of the dialect that no header can be."""
        headers = self._headers[streamed]
        if more:
            try:
                check(more)
            except ValueError as error:
                raise InvalidRequest(str(error)) from None
            headers = headers.copy()
            headers.update(more)
        return headers


def _accepts(provider: Provider) -> dict[bool, str]:
    streams = WIRES[provider.dialect.framing].content_type
    return {True: f"{streams}, {_JSON}", False: _JSON}


def _base(provider: Provider) -> str:
    parts = urlsplit(provider.base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"provider {provider.name}: base_url must begin with http:// or https:// and a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"provider {provider.name}: base_url must not hold a user, a query or a fragment")
    return str(URL(provider.base_url)).rstrip("/")


def _headers(provider: Provider, own: Mapping[str, str]) -> CIMultiDict[str]:
    given = dict(provider.headers)
    if provider.key:
        given = {provider.key_header: provider.key_prefix + provider.key, **given}
    try:
        check(given)
    except ValueError as error:
        raise ValueError(f"provider {provider.name}: {error}") from None
    headers = CIMultiDict(own)
    headers.update(given)
    return headers


def _key_headers(provider: Provider) -> Sequence[Mapping[str, str]]:
    if not provider.key or not provider.more_keys:
        return ()
    keys = (provider.key, *provider.more_keys)
    headers = [{provider.key_header: provider.key_prefix + key} for key in keys]
    for number, header in enumerate(headers, 1):
        try:
            check(header)
        except ValueError as error:
            raise ValueError(f"provider {provider.name}: key {number}: {error}") from None
    return headers


def check(headers: Mapping[str, str]) -> None:
    """Raises ValueError for what no header of ours can be. The values are not quoted: they may be secrets."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise ValueError("a header's name has characters that none can have")
        if name.lower() in _OURS:
            raise ValueError(f"the header {name} is set by the gateway alone")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the value of the header {name} is empty or has characters that none can have")


def _secrets(provider: Provider) -> list[str]:
    """Values that may be secrets. Short ones are versions and switches (`2023-06-01`), in plain words."""
    given = (*provider.headers.values(), *provider.query.values())
    own = provider.auth.secrets if provider.auth is not None else ()
    return [*(value for value in given if len(value) >= 20), *own]
