"""Aliases, what is known of models, what providers promise: read, checked, and told where they are wrong."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from antiphon.core.records import Target
from antiphon.routing.asked import Policy
from antiphon.routing.catalogue import Facts
from antiphon.routing.pricing import PriceList, Prices
from antiphon.settings import targets
from antiphon.settings.providers import build
from antiphon.settings.schema import json_schema
from tests.settings.setup import TABLE, loaded, problems

KEY = {"GROQ_API_KEY": "k"}


def warnings(text: str, folder: Path) -> list[str]:
    return [each.removeprefix(f"{folder}/") for each in loaded(text, KEY, folder=folder).warnings]


def test_an_alias_is_a_name_or_several_with_or_without_weights(tmp_path: Path) -> None:
    text = """
aliases:
  fast: groq/a
  both: [groq/a, sim/echo]
  more: [{model: groq/a, weight: 3}, groq/b]
"""
    settings = loaded(text, KEY, folder=tmp_path).settings
    names = targets.names(
        settings, targets.listed(settings, ("echo",), TABLE), targets.catalogue(settings, ())
    )
    groups = {
        alias: [(member.target.public_name, member.weight) for member in names.members(alias)]
        for alias in settings.aliases
    }
    assert groups == {
        "fast": [("groq/a", 1.0)],
        "both": [("groq/a", 1.0), ("sim/echo", 1.0)],
        "more": [("groq/a", 3.0), ("groq/b", 1.0)],
    }


def test_aliases_come_from_the_environment_too() -> None:
    environ = {**KEY, "ANTIPHON_ALIASES": "{fast: groq/a}"}
    assert loaded(environ=environ).settings.aliases["fast"][0].model == "groq/a"


def test_who_is_listed_is_who_would_be_built(tmp_path: Path) -> None:
    text = "providers: {ollama: {models: [m]}, openai: {enabled: no, api_key: k}}\nsimulated: {enabled: no}"
    settings = loaded(text, KEY, folder=tmp_path).settings
    built = {name: provider.models for name, provider in build(settings, TABLE).items()}
    assert targets.listed(settings, ("echo",), TABLE) == built == {"groq": ("a", "b"), "ollama": ("m",)}


def test_what_is_said_of_a_model_beats_the_catalogue_and_leaves_the_rest_of_it(tmp_path: Path) -> None:
    text = """
providers: {openai: {api_key: k}}
models:
  openai/gpt-5:
    prices: {input: 1.5, output: 0.000000001, cached_input: 0, cache_write: 2, web_search: 10}
    quality: 0.25
  openai/mine: {context_window: 5, max_output_tokens: 4, can: [tools, image]}
"""
    known = targets.catalogue(loaded(text, folder=tmp_path).settings, ())
    bare = targets.catalogue(loaded("", folder=tmp_path).settings, ())
    ours, theirs = (each.facts(Target("openai", "gpt-5")) for each in (known, bare))
    rates = {
        "input_tokens": 1_500_000_000,
        "output_tokens": 1,
        "cache_read_tokens": 0,
        "cache_write_tokens": 2_000_000_000,
        "web_searches": 10_000_000_000_000,
    }
    assert (ours.prices, ours.quality) == (PriceList((Prices(rates),)), 0.25)
    assert ours.context_window == theirs.context_window
    assert theirs.prices not in (None, ours.prices)
    assert known.facts(Target("openai", "mine")) == Facts(5, 4, frozenset({"tools", "image"}))


def test_a_provider_of_ones_own_can_have_the_prices_of_a_built_in_one(tmp_path: Path) -> None:
    text = "providers: {mine: {dialect: responses, base_url: http://h, %s}}"
    alike = targets.catalogue(loaded(text % "like: openai", folder=tmp_path).settings, ())
    alone = targets.catalogue(loaded(text % "models: []", folder=tmp_path).settings, ())
    assert alike.facts(Target("mine", "gpt-5")) == alike.facts(Target("openai", "gpt-5"))
    assert alone.facts(Target("mine", "gpt-5")) == Facts()


def test_what_a_provider_promises_is_what_the_file_says(tmp_path: Path) -> None:
    text = """
providers:
  groq: {policy: {collects_data: false, zdr: true, region: eu, quantization: fp8}}
  ollama:
"""
    settings = loaded(text, KEY, folder=tmp_path).settings
    assert targets.policies(settings) == {"groq": Policy(False, True, "eu", "fp8"), "ollama": Policy()}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("aliases: {fast: []}", "1: aliases.fast: an empty list says nothing"),
        ("aliases: {fast: {model: groq/a}}", "1: aliases.fast: a list is needed here"),
        ("aliases: [groq/a]", "1: aliases: a map is needed here"),
        (
            "aliases:\n  fast:\n  - groq/a\n  - model: groq/b\n    wieght: 2",
            "5: aliases.fast[1].wieght: no such setting, did you mean `weight`?",
        ),
        ("aliases:\n  fast:\n  - model: groq/b\n    weight: x", "4: aliases.fast[0].weight: not a number"),
        (
            "aliases: {fast: [{model: groq/b, weight: 0}]}",
            "1: aliases.fast[0].weight: should be greater than 0",
        ),
        ("aliases: {fast: [{weight: 1}]}", "1: aliases.fast[0].model: required"),
        ("models: {groq/a: 5}", "1: models.groq/a: a map is needed here"),
        ("models:\n  groq/a:\n    prices: {input: 1}", "3: models.groq/a.prices.output: required"),
        (
            "models:\n  groq/a:\n    prices: {input: -1, output: 1}",
            "3: models.groq/a.prices.input: should be greater than or equal to 0",
        ),
        ("models: {groq/a: {quality: 2}}", "1: models.groq/a.quality: should be less than or equal to 1"),
        ("models: {groq/a: {context_window: 0}}", "1: models.groq/a.context_window: should be greater than"),
        (
            "models: {groq/a: {contxt_window: 5}}",
            "1: models.groq/a.contxt_window: no such setting, did you mean `context_window`?",
        ),
        ("models:\n  groq/a:\n    can:\n    - tols", "4: models.groq/a.can[0]: should be 'tools', "),
        ("requests: {retries: 9}", "1: requests.retries: should be less than or equal to 5"),
        (
            "providers:\n  groq:\n    policy: {regoin: eu}",
            "3: providers.groq.policy.regoin: no such setting, did you mean `region`?",
        ),
        (
            "providers:\n  groq:\n    like: opnai",
            "3: providers.groq.like: no built-in provider, did you mean `openai`?",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    (problem,) = problems(text, tmp_path, KEY)
    assert problem.startswith(f"antiphon.yaml:{said}")


@pytest.mark.parametrize(
    ("alias", "said"),
    [
        ("fast: groq/c", "fast: provider `groq` does not offer this model, did you mean `groq/"),
        ("fast: grok/a", "fast: no such provider is enabled, did you mean `groq`?"),
        ("fast: nobody/a", "fast: no such provider is enabled"),
        ("fast: openai/gpt-5", "fast: provider `openai` is not enabled"),
        ("fast: ecoh", "fast: names are written `provider/model`, did you mean `sim/echo`?"),
        ("fast: auto", "fast: this is no model but an alias; name the model itself"),
        ("auto: groq/a", "auto: this name leaves the choice to the gateway: no alias can have it"),
        ("fast: [groq/a, x]", "fast[1].model: names are written `provider/model`"),
    ],
)
def test_an_alias_of_nothing_is_told_with_its_line(alias: str, said: str, tmp_path: Path) -> None:
    (problem,) = problems(f"aliases:\n  other: groq/b\n  {alias}\n", tmp_path, KEY)
    assert problem.startswith(f"antiphon.yaml:3: aliases.{said}")


def test_an_alias_of_an_alias_is_told(tmp_path: Path) -> None:
    assert problems("aliases:\n  one: groq/a\n  two: one\n", tmp_path, KEY) == [
        "antiphon.yaml:3: aliases.two: this is no model but an alias; name the model itself"
    ]


def test_all_that_is_wrong_is_told_at_once_and_never_quotes_what_was_written(tmp_path: Path) -> None:
    text = "aliases:\n  one: sk-secret\n  two: [sk/secret, groq/sk-secret]\n"
    found = problems(text, tmp_path, KEY)
    assert [each.split(": ")[:2] for each in found] == [
        ["antiphon.yaml:2", "aliases.one"],
        ["antiphon.yaml:3", "aliases.two[0].model"],
        ["antiphon.yaml:3", "aliases.two[1].model"],
    ]
    assert "secret" not in str(found)


def test_an_alias_may_name_a_model_of_a_provider_that_takes_any(tmp_path: Path) -> None:
    """A name without a provider must be one that the catalogue knows of one of them."""
    text = "providers: {openai: {api_key: k}}\naliases: {one: openai/whatever, two: gpt-5}"
    assert problems(text, tmp_path) == []
    assert problems(text.replace("gpt-5", "whatever"), tmp_path) == [
        "antiphon.yaml:2: aliases.two: names are written `provider/model`"
    ]


def test_an_alias_that_hides_a_model_is_odd_and_allowed(tmp_path: Path) -> None:
    assert warnings("aliases:\n  groq/a: groq/b\n  b: groq/b\n  groq/x: groq/a\n", tmp_path) == [
        "antiphon.yaml:2: aliases.groq/a: hides the model of this name: requests for it go to the alias"
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("groq/d", "provider `groq` does not offer this model, did you mean `groq/"),
        ("gorq/a", "no such provider is enabled, did you mean `groq`?"),
        ("openai/gpt-5", "provider `openai` is not enabled"),
        ("echo", "names are written `provider/model`, did you mean `sim/echo`?"),
        ("quick", "this is no model but an alias; name the model itself"),
    ],
)
def test_facts_about_nothing_are_odd(name: str, said: str, tmp_path: Path) -> None:
    text = f"aliases: {{quick: groq/a}}\nmodels:\n  groq/a: {{quality: 1}}\n  {name}: {{quality: 1}}\n"
    (warning,) = warnings(text, tmp_path)
    assert warning.startswith(f"antiphon.yaml:4: models.{name}: has no effect: {said}")


@pytest.mark.parametrize("written", ["groq/a", "[groq/a]", "[groq/a, {model: groq/b, weight: 2}]", "${FAST}"])
def test_the_schema_for_editors_takes_every_form_of_an_alias(written: str) -> None:
    tree = YAML(typ="safe", pure=True).load(f"aliases:\n  fast: {written}\n")
    jsonschema.Draft202012Validator(json_schema()).validate(tree)


@pytest.mark.parametrize(
    "text",
    [
        "aliases: {fast: []}",
        "aliases: {fast: [{model: a, wieght: 1}]}",
        "providers: {groq: {like: opnai}}",
        "models: {groq/a: {can: [tols]}}",
        "models: {groq/a: {prices: {input: 1}}}",
    ],
)
def test_the_schema_for_editors_refuses_what_the_gateway_refuses(text: str) -> None:
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(YAML(typ="safe", pure=True).load(text))
