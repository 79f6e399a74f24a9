"""A gateway that is told to stop goes in good manners; one that cannot start says why in one line."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.acceptance.processes import COMMAND, KEY, KEYS, PATIENCE, Process, environment, gateway
from tests.contract.wire import Answer, Connection, ask, create

AT_ONCE = 3  # seconds: less than what is given to the last writes, more than a busy machine needs
COUNTED = " ".join(map(str, range(1, 31)))


def begun(process: Process, **fields: Any) -> Connection:
    """A request whose answer takes a second and a half; streamed, its head is here already."""
    connection = Connection(process, PATIENCE)
    body = {"model": "sim/echo", "input": "count to 30 slowly", **fields}
    connection.ask("POST", "/v1/responses", body)
    if fields.get("stream"):
        streaming = connection.head()
        assert streaming.status == 200
        connection.chunk()
    return connection


def rest(connection: Connection) -> Answer:
    """What is left of a stream."""
    answer = Answer(200, [])
    while piece := connection.chunk():
        answer.chunks.append(piece)
    return answer


def text_of(response: dict[str, Any]) -> str:
    return str(response["output"][0]["content"][0]["text"])


def no_longer_accepts(process: Process) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            Connection(process).close()
        except ConnectionRefusedError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_runs_is_finished_and_a_second_signal_changes_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    with gateway(tmp_path, {"keys": KEYS}) as process, ThreadPoolExecutor() as pool:
        streamed, whole = begun(process, stream=True), begun(process)
        idle = Connection(process)
        time.sleep(0.2)  # the whole one has been read
        process.signal(number)
        assert no_longer_accepts(process)
        process.signal(number)
        process.signal(signal.SIGTERM)
        end: Future[Answer] = pool.submit(rest, streamed)
        assert text_of(whole.answer().json()) == COUNTED
        final = end.result(PATIENCE).events[-1]
        assert final["type"] == "response.completed"
        assert text_of(final["response"]) == COUNTED
        assert idle.is_over()
        assert process.ended() == 0
    with gateway(tmp_path) as process:
        assert ask(process, "GET", f"/v1/responses/{final['response']['id']}").json() == final["response"]


def test_what_does_not_finish_in_time_is_ended_with_what_there_is(tmp_path: Path) -> None:
    with gateway(tmp_path, {"keys": KEYS, "drain_timeout": 0.3}) as process:
        streamed, whole = begun(process, stream=True), begun(process)
        time.sleep(0.2)
        process.signal()
        events = rest(streamed).events
        assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
        assert events[-2]["code"] == "server_shutdown"
        failed = events[-1]["response"]
        assert COUNTED.startswith(text_of(failed))
        assert whole.answer().error["code"] == "server_shutdown"
        assert process.ended() == 0
    with gateway(tmp_path) as process:
        assert ask(process, "GET", f"/v1/responses/{failed['id']}").json() == failed


def test_a_gateway_at_rest_stops_at_once_and_leaves_a_whole_database_alone(tmp_path: Path) -> None:
    with gateway(tmp_path) as process:
        assert create(process, "hello").status == 200
        assert process.stop() == 0
    left = sorted(file.name for file in (tmp_path / "data").iterdir())
    assert left == ["antiphon.db", "pepper"]  # no journal: everything is in the one file
    assert (tmp_path / "log").read_text().count("Traceback") == 0


def test_a_request_that_comes_while_it_stops_is_sent_elsewhere(tmp_path: Path) -> None:
    """On a connection that was open before: it is closed, or says 503 and Retry-After."""
    with gateway(tmp_path, {"keys": KEYS}) as process:
        running, waiting = begun(process, stream=True), Connection(process)
        process.signal()
        assert no_longer_accepts(process)
        try:
            waiting.ask("POST", "/v1/responses", {"model": "sim/echo", "input": "x"})
            refused = waiting.answer()
            assert (refused.status, refused.error["code"]) == (503, "server_shutdown")
            assert refused.header("retry-after") == "1"
        except ConnectionError:
            assert waiting.is_over()
        assert rest(running).events[-1]["type"] == "response.completed"
        assert process.ended() == 0


def half(process: Process, key: str = KEY) -> Connection:
    """A request of which the head has come and a part of the body."""
    connection = Connection(process, PATIENCE)
    headers = [("Authorization", f"Bearer {key}"), ("Content-Length", "1000")]
    connection.ask("POST", "/v1/responses", headers=headers, keyed=False)
    connection.send(b'{"model": ')
    return connection


def test_a_request_of_which_half_has_come_is_sent_elsewhere_and_not_waited_for(tmp_path: Path) -> None:
    with gateway(tmp_path, {"keys": KEYS, "drain_timeout": 0}) as process:
        unfinished = half(process)
        time.sleep(0.2)
        began = time.monotonic()
        process.signal()
        answer = unfinished.answer()
        assert (answer.status, answer.error["code"]) == (503, "server_shutdown")
        assert answer.header("retry-after") == "1"
        assert process.ended() == 0
        assert time.monotonic() - began < AT_ONCE
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_request_that_was_answered_before_all_of_it_came_is_not_waited_for(tmp_path: Path) -> None:
    with gateway(tmp_path, {"keys": KEYS}) as process:
        refused = half(process, key="wrong")
        assert refused.answer().status == 401
        began = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - began < AT_ONCE
        assert refused.is_over()


def tried(folder: Path, *options: str, **extra: str) -> tuple[int, str]:
    """The exit code of a gateway that cannot start, and what it said."""
    ran = subprocess.run(
        [*COMMAND[:4], *(options or COMMAND[4:]), "--data", str(folder / "data")],
        cwd=folder,
        env=environment(extra),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    return ran.returncode, ran.stderr


def test_a_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = tried(tmp_path, "--port", str(port))
    assert (code, said) == (1, f"antiphon: cannot listen on 127.0.0.1:{port}: Address already in use\n")


def test_a_host_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    code, said = tried(tmp_path, "--host", "no-such-host.invalid", "--port", "0")
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("antiphon: cannot listen on no-such-host.invalid:0: ")


WRONG: dict[str, tuple[str, str]] = {
    "a misspelt name": ("stream:\n  hartbeat: 3\n", "antiphon.yaml:2: stream.hartbeat: "),
    "a wrong type": ("drain_timeout: soon\n", "antiphon.yaml:1: drain_timeout: "),
    "no YAML": ("a: [1\nb: 2\n", "antiphon.yaml:2"),
    "a provider without an address": (
        "\nproviders:\n  mine: {dialect: chat}\n",
        "antiphon.yaml:3: providers.mine: ",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_configuration_that_is_wrong_is_told_with_its_line(tmp_path: Path, name: str) -> None:
    text, told = WRONG[name]
    (tmp_path / "antiphon.yaml").write_text(text)
    code, said = tried(tmp_path)
    assert code == 2
    assert told in said


def no_folder(folder: Path) -> str:
    (folder / "data").write_text("not a folder")
    return "File exists"


def no_database(folder: Path) -> str:
    (folder / "data").mkdir()
    (folder / "data" / "antiphon.db").write_bytes(b"this is no database" * 1000)
    return "cannot be used as the database"


def no_pepper(folder: Path) -> str:
    (folder / "data").mkdir()
    (folder / "data" / "pepper").write_bytes(b"short")
    return "should hold 32 bytes and holds 5"


def newer(folder: Path) -> str:
    """As a later version leaves it."""
    with gateway(folder) as process:
        assert process.stop() == 0
    connection = apsw.Connection(str(folder / "data" / "antiphon.db"))
    connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
    connection.close()
    return "which a newer version made"


@pytest.mark.parametrize("spoil", [no_folder, no_database, no_pepper, newer])
def test_data_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, spoil: Callable[[Path], str]) -> None:
    told = spoil(tmp_path)
    code, said = tried(tmp_path)
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith(f"antiphon: {tmp_path / 'data'}")
    assert told in said


def test_a_script_of_the_simulated_model_that_is_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "antiphon.yaml").write_text("simulated: {script: rules.yaml}\n")
    (tmp_path / "rules.yaml").write_text("- if: hello\n  doo: []\n")
    code, said = tried(tmp_path)
    assert code == 2
    assert "rules.yaml:2: " in said
