"""Conversations on the wire: what may be asked of them, and the objects they are shown as.

    {"id": "conv_…", "object": "conversation", "created_at": 1755777600, "metadata": {}}

Items are those of a request's `input`, at most twenty at a time. As they are shown, each has an id, and
messages have what OpenAI's schema wants of them here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct, field

from antiphon.protocol.errors import InvalidRequest, NotFound
from antiphon.protocol.items import COMPACTION_TRIGGER, check_items, kind_of
from antiphon.protocol.json import JSON
from antiphon.protocol.metadata import check_metadata
from antiphon.protocol.schema import check, missing, wrong_length

MOST_ITEMS = 20


class ConversationInput(Struct, kw_only=True):
    """The body of `POST /v1/conversations`."""

    items: Annotated[list[JSON], Meta(description="The first items, at most 20.")] | None = None
    metadata: Annotated[JSON, Meta(description="Up to 16 strings of up to 512 characters.")] | None = None


class ConversationChange(Struct, kw_only=True):
    """The body of `POST /v1/conversations/{conversation_id}`."""

    metadata: Annotated[JSON | None, Meta(description="In place of what there is; null: none.")]


class ConversationItems(Struct, kw_only=True):
    """The body of `POST /v1/conversations/{conversation_id}/items`."""

    items: Annotated[list[JSON], Meta(description="At most 20.")] = field(default_factory=list)


def create_conversation(body: JSON) -> ConversationInput:
    """The body, checked; what is null is as if it were left out. Raises InvalidRequest."""
    asked: ConversationInput = check(_known(body, ConversationInput), ConversationInput, "")
    _check(asked.items or ())
    check_metadata(asked.metadata or {})
    return asked


def change_conversation(body: JSON) -> ConversationChange:
    """The body, checked. Raises InvalidRequest."""
    asked: ConversationChange = check(_known(body, ConversationChange), ConversationChange, "")
    check_metadata(asked.metadata or {})
    return asked


def add_items(body: JSON) -> ConversationItems:
    """The body, checked. Raises InvalidRequest."""
    if body.get("items") is None:
        raise missing("items")
    asked: ConversationItems = check(_known(body, ConversationItems), ConversationItems, "")
    _check(asked.items)
    return asked


def conversation_id(named: str | JSON | None, param: str = "conversation") -> str | None:
    """The id that a request names a conversation with, as it is or in an object. Raises InvalidRequest."""
    if named is None:
        return None
    id, place = (named, param) if isinstance(named, str) else (named["id"], f"{param}.id")
    if not id.startswith("conv"):
        raise InvalidRequest(
            f"Invalid '{place}': '{id[:100]}'. Expected an ID that begins with 'conv'.",
            code="invalid_value",
            param=place,
        )
    return str(id)


def conversation_object(id: str, created_at: int, metadata: JSON) -> JSON:
    """`created_at`: seconds since 1970."""
    return {"id": id, "object": "conversation", "created_at": created_at, "metadata": metadata}


def unknown_conversation(conversation_id: str, param: str = "conversation_id") -> NotFound:
    """Also for one that is somebody else's."""
    return NotFound(f"Conversation with id '{conversation_id[:100]}' not found.", param=param)


def unknown_item(item_id: str) -> NotFound:
    return NotFound(f"Item with id '{item_id[:100]}' not found.", param="item_id")


def as_shown(items: Sequence[JSON]) -> list[JSON]:
    """The items as a conversation shows them: with what OpenAI's schema wants and no client needs to send."""
    return [_shown_message(item) if item.get("type") == "message" else item for item in items]


def _shown_message(item: JSON) -> JSON:
    content = [
        {"annotations": [], "logprobs": [], **part} if part.get("type") == "output_text" else part
        for part in item["content"]
    ]
    return {**item, "status": item.get("status") or "completed", "content": content}


def _known(body: JSON, kind: type[Struct]) -> JSON:
    """Unknown parameters are refused, here where nobody else could know them."""
    for name in body:
        if name not in kind.__struct_fields__:
            raise InvalidRequest(
                f"Unknown parameter: '{name[:64]}'.", code="unknown_parameter", param=name[:64]
            )
    return body


def _check(items: Sequence[JSON]) -> None:
    if len(items) > MOST_ITEMS:
        raise wrong_length("items", "array", "<=", MOST_ITEMS, len(items))
    check_items(list(items), "items")
    for index, item in enumerate(items):
        if kind_of(item) == COMPACTION_TRIGGER:
            raise InvalidRequest(
                f"Invalid 'items[{index}]': a conversation keeps no compaction_trigger. "
                "Send it with a request for a response.",
                code="invalid_value",
                param=f"items[{index}]",
            )
