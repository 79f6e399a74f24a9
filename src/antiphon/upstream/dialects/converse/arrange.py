"""What Converse demands of the order of messages and blocks, mended after they are made.

Each rule is a 400 of the API, or of the models behind it. The messages belong to the request being encoded
and are changed in place; blocks are replaced, never changed.
"""

from __future__ import annotations

from collections.abc import Iterator

from antiphon.core.adaptations import Adaptations
from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.converse.content import CACHE_POINT, cache_point
from antiphon.upstream.dialects.converse.families import Family
from antiphon.upstream.dialects.converse.messages import add_blocks, in_tags

OPENING = "Begin."
ONWARD = "Continue."
_ATTACHED = "See the attached document."
_NOTED = "I have read the results."
_MOST_POINTS = 4  # cache points of one request
NO_CACHE = "this model keeps no cache"


def arrange(
    messages: list[JSON], system: list[JSON], family: Family, adapted: Adaptations, *, begun: bool = False
) -> list[JSON]:
    """The messages in an order that Converse takes. `system` is emptied where there is no such prompt.

    `begun`: the model is to go on with the last message.
    """
    kept: list[JSON] = []
    for message in messages:
        if _without_last_thoughts(message, adapted):
            add_blocks(kept, message["role"], message["content"])
    if not kept or kept[0]["role"] != "user":
        kept.insert(0, {"role": "user", "content": [{"text": OPENING}]})
        adapted.emulated("input", f"a conversation begins with the user here, who says {OPENING!r}")
    if kept[-1]["role"] == "assistant" and not begun:
        kept.append({"role": "user", "content": [{"text": ONWARD}]})
        adapted.emulated("input", f"it ends with the model's own words, so the user says {ONWARD!r}")
    if system and not family.system:
        kept[0]["content"][:0] = [in_tags(block) for block in system]
        system.clear()
        adapted.translated("instructions", "said in the user's message, in <system> tags")
    if not family.mixes_results:
        kept = list(_results_apart(kept, adapted))
    for message in kept:
        _say_of_documents(message["content"], adapted)
    return kept


def answers_without_thoughts(messages: list[JSON]) -> bool:
    """Whether the calls that are being answered were made without thoughts this model can read."""
    if len(messages) < 2 or "toolResult" not in messages[-1]["content"][0]:
        return False
    calls = messages[-2]["content"]
    return messages[-2]["role"] == "assistant" and "reasoningContent" not in calls[0]


def _without_last_thoughts(message: JSON, adapted: Adaptations) -> bool:
    """Thoughts cannot end a message: nothing came of them. False if nothing is left."""
    content = message["content"]
    while content and message["role"] == "assistant" and "reasoningContent" in content[-1]:
        content.pop()
        adapted.dropped("input", "nothing came of some thoughts, so they are not said")
    return any(CACHE_POINT not in block for block in content)


def _results_apart(messages: list[JSON], adapted: Adaptations) -> Iterator[JSON]:
    for message in messages:
        results = [block for block in message["content"] if "toolResult" in block]
        rest = [block for block in message["content"] if "toolResult" not in block]
        if not results or all(CACHE_POINT in block for block in rest):
            yield message
            continue
        yield {"role": "user", "content": results}
        yield {"role": "assistant", "content": [{"text": _NOTED}]}
        yield {"role": "user", "content": rest}
        adapted.emulated("input", f"words do not stand beside results here, between them is {_NOTED!r}")


def _say_of_documents(content: list[JSON], adapted: Adaptations) -> None:
    if any("document" in block for block in content) and not any("text" in block for block in content):
        content.append({"text": _ATTACHED})
        adapted.emulated("input", f"a document does not come without words here, so it says {_ATTACHED!r}")


def limit_points(body: JSON, family: Family, adapted: Adaptations) -> None:
    """At most four cache points, the latest; one that lives an hour cannot follow one that does not.

    The latest end the longest prefixes.
    """
    placed = list(_points(body))
    taken = _MOST_POINTS if family.cache != "none" else 0
    for content, block in placed[: max(0, len(placed) - taken)]:
        content.remove(block)
        why = f"only {taken} cache points are taken" if taken else NO_CACHE
        adapted.dropped("cache_control", why)
    hour = False
    for content, block in reversed(placed[max(0, len(placed) - taken) :]):
        ttl = block[CACHE_POINT].get("ttl")
        if ttl == "1h" and family.cache == "5m":
            ttl = "5m"
            adapted.clamped("cache_control.ttl", "this model keeps nothing for an hour")
        hour = hour or ttl == "1h"
        if hour and ttl != "1h":
            ttl = "1h"
            adapted.clamped("cache_control.ttl", "what stands before an hour's cache is kept as long")
        index = next(place for place, held in enumerate(content) if held is block)
        content[index] = cache_point(ttl if family.cache == "1h" else None)


def _points(body: JSON) -> Iterator[tuple[list[JSON], JSON]]:
    """The cache points, in the order of the prompt."""
    for content in [body.get("system", []), *(message["content"] for message in body["messages"])]:
        for block in content:
            if CACHE_POINT in block:
                yield content, block
