"""The commands: what they print, where, and with which exit code."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

from antiphon.cli import COMMANDS, KEY_COMMANDS, keys, main, serve
from antiphon.core.records import Attempt, Charge, Target
from antiphon.protocol.errors import StorageUnavailable
from antiphon.settings import Settings
from antiphon.settings.fields import settings_of
from antiphon.settings.providers import DIALECTS, keys_in
from antiphon.storage import open_ledger
from antiphon.stores.accounts import KeyRow
from antiphon.stores.migrations import HEAD
from antiphon.stores.schema import DEFAULT_PROJECT
from antiphon.upstream.providers import PROVIDERS
from antiphon.version import __version__


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing of the machine's own configuration gets in."""
    monkeypatch.chdir(tmp_path)
    for setting in settings_of():
        monkeypatch.delenv(setting.variable, raising=False)
    for provider in PROVIDERS.values():
        monkeypatch.delenv(provider.key_from or "", raising=False)
    monkeypatch.setenv("ANTIPHON_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NO_COLOR", "1")
    yield


class Accounts:
    """Two keys, and room for more."""

    def __init__(self) -> None:
        self.rows = [
            KeyRow("key_1", "first", "sk-gateway-ab", 0, None),
            KeyRow("key_2", "old", "sk-gateway-cd", 0, 5),
        ]

    async def create(self, name: str) -> tuple[str, str]:
        self.rows.append(KeyRow("key_3", name, "sk-gateway-ef", 0, None))
        return "key_3", "sk-gateway-efef"

    async def list(self) -> list[KeyRow]:
        return self.rows

    async def revoke(self, key_id: str) -> bool:
        return key_id == "key_1"


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> Accounts:
    found = Accounts()

    @asynccontextmanager
    async def open_accounts(_settings: Settings) -> AsyncIterator[Accounts]:
        yield found

    monkeypatch.setattr(keys, "open_accounts", open_accounts)
    return found


EACH = [*([name] for name in COMMANDS), *(["keys", name] for name in KEY_COMMANDS)]


@pytest.mark.parametrize("command", EACH, ids=" ".join)
def test_every_command_explains_itself_with_an_example(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--help"]) == 0
    said = capsys.readouterr().out
    assert f"Usage: antiphon {' '.join(command)}" in said
    assert f"Examples:\n  {'eval' if command == ['completion'] else 'antiphon'}" in said


@pytest.mark.parametrize(
    "wrong", [["srve"], ["serve", "--prot", "1"], ["serve", "--port", "x"], ["keys", "revoke"]]
)
def test_a_command_that_is_wrong_exits_with_2_and_says_so_on_standard_error(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(wrong) == 2
    assert capsys.readouterr().err


def test_help_comes_without_importing_any_command() -> None:
    script = (
        "import sys; from antiphon.cli import main; main(['--help']); assert 'aiohttp' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_serving_imports_nothing_that_only_others_need() -> None:
    others = {
        "alembic",  # 13 MB
        "asyncpg",
        "botocore",  # 23 MB
        "google.auth",
        "antiphon.cli.fields",
        "antiphon.cli.tables",
        "antiphon.protocol.cases",
        "antiphon.protocol.examples",
        "antiphon.settings.example",
        "antiphon.settings.reference",
    }
    script = (
        f"import sys, antiphon.cli.serve; found = {others!r} & sys.modules.keys(); assert not found, found"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_a_wrong_configuration_stops_every_command_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    Path("antiphon.yaml").write_text("port: 1\nprot: 1\n")
    for command in (["serve"], ["check"], ["keys", "list"]):
        assert main(command) == 2
        assert capsys.readouterr().err == "antiphon.yaml:2: prot: no such setting, did you mean `port`?\n"


def test_check_shows_what_would_be_served(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk-secret")
    monkeypatch.setenv("ANTIPHON_PROT", "1")
    Path("antiphon.yaml").write_text("providers:\n  ollama: {models: [a, b]}\n")
    assert main(["check"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("antiphon.yaml: no problems\nANTIPHON_PROT: no such setting")
    rows = [line.split() for line in said.splitlines()[3:]]
    assert rows[0] == ["groq", "chat", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "any"]
    assert rows[1] == ["ollama", "chat", "http://127.0.0.1:11434/v1", "none", "a,", "b"]
    assert rows[2][:2] == ["sim", "simulated"]


def test_check_shows_who_calls_where_there_is_no_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.setenv(name, "canary")
    Path("antiphon.yaml").write_text(
        "providers:\n"
        "  azure: {base_url: 'https://mine.openai.azure.com/openai/v1'}\n"
        "  azure_chat:\n"
        "    base_url: https://mine.services.ai.azure.com/openai/v1\n"
        "    entra: {managed_identity: true}\n"
        "  bedrock: {aws: {region: eu-1}}\n"
        "  bedrock_openai: {aws: {region: eu-1, profile: work}}\n"
    )
    assert main(["check", "--json"]) == 0
    said = capsys.readouterr().out
    assert {each["name"]: each["key"] for each in json.loads(said)["providers"]} == {
        "azure": "AZURE_CLIENT_SECRET",
        "azure_chat": "antiphon.yaml:5",
        "bedrock": "what the cloud's own tools find",
        "bedrock_openai": "antiphon.yaml:7",
    }
    assert "canary" not in said.replace('"client_id": "canary"', "").replace('"tenant_id": "canary"', "")


def test_check_prints_json_without_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk-canary")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-canary")
    Path("a.yaml").write_text("port: 9\nkeys: [{name: x, key: gateway-canary-key}]\n")
    assert main(["check", "a.yaml", "--json"]) == 0
    said = capsys.readouterr().out
    found = json.loads(said)
    assert (found["ok"], found["file"], found["settings"]["port"]) == (True, "a.yaml", 9)
    assert {row["name"]: row["key"] for row in found["providers"]} == {
        "groq": "GROQ_API_KEY",
        "bedrock": "AWS_ACCESS_KEY_ID",
    }
    assert "canary" not in said


def test_check_shows_where_several_keys_stand(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.yaml").write_text("providers:\n  groq:\n    api_keys: [gsk-canary-1, gsk-canary-2]\n")
    assert main(["check", "a.yaml", "--json"]) == 0
    said = capsys.readouterr().out
    assert [row["key"] for row in json.loads(said)["providers"]] == ["a.yaml:3"]
    assert "canary" not in said


def test_check_prints_problems_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.yaml").write_text("port: x")
    assert main(["check", "a.yaml", "--json"]) == 2
    problem = {"place": "a.yaml:1", "setting": "port", "message": "not a whole number"}
    assert json.loads(capsys.readouterr().out) == {"ok": False, "problems": [problem]}


def test_init_writes_a_file_that_check_accepts_and_finds_keys(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for provider in PROVIDERS.values():
        if provider.key_from:
            monkeypatch.setenv(provider.key_from, "sk-secret")
    assert main(["init"]) == 0
    said = capsys.readouterr().out
    text = Path("antiphon.yaml").read_text()
    assert "groq: enabled, with the key in GROQ_API_KEY" in said
    assert "  groq:\n    api_key: ${GROQ_API_KEY}\n" in text
    assert "sk-secret" not in text
    assert main(["check", "--json"]) == 0
    enabled = [each["name"] for each in json.loads(capsys.readouterr().out)["providers"]]
    assert enabled == list(keys_in({each.key_from or "": "x" for each in PROVIDERS.values()}))


def test_init_never_overwrites(capsys: pytest.CaptureFixture[str]) -> None:
    Path("antiphon.yaml").write_text("port: 1\n")
    assert main(["init"]) == 1
    assert Path("antiphon.yaml").read_text() == "port: 1\n"
    assert main(["init", "no/such/folder.yaml"]) == 1
    assert "No such file or directory" in capsys.readouterr().err


def test_keys_create_prints_the_key_alone_on_standard_output(
    accounts: Accounts, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "create", "laptop"]) == 0
    said = capsys.readouterr()
    assert said.out == "sk-gateway-efef\n"
    assert "key_3" in said.err
    assert main(["keys", "create", "laptop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"id": "key_3", "name": "laptop", "key": "sk-gateway-efef"}


def test_keys_list_shows_ids_and_times_and_cuts_nothing(
    accounts: Accounts, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts.rows.append(KeyRow("key_" + "0" * 200, "long", "sk", 0, None))
    assert main(["keys", "list"]) == 0
    _head, first, old, long = (line.split() for line in capsys.readouterr().out.splitlines())
    assert first == ["key_1", "first", "sk-gateway-ab", "1970-01-01T00:00:00+00:00"]
    assert (old[-1], long[0]) == ("1970-01-01T00:00:05+00:00", "key_" + "0" * 200)
    assert main(["keys", "list", "--json"]) == 0
    listed: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [row["revoked_at"] for row in listed] == [None, "1970-01-01T00:00:05+00:00", None]


def test_keys_revoke_says_whether_there_was_such_a_key(
    accounts: Accounts, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "revoke", "key_1"]) == 0
    assert main(["keys", "revoke", "key_2"]) == 1
    assert capsys.readouterr().err == "There is no key key_2 in force.\n"


def test_a_database_that_cannot_be_opened_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def open_accounts(_settings: Settings) -> Any:
        raise StorageUnavailable("The database cannot be read now.")

    monkeypatch.setattr(keys, "open_accounts", open_accounts)
    assert main(["keys", "list"]) == 1
    assert capsys.readouterr().err == "antiphon: The database cannot be read now.\n"


def test_serve_hands_over_the_settings_and_shows_the_banner(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[Settings] = []

    def run(settings: Settings, *, announce: Any) -> int:
        seen.append(settings)
        announce("http://127.0.0.1:9", "sk-gateway-1")
        return 0

    monkeypatch.setattr(serve, "run_gateway", run)
    assert main(["serve", "--port", "9", "--log-level", "error", "--data", "d", "--host", "h"]) == 0
    assert (seen[0].port, seen[0].log.level, seen[0].data, seen[0].host) == (9, "error", Path("d"), "h")
    assert "sk-gateway-1 (shown this once)" in capsys.readouterr().out


def test_fields_prints_what_becomes_of_each_in_every_dialect(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fields"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# Fields\n")
    assert all(f"`{dialect}`" in printed for dialect in DIALECTS)


def test_schema_prints_a_schema_a_page_and_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for form, begins in (("json", "{\n"), ("markdown", "# Settings\n"), ("yaml", "# yaml-language-server")):
        assert main(["schema", "--format", form]) == 0
        assert capsys.readouterr().out.startswith(begins)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in (*COMMANDS, *KEY_COMMANDS))


def test_version_says_what_it_runs_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert main(["version", "--json"]) == 0
    first, rest = capsys.readouterr().out.split("\n", 1)
    assert first == __version__ == json.loads(rest)["antiphon"]


MODELS = """
providers:
  openai: {api_key: sk-canary}
  groq: {api_key: sk-canary, models: [one]}
aliases: {fast: [groq/one, {model: openai/gpt-5, weight: 3}]}
models: {groq/one: {prices: {input: 0.5, output: 1.25}, context_window: 131072, can: [tools]}}
"""


def test_models_shows_names_limits_and_prices(capsys: pytest.CaptureFixture[str]) -> None:
    Path("antiphon.yaml").write_text(MODELS)
    assert main(["models"]) == 0
    said = capsys.readouterr()
    rows = [line.split() for line in said.out.splitlines()]
    assert rows[1] == ["fast", "=", "groq/one,", "openai/gpt-5", "131,072", *"?????"[:4], "tools"]
    assert rows[2] == ["groq/one", "131,072", "?", "0.5", "?", "1.25", "tools"]
    assert rows[3] == ["sim/echo", "?", "?", "0", "?", "0", "?"]
    assert "passed on to openai: " in said.err


def test_models_looks_names_up(capsys: pytest.CaptureFixture[str]) -> None:
    Path("antiphon.yaml").write_text(MODELS)
    assert main(["models", "gpt-5", "groq/one", "--json"]) == 0
    known, ours = json.loads(capsys.readouterr().out)
    assert (known["id"], known["owned_by"], "reasoning" in known["capabilities"]) == (
        "openai/gpt-5",
        "openai",
        True,
    )
    assert ours == {
        "id": "groq/one",
        "owned_by": "groq",
        "context_window": 131072,
        "max_output_tokens": None,
        "capabilities": ["tools"],
        "pricing": {"input": 0.5, "output": 1.25},
    }
    assert main(["models", "nobody/x"]) == 1
    assert "no such provider is enabled" in capsys.readouterr().err


def test_an_alias_of_nothing_stops_every_command_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("antiphon.yaml").write_text("port: 1\naliases:\n  fast: smi/echo\n")
    for command in (["serve"], ["check"], ["models"]):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert said == "antiphon.yaml:3: aliases.fast: no such provider is enabled, did you mean `sim`?\n"


def test_check_warns_of_facts_about_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Path("antiphon.yaml").write_text("models:\n  sim/eco: {quality: 1}\n")
    assert main(["check"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == (
        "antiphon.yaml:2: models.sim/eco: has no effect: provider `sim` does not offer this model, did you "
        "mean `sim/echo`?"
    )


def spend(settings: Settings, *made: tuple[str, int, int | None]) -> None:
    """Enter calls into the ledger: the model, the day of November 2026, nano-dollars."""

    async def enter() -> None:
        async with open_ledger(settings) as ledger:
            await ledger.add([attempt(number, *call) for number, call in enumerate(made)])

    asyncio.run(enter())


def attempt(number: int, model: str, day: int, cost: int | None) -> Attempt:
    return Attempt(
        project_id=DEFAULT_PROJECT,
        key_id="key_1",
        response_id=f"resp_{number}",
        number=1,
        target=Target("one", model),
        began_at=datetime(2026, 11, day, tzinfo=UTC).timestamp(),
        seconds=1.0,
        outcome="ok",
        input_tokens=1000,
        output_tokens=10,
        charge=None if cost is None else Charge(cost, "prices"),
    )


def test_usage_adds_up_what_calls_cost(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    spend(Settings(data=tmp_path / "data"), ("cheap", 2, 1), ("dear", 1, 2_000_000_000), ("dear", 2, None))
    assert main(["usage"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert main(["usage", "--since", "2026-11-02", "--json"]) == 0
    assert rows == [
        ["one/dear", "2", "2,000", "20", "2.000000000", "1"],
        ["one/cheap", "1", "1,000", "10", "0.000000001", "0"],
        ["all", "3", "3,000", "30", "2.000000001", "1"],
    ]
    later = json.loads(capsys.readouterr().out)
    assert later["total"] == {
        "calls": 2,
        "input_tokens": 2000,
        "output_tokens": 20,
        "cost": 1e-9,
        "unpriced": 1,
    }
    assert [each["model"] for each in later["models"]] == ["one/cheap", "one/dear"]


def test_migrate_says_from_where_to_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["migrate", "--data", str(tmp_path)]
    database = str(tmp_path / "antiphon.db")
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"database": database, "from": None, "to": HEAD}
    assert main(command) == 0
    assert capsys.readouterr().out == f"{database}: at revision {HEAD} already\n"
    with closing(apsw.Connection(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'newer'")
    assert main(command) == 1
    assert "a newer version made" in capsys.readouterr().err


def test_backup_makes_a_copy_and_replaces_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy.db"
    assert main(["backup", str(copy), "--data", str(data)]) == 1
    assert "there is no database yet" in capsys.readouterr().err
    assert main(["keys", "create", "laptop", "--data", str(data)]) == 0
    capsys.readouterr()
    assert main(["backup", str(copy), "--data", str(data)]) == 0
    told = capsys.readouterr()
    assert told.out.startswith(f"{copy}: ")
    assert str(data / "pepper") in told.err
    with closing(apsw.Connection(str(copy))) as connection:
        assert connection.execute("SELECT name FROM keys").fetchall() == [("laptop",)]
    assert main(["backup", str(copy), "--data", str(data)]) == 1
    assert "File exists" in capsys.readouterr().err


def test_backup_prints_postgresqls_own_command_without_the_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANTIPHON_STORAGE", "postgresql://me:s3cr3t@db/antiphon?sslmode=require")
    assert main(["backup", "a copy"]) == 1
    told = capsys.readouterr()
    assert told.out == (
        "pg_dump --format=custom '--file=a copy' 'postgresql://me@db/antiphon?sslmode=require'\n"
    )
    assert "Nothing was copied" in told.err


@pytest.mark.parametrize("command", [["migrate"], ["keys", "list"], ["usage"]])
def test_a_server_that_is_not_there_is_told_without_the_password(
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ANTIPHON_STORAGE", "postgresql://me:s3cr3t@127.0.0.1:1/antiphon")
    assert main([*command, "--data", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "postgresql://me@127.0.0.1:1/antiphon: cannot be used as the database" in told
    assert "Connection refused" in told
    assert "s3cr3t" not in told


def test_check_shows_no_password(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ANTIPHON_STORAGE", "postgresql://me:s3cr3t@db/antiphon")
    monkeypatch.setenv("ANTIPHON_PEPPER", "5e" * 32)
    assert main(["check", "--json"]) == 0
    shown = capsys.readouterr().out
    assert "s3cr3t" not in shown
    assert "5e" * 32 not in shown
    monkeypatch.delenv("ANTIPHON_STORAGE")
    monkeypatch.setenv("ANTIPHON_REDIS", "redis://:s3cr3t@cache:6379")
    assert main(["check", "--json"]) == 0
    assert "s3cr3t" not in capsys.readouterr().out
    monkeypatch.setenv("ANTIPHON_REDIS", "redis://:s3cr3t/@cache:6379")
    assert main(["check"]) == 2
    told = capsys.readouterr().err
    assert "ANTIPHON_REDIS: redis: not a URL with a host and a port; in a password" in told
    assert "s3cr3t" not in told
    monkeypatch.delenv("ANTIPHON_REDIS")
    monkeypatch.setenv("ANTIPHON_STORAGE", "postgresql://me:s3cr3t/@db/antiphon")
    assert main(["check"]) == 2
    told = capsys.readouterr().err
    assert "ANTIPHON_STORAGE: storage: " in told
    assert "percent-encoding" in told
    assert "s3cr3t" not in told
