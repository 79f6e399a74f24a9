"""Items, to chat messages.

    message (user)                     a user message
    message (system, developer)        a system message, or developer where the role is known
    message (assistant), reasoning,    all that stands between two other items is one assistant message:
      function_call, custom_tool_call  its texts, its thoughts where they go back, its calls
    …_call_output                      a tool message; its images and files follow in a user message,
                                       after the last of the tool messages, where these are text only

Calls of the client's other tools come as calls of functions (`upstream/emulation`). Items of tools that no
chat knows are said as what comes next, or left out with a note:

    mcp_call                           a function call and its output
    reasoning, sealed by another       left out: only its maker can read it
    compaction                         refused: it was made elsewhere, and a whole history is in it
    all others                         left out (web_search_call, image_generation_call, …)
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.transcript import object_text
from antiphon.core.unsaid import foreign_compaction, without_item
from antiphon.protocol.json import JSON, encode
from antiphon.upstream.dialects.chat import parts, thoughts
from antiphon.upstream.dialects.chat.quirks import Quirks

_CALLS = frozenset({"function_call", "custom_tool_call"})
_OUTPUTS = frozenset(f"{call}_output" for call in _CALLS)

_NOTED = "OK."
_ONWARD = "Continue."
_BAD_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64  # characters
_FITTING_IDS = {
    "any": re.compile(r".*", re.DOTALL),
    "short": re.compile(r".{1,40}", re.DOTALL),
    "nine": re.compile(r"[a-zA-Z0-9]{9}"),
}


def messages_from(
    items: list[JSON], instructions: str | None, quirks: Quirks, adapted: Adaptations
) -> list[JSON]:
    """Raises InvalidRequest for content that cannot be said. `adapted` grows by what was left out."""
    conversation = Conversation(quirks, adapted)
    if instructions:
        conversation.instruct(instructions, "developer", "instructions")
    for index, item in enumerate(items):
        conversation.add(item, f"input[{index}]")
    return conversation.close()


class Draft:
    """An assistant message that may go on."""

    __slots__ = ("calls", "details", "places", "texts", "thoughts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.places: list[str] = []  # of the thoughts
        self.details: list[JSON] = []
        self.calls: list[JSON] = []

    def message(self, quirks: Quirks) -> JSON | None:
        """None if nothing was said: thoughts alone are no message."""
        if not self.texts and not self.calls:
            return None
        text = "\n\n".join(self.texts)
        message: JSON = {"role": "assistant", "content": text or None}
        thought = "\n\n".join(self.thoughts)
        match quirks.replay:
            case "content" if thought:
                thinking = {"type": "thinking", "thinking": [{"type": "text", "text": thought}]}
                message["content"] = [thinking, {"type": "text", "text": text}] if text else [thinking]
            case "reasoning_details" if self.details:
                message["reasoning_details"] = self.details
            case "reasoning_details" if thought:
                message["reasoning"] = thought
            case "reasoning" | "reasoning_content" as name if thought or quirks.needs_thoughts:
                message[name] = thought
            case _:
                pass
        if self.calls:
            message["tool_calls"] = self.calls
        return message


class Conversation:
    """The messages so far. At most one assistant message is open.

    Nothing may stand between calls and their outputs: what comes there, and the media of the outputs, waits
    until the last output was said (or the assistant goes on without it).
    """

    def __init__(self, quirks: Quirks, adapted: Adaptations) -> None:
        self._quirks = quirks
        self._adapted = adapted
        self._messages: list[JSON] = []
        self._draft: Draft | None = None
        self._awaited: set[str] = set()  # calls whose outputs have not come
        self._media: list[JSON] = []
        self._waiting: list[JSON] = []

    def add(self, item: JSON, where: str) -> None:
        kind = item.get("type")
        if kind == "message":
            self._message(item, where)
        elif kind in _CALLS:
            self._call(item)
        elif kind in _OUTPUTS:
            self._output(item, where)
        elif kind == "reasoning":
            self._reasoning(item, where)
        elif kind == "mcp_call":
            self._mcp(item)
        elif kind == "compaction":
            raise foreign_compaction(where)
        elif kind != "additional_tools":  # whose tools are among the turn's
            self._adapted.dropped(where, without_item(item))

    def instruct(self, said: str | list[JSON], role: str, where: str) -> None:
        """A system message, in the role and at the place that this server takes."""
        if role == "developer" and not self._quirks.developer_role:
            role = "system"
        if not self._quirks.system_first or not self._messages:
            self._append({"role": role, "content": said})
        elif len(self._messages) == 1 and self._messages[0]["role"] in ("system", "developer"):
            first = self._messages[0]
            first["content"] = parts.joined(first["content"], said)
        else:
            self._adapted.translated(where, f"a later {role} message, said by the user")
            self._append({"role": "user", "content": said})

    def close(self) -> list[JSON]:
        self._end_draft()
        self._say_waiting()
        last = self._messages[-1]["role"] if self._messages else None
        if self._quirks.user_last and last not in ("user", "tool"):
            self._messages.append({"role": "user", "content": _ONWARD})
            self._adapted.emulated("input", f"the user has the last word here, and says {_ONWARD!r}")
        return self._messages

    def _message(self, item: JSON, where: str) -> None:
        role = item.get("role")
        said = parts.content(
            item.get("content") or [],
            f"{where}.content",
            self._quirks,
            self._adapted,
            own=role == "assistant",
            whole=role != "assistant",
        )
        if role == "assistant":
            if text := said if isinstance(said, str) else "".join(parts.texts(said)):
                self._assistant().texts.append(text)
            return
        self._end_draft()
        if not self._awaited:
            self._say_waiting()
        if role in ("system", "developer"):
            self.instruct(said, role, where)
        else:
            self._append({"role": "user", "content": said})

    def _call(self, item: JSON) -> None:
        call_id, name = self._id(item), item.get("name")
        if item["type"] == "custom_tool_call":
            custom = {"name": name, "input": item.get("input") or ""}
            said: JSON = {"id": call_id, "type": "custom", "custom": custom}
        else:
            said = _function_call(call_id, name, item.get("arguments"))
        self._assistant().calls.append(said)

    def _output(self, item: JSON, where: str) -> None:
        call_id, output = self._id(item), item.get("output")
        if isinstance(output, str):
            self._tool(call_id, output)
        elif isinstance(output, list):
            self._output_parts(call_id, output, where)
        else:
            self._tool(call_id, _json(output))

    def _output_parts(self, call_id: str, output: list[JSON], where: str) -> None:
        said = parts.content(output, f"{where}.output", self._quirks, self._adapted)
        if isinstance(said, str) or self._quirks.tool_media:
            self._tool(call_id, said)
            return
        media = [part for part in said if part["type"] != "text"]
        if media:
            self._adapted.translated(
                f"{where}.output", "its images and files, said by the user after the outputs"
            )
            self._media += [{"type": "text", "text": f"Output of the call {call_id}:"}, *media]
        if not media and any(part.keys() != {"type", "text"} for part in said):
            self._tool(call_id, said)  # parts that are marked, which a string cannot be
        else:
            text = "\n".join(parts.texts(said))
            self._tool(call_id, text or "(The output follows in the next user message.)")

    def _reasoning(self, item: JSON, where: str) -> None:
        blob = item.get("encrypted_content")
        replay = self._quirks.replay
        if replay == "none" or (blob and not blob.startswith(thoughts.SEAL)):
            self._adapted.dropped(where, "these thoughts cannot go back to this model")
            return
        draft = self._assistant()
        if blob and replay == "reasoning_details":
            thoughts.resume(draft.details, thoughts.unseal(blob))
        found = parts.texts(item.get("content") or []) or parts.texts(item.get("summary") or [])
        draft.thoughts.extend(found)
        draft.places.append(where)

    def _mcp(self, item: JSON) -> None:
        call_id = self._id(item)
        name = _BAD_IN_NAMES.sub("_", str(item.get("name")))[:_LONGEST_NAME]
        self._assistant().calls.append(_function_call(call_id, name, item.get("arguments")))
        output = item.get("output")
        self._tool(call_id, output if isinstance(output, str) else _json(item.get("error")))

    def _id(self, item: JSON) -> str:
        """The id that joins a call and its output, in a form this server takes: the same in, the same out."""
        call_id = str(item.get("call_id") or item.get("id") or "")
        if _FITTING_IDS[self._quirks.call_ids].fullmatch(call_id):
            return call_id
        digest = sha256(call_id.encode("utf-8", "replace")).hexdigest()
        return digest[:9] if self._quirks.call_ids == "nine" else f"call_{digest[:32]}"

    def _tool(self, call_id: str, said: str | list[JSON]) -> None:
        self._end_draft()
        self._awaited.discard(call_id)
        self._messages.append({"role": "tool", "tool_call_id": call_id, "content": said})

    def _assistant(self) -> Draft:
        if self._draft is None:
            self._say_waiting()
            self._draft = Draft()
        return self._draft

    def _end_draft(self) -> None:
        draft, self._draft = self._draft, None
        if draft is not None and (message := draft.message(self._quirks)) is not None:
            self._messages.append(message)
            self._awaited = {call["id"] for call in draft.calls}
        elif draft is not None:
            for place in draft.places:
                self._adapted.dropped(place, "nothing came of these thoughts, so they are not said")

    def _say_waiting(self) -> None:
        self._awaited.clear()
        media, self._media = self._media, []
        waiting, self._waiting = self._waiting, []
        for message in [{"role": "user", "content": media}, *waiting] if media else waiting:
            self._append(message)

    def _append(self, message: JSON) -> None:
        """A message of the user or the system."""
        if self._awaited:
            self._waiting.append(message)
            return
        last = self._messages[-1] if self._messages else None
        roles = last and last["role"], message["role"]
        if roles == ("tool", "user") and not self._quirks.user_after_tool:
            self._messages.append({"role": "assistant", "content": _NOTED})
            self._adapted.emulated(
                "input", f"the user does not speak after a tool here, between is {_NOTED!r}"
            )
        if last is not None and roles == ("user", "user") and self._quirks.alternate_roles:
            last["content"] = parts.joined(last["content"], message["content"])
        else:
            self._messages.append(message)


def _function_call(call_id: str, name: Any, arguments: Any) -> JSON:
    function = {"name": name, "arguments": object_text(arguments)}
    return {"id": call_id, "type": "function", "function": function}


def _json(value: Any) -> str:
    return "" if value is None else encode(value).decode()
