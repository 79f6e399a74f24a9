"""Envelopes: what a provider sealed, sealed once more for its way through a client.

    ag1.<key id>.<base64url, unpadded: 12 bytes nonce ‖ ciphertext ‖ 16 bytes tag>

AES-256-GCM (NIST SP 800-38D). Inside, as MessagePack: who sealed it, for which family of models, until when,
and the dialect's blob, byte for byte. What stands in front of the ciphertext and the caller's project are
associated data: an envelope that was changed, or brought by somebody else, does not open.

A nonce must never come twice under one key. They are random, so a key is good for 2^32 envelopes (8.3 of
that publication).
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct, ValidationError, convert, msgpack

from antiphon.core.records import Target

NONCE_BYTES = 12

_VERSION = "ag1"
_PREFIX = f"{_VERSION}."
_FROM_URL = bytes.maketrans(b"-_", b"+/")

_CLAUDE = "claude"
_GEMINI = "gemini"
_MAKERS = {
    "anthropic": _CLAUDE,
    "anthropic-redacted": _CLAUDE,
    "converse": _CLAUDE,
    "converse-redacted": _CLAUDE,
    "gemini": _GEMINI,
    "chat-google": _GEMINI,
}
"""Whose thoughts are read wherever their maker's models are served: the word before a blob's colon, and
what stands in the names of these models.

A signature of Claude is taken back by the Claude API, Amazon Bedrock and Google Cloud; a model that cannot
read another's thoughts passes over them
(https://platform.claude.com/docs/en/build-with-claude/preserved-thinking#switching-models). Gemini's are
taken back by all its models (https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thought-signatures).
Other servers of the same languages sign for themselves.
"""
_RESOLD = frozenset({"chat"})
"""Words of servers that pass on many makers' models, called `maker/model`."""
_UNNAMED = frozenset({"", "responses", "chat-content"})
"""Words that name nobody."""


class Envelope(Struct, frozen=True, array_like=True):
    """What is inside. `expires` in seconds since 1970; `blob` begins with the word of who can read it."""

    provider: str
    family: str
    expires: int
    blob: str


class BadEnvelope(Exception):
    """It was not sealed here for this project, or it was changed."""


class SealKeys:
    """The keys by their ids, 32 bytes each. The first one seals, all open."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._sealing = next(iter(keys))

    def seal(self, envelope: Envelope, project_id: str, nonce: bytes) -> str:
        """`nonce`: 12 bytes that never came before."""
        head = f"{_PREFIX}{self._sealing}."
        sealed = self._ciphers[self._sealing].encrypt(
            nonce, msgpack.encode(envelope), _associated(head, project_id)
        )
        return head + _encoded(nonce + sealed).decode()

    def open(self, text: str, project_id: str) -> Envelope:
        """Raises BadEnvelope."""
        version, _, rest = text.partition(".")
        key_id, _, body = rest.partition(".")
        cipher = self._ciphers.get(key_id)
        if version != _VERSION or cipher is None:
            raise BadEnvelope
        sealed = _decoded(body)
        try:
            opened = cipher.decrypt(
                sealed[:NONCE_BYTES],
                sealed[NONCE_BYTES:],
                _associated(f"{_PREFIX}{key_id}.", project_id),
            )
        except (InvalidTag, ValueError):  # the latter for a nonce that is cut short
            raise BadEnvelope from None
        return msgpack.decode(opened, type=Envelope)


def is_envelope(text: str) -> bool:
    """Whether it looks like one."""
    return text.startswith(_PREFIX)


def word_of(blob: str) -> str:
    """What stands before the colon of a dialect's blob: who can read it; "" if there is none."""
    word, colon, _ = blob.partition(":")
    return word if colon else ""


def family_of(blob: str, target: Target) -> str:
    """The models among which this blob may go round, if `target` is one of them."""
    word = word_of(blob)
    if (maker := _MAKERS.get(word)) is not None:
        return maker if maker in target.model.lower() else target.provider
    if word in _RESOLD:
        maker, slash, _ = target.model.partition("/")
        return f"{target.provider}/{maker}" if slash else target.provider
    return target.provider if word in _UNNAMED else word


def _associated(head: str, project_id: str) -> bytes:
    return f"{head}{project_id}".encode()


def _encoded(sealed: bytes) -> bytes:
    return urlsafe_b64encode(sealed).rstrip(b"=")


def _decoded(body: str) -> bytes:
    """Strictly: each bit of the text counts. Raises BadEnvelope.

    By msgspec, which reads base64 in a third of the standard library's time.
    """
    try:
        written = body.encode("ascii")
        sealed = convert(written.translate(_FROM_URL).decode() + "=" * (-len(written) % 4), bytes)
    except (UnicodeEncodeError, ValidationError):
        raise BadEnvelope from None
    if _encoded(sealed) != written:
        raise BadEnvelope
    return sealed
