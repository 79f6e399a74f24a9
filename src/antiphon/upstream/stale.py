"""How providers say that they do not take back what they sealed: too old, another account's, another model's.

    code `invalid_encrypted_content`                                       OpenAI, Azure
    Could not decrypt the provided encrypted_content.                      xAI
    Could not decode the compaction blob.                                  xAI, also of reasoning
    messages.1.content.0: Invalid `signature` in `thinking` block          Anthropic
    … `thinking` or `redacted_thinking` blocks … cannot be modified        Anthropic
    Thought signature is not valid. Corrupted thought signature.           Gemini
    Invalid thought signature.                                             Gemini

Resellers pass these sentences on, in any dialect and some inside their own, so there is one table for all.
They quote pieces of what was sealed, and so are not passed on to the client.
"""

from __future__ import annotations

import re

from antiphon.protocol.errors import ProviderError, StaleReasoning, UpstreamRejected

_CODE = "invalid_encrypted_content"
_WORDS = re.compile(
    r"invalid .?signature.? in .?thinking.? block"
    r"|thinking.{0,3} blocks .{0,60}cannot be modified"
    r"|thought.signature is (not valid|invalid)"
    r"|(corrupted|invalid) thought.signature"
    r"|could not decrypt the provided encrypted.content"
    r"|could not decode the compaction blob"
    r"|encrypted content .{0,120}could not be (verified|decrypted)",
    re.IGNORECASE,
)


def recognised(error: ProviderError) -> ProviderError:
    """The error as it is, or StaleReasoning if that is what it says."""
    if not isinstance(error, UpstreamRejected):
        return error
    if error.code != _CODE and _WORDS.search(error.message) is None:
        return error
    return StaleReasoning(
        "The provider does not take back the reasoning that it sealed earlier in this conversation.",
        status=error.status,
    )
