"""antiphon.yaml: what it says, and what is said about it when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from antiphon.settings.file import read, typed
from tests.settings.setup import loaded, problems

WRONG = """\
prot: 8080
port: 80x
limits: {body_bytes: 1}
log:
  level: debgu
prot: 9000
errors: fastpi
keys:
  - nam: x
    key: short
providers:
  grok: {}
  Grok Q: {dialect: chat, base_url: http://x}
  openai:
    modles: [a]
  mine:
    dialect: chta
    base_url: ftp://x
  other:
    dialect: chat
    base_url: https://user:pass@x/v1
    quirks: {tok_k: true, top_k: maybe, extra_body: {n: 5}}
    api_key: ${NOPE}
    timeouts: {idle: -1, total: long, foo: 1}
    filters: [think_tags, think_tag]
  sim: {dialect: chat, base_url: http://x}
  groq: {enabled: no, modls: []}
"""

SAID = """\
antiphon.yaml:1: prot: no such setting, did you mean `port`?
antiphon.yaml:2: port: not a whole number
antiphon.yaml:3: limits.body_bytes: should be greater than or equal to 1024
antiphon.yaml:5: log.level: should be 'debug', 'info', 'warning' or 'error', did you mean `debug`?
antiphon.yaml:6: prot: set a second time, first at antiphon.yaml:1
antiphon.yaml:7: errors: should be 'openai' or 'fastapi', did you mean `fastapi`?
antiphon.yaml:9: keys[0].name: required
antiphon.yaml:9: keys[0].nam: no such setting, did you mean `name`?
antiphon.yaml:10: keys[0].key: too short: at least 16 characters
antiphon.yaml:12: providers.grok: no built-in provider, so it needs dialect and base_url, did you mean `groq`?
antiphon.yaml:13: providers.Grok Q: a character that is not allowed in this name
antiphon.yaml:14: providers.openai: no key; set OPENAI_API_KEY or api_key, or `enabled: false`
antiphon.yaml:15: providers.openai.modles: no such setting, did you mean `models`?
antiphon.yaml:17: providers.mine.dialect: should be 'responses', 'chat', 'anthropic', 'cohere', \
'converse', 'ollama' or 'gemini', did you mean `chat`?
antiphon.yaml:18: providers.mine.base_url: a base URL begins with http:// or https://
antiphon.yaml:21: providers.other.base_url: credentials and queries belong into api_key, headers and query
antiphon.yaml:22: providers.other.quirks.tok_k: no such quirk of this dialect, did you mean `top_k`?
antiphon.yaml:22: providers.other.quirks.top_k: neither true nor false
antiphon.yaml:23: providers.other.api_key: the environment has no NOPE; `${NOPE:-default}` would allow that
antiphon.yaml:24: providers.other.timeouts.idle: should be greater than 0
antiphon.yaml:24: providers.other.timeouts.total: not a number
antiphon.yaml:24: providers.other.timeouts.foo: no such setting
antiphon.yaml:25: providers.other.filters[1]: should be 'think_tags' or 'reasoning_tags', did you \
mean `think_tags`?
antiphon.yaml:26: providers.sim: this name belongs to the built-in simulated model
antiphon.yaml:27: providers.groq.modls: no such setting, did you mean `models`?
"""


def test_everything_that_is_wrong_is_said_at_once_with_its_line_and_the_near_miss(tmp_path: Path) -> None:
    said = [line.replace(f"{tmp_path}/", "") for line in problems(WRONG, tmp_path)]
    assert said == SAID.splitlines()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "a: [1\nb: 2",
            "antiphon.yaml:2: not YAML: while parsing a flow sequence expected ',' or ']', but got ':'",
        ),
        ("host: b: c", "antiphon.yaml:1: not YAML: mapping values are not allowed here"),
        (
            "port: 1\n---\nport: 2",
            "antiphon.yaml:2: not YAML: expected a single document in the stream but found …",
        ),
        ("host: \x00", "antiphon.yaml:1: not YAML: a character that YAML forbids"),
        ("- port", "antiphon.yaml:1: the file is not a map of `name: value`"),
        ("just text", "antiphon.yaml:1: the file is not a map of `name: value`"),
        ("? [a]\n: 1", "antiphon.yaml:1: a name is a single word"),
        ("log: &x {level: *x}", "antiphon.yaml:1: log.level: an alias of something that it is part of"),
        ("host: ${HOME", "antiphon.yaml:1: host: `${` begins `${NAME}` or `${NAME:-default}`"),
        ("log: {<<: text}", "antiphon.yaml:1: log: `<<` takes a map"),
        ("log: text", "antiphon.yaml:1: log: a map is needed here"),
        ("keys: text", "antiphon.yaml:1: keys: a list is needed here"),
        ("host: {a: b}", "antiphon.yaml:1: host: text is needed here"),
        ("storage: mysql://db", "antiphon.yaml:1: storage: a database URL begins with sqlite:///"),
        ("storage: postgresql://db", "antiphon.yaml:1: storage: names no database"),
        ("redis: localhost", "antiphon.yaml:1: redis: a Redis URL begins with redis://, rediss://"),
        ("redis: redis://:6379", "antiphon.yaml:1: redis: names no host"),
        ("redis_prefix: a b", "antiphon.yaml:1: redis_prefix: "),
        ("pepper: secret", "antiphon.yaml:1: pepper: not 64 hexadecimal digits"),
        (
            "requests:\n  min_output_tokens: 16\n  max_output_tokens: 15\n",
            "antiphon.yaml:3: requests.max_output_tokens: smaller than requests.min_output_tokens",
        ),
    ],
)
def test_a_text_that_is_no_configuration_is_refused_in_plain_words(
    text: str, said: str, tmp_path: Path
) -> None:
    (found,) = problems(text, tmp_path)
    assert found.startswith(said.removesuffix("…"))


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"port: 1\nhost: \xff\n")
    assert [str(problem) for problem in read(file, {}).problems] == [f"{file}:2: not UTF-8 text"]


@pytest.mark.parametrize(
    "text", ["api_key: *secret-word", "a: !secret-word!x b", "a: 'secret-word", "%secret-word"]
)
def test_an_error_of_the_parser_quotes_nothing_that_may_be_a_secret(text: str, tmp_path: Path) -> None:
    found = problems(text, tmp_path)
    assert found and "secret-word" not in " ".join(found)


@pytest.mark.parametrize("text", ["", "# nothing\n", "log:\n", "providers:\n", "host: ~\nkeys: null\n"])
def test_what_is_empty_is_not_set(text: str, tmp_path: Path) -> None:
    assert loaded(text, folder=tmp_path).settings == loaded().settings


def test_text_is_filled_in_from_the_environment(tmp_path: Path) -> None:
    environ = {"PORT": "7777", "EMPTY": "", "NAME": "a: b # c"}
    text = """
port: ${PORT}
host: ${EMPTY:-h}-${NONE:-}x
storage: sqlite:///$${NAME}/$x
data: '${NAME}'
"""
    settings = loaded(text, environ, folder=tmp_path).settings
    assert (settings.port, settings.host) == (7777, "h-x")
    assert (settings.database, str(settings.data)) == ("sqlite:///${NAME}/$x", "a: b # c")


def test_what_comes_from_a_variable_is_never_filled_in_again(tmp_path: Path) -> None:
    assert loaded("host: ${A}", {"A": "${B}", "B": "x"}, folder=tmp_path).settings.host == "${B}"


def test_the_type_of_a_setting_decides_what_its_text_means(tmp_path: Path) -> None:
    text = "host: 1_000\nproviders: {ollama: {models: [4.10, 0o7, yes, 2026-01-01], api_key: 0123}}\n"
    settings = loaded(text, folder=tmp_path).settings
    assert settings.host == "1_000"
    assert settings.providers["ollama"].models == ["4.10", "0o7", "yes", "2026-01-01"]
    key = settings.providers["ollama"].api_key
    assert key and key.get_secret_value() == "0123"


def test_maps_may_be_merged_and_what_stands_beside_wins(tmp_path: Path) -> None:
    text = """
providers:
  groq: &base {enabled: false, models: [a], timeouts: {idle: 1}}
  ollama: {models: [b], <<: *base}
  openai: {<<: [{models: [c]}, *base]}
"""
    providers = loaded(text, folder=tmp_path).settings.providers
    assert [(each.models, each.enabled) for each in providers.values()] == [
        (["a"], False),
        (["b"], False),
        (["c"], False),
    ]


def test_unquoted_numbers_and_truth_values_get_their_types_where_any_may_stand(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("[5, '5', true, -1.5, 1e3, 0x10, no, 2026-01-01, 1.2.3, text, ~]".join(("a: ", "\n")))
    assert typed(read(file, {}).tree)["a"] == [
        5,
        "5",
        True,
        -1.5,
        1000.0,
        16,
        "no",
        "2026-01-01",
        "1.2.3",
        "text",
        None,
    ]
