"""Which providers are enabled, and what they are made of."""

from __future__ import annotations

import pkgutil
from dataclasses import replace
from pathlib import Path
from typing import get_args

from antiphon.settings import FilterName
from antiphon.settings.providers import FILTERS, build, keys_in
from antiphon.upstream import filters
from antiphon.upstream.base import Provider, Timeouts
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.filters.think_tags import ThinkTags
from tests.settings.setup import TABLE, loaded, problems


def built(text: str, folder: Path, environ: dict[str, str] | None = None) -> dict[str, Provider]:
    return build(loaded(text, environ, folder=folder).settings, TABLE)


def test_without_a_key_or_a_line_no_provider_is_enabled(tmp_path: Path) -> None:
    assert built("", tmp_path) == {}


def test_a_key_in_the_environment_enables_a_built_in_provider_as_it_is(tmp_path: Path) -> None:
    environ = {"GROQ_API_KEY": "gsk", "OPENAI_API_KEY": ""}
    (groq,) = built("", tmp_path, environ).values()
    assert groq == Provider(
        "groq",
        Chat(user=False),
        "https://api.groq.com/openai/v1",
        key_from="GROQ_API_KEY",
        key="gsk",
        models=("a", "b"),
    )
    assert keys_in(environ, TABLE) == {"groq": "GROQ_API_KEY"}


def test_the_file_says_only_what_differs_from_a_built_in_provider(tmp_path: Path) -> None:
    text = """
timeouts: {total: 9}
providers:
  groq: {api_key: own, models: [c], timeouts: {idle: 7}, quirks: {top_k: true}}
"""
    groq = built(text, tmp_path, {"GROQ_API_KEY": "gsk"})["groq"]
    assert (groq.key, groq.models, groq.base_url) == ("own", ("c",), "https://api.groq.com/openai/v1")
    assert groq.dialect == Chat(user=False, top_k=True)
    assert groq.timeouts == Timeouts(idle=7, total=9)


def test_a_provider_can_be_switched_off_although_its_key_is_there(tmp_path: Path) -> None:
    assert (
        built("providers: {groq: {enabled: no}, openai: {enabled: false}}", tmp_path, {"GROQ_API_KEY": "x"})
        == {}
    )


def test_a_local_provider_is_enabled_by_its_name_alone(tmp_path: Path) -> None:
    (ollama,) = built("providers:\n  ollama:\n", tmp_path).values()
    assert (ollama.key, ollama.base_url) == (None, "http://127.0.0.1:11434/v1")


def test_a_built_in_provider_without_a_fixed_address_needs_one(tmp_path: Path) -> None:
    assert problems("providers: {cloud: {api_key: k}}", tmp_path) == [
        "antiphon.yaml:1: providers.cloud: needs base_url"
    ]
    text = (
        "providers: {cloud: {api_key: k, base_url: 'https://me.cloud/', headers: {x-to: you}, query: {v: 1}}}"
    )
    cloud = built(text, tmp_path)["cloud"]
    assert (cloud.base_url, cloud.key_header, cloud.key_prefix) == ("https://me.cloud", "api-key", "")
    assert (cloud.headers, cloud.query) == ({"x-from": "us", "x-to": "you"}, {"v": "1"})


def test_headers_may_stand_for_a_key(tmp_path: Path) -> None:
    assert built("providers: {groq: {headers: {authorization: x}}}", tmp_path)["groq"].key is None


def test_any_other_name_is_a_provider_of_ones_own(tmp_path: Path) -> None:
    text = """
providers:
  mine: {dialect: chat, base_url: http://h:1/v1/, api_key: k}
  relay: {dialect: responses, base_url: http://r}
  claude: {dialect: anthropic, base_url: http://a, api_key: k}
"""
    mine, relay, claude = built(text, tmp_path).values()
    assert mine == Provider("mine", Chat(), "http://h:1/v1", key="k")
    assert (relay.dialect, relay.key) == (Responses(), None)
    assert (claude.dialect, claude.key_header, claude.key_prefix) == (Anthropic(), "x-api-key", "")


def test_quirks_have_the_types_of_the_dialect(tmp_path: Path) -> None:
    text = """
providers:
  mine:
    dialect: chat
    base_url: http://h
    quirks: {top_k: yes, reasoning: object, path: /x, extra_body: {n: 5, s: "5", deep: {on: true, off: ~}}}
"""
    assert built(text, tmp_path)["mine"].dialect == Chat(
        top_k=True,
        reasoning="object",
        path="/x",
        extra_body={"n": 5, "s": "5", "deep": {"on": True, "off": None}},
    )


def test_a_dialect_that_a_provider_speaks_besides_comes_with_its_quirks(tmp_path: Path) -> None:
    also = Responses(seal="both", lacks=("shell",))
    both = Provider("both", Chat(), "http://127.0.0.1:1/v1", local=True, also=(also,))
    text = "providers: {both: {dialect: responses, quirks: {top_k: true}}, ollama: {dialect: responses}}"
    table = {"both": both, "ollama": TABLE["ollama"]}
    made = build(loaded(text, folder=tmp_path, table=table).settings, table)
    assert made["both"].dialect == replace(also, top_k=True)
    assert made["ollama"].dialect == Responses()


def test_the_dialect_of_a_built_in_provider_can_be_changed(tmp_path: Path) -> None:
    text = "providers: {openai: {api_key: k, dialect: chat, quirks: {top_k: true}}}"
    openai = built(text, tmp_path)["openai"]
    assert (openai.dialect, openai.base_url) == (Chat(top_k=True), "https://api.openai.com/v1")


def test_a_filter_is_called_like_its_module_and_each_can_be_set() -> None:
    modules = {module.name for module in pkgutil.iter_modules(filters.__path__)}
    assert modules == set(FILTERS) == set(get_args(FilterName))


def test_a_provider_of_ones_own_has_the_filters_that_are_set(tmp_path: Path) -> None:
    text = "providers: {mine: {dialect: chat, base_url: http://h, filters: [think_tags]}}"
    assert built(text, tmp_path)["mine"].filters == (ThinkTags,)
    assert built(text.replace(", filters: [think_tags]", ""), tmp_path)["mine"].filters == ()


def test_a_built_in_provider_keeps_its_filters_unless_others_are_set(tmp_path: Path) -> None:
    assert built("providers: {local: {}}", tmp_path)["local"].filters == (ThinkTags,)
    assert built("providers: {local: {filters: []}}", tmp_path)["local"].filters == ()


def test_a_built_provider_shows_neither_key_nor_headers(tmp_path: Path) -> None:
    text = "providers: {groq: {api_key: sk-secret, headers: {a: sk-secret}}}"
    assert "sk-secret" not in repr(built(text, tmp_path))


def test_several_keys_are_taken_beside_the_usual_one_and_each_once(tmp_path: Path) -> None:
    text = "providers: {openai: {api_keys: ['${A}', '${OPENAI_API_KEY}', '${B}']}}"
    environ = {"OPENAI_API_KEY": "own", "A": "a", "B": "b"}
    openai = built(text, tmp_path, environ)["openai"]
    assert (openai.key, openai.more_keys) == ("own", ("a", "b"))
    assert not any(key in repr(openai) for key in ("'own'", "'a'", "'b'"))


def test_a_list_of_keys_is_a_key(tmp_path: Path) -> None:
    text = "providers: {groq: {api_keys: [a, b]}}"
    assert problems(text, tmp_path) == []
    groq = built(text, tmp_path)["groq"]
    assert (groq.key, groq.more_keys) == ("a", ("b",))
    assert problems("providers: {groq: {api_keys: []}}", tmp_path) == [
        "antiphon.yaml:1: providers.groq: no key; set GROQ_API_KEY or api_key, or `enabled: false`"
    ]


def test_keys_of_a_list_are_kept_out_of_what_is_shown(tmp_path: Path) -> None:
    text = "providers: {groq: {api_keys: [sk-secret-1, sk-secret-2]}}"
    assert "sk-secret" not in str(loaded(text, folder=tmp_path).settings.model_dump(mode="json"))
