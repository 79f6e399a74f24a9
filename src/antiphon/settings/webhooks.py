"""Settings of webhooks, and the engine's own form of them."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, SecretStr

from antiphon.core.records import Webhook as Told
from antiphon.engine.webhooks import Endpoint
from antiphon.settings.section import Section
from antiphon.upstream.media.urls import NotFetched, host_in, parsed

EventType: TypeAlias = Literal[
    "response.completed", "response.failed", "response.incomplete", "response.cancelled"
]

_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)  # as Standard Webhooks has it


def _key(secret: SecretStr) -> bytes:
    """Raises ValueError."""
    marked = secret.get_secret_value()
    try:
        key = b64decode(marked.removeprefix(_PREFIX), validate=True)
    except Error:
        key = b""
    if not marked.startswith(_PREFIX) or len(key) not in _KEY_BYTES:
        raise ValueError(
            f"not {_PREFIX} and the base64 of 24 to 64 bytes, such as `openssl rand -base64 32` makes"
        )
    return key


def _checked_secret(secret: SecretStr) -> SecretStr:
    _key(secret)
    return secret


def _checked_url(url: SecretStr) -> SecretStr:
    try:
        parsed(url.get_secret_value(), range(1, 65536))
    except NotFetched:
        raise ValueError("not a URL of http or https, with a host, and without a user or password") from None
    return url


class Webhook(Section):
    """Where the ends of background responses are told; docs/background.md tells how."""

    url: Annotated[SecretStr, AfterValidator(_checked_url)]
    """Where it is told, by POST, such as `https://example.com/hooks/antiphon`; as `${NAME}` where it has a
    secret in it."""

    secret: Annotated[SecretStr, AfterValidator(_checked_secret)]
    """What the requests are signed with: `whsec_` and the base64 of 24 to 64 random bytes, best written as
    `${NAME}`; `echo whsec_$(openssl rand -base64 32)` makes one."""

    events: Annotated[list[EventType], Field(min_length=1)] = [
        "response.completed",
        "response.failed",
        "response.incomplete",
        "response.cancelled",
    ]
    """Which ends are told."""


def _distinct(webhooks: list[Webhook]) -> list[Webhook]:
    if len({each.url.get_secret_value() for each in webhooks}) < len(webhooks):
        raise ValueError("two webhooks have the same url")
    return webhooks


Webhooks: TypeAlias = Annotated[list[Webhook], Field(max_length=20), AfterValidator(_distinct)]


def endpoints(webhooks: Iterable[Webhook], project_id: str) -> list[Endpoint]:
    """Known in the database by a digest of their URL: with a new secret a webhook is the same."""
    return [_endpoint(each, each.url.get_secret_value(), project_id) for each in webhooks]


def _endpoint(webhook: Webhook, url: str, project_id: str) -> Endpoint:
    id = sha256(url.encode()).hexdigest()[:16]
    told = Told(project_id, id, frozenset(webhook.events))
    return Endpoint(told, host_in(url), url, _key(webhook.secret))
