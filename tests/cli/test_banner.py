"""The banner of `antiphon serve`, and that what it tells to paste works."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from pydantic import SecretStr

from antiphon.cli.banner import UNDER_UV, key_command, text
from antiphon.settings import ProviderSettings, Settings, Simulated, StaticKey
from antiphon.settings.places import data_folder


def test_a_new_key_is_shown_and_stands_in_the_curl_line() -> None:
    shown = text("http://h:1", "sk-gateway-1", Settings(), "antiphon keys create NAME")
    assert "sk-gateway-1 (shown this once)" in shown
    words = shlex.split(shown.splitlines()[-1])
    assert words[:4] == ["curl", "http://h:1/v1/responses", "-H", "Authorization: Bearer sk-gateway-1"]
    assert json.loads(words[-1]) == {"model": "sim/echo", "input": "Hello!"}


def test_a_later_start_says_how_to_make_another_key() -> None:
    shown = text("http://h:1", None, Settings(), "antiphon keys create NAME")
    assert "another key  antiphon keys create NAME" in shown
    assert '"Authorization: Bearer $GATEWAY_KEY"' in shown


def test_keys_of_the_configuration_are_pointed_to() -> None:
    settings = Settings(keys=[StaticKey(name="laptop", key=SecretStr("k" * 16))])
    assert "  key          one of those in the configuration\n" in text("http://h:1", None, settings, "")


def test_without_the_simulated_model_the_line_asks_a_provider() -> None:
    providers = {
        "off": ProviderSettings(enabled=False),
        "groq": ProviderSettings(models=["llama"]),
    }
    settings = Settings(simulated=Simulated(enabled=False), providers=providers)
    assert '"model": "groq/llama"' in text("http://h:1", None, settings, "")
    assert "none: see antiphon init" in text(
        "http://h:1", None, Settings(simulated=Simulated(enabled=False)), ""
    )


def test_the_command_for_another_key_names_this_program_and_this_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(UNDER_UV, raising=False)
    other = Settings(data=Path("my data"))
    assert key_command(".venv/bin/antiphon", other) == ".venv/bin/antiphon keys create NAME --data 'my data'"
    module = key_command("/x/antiphon/__main__.py", Settings(data=data_folder()))
    assert module == shlex.join([sys.executable, "-m", "antiphon", "keys", "create", "NAME"])


def test_under_uv_the_command_is_one_for_uv_because_no_other_shell_has_its_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(UNDER_UV, "1")
    settings = Settings(data=data_folder())
    assert key_command("/x/.venv/bin/antiphon", settings) == "uv run antiphon keys create NAME"


def test_what_the_banner_says_works_when_it_is_pasted(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    environ |= {"ANTIPHON_DATA": str(tmp_path / "data"), "ANTIPHON_PORT": "0"}
    command = [sys.executable, "-m", "antiphon", "serve"]
    with subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as gateway:
        try:
            shown = banner(gateway)
            curl = shlex.split(shown.splitlines()[-1])
            assert paste(curl)["output"]
            another = re.search(r"another key  (.*)", shown)
            assert another
            made = subprocess.run(
                shlex.split(another[1]), env=environ, capture_output=True, text=True, check=True
            )
            curl[3] = f"Authorization: Bearer {made.stdout.strip()}"
            assert paste(curl)["output"]
        finally:
            gateway.send_signal(signal.SIGTERM)
    assert gateway.returncode == 0


def banner(gateway: subprocess.Popen[str]) -> str:
    """What the gateway prints up to the line that begins with curl; it ends earlier if the gateway does."""
    lines = []
    for line in gateway.stdout or ():
        lines.append(line)
        if line.strip().startswith("curl "):
            break
    return "".join(lines)


def paste(curl: list[str]) -> dict[str, object]:
    """What curl would do with these words."""
    url, headers, body = curl[1], curl[3:-1:2], curl[-1]
    request = urllib.request.Request(url, body.encode(), dict(each.split(": ", 1) for each in headers))
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())
