"""Where a setting comes from, and which source wins."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ByteSize, SecretStr

from antiphon.settings import Settings
from antiphon.settings.fields import Setting, settings_of
from antiphon.settings.problems import ConfigurationError
from tests.settings.setup import loaded

FILE = "port: 1111\nlog: {level: warning}\n"

# A value that is not the default, as text; what it is then.
VALUES: dict[str, tuple[str, object]] = {
    "host": ("::1", "::1"),
    "port": ("9000", 9000),
    "data": ("/tmp/x", Path("/tmp/x")),
    "storage": ("sqlite:///x.db", SecretStr("sqlite:///x.db")),
    "redis": ("redis://:x@r:1", SecretStr("redis://:x@r:1")),
    "redis_prefix": ("eu:antiphon", "eu:antiphon"),
    "pepper": ("5e" * 32, SecretStr("5e" * 32)),
    "drain_timeout": ("0", 0.0),
    "errors": ("fastapi", "fastapi"),
    "log.level": ("debug", "debug"),
    "log.format": ("json", "json"),
    "limits.body_bytes": ("1MiB", ByteSize(1024 * 1024)),
    "limits.header_count": ("50", 50),
    "limits.header_bytes": ("2048", ByteSize(2048)),
    "limits.header_timeout": ("1.5", 1.5),
    "limits.body_timeout": ("2", 2.0),
    "limits.json_depth": ("64", 64),
    "limits.in_flight": ("3", 3),
    "limits.tools": ("128", 128),
    "limits.input_items": ("500", 500),
    "stream.heartbeat": ("1", 1.0),
    "stream.done_marker": ("false", False),
    "stream.write_timeout": ("5", 5.0),
    "requests.min_output_tokens": ("16", 16),
    "requests.max_output_tokens": ("8000", 8000),
    "requests.max_user_length": ("64", 64),
    "requests.store": ("no", False),
    "routing.hedge": ("true", True),
    "routing.hedge_max_cost": ("0.5", 0.5),
    "requests.adaptation": ("strict", "strict"),
    "requests.on_disconnect": ("finish", "finish"),
    "requests.retries": ("0", 0),
    "requests.corrections": ("0", 0),
    "reasoning.lifetime": ("3600", 3600),
    "codex_instructions": ("/tmp/instructions.md", Path("/tmp/instructions.md")),
    "metrics": ("all", "all"),
    "websocket.enabled": ("false", False),
    "websocket.connections": ("5", 5),
    "websocket.lifetime": ("60", 60),
    "websocket.in_flight": ("2", 2),
    "websocket.lanes": ("3", 3),
    "websocket.memory": ("1MiB", 1024 * 1024),
    "requests.idempotency_conflict": ("unprocessable", "unprocessable"),
    "background.worker": ("false", False),
    "background.concurrency": ("5", 5),
    "background.queue": ("7", 7),
    "background.queue_per_project": ("6", 6),
    "background.lease": ("5", 5),
    "background.attempts": ("2", 2),
    "retention.responses": ("0", 0),
    "retention.journals": ("3600", 3600),
    "reasoning.foreign": ("summary", "summary"),
    "timeouts.connect": ("1", 1.0),
    "timeouts.first_event": ("2", 2.0),
    "timeouts.idle": ("3", 3.0),
    "timeouts.total": ("4", 4.0),
    "media.fetch": ("false", False),
    "media.max_bytes": ("1MiB", ByteSize(1024 * 1024)),
    "media.max_request_bytes": ("2MiB", ByteSize(2 * 1024 * 1024)),
    "simulated.enabled": ("0", False),
    "simulated.script": ("rules.yaml", Path("rules.yaml")),
}


@pytest.fixture(autouse=True)
def _in_a_folder_with_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rules.yaml").write_text("[]")


SINGLE = [setting for setting in settings_of() if not setting.structured]


def value(settings: Settings, setting: Setting) -> object:
    found: object = settings
    for step in setting.path:
        found = getattr(found, step)
    return found


@pytest.mark.parametrize("setting", SINGLE, ids=lambda setting: setting.name)
def test_every_setting_is_read_from_its_variable(setting: Setting) -> None:
    text, expected = VALUES[setting.name]
    assert value(loaded(environ={setting.variable: text}).settings, setting) == expected
    assert value(Settings(), setting) != expected


@pytest.mark.parametrize("setting", SINGLE, ids=lambda setting: setting.name)
def test_every_setting_is_read_from_the_file(setting: Setting, tmp_path: Path) -> None:
    text, expected = VALUES[setting.name]
    lines = [f"{'  ' * depth}{step}:" for depth, step in enumerate(setting.path)]
    settings = loaded("\n".join(lines) + f" '{text}'", folder=tmp_path).settings
    assert value(settings, setting) == expected


def test_no_two_settings_share_a_variable() -> None:
    variables = [setting.variable for setting in settings_of()]
    assert len(set(variables)) == len(variables)


def test_the_command_line_wins_over_the_environment_over_the_file_over_the_default(tmp_path: Path) -> None:
    environ = {"ANTIPHON_PORT": "2222", "ANTIPHON_HOST": "::1"}
    settings = loaded(FILE, environ, {"port": 3333, "host": None}, folder=tmp_path).settings
    assert (settings.port, settings.host, settings.log.level, settings.errors) == (
        3333,
        "::1",
        "warning",
        "openai",
    )


def test_an_empty_variable_is_as_good_as_none(tmp_path: Path) -> None:
    assert loaded(FILE, {"ANTIPHON_PORT": ""}, folder=tmp_path).settings.port == 1111


def test_lists_and_maps_come_from_the_environment_too(tmp_path: Path) -> None:
    environ = {
        "ANTIPHON_KEYS": '[{"name": "ci", "key": "${SECRET}"}]',
        "SECRET": "0123456789abcdef",
        "ANTIPHON_PROVIDERS": "{ollama: {models: [m]}, groq: {enabled: false}}",
    }
    file = "keys: [{name: one, key: 1111111111111111}, {name: two}]\nproviders: {ollama: {base_url: http://h/v1}}\n"
    settings = loaded(file, environ, folder=tmp_path).settings
    assert [(key.name, key.key.get_secret_value()) for key in settings.keys] == [("ci", "0123456789abcdef")]
    ollama = settings.providers["ollama"]
    assert (ollama.base_url, ollama.models, settings.providers["groq"].enabled) == (
        "http://h/v1",
        ["m"],
        False,
    )


def test_the_file_is_named_by_the_option_or_the_variable_or_lies_in_this_folder(
    tmp_path: Path,
) -> None:
    assert loaded().file is None
    Path("antiphon.yaml").write_text("port: 1")
    Path("other.yaml").write_text("port: 2")
    assert loaded().settings.port == 1
    assert loaded(environ={"ANTIPHON_CONFIG": "other.yaml"}).settings.port == 2
    environ = {"ANTIPHON_CONFIG": "other.yaml"}
    assert loaded("port: 3", environ, folder=tmp_path).settings.port == 3


def test_a_file_that_was_named_and_is_not_there_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"missing\.yaml: No such file"):
        loaded(environ={"ANTIPHON_CONFIG": "missing.yaml"})


def test_errors_name_the_variable_or_the_option() -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(environ={"ANTIPHON_ERRORS": "fastpi"}, options={"drain_timeout": -1})
    assert {str(problem) for problem in caught.value.problems} == {
        "--drain-timeout: drain_timeout: should be greater than or equal to 0",
        "ANTIPHON_ERRORS: errors: should be 'openai' or 'fastapi', did you mean `fastapi`?",
    }


def test_a_misspelled_variable_is_reported_and_not_obeyed() -> None:
    environ = {"ANTIPHON_PROT": "1", "ANTIPHON_RECORDINGS": "/r"}
    assert loaded(environ=environ).warnings == (
        "ANTIPHON_PROT: no such setting, did you mean `ANTIPHON_PORT`?",
    )


def test_the_database_lies_in_the_data_folder_unless_told_otherwise() -> None:
    assert loaded(environ={"ANTIPHON_DATA": "/d"}).settings.database == "sqlite:////d/antiphon.db"
    assert loaded(environ={"ANTIPHON_STORAGE": "sqlite:///x.db"}).settings.database == "sqlite:///x.db"


def test_the_rules_of_the_simulated_model_are_checked_with_the_rest(tmp_path: Path) -> None:
    Path("bad.yaml").write_text("- {iff: x}\n")
    with pytest.raises(ConfigurationError, match=r"antiphon.yaml:1: simulated.script: bad.yaml:1: .+"):
        loaded("simulated: {script: bad.yaml}", folder=tmp_path)
    assert loaded("simulated: {script: bad.yaml, enabled: no}", folder=tmp_path)


def test_no_secret_is_shown_by_settings_or_their_errors() -> None:
    secret = "sk-very-secret-value"
    environ = {
        "GROQ_API_KEY": secret,
        "ANTIPHON_KEYS": f"[{{name: x, key: {secret}}}]",
        "ANTIPHON_PROVIDERS": f"{{ollama: {{headers: {{a: {secret}}}, query: {{b: {secret}}}}}}}",
    }
    settings = loaded(environ=environ).settings
    assert secret not in repr(settings) + str(settings) + settings.model_dump_json()
    with pytest.raises(ConfigurationError) as caught:
        loaded(
            environ={**environ, "ANTIPHON_PORT": secret, "ANTIPHON_ERRORS": secret, "ANTIPHON_DATA": secret}
        )
    assert secret not in str(caught.value)
