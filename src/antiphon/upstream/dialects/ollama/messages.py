"""The steps of a transcript, as Ollama's messages.

    Said (system, developer)   a system message
    Said (user)                a user message: text, and images beside it
    Spoke                      an assistant message: text, thoughts, calls whose arguments are objects
    Gave                       a tool message with the name of the function; images of it follow in a user
                               message, after the last one

Thoughts go back as they came; what a model sees of them is decided by its template.
"""

from __future__ import annotations

from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.transcript import Call, Gave, Said, Spoke, steps
from antiphon.protocol.json import JSON, decode
from antiphon.upstream.dialects.ollama.parts import Content, content


def messages_from(items: list[JSON], instructions: str | None, adapted: Adaptations) -> list[JSON]:
    """Raises InvalidRequest for what cannot be said."""
    messages = Messages(adapted)
    if instructions:
        messages.add("system", Content(instructions, []))
    for step in steps(items, adapted):
        match step:
            case Said():
                messages.say(step)
            case Spoke():
                messages.speak(step)
            case Gave():
                messages.give(step)
    return messages.close()


class Messages:
    """The messages so far, and the images that wait for the last tool message."""

    def __init__(self, adapted: Adaptations) -> None:
        self._adapted = adapted
        self._messages: list[JSON] = []
        self._late: list[Content] = []

    def add(self, role: str, said: Content, **fields: Any) -> None:
        images = {"images": said.images} if said.images else {}
        self._messages.append({"role": role, "content": said.text, **images, **fields})

    def say(self, said: Said) -> None:
        self._bring_images()
        system = said.role in ("system", "developer")
        found = content(said.parts, said.where, self._adapted, images=not system)
        self.add("system" if system else "user", found)

    def speak(self, spoke: Spoke) -> None:
        self._bring_images()
        fields: JSON = {}
        if spoke.thoughts:
            fields["thinking"] = spoke.thought
        if spoke.calls:
            fields["tool_calls"] = [_call(index, call) for index, call in enumerate(spoke.calls)]
        if spoke.texts or spoke.calls:
            self.add("assistant", Content(spoke.text, []), **fields)
        else:
            self._adapted.dropped(spoke.thought_at, "thoughts without an answer cannot go back to this model")

    def give(self, gave: Gave) -> None:
        found = Content(gave.output, []) if isinstance(gave.output, str) else self._output(gave)
        named = {"tool_name": gave.name} if gave.name else {}
        self.add("tool", found, **named, tool_call_id=gave.call_id)

    def close(self) -> list[JSON]:
        self._bring_images()
        return self._messages

    def _output(self, gave: Gave) -> Content:
        parts = gave.output if isinstance(gave.output, list) else []
        found = content(parts, gave.where, self._adapted, whole=False)
        if not found.images:
            return found
        self._adapted.translated(gave.where, "its images, said by the user after the outputs")
        self._late.append(Content(f"Output of the call {gave.call_id}:", found.images))
        return Content(found.text or "(The output follows in the next user message.)", [])

    def _bring_images(self) -> None:
        late, self._late = self._late, []
        for said in late:
            self.add("user", said)


def _call(index: int, call: Call) -> JSON:
    function = {
        "index": index,
        "name": call.name,
        "arguments": decode(call.arguments.encode("utf-8", "replace")),
    }
    return {"id": call.id, "type": "function", "function": function}
