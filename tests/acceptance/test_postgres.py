"""Gateways on PostgreSQL: several on one database, and a server that restarts under them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from antiphon.stores.drivers import open_driver
from antiphon.stores.ledger import Ledger
from antiphon.stores.schema import DEFAULT_PROJECT
from tests.acceptance.processes import KEY, PATIENCE, Process, gateway, launched, listening
from tests.contract.wire import Connection, ask, create, made
from tests.postgres import cut_all

PASSWORD = "s3cr3t"
PEPPER = "5e" * 32
RECOVERY = 5  # seconds


def with_password(url: str) -> str:
    """The URL with a password, which the server does not ask for."""
    parts = urlsplit(url)
    _, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"postgres:{PASSWORD}{at or '@'}{host}"))


@pytest.fixture
def settings(postgres_database: str) -> dict[str, Any]:
    return {"storage": with_password(postgres_database), "pepper": PEPPER}


def test_gateways_that_share_a_database_and_a_pepper_are_one(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    """Started at once on an empty database, each with a folder of its own, as on machines of their own."""
    folders = [tmp_path / f"{number}" for number in range(3)]
    for folder in folders:
        folder.mkdir()
    started = [launched(folder, settings) for folder in folders]
    try:
        processes = [listening(one, folder) for one, folder in zip(started, folders, strict=True)]
        key = next(process.key for process in processes if process.key != KEY)  # whoever was the first
        last = None
        for turn in range(6):
            process = processes[turn % 3]
            process.key = key
            response = made(process, f"turn {turn}", previous_response_id=last)
            last = response["id"]
        for process in processes:
            assert ask(process, "GET", f"/v1/responses/{last}").json() == response
            page = ask(process, "GET", f"/v1/responses/{last}/input_items?limit=100&order=asc").json()
            said = [item["content"][0]["text"] for item in page["data"] if item["role"] == "user"]
            assert said == [f"turn {turn}" for turn in range(6)]
        assert ask(processes[1], "DELETE", f"/v1/responses/{last}").json()["deleted"] is True
        assert ask(processes[2], "GET", f"/v1/responses/{last}").status == 404
        assert not any((folder / "data").exists() for folder in folders), "nothing is kept on the machine"
    finally:
        for one in started:
            one.kill()
            one.communicate(timeout=PATIENCE)


@pytest.fixture
def process(tmp_path: Path, settings: dict[str, Any]) -> Iterator[Process]:
    with gateway(tmp_path, settings) as running:
        yield running


def test_a_character_that_postgresql_refuses_is_never_the_servers_error(process: Process) -> None:
    """Bodies with U+0000 are refused; in a path or a query it is only an id that nothing has."""
    stored = made(process, "hello")
    assert create(process, "hello", previous_response_id="resp_\x00").status == 400
    for path in ("resp_%00", f"{stored['id']}%00", "resp_%00/input_items"):
        assert ask(process, "GET", f"/v1/responses/{path}").status == 404
    assert ask(process, "DELETE", "/v1/responses/resp_%00").status == 404
    assert ask(process, "GET", f"/v1/responses/{stored['id']}/input_items?after=%00").status == 400


def test_a_server_that_restarts_under_load_costs_nothing_that_was_acknowledged(
    process: Process, postgres_database: str, tmp_path: Path
) -> None:
    acknowledged: list[dict[str, Any]] = []
    refused: list[str | None] = []
    over = threading.Event()

    def work(name: int) -> None:
        with Connection(process, timeout=PATIENCE) as connection:
            while not over.is_set():
                body = {"model": "sim/echo", "input": f"client {name} " + "word " * 50}
                connection.ask("POST", "/v1/responses", body)
                answer = connection.answer()
                assert answer.status in (200, 503), answer.body
                if answer.status == 200 and answer.json()["store"]:
                    acknowledged.append(answer.json())
                elif answer.status == 503:
                    assert answer.error["code"] == "storage_unavailable"
                    refused.append(answer.header("retry-after"))

    with ThreadPoolExecutor(4) as pool:
        work_of_all = [pool.submit(work, name) for name in range(4)]
        for _ in range(6):
            time.sleep(0.15)
            asyncio.run(cut_all(postgres_database))
        cut_at = time.monotonic()
        made(process, "the first after the last cut")
        assert time.monotonic() - cut_at < RECOVERY
        over.set()
        for done in work_of_all:
            done.result()
    assert acknowledged
    assert all(seconds and int(seconds) > 0 for seconds in refused)
    for response in acknowledged:
        assert ask(process, "GET", f"/v1/responses/{response['id']}").json() == response
    assert PASSWORD not in (tmp_path / "log").read_text()
    assert asyncio.run(spent(postgres_database)) >= len(acknowledged)


async def spent(url: str) -> int:
    """Calls in the ledger."""
    driver = await open_driver(url)
    total = await Ledger(driver).total(DEFAULT_PROJECT)
    await driver.close()
    return total.attempts


def test_a_server_that_is_gone_is_told_at_the_start_without_the_password(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    parts = urlsplit(settings["storage"])
    nowhere = urlunsplit(parts._replace(path="/no_such_database"))
    running = launched(tmp_path, {**settings, "storage": nowhere})
    assert running.wait(PATIENCE) == 1
    running.communicate()
    told = (tmp_path / "log").read_text()
    assert "no_such_database" in told
    assert "Traceback" not in told
    assert PASSWORD not in told
