"""The commands of a shell call that is still being said, one after another.

    a command    added → delta* → done

Their events count the commands and do not name the item, as in OpenAI's specification.
"""

from __future__ import annotations

from typing import Any

from antiphon.protocol.events import Event


class OpenCommands:
    """What was said so far; only the last command is open."""

    __slots__ = ("_output_index", "_pieces")

    def __init__(self, output_index: int) -> None:
        self._output_index = output_index
        self._pieces: list[list[str]] = []

    @property
    def said(self) -> list[str]:
        return ["".join(pieces) for pieces in self._pieces]

    def say(self, text: str, index: int) -> list[Event]:
        """More of the command with this index. A command that is over has nothing to add."""
        events: list[Event] = []
        while len(self._pieces) <= index:
            events += self.close()
            self._pieces.append([])
            events.append(self._event("added", command=""))
        if text and index == len(self._pieces) - 1:
            self._pieces[index].append(text)
            events.append(self._event("delta", delta=text))
        return events

    def close(self) -> list[Event]:
        """The last command, if there is one, is over."""
        return [self._event("done", command=self.said[-1])] if self._pieces else []

    def _event(self, name: str, **fields: Any) -> Event:
        address = {"output_index": self._output_index, "command_index": len(self._pieces) - 1}
        return {"type": f"response.shell_call_command.{name}", **address, **fields}
