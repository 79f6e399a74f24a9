"""Other models, and other services, of the providers that have fakes: the same wire, other rules."""

from __future__ import annotations

from typing import Any, ClassVar

from antiphon.upstream.base import WireRequest
from tests.matrix.fakes.anthropic import Anthropic
from tests.matrix.fakes.base import Body, require
from tests.matrix.fakes.cohere import Cohere
from tests.matrix.fakes.converse import Converse
from tests.matrix.fakes.gemini import Gemini
from tests.matrix.fakes.ollama import Ollama
from tests.matrix.fakes.responses import Responses

_GROKS_TOOLS = {"function", "web_search", "x_search", "file_search", "code_interpreter", "mcp"}
_UNKNOWN_TO_GROK = ("custom_tool", "shell", "local_shell", "apply_patch", "computer", "tool_search")


class Grok(Responses):
    """xAI: what it sealed is its own, and of the tools that clients run it knows functions alone.

    https://docs.x.ai/developers/tools/overview
    """

    model = "grok-4.3"
    is_openai = False

    def check(self, request: WireRequest) -> None:
        super().check(request)
        for tool in request.body.get("tools", ()):
            require(tool["type"] in _GROKS_TOOLS, f"unknown variant `{tool['type']}`")
        for item in request.body["input"]:
            kind = item.get("type", "message")
            require(not kind.startswith(_UNKNOWN_TO_GROK), f"unknown variant `{kind}`")
            require("namespace" not in item, "unknown field `namespace`")


class Opus46(Anthropic):
    """Adaptive thoughts, steered by effort."""

    model = "claude-opus-4-6"
    thinks = "adaptive"
    settings: ClassVar[dict[str, Any]] = {"dialect": "anthropic"}


class Sonnet5(Opus46):
    """It thinks unless told not to; messages of the system may stand in the middle of a conversation."""

    model = "claude-sonnet-5"
    by_default = True
    later_system = True


class Gemini25(Gemini):
    """Calls without ids, nothing signed, budgets; no JSON beside tools."""

    model = "gemini-2.5-flash"
    modern = False
    seals = False
    kin = "gemini"
    settings: ClassVar[dict[str, Any]] = {"dialect": "gemini"}


class Nova(Converse):
    """Amazon's own model: `reasoningConfig`, and thoughts that are not shown."""

    model = "us.amazon.nova-2-lite-v1:0"
    seals = shows_thoughts = False
    settings: ClassVar[dict[str, Any]] = {"dialect": "converse"}

    def _thinking(self, body: Body) -> None:
        fields = body.get("additionalModelRequestFields", {})
        require(fields.keys() <= {"reasoningConfig", "inferenceConfig"}, f"extraneous key {sorted(fields)}")
        require("outputConfig" not in body, "outputConfig is not supported by this model")
        effort = fields.get("reasoningConfig", {}).get("maxReasoningEffort")
        require(
            effort != "high" or not body.get("inferenceConfig"),
            "maxTokens and temperature must be unset with high effort",
        )


class MistralOnBedrock(Nova):
    """Outputs of tools are JSON objects, apart from all words; nobody names the tool that is called."""

    model = "mistral.mistral-large-2407-v1:0"

    def check(self, request: WireRequest) -> None:
        super().check(request)
        for message in request.body["messages"]:
            results = [block["toolResult"] for block in message["content"] if "toolResult" in block]
            require(not results or len(results) == len(message["content"]), "toolResult with other content")
            for result in results:
                for block in result["content"]:
                    require(block.keys() <= {"json", "image"}, "toolResult.content must be json")

    def _thinking(self, body: Body) -> None:
        require("additionalModelRequestFields" not in body, "extraneous key")
        require("tool" not in body.get("toolConfig", {}).get("toolChoice", {}), "toolChoice.tool")


class CommandA(Cohere):
    """Plans instead of thoughts."""

    model = "command-a-03-2025"
    plans = True
    settings: ClassVar[dict[str, Any]] = {"dialect": "cohere"}


class Qwen(Ollama):
    """Thoughts that can only be switched on and off."""

    model = "qwen3:8b"
    settings: ClassVar[dict[str, Any]] = {"dialect": "ollama"}

    def check(self, request: WireRequest) -> None:
        super().check(request)
        think = request.body.get("think", True)
        require(isinstance(think, bool), f'think value "{think}" is not supported for this model')
