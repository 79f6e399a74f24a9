"""Claude on other platforms: Anthropic's rules and words in another envelope.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html,
https://platform.claude.com/docs/en/api/claude-on-vertex-ai.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from typing import Any, ClassVar
from urllib.parse import quote

from msgspec.structs import replace

from antiphon.upstream.base import WireRequest
from tests.matrix.fakes.anthropic import Anthropic
from tests.matrix.fakes.base import Body, require
from tests.upstream.wire.aws_messages import event

_VERSION = {"anthropic-version": "2023-06-01"}


class ClaudeOnVertex(Anthropic):
    """The model in the path, the version in the body."""

    model = "claude-sonnet-4-5@20250929"
    version: ClassVar[str] = "vertex-2023-10-16"

    def check(self, request: WireRequest) -> None:
        super().check(self.opened(request))

    def say(self, request: WireRequest, streamed: bool) -> bytes:
        return super().say(self.opened(request), streamed)

    def opened(self, request: WireRequest) -> WireRequest:
        """The request as Anthropic itself would have got it."""
        body = dict(request.body)
        require(body.pop("anthropic_version", None) == self.version, "anthropic_version: Field required")
        require("model" not in body, "model: Extra inputs are not permitted")
        require("cache_control" not in body, "cache_control: Extra inputs are not permitted")
        self.check_place(request.path, body)
        return replace(
            request,
            path="/v1/messages",
            body={**body, "model": self.model},
            headers={**request.headers, **_VERSION},
        )

    def check_place(self, path: str, body: Body) -> None:
        operation = "streamRawPredict" if body.get("stream") else "rawPredict"
        require(path == f"/publishers/anthropic/models/{self.model}:{operation}", f"no {path}")


class ClaudeOnBedrock(ClaudeOnVertex):
    """Whether it streams stands in the path, too; its events come in chunks of an AWS event stream."""

    model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    version = "bedrock-2023-05-31"
    stream_type = "application/vnd.amazon.eventstream"

    def is_streamed(self, request: WireRequest) -> bool:
        return request.path.endswith("/invoke-with-response-stream")

    def error(self, message: str, status: int) -> Any:
        return {"message": message}

    def opened(self, request: WireRequest) -> WireRequest:
        require(isinstance(request.body.get("anthropic_beta", []), list), "anthropic_beta: a list")
        body = {name: value for name, value in request.body.items() if name != "anthropic_beta"}
        return super().opened(replace(request, body=body))

    def check_place(self, path: str, body: Body) -> None:
        require("stream" not in body, "stream: Extra inputs are not permitted")
        model, operation = path.removeprefix("/model/").split("/")
        require(model == quote(self.model, safe=""), "The provided model identifier is invalid.")
        require(operation in ("invoke", "invoke-with-response-stream"), "UnknownOperationException")

    def streamed(self, events: Iterable[tuple[str, Body]]) -> bytes:
        return b"".join(_chunk(data) for _, data in events)


def _chunk(data: Body) -> bytes:
    if data["type"] == "message_stop":
        data = {**data, "amazon-bedrock-invocationMetrics": {"inputTokenCount": 9, "outputTokenCount": 5}}
    said = {"bytes": b64encode(json.dumps(data).encode()).decode(), "p": "abcd"}
    return event("chunk", json.dumps(said).encode())
