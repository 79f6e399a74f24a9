"""What a recorded Ollama answer says, read without any code of the dialect.

Deliberately naive: it knows the recordings, not the protocol.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.recordings import Recording


@dataclass
class Said:
    """An answer, put together. `calls`: id, name, arguments; `usage`: input, output."""

    text: str = ""
    thoughts: str = ""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    usage: tuple[int, int] = (0, 0)
    stop: str = ""


def read(recording: Recording) -> Said:
    response = recording.exchange["response"]
    text = response["ndjson"] if recording.kind == "ndjson" else json.dumps(response["body"])
    said = Said()
    for line in filter(None, text.split("\n")):
        value = json.loads(line)
        message = value["message"]
        said.text += message["content"]
        said.thoughts += message.get("thinking", "")
        for call in message.get("tool_calls", []):
            function = call["function"]
            said.calls.append((call.get("id", ""), function["name"], function["arguments"]))
        if value["done"]:
            said.usage = value["prompt_eval_count"], value["eval_count"]
            said.stop = value["done_reason"]
    return said
