"""What clients keep in the gateway, in the OpenAPI document: conversations and prompts."""

from __future__ import annotations

from antiphon.edge.openapi_parts import ALWAYS, INCLUDE, PAGING, answered, body, failures, named, parameter
from antiphon.protocol.json import JSON


def _read(tag: str, name: str, about: str, schema: str, *statuses: int) -> JSON:
    answers = {"200": answered(about + ".", schema), **failures(*ALWAYS, *statuses)}
    return {**named(name, tag, about), "responses": answers}


def _sent(given: str, tag: str, name: str, about: str, schema: str, *statuses: int) -> JSON:
    return {**_read(tag, name, about, schema, 408, 413, *statuses), "requestBody": body(given)}


def conversations() -> JSON:
    conversation = parameter("path", "conversation_id", {"type": "string"}, "The `id` of a conversation.")
    item = parameter("path", "item_id", {"type": "string"}, "The `id` of an item in it.")
    include = parameter("query", "include", INCLUDE, "What else to show.")
    tag, one = "Conversations", "/v1/conversations/{conversation_id}"

    return {
        "/v1/conversations": {
            "post": _sent(
                "ConversationInput", tag, "create_conversation", "Make a conversation", "ConversationObject"
            )
        },
        one: {
            "parameters": [conversation],
            "get": _read(tag, "retrieve_conversation", "Read a conversation", "ConversationObject", 404),
            "post": _sent(
                "ConversationChange",
                tag,
                "update_conversation",
                "Replace its metadata",
                "ConversationObject",
                404,
            ),
            "delete": _read(
                tag, "delete_conversation", "Delete a conversation with its items", "DeletedConversation", 404
            ),
        },
        f"{one}/items": {
            "parameters": [conversation],
            "get": {
                **_read(tag, "list_conversation_items", "Read its items", "InputItemList", 404),
                "parameters": [*PAGING, include],
            },
            "post": {
                **_sent(
                    "ConversationItems",
                    tag,
                    "create_conversation_items",
                    "Add items to it",
                    "InputItemList",
                    404,
                ),
                "parameters": [include],
            },
        },
        f"{one}/items/{{item_id}}": {
            "parameters": [conversation, item],
            "get": {
                **_read(tag, "retrieve_conversation_item", "Read an item", "StoredItem", 404),
                "parameters": [include],
            },
            "delete": _read(tag, "delete_conversation_item", "Delete an item", "ConversationObject", 404),
        },
    }


def prompts() -> JSON:
    prompt = parameter("path", "prompt_id", {"type": "string"}, "The `id` of a prompt.")
    version = parameter("query", "version", {"type": "string"}, "Without it, the latest.")
    tag, one = "Prompts", "/v1/prompts/{prompt_id}"
    return {
        "/v1/prompts": {
            "get": {**_read(tag, "list_prompts", "List the prompts", "PromptList"), "parameters": [*PAGING]},
            "post": _sent("PromptVersion", tag, "create_prompt", "Make a prompt", "PromptObject"),
        },
        one: {
            "parameters": [prompt],
            "get": {
                **_read(tag, "retrieve_prompt", "Read a version of a prompt", "PromptObject", 404),
                "parameters": [version],
            },
            "post": _sent(
                "PromptVersion", tag, "create_prompt_version", "Add a version", "PromptObject", 404
            ),
            "delete": _read(tag, "delete_prompt", "Delete a prompt, all versions", "DeletedPrompt", 404),
        },
    }
