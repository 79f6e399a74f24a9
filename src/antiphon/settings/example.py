"""A configuration file to begin with: every setting with its sentence and default, commented out.

Prose begins with `# `; without its first `#`, every other line is a setting (or a comment on one).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from antiphon.settings import Settings
from antiphon.settings.aws import is_amazons
from antiphon.settings.fields import bare
from antiphon.settings.reference import plain, sentence
from antiphon.settings.section import Section
from antiphon.upstream.providers import PROVIDERS

_HEAD = """\
# yaml-language-server: $schema=antiphon.schema.json
# The configuration of Antiphon. Every line is optional; what is commented out shows the default.
# `antiphon check` tells whether this file is right. `antiphon schema > antiphon.schema.json` helps editors.
# ${NAME} stands for a variable of the environment, ${NAME:-default} for one that may be missing.
"""

_KEYS = """
# Gateway keys beside those that `antiphon keys create` keeps in the database.
#keys:
#  - name: laptop
#    key: ${LAPTOP_KEY}
"""

_OWN_PROVIDER = """\
#  my-vllm:                       # any other name: says which dialect it speaks, and where
#    dialect: chat                # or responses, or anthropic
#    base_url: http://10.0.0.5:8000/v1
#    api_key: ${VLLM_KEY}
#    timeouts:
#      first_event: 300
#    models: [qwen3-32b]
#    like: together                # where prices and limits come from, if from anywhere
#    policy: {collects_data: false, region: eu, quantization: fp8}
"""


_ROUTING = """
# Names of your own for models: for one, or for several that share the requests.
#aliases:
#  fast: ollama/qwen3:4b
#  shared:
#    - ollama/qwen3:32b
#    - model: my-vllm/qwen3-32b    # gets three times as many
#      weight: 3

# What you know better than the catalogue about a model. Prices are US dollars for a million tokens.
#models:
#  my-vllm/qwen3-32b:
#    prices: {input: 0, output: 0}
#    context_window: 40960
#    can: [tools, reasoning]
"""


def example(found: Mapping[str, str]) -> str:
    """The file, with the providers of `found` (name → the variable that holds its key) switched on."""
    parts = [_HEAD, *_settings(Settings, ""), _KEYS, *_providers(found), _ROUTING]
    return "".join(parts)


def _settings(section: type[Section], indent: str) -> Iterator[str]:
    for name, field in section.model_fields.items():
        inner = bare(field.annotation)
        if name in ("keys", "providers", "aliases", "models"):
            continue
        if isinstance(inner, type) and issubclass(inner, Section):
            yield f"\n{_prose(inner.__doc__ or '', indent)}#{indent}{name}:\n"
            yield from _settings(inner, indent + "  ")
            continue
        yield ("" if indent else "\n") + _prose(sentence(field), indent)
        default = field.default if not field.default_factory else None
        yield f"#{indent}{name}:{'' if default is None else ' ' + plain(default)}\n"


def _prose(text: str, indent: str) -> str:
    mark = f"#{indent}# " if indent else "# "
    return "".join(f"{mark}{line}\n" for line in textwrap.wrap(" ".join(text.split()), 100 - len(mark)))


def _providers(found: Mapping[str, str]) -> Iterator[str]:
    yield "\n# Who serves models, which are called provider/model.\n"
    yield "# Built in, and enabled by its variable alone:\n"
    for name, provider in PROVIDERS.items():
        if provider.key_from:
            yield f"# {name:<12} {provider.key_from}{' and AWS_REGION' if is_amazons(provider) else ''}\n"
    local = [name for name, provider in PROVIDERS.items() if provider.local]
    yield f"# Built in, and enabled by standing here: {', '.join(local)};\n"
    rest = [provider for provider in PROVIDERS.values() if not provider.key_from and not provider.local]
    amazons = [provider.name for provider in rest if is_amazons(provider)]
    yield f"# with aws, and api_key if there are no access keys in it: {', '.join(amazons)};\n"
    others = [provider.name for provider in rest if not is_amazons(provider)]
    yield f"# with base_url and api_key: {', '.join(others)}.\n"
    yield "providers:\n" if found else "#providers:\n"
    for name, variable in found.items():
        yield f"  {name}:\n    api_key: ${{{variable}}}\n"
    if not found:
        yield "#  ollama:\n"
    yield _OWN_PROVIDER
