"""Acknowledged means committed. A gateway under load is killed at random moments, again and again: each
response whose body or terminal event a client has received is there afterwards and equal, and each that a
client was told is deleted stays so. ANTIPHON_KILLS says how often; the seed of a run is in its output.
"""

from __future__ import annotations

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from tests.acceptance.processes import PATIENCE, DidNotStart, Process, launched, listening
from tests.contract.wire import Connection, frames

KILLS = int(os.environ.get("ANTIPHON_KILLS", "20"))  # of gateways on SQLite; on PostgreSQL a fourth of it
CLIENTS = 6
SAMPLE = 1500  # of all that was ever acknowledged, looked at again at the end

Response = dict[str, Any]


@dataclass
class Ledger:
    """What one client was told, and by which life of the gateway."""

    kept: dict[str, Response] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    chain: list[str] = field(default_factory=list)  # ids, each continuing the one before
    texts: list[str] = field(default_factory=list)  # what each of the chain was asked


class Client:
    """Creates, streams, continues and deletes until the connection breaks."""

    def __init__(self, gateway: Process, name: str, seed: int) -> None:
        self.ledger = Ledger()
        self._gateway = gateway
        self._name = name
        self._random = random.Random(seed)
        self._number = 0

    def work(self) -> None:
        with suppress(OSError), Connection(self._gateway, timeout=PATIENCE) as connection:
            while True:
                self._act(connection)

    def _act(self, connection: Connection) -> None:
        act = self._random.random()
        if act < 0.25:
            self._keep(self._made(connection, store=True))
        elif act < 0.5:
            self._stream(connection)
        elif act < 0.75:
            self._go_on(connection)
        elif singles := self.ledger.kept.keys() - set(self.ledger.chain):
            self._delete(connection, self._random.choice(sorted(singles)))

    def _text(self) -> str:
        self._number += 1
        return f"{self._name} {self._number} " + "word " * self._random.randint(0, 300)

    def _made(self, connection: Connection, **fields: Any) -> Response:
        connection.ask("POST", "/v1/responses", {"model": "sim/echo", "input": self._text(), **fields})
        answer = connection.answer()
        assert answer.status == 200, answer.body
        return dict(answer.json())

    def _stream(self, connection: Connection) -> None:
        """Acknowledged by its terminal event, whatever becomes of what follows it."""
        body = {"model": "sim/echo", "input": self._text(), "stream": True}
        connection.ask("POST", "/v1/responses", body)
        assert connection.head().status == 200
        while chunk := connection.chunk():
            for event in frames(chunk):
                if event.name == "response.completed":
                    self._keep(event.data["response"])

    def _keep(self, response: Response) -> None:
        assert response["store"] is True
        self.ledger.kept[response["id"]] = response

    def _go_on(self, connection: Connection) -> None:
        previous = self.ledger.chain[-1] if self.ledger.chain else None
        response = self._made(connection, previous_response_id=previous)
        self._keep(response)
        self.ledger.chain.append(response["id"])
        self.ledger.texts.append(response["output"][0]["content"][0]["text"])

    def _delete(self, connection: Connection, response_id: str) -> None:
        del self.ledger.kept[response_id]  # from now on nobody knows, until the answer is here
        connection.ask("DELETE", f"/v1/responses/{response_id}")
        assert connection.answer().json()["deleted"] is True
        self.ledger.gone.add(response_id)


class Lives:
    """A data folder and all gateways that ever ran on it."""

    def __init__(self, folder: Path, storage: dict[str, Any], seed: int) -> None:
        self.folder = folder
        self.storage = storage
        self.random = random.Random(seed)
        self.key: str | None = None
        self.ledgers: list[Ledger] = []
        self.unborn = 0
        self.checked = 0

    def live(self, number: int) -> None:
        """One life: it starts, what the life before has promised is checked, it works, it is killed."""
        running = launched(self.folder, self.storage)
        if number and self.random.random() < 0.15:
            self._kill_unborn(running)
            return
        gateway = listening(running, self.folder, self.key)
        self.key = gateway.key
        try:
            self.check(gateway, self.ledgers[-CLIENTS:])
            self._load(gateway, number)
        finally:
            gateway.kill()
            assert running.stdout is not None
            running.stdout.close()

    def _kill_unborn(self, running: Any) -> None:
        """Killed while it starts."""
        threading.Timer(self.random.uniform(0, 1.2), running.kill).start()
        with suppress(DidNotStart):
            listening(running, self.folder, self.key)
        running.wait(PATIENCE)
        running.stdout.close()
        self.unborn += 1

    def _load(self, gateway: Process, number: int) -> None:
        clients = [
            Client(gateway, f"life {number} client {at}", self.random.getrandbits(64))
            for at in range(CLIENTS)
        ]
        with ThreadPoolExecutor(CLIENTS) as pool:
            work = [pool.submit(client.work) for client in clients]
            time.sleep(self.random.uniform(0.05, 0.8))
            gateway.kill()
            for done in work:
                done.result()
        self.ledgers += [client.ledger for client in clients]

    def check(self, gateway: Process, ledgers: list[Ledger]) -> None:
        with Connection(gateway, timeout=PATIENCE) as connection:
            for ledger in ledgers:
                for response in ledger.kept.values():
                    self.check_kept(connection, response)
                for response_id in ledger.gone:
                    connection.ask("GET", f"/v1/responses/{response_id}")
                    assert connection.answer().status == 404
                    self.checked += 1
                if ledger.chain:
                    check_chain(connection, ledger)

    def check_kept(self, connection: Connection, response: Response) -> None:
        connection.ask("GET", f"/v1/responses/{response['id']}")
        answer = connection.answer()
        assert answer.status == 200, f"{response['id']} was acknowledged and is lost"
        assert answer.json() == response
        self.checked += 1


def check_chain(connection: Connection, ledger: Ledger) -> None:
    """The last of the chain knows all that was asked before, in order."""
    connection.ask("GET", f"/v1/responses/{ledger.chain[-1]}/input_items?limit=100&order=desc")
    items = [item for item in connection.answer().json()["data"] if item.get("role") == "user"]
    asked = [item["content"][0]["text"] for item in reversed(items)]
    assert asked == ledger.texts[-len(asked) :]
    assert len(asked) == min(len(ledger.texts), 50)


def test_nothing_acknowledged_is_lost_and_nothing_deleted_comes_back(
    tmp_path: Path, storage: dict[str, Any]
) -> None:
    seed = random.getrandbits(32)
    lives = Lives(tmp_path, storage, seed)
    kills = KILLS // 4 if storage else KILLS
    for number in range(kills):
        lives.live(number)
    known = [response for ledger in lives.ledgers for response in ledger.kept.values()]
    gone = sum(len(ledger.gone) for ledger in lives.ledgers)
    running = launched(tmp_path, storage)
    gateway = listening(running, tmp_path, lives.key)
    try:
        lives.check(gateway, lives.ledgers[-CLIENTS:])
        with Connection(gateway, timeout=PATIENCE) as connection:
            for response in lives.random.sample(known, min(SAMPLE, len(known))):
                lives.check_kept(connection, response)
        assert gateway.stop() == 0
    finally:
        gateway.kill()
        assert running.stdout is not None
        running.stdout.close()
    if not storage:
        check_file(tmp_path / "data" / "antiphon.db")
    print(
        f"{kills} kills ({lives.unborn} of them while it started), {len(known)} responses and {gone} "
        f"deletions acknowledged, {lives.checked} looked at; seed {seed}"
    )
    assert len(known) > 5 * kills


def check_file(database: Path) -> None:
    connection = apsw.Connection(str(database))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
