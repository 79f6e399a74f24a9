"""What the model says in all runs of all agents: rules that `sim/script` plays, and the fake providers too.

The grammar is that of docs/simulated-model.md. A run is found by words of its user, a step by the turns that
the model has had since then; so nothing is kept between two requests.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

PATCH = "*** Begin Patch\n*** Add File: patched.txt\n+made by a patch\n*** End Patch\n"
MAKE_A_FILE: Any = ["exec_command", {"cmd": "echo made > made.txt && echo it is done"}]
NOTE = "echo noted > note.txt && echo it is done"
NOTED = {"recall": "it is (done)"}
PERSON = '{"name":"Ada","age":36}'
CODE = 'const made = await tools.exec_command({cmd: "echo made > made.txt"}); text(made.output ?? "done");'


def _rule(condition: str, *steps: dict[str, Any]) -> dict[str, Any]:
    return {"if": condition, "do": list(steps)}


RULES: list[dict[str, Any]] = [
    _rule("summary produced by the other language model", {"text": "I carry on."}),
    _rule("message type: final_answer", {"text": "Delegated."}),
    _rule("context checkpoint compaction", {"text": "A file was made."}),
    _rule("make two files", {"calls": [MAKE_A_FILE]}, {"calls": [MAKE_A_FILE]}),
    _rule(
        "delegate it",
        {"calls": [["spawn_agent", {"task_name": "coder", "message": "Run the code."}]]},
        {"calls": [["wait_agent", {"timeout_ms": 10_000}]]},
    ),
    _rule("greet me", {"text": "Hello from the script."}),
    _rule("think and greet", {"think": "A greeting is due.", "text": "Hello after a thought."}),
    _rule("make the file", {"calls": [MAKE_A_FILE]}, {"recall": "it is (done)"}),
    _rule("think and make it", {"think": "A shell.", "calls": [MAKE_A_FILE]}, {"text": "Thought."}),
    _rule("patch the file", {"text": "I patch.", "calls": [["apply_patch", PATCH]]}, {"text": "Patched."}),
    _rule("run the code", {"calls": [["exec", CODE]]}, {"text": "The code ran."}),
    _rule(
        "look for tools",
        {"calls": [["tool_search", {"query": "calendar"}]]},
        {"calls": [["next_event", {"day": "Monday"}]]},
        {"recall": "On Monday: a (walk)"},
    ),
    _rule("describe the picture", {"text": "A red square."}),
    _rule("a poem", {"calls": [["transfer_to_poet", {}]]}, {"text": "Roses are red."}),
    _rule("who is it", {"text": PERSON}),
    _rule("who called", {"calls": [["final_result", json.loads(PERSON)]]}),
    _rule("note with opencode", {"calls": [["bash", {"command": NOTE, "description": "A note"}]]}, NOTED),
    _rule("note with continue", {"calls": [["Bash", {"command": NOTE}]]}, NOTED),
    _rule("note with cline", {"calls": [["run_commands", {"commands": [NOTE]}]]}, NOTED),
    _rule("who was it, in parts", {"calls": [["PartialPerson", json.loads(PERSON)]]}),
    _rule("who was it, again", {"calls": [["Picky", json.loads(PERSON)]]}),
    _rule("not at once", {"calls": [["Picky", json.loads(PERSON)]]}),
    _rule("who was it", {"calls": [["Person", json.loads(PERSON)]]}),
    _rule("no more room", {"fail": "context"}),
    _rule(
        "weather in two places",
        {"calls": [["get_weather", {"city": "Rome"}], ["get_weather", {"city": "Oslo"}]]},
        {"recall": "sunny in (Oslo)"},
    ),
    _rule(
        "weather step by step",
        {"think": "Rome first.", "calls": [["get_weather", {"city": "Rome"}]]},
        {"text": "And now Oslo.", "calls": [["get_weather", {"city": "Oslo"}]]},
        {"recall": "sunny in (Oslo)"},
    ),
]


@dataclass(frozen=True)
class Request:
    """What a provider was asked: the last words of the user, the turns since, and all that was said."""

    user: str
    turns: int
    said: str


def step(request: Request) -> dict[str, Any]:
    """The step that is due; where no rule matches, or its steps are used up, the user is echoed."""
    for rule in RULES:
        if rule["if"] in request.user.lower() and request.turns < len(rule["do"]):
            return _recalled(rule["do"][request.turns], request.said)
    return {"text": request.user}


def _recalled(due: dict[str, Any], said: str) -> dict[str, Any]:
    if "recall" not in due:
        return due
    found = re.search(due["recall"], said)
    return {"text": found[1] if found else f"Nothing said so far matches {due['recall']}"}
