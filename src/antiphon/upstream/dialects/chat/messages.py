"""Items, to chat messages.

    message (user)                     a user message
    message (system, developer)        a system message, or developer where the role is known; its images and
                                       files follow in a user message, for these are text only
    message (assistant), reasoning,    all that stands between two other items is one assistant message:
      function_call, custom_tool_call  its texts, its thoughts where they go back, its calls
    …_call_output                      a tool message; its images and files follow in a user message,
                                       after the last of the tool messages, where these are text only

Calls of the client's other tools come as calls of functions (`upstream/emulation`). Items of tools that no
chat knows are said as what comes next, or left out with a note:

    what a hosted tool did             a function call and its output (`core/hosted.py`)
    reasoning, sealed by another       left out: only its maker can read it
    compaction                         refused: it was made elsewhere, and a whole history is in it
    all others                         left out (web_search_call, image_generation_call, …)
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.hosted import AS_FUNCTION, as_function
from antiphon.core.transcript import NO_OUTPUT, object_text
from antiphon.core.unsaid import foreign_compaction, without_item
from antiphon.protocol.json import JSON, encode
from antiphon.upstream.dialects.chat import parts, signatures, think_chunks, thoughts
from antiphon.upstream.dialects.chat.quirks import Quirks

_CALLS = frozenset({"function_call", "custom_tool_call"})
_OUTPUTS = frozenset(f"{call}_output" for call in _CALLS)
_SYSTEM_ROLES = frozenset({"system", "developer"})

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
    items: list[JSON],
    instructions: str | None,
    quirks: Quirks,
    adapted: Adaptations,
    *,
    begun: bool = False,
) -> list[JSON]:
    """Raises InvalidRequest for content that cannot be said. `adapted` grows by what was left out.

    `begun`: the model is to go on with the last message.
    """
    conversation = Conversation(quirks, adapted)
    if instructions:
        conversation.instruct(instructions, "developer", "instructions")
    for index, item in enumerate(items):
        conversation.add(item, f"input[{index}]")
    return conversation.close(begun=begun)


class Draft:
    """An assistant message that may go on."""

    __slots__ = ("calls", "chunks", "details", "extra", "paths", "places", "texts", "thoughts", "unplaced")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.places: list[str] = []  # of the thoughts
        self.details: list[JSON] = []
        self.chunks: list[JSON] = []  # of the thoughts, but for the last that are not signed
        self.calls: list[JSON] = []
        self.paths: list[str] = []  # of the calls
        self.extra: JSON = {}  # signatures of the message
        self.unplaced: tuple[str, JSON] | None = None  # of the call that comes next, and where they were

    def sign(self, chunk: JSON) -> None:
        """A chunk of thoughts that is to come back as it was, behind those that came before."""
        if self.thoughts:
            self.chunks.append(think_chunks.of_text("\n\n".join(self.thoughts)))
            self.thoughts.clear()
        self.chunks.append(chunk)

    def message(self, quirks: Quirks) -> JSON | None:
        """None if nothing was said: thoughts alone are no message."""
        if not self.texts and not self.calls:
            return None
        text = "\n\n".join(self.texts)
        message: JSON = {"role": "assistant", "content": text or None}
        thought = "\n\n".join(self.thoughts)
        match quirks.replay:
            case "content" if self.chunks or thought:
                chunks = [*self.chunks, *([think_chunks.of_text(thought)] if thought else ())]
                message["content"] = [*chunks, *([{"type": "text", "text": text}] if text else ())]
            case "reasoning_details" if self.details:
                message["reasoning_details"] = self.details
            case "reasoning_details" if thought:
                message["reasoning"] = thought
            case "reasoning" | "reasoning_content" as name if thought or quirks.needs_thoughts:
                message[name] = thought
            case _:
                pass
        if self.extra:
            message["extra_content"] = self.extra
        if self.calls:
            message["tool_calls"] = self.calls
        return message


class Conversation:
    """The messages so far. At most one assistant message is open.

    Nothing may stand between calls and their outputs: what comes there, and the media of the outputs, waits
    until the last output was said, or the assistant goes on without it. No call may be left open: that one
    gets an output that says so.
    """

    def __init__(self, quirks: Quirks, adapted: Adaptations) -> None:
        self._quirks = quirks
        self._adapted = adapted
        self._messages: list[JSON] = []
        self._draft: Draft | None = None
        self._awaited: dict[str, str] = {}  # calls whose outputs have not come, and where they are
        self._missed: dict[str, JSON] = {}  # what was said instead of an output
        self._media: list[JSON] = []
        self._waiting: list[JSON] = []

    def add(self, item: JSON, where: str) -> None:
        kind = item.get("type")
        if kind == "message":
            self._message(item, where)
        elif kind in _CALLS:
            self._call(item, where)
        elif kind in _OUTPUTS:
            self._output(item, where)
        elif kind == "reasoning":
            self._reasoning(item, where)
        elif kind == "compaction":
            raise foreign_compaction(where)
        elif kind != "additional_tools":  # whose tools are among the turn's
            self._hosted(item, where)

    def instruct(self, said: str | list[JSON], role: str, where: str) -> None:
        """A system message, in the role and at the place that this server takes."""
        if role == "developer" and not self._quirks.developer_role:
            role = "system"
        if self._quirks.system_first and not self._begins():
            self._adapted.translated(where, f"a later {role} message, said by the user")
            self._append({"role": "user", "content": said})
            return
        words, media = parts.media_apart(said)
        if words or not media:
            self._system(words, role)
        if media:
            self._adapted.translated(where, "a system message is text alone, the rest is said by the user")
            self._append({"role": "user", "content": media})

    def _begins(self) -> bool:
        """Whether nobody has spoken yet but the system."""
        return all(message["role"] in _SYSTEM_ROLES for message in self._messages[:2])

    def _system(self, words: str | list[JSON], role: str) -> None:
        if self._quirks.system_first and self._messages:
            first = self._messages[0]
            first["content"] = parts.joined(first["content"], words)
        else:
            self._append({"role": role, "content": words})

    def close(self, *, begun: bool = False) -> list[JSON]:
        self._end_draft()
        self._say_waiting()
        last = self._messages[-1]["role"] if self._messages else None
        if self._quirks.user_last and not begun and last not in ("user", "tool"):
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
        if role in _SYSTEM_ROLES:
            self.instruct(said, role, where)
        else:
            self._append({"role": "user", "content": said})

    def _call(self, item: JSON, where: str) -> None:
        call_id, name = self._id(item), item.get("name")
        if item["type"] == "custom_tool_call":
            custom = {"name": name, "input": item.get("input") or ""}
            said: JSON = {"id": call_id, "type": "custom", "custom": custom}
        else:
            said = _function_call(call_id, name, item.get("arguments"))
        draft = self._assistant()
        if draft.unplaced is not None:
            said["extra_content"], draft.unplaced = draft.unplaced[1], None
        draft.calls.append(said)
        draft.paths.append(where)

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
        if replay == "extra_content":
            self._sign(signatures.unseal(blob), where)
            return
        signed = think_chunks.unseal(blob) if replay == "content" else None
        if replay == "none" or (blob and signed is None and not blob.startswith(thoughts.SEAL)):
            self._adapted.dropped(where, "these thoughts cannot go back to this model")
            return
        draft = self._assistant()
        draft.places.append(where)
        if signed is not None:
            draft.sign(signed)
            return
        if blob and replay == "reasoning_details":
            thoughts.resume(draft.details, thoughts.unseal(blob))
        found = parts.texts(item.get("content") or []) or parts.texts(item.get("summary") or [])
        draft.thoughts.extend(found)

    def _sign(self, signed: tuple[str, JSON] | None, where: str) -> None:
        if signed is None or (signed[0] == "last" and not (self._draft and self._draft.calls)):
            self._adapted.dropped(where, "these thoughts cannot go back to this model")
            return
        place, extra = signed
        draft = self._assistant()
        if place == "message":
            draft.extra |= extra
        elif place == "last":
            draft.calls[-1]["extra_content"] = extra
        else:
            draft.unplaced = (where, extra)
        draft.places.append(where)

    def _hosted(self, item: JSON, where: str) -> None:
        if (told := as_function(item)) is None:
            self._adapted.dropped(where, without_item(item))
            return
        self._adapted.translated(where, AS_FUNCTION)
        call, output = told
        call_id = self._id(call)
        name = _BAD_IN_NAMES.sub("_", call["name"])[:_LONGEST_NAME]
        draft = self._assistant()
        draft.calls.append(_function_call(call_id, name, call["arguments"]))
        draft.paths.append(where)
        self._tool(call_id, output["output"])

    def _id(self, item: JSON) -> str:
        """The id that joins a call and its output, in a form this server takes: the same in, the same out."""
        call_id = str(item.get("call_id") or item.get("id") or "")
        if _FITTING_IDS[self._quirks.call_ids].fullmatch(call_id):
            return call_id
        digest = sha256(call_id.encode("utf-8", "replace")).hexdigest()
        return digest[:9] if self._quirks.call_ids == "nine" else f"call_{digest[:32]}"

    def _tool(self, call_id: str, said: str | list[JSON]) -> None:
        self._end_draft()
        if call_id not in self._awaited and (missed := self._missed.pop(call_id, None)) is not None:
            missed["content"] = said
            return
        self._awaited.pop(call_id, None)
        self._messages.append({"role": "tool", "tool_call_id": call_id, "content": said})

    def _answer_the_open(self) -> None:
        for call_id, where in self._awaited.items():
            self._missed[call_id] = {"role": "tool", "tool_call_id": call_id, "content": NO_OUTPUT}
            self._messages.append(self._missed[call_id])
            self._adapted.translated(where, "this call has no output here, the model is told so")

    def _assistant(self) -> Draft:
        if self._draft is None:
            self._answer_the_open()
            self._say_waiting()
            self._draft = Draft()
        return self._draft

    def _end_draft(self) -> None:
        draft, self._draft = self._draft, None
        if draft is not None and draft.unplaced is not None:
            self._adapted.dropped(draft.unplaced[0], "the call that these thoughts led to is not here")
        if draft is not None and (message := draft.message(self._quirks)) is not None:
            self._messages.append(message)
            self._awaited = dict(zip((call["id"] for call in draft.calls), draft.paths, strict=True))
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
