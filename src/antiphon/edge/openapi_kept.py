"""What clients keep in the gateway, as its endpoints show it: conversations and prompts."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from antiphon.edge.openapi_answers import Answer
from antiphon.protocol.json import JSON


class ConversationObject(Answer):
    """A conversation, without its items."""

    id: str
    object: Literal["conversation"]
    created_at: int
    metadata: dict[str, str]


class DeletedConversation(Answer):
    """The conversation is gone, and its items."""

    id: str
    object: Literal["conversation.deleted"]
    deleted: Literal[True]


class PromptObject(Answer):
    """One version of a prompt."""

    id: str
    object: Literal["prompt"]
    version: Annotated[str, Meta(description="From 1; it never changes.")]
    name: str | None
    created_at: int
    template: JSON


class PromptList(Answer):
    """A page of prompts, each as its latest version is."""

    object: Literal["list"]
    data: list[PromptObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedPrompt(Answer):
    """The prompt is gone, with all its versions."""

    id: str
    object: Literal["prompt.deleted"]
    deleted: Literal[True]


KEPT: tuple[type[Struct], ...] = (
    ConversationObject,
    DeletedConversation,
    PromptObject,
    PromptList,
    DeletedPrompt,
)
