"""What Anthropic demands of the order of messages and blocks, mended after they are made.

Each rule is a 400 of the API. The messages belong to the request being encoded and are changed in place;
blocks are replaced, never changed.
"""

from __future__ import annotations

from collections.abc import Iterator

from antiphon.core.adaptations import Adaptations
from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.anthropic.hosted import RESULT_OF, USES
from antiphon.upstream.dialects.anthropic.messages import ONWARD, OPENING, add_blocks, in_tags

THOUGHTS = ("thinking", "redacted_thinking")
_MOST_MARKERS = 4  # cache_control markers of one request


def arrange(
    messages: list[JSON], later_system: bool, adapted: Adaptations, *, begun: bool = False
) -> list[JSON]:
    """The messages in an order that Anthropic takes. `begun`: the model is to go on with the last one."""
    _pair_server_tools(messages)
    kept = [message for message in messages if _without_last_thoughts(message, adapted)]
    if len(kept) < len(messages) or any(message["role"] == "system" for message in kept):
        kept = _place_system_messages(kept, later_system, adapted)
    messages = kept
    if not messages or messages[0]["role"] != "user":
        messages.insert(0, {"role": "user", "content": [{"type": "text", "text": OPENING}]})
        adapted.translated("input", f"a conversation begins with the user here, who says {OPENING!r}")
    last = messages[-1]
    if not begun and last["role"] == "assistant" and last["content"][-1]["type"] in ("text", *THOUGHTS):
        messages.append({"role": "user", "content": [{"type": "text", "text": ONWARD}]})
        adapted.translated("input", f"it ends with the model's own words, so the user says {ONWARD!r}")
    return messages


def answers_without_thoughts(messages: list[JSON]) -> bool:
    """Whether the calls that are being answered were made without thoughts this model can read."""
    if len(messages) < 2 or messages[-1]["content"][0]["type"] != "tool_result":
        return False
    calls = messages[-2]["content"] if messages[-2]["role"] == "assistant" else []
    return bool(calls) and calls[0]["type"] not in THOUGHTS


def has_block(messages: list[JSON], *kinds: str) -> bool:
    return any(block["type"] in kinds for message in messages for block in message["content"])


def _without_last_thoughts(message: JSON, adapted: Adaptations) -> bool:
    """Thoughts cannot end a message: nothing came of them. False if nothing is left."""
    content = message["content"]
    while content and message["role"] == "assistant" and content[-1]["type"] in THOUGHTS:
        content.pop()
        adapted.dropped("input", "nothing came of some thoughts, so they are not said")
    return bool(content)


def _pair_server_tools(messages: list[JSON]) -> None:
    """A use without its result can only stand in the model's last message, where it is still going on."""
    assistants = [message for message in messages if message["role"] == "assistant"]
    uses = {block["id"] for message in assistants for block in message["content"] if _is_use(block)}
    results = {
        block["tool_use_id"] for message in assistants for block in message["content"] if _is_result(block)
    }
    for message in assistants if uses or results else ():
        going_on = message is assistants[-1]
        message["content"] = [
            block
            for block in message["content"]
            if (not _is_use(block) or going_on or block["id"] in results)
            and (not _is_result(block) or block["tool_use_id"] in uses)
        ]


def _is_use(block: JSON) -> bool:
    return block["type"] in USES


def _is_result(block: JSON) -> bool:
    return block["type"] in RESULT_OF


def _place_system_messages(messages: list[JSON], later_system: bool, adapted: Adaptations) -> list[JSON]:
    placed: list[JSON] = []
    for index, message in enumerate(messages):
        follows = messages[index + 1]["role"] if index + 1 < len(messages) else "assistant"
        if message["role"] != "system":
            add_blocks(placed, message["role"], message["content"])
        elif later_system and follows == "assistant" and placed and placed[-1]["role"] == "user":
            placed.append(message)
        else:
            add_blocks(placed, "user", [in_tags(block) for block in message["content"]])
            adapted.translated("input", "a later system message, said by the user in <system> tags")
    return placed


def limit_markers(body: JSON, adapted: Adaptations) -> None:
    """At most four cache markers, the latest; one that lives an hour cannot follow one that does not.

    The latest, because they end the longest prefixes, and Anthropic looks for shorter ones by itself. The
    marker of the whole body (automatic caching) counts, as the last.
    """
    _mark_the_end_once(body, adapted)
    marked = [holder for holder in _cacheable(body) if "cache_control" in holder[0][holder[1]]]
    taken = _MOST_MARKERS - ("cache_control" in body)
    for blocks, index in marked[:-taken]:
        blocks[index] = {key: value for key, value in blocks[index].items() if key != "cache_control"}
        adapted.dropped(
            "cache_control", f"only {_MOST_MARKERS} markers are taken, an earlier one is left out"
        )
    hour = body.get("cache_control", {}).get("ttl") == "1h"
    for blocks, index in reversed(marked[-taken:]):
        marker = blocks[index]["cache_control"]
        if marker.get("ttl") == "1h":
            hour = True
        elif hour:
            blocks[index] = {**blocks[index], "cache_control": {**marker, "ttl": "1h"}}
            adapted.clamped("cache_control.ttl", "a marker before one of an hour lives an hour too")


def _mark_the_end_once(body: JSON, adapted: Adaptations) -> None:
    """The body's marker and that of its last block are at one place, where two that differ are refused."""
    own = body["messages"][-1]["content"][-1].get("cache_control")
    if own is not None and body.pop("cache_control", own) != own:
        adapted.clamped("cache_control.ttl", "the mark of the last part says how long")


def _cacheable(body: JSON) -> Iterator[tuple[list[JSON], int]]:
    """Where markers may stand, in the order of the prompt: the list of blocks and the index in it."""
    for content in [body.get("system", []), *(message["content"] for message in body["messages"])]:
        for index in range(len(content)):
            yield content, index
