"""The steps of a transcript, as Cohere's messages.

    Said (system, developer)   the system message, which is the first; later ones are said by the user
    Said (user)                a user message
    Spoke                      an assistant message: thoughts, and text or calls
    Gave                       a tool message; images of it follow in a user message, after the last one

Cohere refuses text beside calls: what was said before a call is its plan. Where plans and thoughts go back
depends on the model (`Replay`):

    tool_plan   the field of that name, only beside calls; thoughts before a text are left out
    thinking    a content block before the text or the calls
    none        they do not; text before a call is a message of its own
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from antiphon.core.adaptations import Adaptations
from antiphon.core.transcript import Call, Gave, Said, Spoke, steps
from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.cohere.parts import Parts

Replay: TypeAlias = Literal["tool_plan", "thinking", "none"]

_NO_WAY_BACK = "these thoughts cannot go back to this model"


def messages_from(
    items: list[JSON], told: list[str | None], replay: Replay, parts: Parts, adapted: Adaptations
) -> list[JSON]:
    """`told`: what the system says before all items. Raises InvalidRequest for what cannot be said."""
    messages = Messages(replay, parts, adapted)
    for text in told:
        if text:
            messages.instruct(text, "instructions")
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

    def __init__(self, replay: Replay, parts: Parts, adapted: Adaptations) -> None:
        self._replay = replay
        self._parts = parts
        self._adapted = adapted
        self._messages: list[JSON] = []
        self._media: list[JSON] = []

    def instruct(self, text: str, where: str) -> None:
        if not self._messages:
            self._messages.append({"role": "system", "content": text})
        elif len(self._messages) == 1 and self._messages[0]["role"] == "system":
            self._messages[0]["content"] += f"\n\n{text}"
        else:
            self._adapted.translated(where, "a later system message, said by the user")
            self._messages.append({"role": "user", "content": text})

    def say(self, said: Said) -> None:
        self._bring_media()
        if said.role in ("system", "developer"):
            self.instruct(self._parts.system(said.parts, said.where), said.where)
        else:
            self._messages.append({"role": "user", "content": self._parts.user(said.parts, said.where)})

    def speak(self, spoke: Spoke) -> None:
        self._bring_media()
        if spoke.calls:
            self._messages.extend(self._calling(spoke))
        elif spoke.texts and spoke.thoughts and self._replay == "thinking":
            content = [_thinking(spoke.thought), {"type": "text", "text": spoke.text}]
            self._messages.append({"role": "assistant", "content": content})
        else:
            if spoke.thoughts:
                self._adapted.dropped(spoke.thought_at, _NO_WAY_BACK)
            if spoke.texts:
                self._messages.append({"role": "assistant", "content": spoke.text})

    def give(self, gave: Gave) -> None:
        content = gave.output
        if isinstance(content, list):
            content, media = self._parts.output(content, gave.where)
            if media:
                self._adapted.translated(gave.where, "its images, said by the user after the outputs")
                self._media += [{"type": "text", "text": f"Output of the call {gave.call_id}:"}, *media]
            content = content or ("(The output follows in the next user message.)" if media else "")
        self._messages.append({"role": "tool", "tool_call_id": gave.call_id, "content": content})

    def close(self) -> list[JSON]:
        self._bring_media()
        return self._messages

    def _calling(self, spoke: Spoke) -> list[JSON]:
        message: JSON = {"role": "assistant"}
        calls = [_call(call) for call in spoke.calls]
        plan = "\n\n".join((*spoke.thoughts, *spoke.texts))
        if self._replay == "none":
            if spoke.thoughts:
                self._adapted.dropped(spoke.thought_at, _NO_WAY_BACK)
            before = [{**message, "content": spoke.text}] if spoke.texts else []
            return [*before, {**message, "tool_calls": calls}]
        if spoke.texts:
            self._adapted.translated(spoke.text_at, "text before a call, said as its plan")
        if plan and self._replay == "tool_plan":
            message["tool_plan"] = plan
        elif plan:
            message["content"] = [_thinking(plan)]
        return [{**message, "tool_calls": calls}]

    def _bring_media(self) -> None:
        if self._media:
            self._messages.append({"role": "user", "content": self._media})
            self._media = []


def _call(call: Call) -> JSON:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _thinking(thought: str) -> JSON:
    return {"type": "thinking", "thinking": thought}
