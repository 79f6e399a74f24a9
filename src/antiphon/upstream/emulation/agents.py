"""Messages between the agents of a client, said by the user: to all other models they are unknown items.

    agent_message   author, recipient, content: [input_text | encrypted_content]

An agent's task comes in one. A model of OpenAI's writes the message sealed (the parameter of its tool is
marked `encrypted`); any other writes plain text, and the client puts that in `encrypted_content` all the
same. Nothing but the text itself tells the two apart: what OpenAI seals is a Fernet token.

Format: https://developers.openai.com/api/docs/api-reference/responses (beta, multi-agent)
"""

from __future__ import annotations

from collections.abc import Iterator

from antiphon.core.adaptations import Adaptations
from antiphon.protocol.json import JSON

AGENT_MESSAGE = "agent_message"
_FERNET = "gAAAA"  # https://github.com/fernet/spec: the version and the first bytes of the time


def heard(item: JSON, where: str, adapted: Adaptations) -> JSON:
    """The message of an agent as one of the user; as it was if there is nothing in it to be said."""
    content = item.get("content")
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        return item
    parts = list(_parts(content, where, adapted))
    if not parts:
        return item
    adapted.translated(where, "a message between agents, said by the user")
    return {"type": "message", "role": "user", "content": parts}


def _parts(content: list[JSON], where: str, adapted: Adaptations) -> Iterator[JSON]:
    for index, part in enumerate(content):
        sealed = part.get("encrypted_content")
        if part.get("type") != "encrypted_content" or not isinstance(sealed, str):
            yield part
        elif sealed.startswith(_FERNET):
            adapted.dropped(f"{where}.content[{index}]", "it is sealed, and only its maker can read it")
        else:
            yield {"type": "input_text", "text": sealed}
