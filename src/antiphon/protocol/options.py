"""The objects inside a request: reasoning, text, and the smaller ones.

They are checked against these types and then carried as they came, fields we do not know included.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from antiphon.protocol.content import CacheControl
from antiphon.protocol.json import JSON
from antiphon.protocol.routing import RoutingPreferences

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Summary = Literal["auto", "concise", "detailed"]
NotEmpty = Annotated[str, Meta(min_length=1)]


class ReasoningOptions(Struct):
    """How the model should think, and what of it to show. `generate_summary` is the old name of `summary`."""

    effort: Effort | None = None
    summary: Summary | None = None
    mode: str | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None
    generate_summary: Summary | None = None


class TextFormat(Struct, tag_field="type", tag="text"):
    """Any text."""


class JsonObjectFormat(Struct, tag_field="type", tag="json_object"):
    """Any JSON object."""


class JsonSchemaFormat(Struct, tag_field="type", tag="json_schema"):
    """JSON of this schema."""

    name: Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-zA-Z0-9_-]+$")]
    json_schema: JSON = field(name="schema")
    description: str | None = None
    strict: bool | None = None


class TextOptions(Struct):
    """The form of the answer's text."""

    format: TextFormat | JsonObjectFormat | JsonSchemaFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class StreamOptions(Struct):
    """Options of a stream. Obfuscation pads every delta to hide its length from an observer."""

    include_obfuscation: bool | None = None


class PromptCacheOptions(Struct):
    """OpenAI's cache of prompts."""

    mode: Literal["implicit", "explicit"] | None = None
    ttl: Literal["30m", "12h"] | None = None
    prewarm: bool | None = None
    comparison_response_id: str | None = None


class ModerationConfig(Struct):
    """What to do with what is found."""

    mode: Literal["score", "block"]


class ModerationPolicy(Struct):
    """For what goes in, and what comes out."""

    input: ModerationConfig | None = None
    output: ModerationConfig | None = None


class Moderation(Struct):
    """Let the provider look for harm in input and output."""

    model: NotEmpty
    policy: ModerationPolicy | None = None


class Prompt(Struct):
    """A template that the gateway keeps, and what to put into it."""

    id: NotEmpty
    version: str | None = None
    variables: dict[str, str | JSON] | None = None


class Conversation(Struct):
    """A conversation that the response belongs to."""

    id: NotEmpty


class ContextManagement(Struct):
    """When to make room in the context, and how."""

    type: NotEmpty
    compact_threshold: Annotated[int, Meta(ge=1000)] | None = None


class MultiAgent(Struct):
    """Whether the model may start others."""

    enabled: bool
    max_concurrent_subagents: Annotated[int, Meta(ge=1)] | None = None


class AccessPrograms(Struct):
    """Programs of the provider that the caller is a member of."""

    cyber: Literal["standard", "daybreak_blue", "daybreak_red"] | None = None


class ImageOptions(Struct):
    """How images of the input are treated."""

    context_compression: Literal["auto", "enabled", "disabled"] | None = None


# The fields of a request that hold one of these, and which.
OPTIONS: dict[str, Any] = {
    "reasoning": ReasoningOptions,
    "text": TextOptions,
    "stream_options": StreamOptions,
    "prompt_cache_options": PromptCacheOptions,
    "cache_control": CacheControl,
    "moderation": Moderation,
    "prompt": Prompt,
    "conversation": NotEmpty | Conversation,
    "context_management": Annotated[list[ContextManagement], Meta(min_length=1)],
    "multi_agent": MultiAgent,
    "access_programs": AccessPrograms,
    "image": ImageOptions,
    "provider": RoutingPreferences,
    "providers": RoutingPreferences,
}
