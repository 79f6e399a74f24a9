"""`antiphon fake-upstream` as a process."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from antiphon.cli import main
from antiphon.fake_upstream.builtin import FILE

COMMAND = (sys.executable, "-m", "antiphon", "fake-upstream")


def test_it_tells_where_it_is_and_each_request_and_stops_when_told(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text("models:\n  mine: {say: Hello, usage: {input: 3, output: 2}}\n")
    with subprocess.Popen(
        (*COMMAND, str(script), "--port", "0", "--json", "--faulty-ports"), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["ports"].keys() >= {"refuses", "swallows", "tls-expired"}
        body = json.dumps({"model": "mine"}).encode()
        with urllib.request.urlopen(f"{told['url']}/v1/messages", data=body) as answer:
            assert json.loads(answer.read())["content"] == [{"type": "text", "text": "Hello"}]
        line = json.loads(process.stdout.readline())
        assert (line["dialect"], line["model"], line["end"]) == ("anthropic", "mine", "complete")
        assert (line["input_tokens"], line["output_tokens"]) == (3, 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_a_script_that_is_wrong_stops_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "script.yaml"
    script.write_text("models:\n  mine: {says: Hello}\n")
    assert main(["fake-upstream", str(script)]) == 2
    assert capsys.readouterr().err == f"{script}:2: models.mine.says: no such field, did you mean `say`?\n"


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["fake-upstream", "--port", port]) == 1
    assert capsys.readouterr().err.startswith(f"127.0.0.1:{port}: ")


def test_the_script_of_the_built_in_models_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fake-upstream", "--print-script"]) == 0
    assert capsys.readouterr().out == FILE.read_text(encoding="utf-8")
