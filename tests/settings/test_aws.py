"""Providers of Amazon's: regions and credentials, from the file and from the environment."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from antiphon.settings.problems import ConfigurationError
from antiphon.settings.providers import build, keys_in
from antiphon.settings.sources import load
from antiphon.upstream.auth.aws_chain import AWSChain
from antiphon.upstream.auth.sigv4 import SigV4
from antiphon.upstream.base import Provider
from antiphon.upstream.endpoint import Endpoint
from antiphon.upstream.providers import PROVIDERS

SECRET, TOKEN, KEY = "wJalrXUtnFEMI/K7MDENG", "AQoDYXdzEPT//////////wEX", "ABSKQmVkcm9ja0FQSUtleQ"
REGION = {"AWS_REGION": "eu-central-1"}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET}
AWS = "aws: {region: us-west-2, access_key_id: AKID, secret_access_key: secret-access-key}"


def built(text: str, tmp_path: Path, environ: dict[str, str] | None = None) -> dict[str, Provider]:
    file = tmp_path / "antiphon.yaml"
    file.write_text(text)
    return build(load(environ or {}, config=file).settings, PROVIDERS)


def problems(text: str, tmp_path: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        built(text, tmp_path, environ)
    return [problem.message for problem in caught.value.problems]


def test_a_region_and_a_bedrock_key_in_the_environment_enable_bedrock(tmp_path: Path) -> None:
    bedrock = built("", tmp_path, {**REGION, "AWS_BEARER_TOKEN_BEDROCK": KEY})["bedrock"]
    assert bedrock.base_url == "https://bedrock-runtime.eu-central-1.amazonaws.com"
    assert (bedrock.key, bedrock.auth) == (KEY, None)
    assert Endpoint(bedrock, "us").headers(True, {})["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("region", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_a_region_and_access_keys_in_the_environment_enable_bedrock(tmp_path: Path, region: str) -> None:
    environ = {region: "eu-central-1", **KEYS}
    bedrock = built("", tmp_path, environ)["bedrock"]
    assert (bedrock.key, bedrock.auth) == (None, SigV4("AKIDEXAMPLE", SECRET, "eu-central-1"))
    temporary = built("", tmp_path, {**environ, "AWS_SESSION_TOKEN": TOKEN})["bedrock"]
    assert temporary.auth == SigV4("AKIDEXAMPLE", SECRET, "eu-central-1", TOKEN)


@pytest.mark.parametrize(
    "environ",
    [REGION, KEYS, {"AWS_BEARER_TOKEN_BEDROCK": KEY}, {**REGION, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"}],
)
def test_half_of_it_enables_nothing(tmp_path: Path, environ: dict[str, str]) -> None:
    assert "bedrock" not in built("", tmp_path, environ)
    assert "bedrock" not in keys_in(environ)


def test_a_bedrock_key_in_the_environment_wins_over_access_keys_there(tmp_path: Path) -> None:
    bedrock = built("", tmp_path, {**REGION, **KEYS, "AWS_BEARER_TOKEN_BEDROCK": KEY})["bedrock"]
    assert (bedrock.key, bedrock.auth) == (KEY, None)


def test_access_keys_that_are_written_down_win_over_a_key(tmp_path: Path) -> None:
    environ = {**REGION, "AWS_BEARER_TOKEN_BEDROCK": KEY}
    bedrock = built(f"providers: {{bedrock: {{{AWS}}}}}", tmp_path, environ)["bedrock"]
    assert (bedrock.key, bedrock.auth) == (None, SigV4("AKID", "secret-access-key", "us-west-2"))
    assert bedrock.base_url == "https://bedrock-runtime.us-west-2.amazonaws.com"


def test_the_other_two_ways_are_enabled_by_the_configuration(tmp_path: Path) -> None:
    text = (
        f"providers: {{bedrock_anthropic: {{{AWS}}}, bedrock_openai: {{aws: {{region: x-1}}, api_key: k}}}}"
    )
    providers = built(text, tmp_path)
    assert providers["bedrock_anthropic"].auth == SigV4("AKID", "secret-access-key", "us-west-2")
    assert providers["bedrock_openai"].base_url == "https://bedrock-runtime.x-1.amazonaws.com/openai/v1"
    assert not {"bedrock_anthropic", "bedrock_openai"} & set(built("", tmp_path, {**REGION, **KEYS}))


def test_a_provider_of_ones_own_may_sign_and_its_host_may_name_the_region(tmp_path: Path) -> None:
    keys = "aws: {access_key_id: AKID, secret_access_key: secret-access-key}"
    url = "https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com"
    text = f"providers: {{mine: {{dialect: converse, base_url: '{url}', {keys}}}}}"
    assert built(text, tmp_path)["mine"].auth == SigV4("AKID", "secret-access-key", "us-gov-west-1")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("bedrock: {api_key: k}", "needs aws.region or AWS_REGION, or base_url"),
        ("bedrock: {api_key: k, aws: {region: eu-1, access_key_id: a}}", "needs secret_access_key"),
        (
            "bedrock: {api_key: k, aws: {region: eu-1, session_token: a}}",
            "needs access_key_id and secret_access_key",
        ),
        (
            "mine: {dialect: converse, base_url: 'https://h', aws: {access_key_id: a, secret_access_key: b}}",
            "needs region, which base_url does not name",
        ),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, entry: str, expected: str) -> None:
    assert expected in problems(f"providers: {{{entry}}}", tmp_path)


@pytest.mark.parametrize(
    "entry",
    [
        "bedrock: {aws: {region: eu-1}}",
        "bedrock_openai: {aws: {region: eu-1}}",
        "bedrock: {base_url: 'https://private.example', aws: {region: eu-1}}",
        "mine: {dialect: converse, base_url: 'https://private.example', aws: {region: eu-1}}",
        "mine: {dialect: converse, base_url: 'https://bedrock-runtime.eu-1.amazonaws.com'}",
    ],
)
def test_without_a_key_it_is_whoever_awss_own_tools_find_if_they_are_installed(
    tmp_path: Path, entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (provider,) = built(f"providers: {{{entry}}}", tmp_path).values()
    assert (provider.key, provider.auth) == (None, AWSChain("eu-1"))
    monkeypatch.setitem(sys.modules, "botocore", None)
    (said,) = problems(f"providers: {{{entry}}}", tmp_path)
    assert said.endswith("or install `antiphon[aws]` for what AWS's own tools find, or `enabled: false`")


def test_a_profile_wins_over_a_key_and_needs_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "providers: {bedrock: {api_key: k, aws: {region: eu-1, profile: work}}}"
    bedrock = built(text, tmp_path)["bedrock"]
    assert (bedrock.key, bedrock.auth) == (None, AWSChain("eu-1", "work"))
    (said,) = problems(text.replace("profile", "access_key_id: a, secret_access_key: b, profile"), tmp_path)
    assert said == "stands in place of access keys, so one of them is too much"
    monkeypatch.setitem(sys.modules, "botocore", None)
    assert problems(text, tmp_path) == ["needs the extra `antiphon[aws]`, which is not installed"]


def test_what_others_say_is_not_asked_for_elsewhere(tmp_path: Path) -> None:
    text = "providers: {mine: {dialect: converse, base_url: 'https://proxy.example'}}"
    assert built(text, tmp_path)["mine"].auth is None
    text = "providers: {bedrock: {aws: {region: eu-1}, headers: {Authorization: Bearer x}}}"
    assert built(text, tmp_path)["bedrock"].auth is None


@pytest.mark.parametrize("region", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_whoever_is_named_finds_the_region_in_the_environment(tmp_path: Path, region: str) -> None:
    text = "providers: {bedrock_anthropic: {api_key: k}, bedrock_openai: {api_key: k, aws: {region: us-2}}}"
    providers = built(text, tmp_path, {region: "eu-central-1"})
    assert "eu-central-1" in providers["bedrock_anthropic"].base_url
    assert "us-2" in providers["bedrock_openai"].base_url


def test_a_region_is_no_place_for_a_host(tmp_path: Path) -> None:
    assert problems("providers: {bedrock: {api_key: k, aws: {region: 'evil.com/#'}}}", tmp_path)


def test_no_secret_is_shown_or_told(tmp_path: Path) -> None:
    environ = {**REGION, **KEYS, "AWS_SESSION_TOKEN": TOKEN}
    file = tmp_path / "antiphon.yaml"
    file.write_text("")
    settings = load(environ, config=file).settings
    bedrock = build(settings, PROVIDERS)["bedrock"]
    assert SECRET not in repr(settings) + repr(bedrock)
    assert TOKEN not in repr(settings) + repr(bedrock)
    redaction = Endpoint(bedrock, "us").redaction
    assert redaction._text(f"bad {SECRET} and {TOKEN}") == "bad [redacted] and [redacted]"
