"""The lists in the documentation are complete, and what it shows works."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

import antiphon
from antiphon.cli import COMMANDS, KEY_COMMANDS, fields
from antiphon.protocol.routing import MaxPrice, Percentiles, RoutingPreferences, Sort
from antiphon.settings import ProviderSettings, ProviderTimeouts, StaticKey
from antiphon.settings.clouds import ProviderAWS, ProviderEntra
from antiphon.settings.example import example
from antiphon.settings.fields import settings_of
from antiphon.settings.reasoning import SealKey
from antiphon.settings.reference import reference, sentence
from antiphon.settings.routing import AliasMember, ModelPrices, ModelSettings, ProviderPolicy
from antiphon.settings.schema import json_schema
from antiphon.settings.sources import load
from antiphon.settings.webhooks import Webhook
from antiphon.upstream.providers import PROVIDERS
from tests.upstream.auth.test_google import key_file

ROOT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
again = "written by `make docs`, and older than the code"


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


SECTIONS = (
    *(StaticKey, SealKey, ProviderSettings, ProviderAWS, ProviderEntra, ProviderTimeouts, ProviderPolicy),
    *(AliasMember, ModelSettings, ModelPrices, Webhook),
)


def test_every_setting_has_its_sentence() -> None:
    fields = {setting.name: setting.field for setting in settings_of()}
    for section in SECTIONS:
        fields |= {f"{section.__name__}.{name}": field for name, field in section.model_fields.items()}
    assert not [name for name, field in fields.items() if not sentence(field).endswith(".")]


def test_the_page_of_settings_is_that_of_the_code() -> None:
    assert page("docs/settings.md") == reference(), again


def test_the_schema_for_editors_is_that_of_the_code() -> None:
    assert json.loads(page("antiphon.schema.json")) == json_schema(), again


def test_the_page_of_fields_is_that_of_the_code() -> None:
    assert page("docs/fields.md") == fields.page(), again


def test_the_example_file_is_that_of_the_code() -> None:
    assert page("antiphon.example.yaml") == example({}), again


def uncommented(text: str) -> str:
    return re.sub(r"^#(?! )|^#(?=  )", "", text, flags=re.MULTILINE)


ENVIRONMENT = {
    "VLLM_KEY": "v",
    "OPENAI_EU_KEY": "k",
    "OPENAI_KEY_A": "a",
    "OPENAI_KEY_B": "b",
    "LAPTOP_KEY": "0123456789abcdef",
    "CI_GATEWAY_KEY": "0123456789abcdef",
    "WEBHOOK_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "SEAL_KEY_2026_08": "0123456789abcdef0123456789abcdef",
    "SEAL_KEY_2026_11": "0123456789abcdef0123456789abcdee",
}
SHOWN = {
    "DATABASE_PASSWORD": "s%40crt",
    "REDIS_PASSWORD": "s%40crt",
    "GATEWAY_PEPPER": "5e" * 32,
    "OPENAI_API_KEY": "k",
    "GROQ_API_KEY": "k",
    "COHERE_API_KEY": "k",
    "AWS_BEARER_TOKEN_BEDROCK": "k",
}
SHOWN |= {"GEMINI_API_KEY": "k"}
SHOWN |= {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "k", "AZURE_CLIENT_SECRET": "k"}


def test_every_line_of_the_example_file_can_be_switched_on(tmp_path: Path) -> None:
    file = tmp_path / "antiphon.yaml"
    file.write_text(uncommented(example({})))
    settings = load(ENVIRONMENT, config=file).settings
    assert {"ollama", "my-vllm"} == set(settings.providers)
    assert {"fast", "shared"} == set(settings.aliases)
    assert (
        settings.model_copy(update={"keys": [], "providers": {}, "aliases": {}, "models": {}})
        == load({}, config=Path("/dev/null")).settings
    )


def test_the_example_file_meets_the_schema() -> None:
    tree = YAML(typ="safe", pure=True).load(uncommented(example({name: "KEY" for name in PROVIDERS})))
    given = {name: value for name, value in tree.items() if value is not None}
    given["simulated"].pop("script")
    jsonschema.Draft202012Validator(json_schema()).validate(given)


@pytest.mark.parametrize(
    "name", ["README.md", "docs/configuration.md", "docs/routing.md", "docs/background.md"]
)
def test_configuration_shown_in_the_documentation_is_right(name: str, tmp_path: Path) -> None:
    shown = re.findall(r"```yaml\n(.*?)```", page(name), flags=re.DOTALL)
    assert shown
    account = tmp_path / "google.json"
    account.write_bytes(key_file())
    for number, text in enumerate(shown):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        load({**ENVIRONMENT, **SHOWN, "GOOGLE_APPLICATION_CREDENTIALS": str(account)}, config=file)


def test_every_preference_of_routing_is_documented() -> None:
    section = page("docs/routing.md").partition("## Preferences\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(RoutingPreferences.__struct_fields__)
    for kind in (MaxPrice, Sort, Percentiles):
        assert f"{{{', '.join(kind.__struct_fields__)}}}" in section


def test_every_dependency_has_its_reason() -> None:
    needed = {name_of(each) for each in requirements(*PROJECT["optional-dependencies"])}
    given = re.findall(
        r"^\| `([\w.-]+)` \| [^|]+ \| [^|]+\w[^|]+ \|$", page("docs/dependencies.md"), re.MULTILINE
    )
    assert needed == set(given)


@pytest.mark.parametrize(
    ("name", "extras"),
    [("runtime", ["build"]), ("dev", ["build", "dev"]), ("upstream", ["build", "dev", "upstream"])],
)
def test_a_lock_file_holds_every_dependency_with_its_hashes_and_names_no_index(
    name: str, extras: list[str]
) -> None:
    lock = page(f"requirements/{name}.txt")
    locked = set(re.findall(r"^([a-z0-9-]+)==\S+(?: ;.*)? \\\n    --hash=sha256:", lock, re.MULTILINE))
    assert {name_of(each).replace(".", "-") for each in requirements(*extras)} <= locked
    assert not re.search(r"://|^ *-(?!-hash)", lock, re.MULTILINE)


def requirements(*extras: str) -> list[str]:
    return PROJECT["dependencies"] + [
        each for extra in extras for each in PROJECT["optional-dependencies"][extra]
    ]


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0]


def test_every_command_has_an_example() -> None:
    commands = {**COMMANDS, **{f"keys {name}": command for name, command in KEY_COMMANDS.items()}}
    for name, (_, _, examples) in commands.items():
        assert examples and all(f"antiphon {name}" in each for each in examples)


def test_what_the_makefile_offers_is_what_it_lists() -> None:
    makefile = page("Makefile")
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE).group(1).split())
    assert phony == set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))


def test_the_whole_python_api_is_two_names() -> None:
    assert antiphon.__all__ == ["__version__", "create_app"]
    assert all(getattr(antiphon, name) for name in antiphon.__all__)


def test_links_between_pages_lead_somewhere() -> None:
    for file in (ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text()):
            assert (file.parent / link).exists(), f"{file.name}: {link}"
