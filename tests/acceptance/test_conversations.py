"""A conversation that two processes write to: one after the other, also when one of them is killed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.acceptance.processes import KEYS, Process, gateway
from tests.contract.wire import Answer, ask, create

LEASE = 15  # seconds
WRITERS = 30


def started(process: Process) -> str:
    return str(ask(process, "POST", "/v1/conversations", {}).json()["id"])


def texts(process: Process, conversation: str) -> list[str]:
    query = "order=asc&limit=100"
    page = ask(process, "GET", f"/v1/conversations/{conversation}/items?{query}").json()
    return [item["content"][0]["text"] for item in page["data"]]


def insist(process: Process, conversation: str, text: str, **fields: Any) -> Answer:
    """Ask until it is nobody else's turn any more."""
    while (answer := create(process, text, conversation=conversation, **fields)).status == 400:
        assert answer.error["code"] == "conversation_locked"
        assert int(answer.header("retry-after") or 0) > 0
        time.sleep(0.05)
    assert answer.status == 200, answer.body
    return answer


def test_two_processes_take_turns_and_the_lock_of_a_killed_one_runs_out(
    tmp_path: Path, storage: dict[str, Any]
) -> None:
    kept = {"storage": f"sqlite:///{tmp_path}/shared.db", **storage, "keys": KEYS}
    with gateway(tmp_path / "a", kept) as one, gateway(tmp_path / "b", kept) as other:
        conversation = started(one)
        with ThreadPoolExecutor(WRITERS) as writers:
            each = [(one, other)[number % 2] for number in range(WRITERS)]
            named = [f"n{number}" for number in range(WRITERS)]
            list(writers.map(insist, each, [conversation] * WRITERS, named))
        said = texts(other, conversation)
        assert said[::2] == said[1::2]  # each echo stands behind what was asked
        assert sorted(said[::2]) == sorted(named)

        with ThreadPoolExecutor(1) as killed:
            killed.submit(_asked_for_ever, one, conversation)
            while create(other, "x", conversation=conversation, store=True).status == 200:
                time.sleep(0.01)
            one.kill()
        died = time.monotonic()
        insist(other, conversation, "after")
        assert time.monotonic() - died < LEASE + 2
        said = [text for text in texts(other, conversation) if text not in ("x", *named)]
        assert said == ["after", "after"]


def _asked_for_ever(process: Process, conversation: str) -> None:
    with suppress(OSError, AssertionError):
        insist(process, conversation, "wait 600 seconds then say never")
