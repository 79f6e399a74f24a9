"""Claude on other platforms: the Messages API in another envelope.

              anthropic       bedrock                        vertex
    path      /v1/messages    /model/MODEL/invoke…           …/anthropic/models/MODEL:…
    version   in a header     in the body                    in the body
    betas     in a header     in the body                    in a header
    model     in the body     in the path                    in the path
    stream    in the body     in the path                    in the body and the path
    events    server-sent     AWS event stream, base64 (B5)  server-sent (A11)

(https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html,
https://platform.claude.com/docs/en/api/claude-on-vertex-ai). Neither has automatic caching: the marker of
the body stands on its last block there, which is the same.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Literal, TypeAlias
from urllib.parse import quote

from antiphon.core.adaptations import Adaptation
from antiphon.core.deltas import Delta
from antiphon.protocol.errors import ProtocolViolation
from antiphon.protocol.json import JSON, MalformedJSON, decode_leniently, encode
from antiphon.upstream.aws_errors import raise_exception
from antiphon.upstream.base import Frame, WireRequest
from antiphon.upstream.dialects.anthropic.decode import AnthropicDecoder

Platform: TypeAlias = Literal["anthropic", "bedrock", "vertex"]

_BEDROCK_VERSION, _VERTEX_VERSION = "bedrock-2023-05-31", "vertex-2023-10-16"
_REGIONS = ("us", "eu", "apac", "jp", "au", "ca", "us-gov", "global")  # before the id: an inference profile
_COUNTED = (
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "mcp_servers",
    "thinking",
    "output_config",
    "cache_control",
)


def request(
    platform: Platform, version: str, body: JSON, betas: list[str], adaptations: tuple[Adaptation, ...]
) -> WireRequest:
    """The request for a body as Anthropic itself takes it."""
    beta = {"anthropic-beta": ",".join(betas)} if betas else {}
    match platform:
        case "anthropic":
            return WireRequest("/v1/messages", body, {"anthropic-version": version, **beta}, adaptations)
        case "bedrock":
            operation = "invoke-with-response-stream" if body.get("stream") else "invoke"
            path = f"/model/{quote(body['model'], safe='')}/{operation}"
            return WireRequest(path, _for_bedrock(body, betas), _tier(body), adaptations)
        case "vertex":
            operation = "streamRawPredict" if body.get("stream") else "rawPredict"
            path = f"/publishers/anthropic/models/{quote(body['model'], safe='@')}:{operation}"
            said = {key: value for key, value in _marked(body).items() if key != "model"}
            return WireRequest(path, {**said, "anthropic_version": _VERTEX_VERSION}, beta, adaptations)


def count_request(
    platform: Platform, version: str, body: JSON, betas: list[str], adaptations: tuple[Adaptation, ...]
) -> WireRequest:
    """The request that counts the tokens of such a body. Bedrock counts by the id of the model itself."""
    counted = {field: body[field] for field in _COUNTED if field in body}
    beta = {"anthropic-beta": ",".join(betas)} if betas else {}
    match platform:
        case "anthropic":
            headers = {"anthropic-version": version, **beta}
            return WireRequest("/v1/messages/count_tokens", counted, headers, adaptations)
        case "bedrock":
            region, _, rest = body["model"].partition(".")
            model = rest if region in _REGIONS else body["model"]
            said = b64encode(encode(_for_bedrock(body, betas))).decode()
            path = f"/model/{quote(model, safe='')}/count-tokens"
            return WireRequest(path, {"input": {"invokeModel": {"body": said}}}, adaptations=adaptations)
        case "vertex":
            path = "/publishers/anthropic/models/count-tokens:rawPredict"
            said_there = {**_marked(counted), "anthropic_version": _VERTEX_VERSION}
            return WireRequest(path, said_there, beta, adaptations)


class ChunkDecoder:
    """Anthropic's events, each in base64 in a chunk of an AWS event stream."""

    __slots__ = ("_inner",)

    def __init__(self) -> None:
        self._inner = AnthropicDecoder()

    @property
    def answered(self) -> bool:
        return self._inner.answered

    @property
    def ended(self) -> bool:
        return self._inner.ended

    def feed(self, frame: Frame) -> Iterable[Delta]:
        if self.ended:
            return ()
        raise_exception(frame)
        if frame.event != "chunk":
            return ()
        try:
            event = b64decode(decode_leniently(frame.data)["bytes"], validate=True)
        except (MalformedJSON, LookupError, TypeError, binascii.Error):
            raise ProtocolViolation("The provider sent a chunk that holds no event.") from None
        return self._inner.feed(Frame(None, event))

    def finish(self) -> Iterable[Delta]:
        return self._inner.finish()


def _for_bedrock(body: JSON, betas: list[str]) -> JSON:
    said = {
        key: value for key, value in _marked(body).items() if key not in ("model", "stream", "service_tier")
    }
    beta = {"anthropic_beta": betas} if betas else {}
    return {**said, **beta, "anthropic_version": _BEDROCK_VERSION}


def _tier(body: JSON) -> dict[str, str]:
    """The one tier of Anthropic's that Bedrock has a word for."""
    return {"X-Amzn-Bedrock-Service-Tier": "default"} if body.get("service_tier") == "standard_only" else {}


def _marked(body: JSON) -> JSON:
    """The body with its own cache marker on its last block."""
    marker = body.get("cache_control")
    if marker is None:
        return body
    *before, last = body["messages"]
    *blocks, block = last["content"]
    moved = {**last, "content": [*blocks, {"cache_control": marker, **block}]}
    return {**{k: v for k, v in body.items() if k != "cache_control"}, "messages": [*before, moved]}
