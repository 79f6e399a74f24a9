"""docs/settings.md: every setting with its type, default, variable and sentence, made from the models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import ByteSize
from pydantic.fields import FieldInfo

from antiphon.settings import ProviderSettings, ProviderTimeouts, StaticKey
from antiphon.settings.aws import is_amazons
from antiphon.settings.clouds import ProviderAWS, ProviderEntra
from antiphon.settings.environment import CONFIG
from antiphon.settings.fields import bare, settings_of
from antiphon.settings.places import CONFIG_FILE
from antiphon.settings.providers import DIALECTS
from antiphon.settings.quirks import quirks_of
from antiphon.settings.reasoning import SealKey
from antiphon.settings.routing import AliasMember, ModelPrices, ModelSettings, ProviderPolicy
from antiphon.settings.section import Section
from antiphon.settings.webhooks import Webhook
from antiphon.upstream.base import Provider
from antiphon.upstream.providers import PROVIDERS

_INTRODUCTION = f"""\
# Settings

Made from the code by `make docs`; do not edit. How the file, the environment and the command line work
together, with examples: [configuration.md](configuration.md).

A setting called `limits.body_bytes` is written in `{CONFIG_FILE}` as

```yaml
limits:
  body_bytes: 16MiB
```

and in the environment as `ANTIPHON_LIMITS_BODY_BYTES=16MiB`. Times are in seconds; sizes are in bytes or
have a unit. The file is named by `--config` or `{CONFIG}`; without either it is `{CONFIG_FILE}` in the folder
the gateway is started in, if there is one.
"""

_KINDS: dict[Any, str] = {
    bool: "`true` or `false`",
    ByteSize: "size",
    float: "number",
    int: "whole number",
    Path: "path",
    str: "text",
}

_SECTIONS: tuple[tuple[str, str, type[Section]], ...] = (
    ("A key of `keys`", "keys[].", StaticKey),
    ("A key of `reasoning.seal_keys`", "reasoning.seal_keys[].", SealKey),
    ("A webhook of `webhooks`", "webhooks[].", Webhook),
    ("A provider of `providers`", "providers.<name>.", ProviderSettings),
    ("Amazon's part of a provider", "providers.<name>.aws.", ProviderAWS),
    ("Azure's part of a provider", "providers.<name>.entra.", ProviderEntra),
    ("Timeouts of a provider", "providers.<name>.timeouts.", ProviderTimeouts),
    ("What a provider promises", "providers.<name>.policy.", ProviderPolicy),
    ("A model of `models`", "models.<provider/model>.", ModelSettings),
    ("Prices of a model", "models.<provider/model>.prices.", ModelPrices),
    ("One of several targets of an alias of `aliases`", "aliases.<name>[].", AliasMember),
)


def reference() -> str:
    """The page, in Markdown."""
    parts = [_INTRODUCTION, "## All settings\n", _all_settings()]
    for title, prefix, section in _SECTIONS:
        parts += [f"## {title}\n", _section(prefix, section)]
    parts += ["## Built-in providers\n", _providers()]
    for name, dialect in DIALECTS.items():
        parts += [f"## Quirks of the dialect `{name}`\n", _quirks(dialect)]
    return "\n".join(parts).rstrip("\n") + "\n"


def _all_settings() -> str:
    rows = (
        (f"`{name}`", kind(field.annotation), default(field), f"`{variable}`", sentence(field))
        for name, field, variable in ((each.name, each.field, each.variable) for each in settings_of())
    )
    return _table(("setting", "type", "default", "variable", "meaning"), rows)


def _section(prefix: str, section: type[Section]) -> str:
    rows = (
        (f"`{prefix}{name}`", kind(field.annotation), default(field), sentence(field))
        for name, field in section.model_fields.items()
    )
    return _table(("setting", "type", "default", "meaning"), rows)


def _providers() -> str:
    rows = (
        (f"`{name}`", f"`{provider.dialect.name}`", _written(provider.base_url or None), _enabling(provider))
        for name, provider in PROVIDERS.items()
    )
    return _table(("name", "dialect", "base URL", "enabled by"), rows)


def _enabling(provider: Provider) -> str:
    if is_amazons(provider):
        return f"`AWS_REGION` and `{provider.key_from}`, or `aws`" if provider.key_from else "`aws` and a key"
    if provider.key_from:
        return f"`{provider.key_from}`"
    return "its name in `providers`" if provider.local else "`base_url` and a key"


def _quirks(dialect: Any) -> str:
    rows = (
        (f"`{quirk.name}`", kind(quirk.kind), _written(quirk.default), quirk.sentence)
        for quirk in quirks_of(dialect)
    )
    return _table(("quirk", "type", "default", "meaning"), rows)


def kind(annotation: Any) -> str:
    """A type in words."""
    found = bare(annotation)
    if get_origin(found) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(found))
    if get_origin(found) in (list, tuple):
        return "list"
    if get_origin(found) in (dict, Mapping) or (isinstance(found, type) and issubclass(found, Section)):
        return "map"
    return _KINDS.get(found, "text")


def default(field: FieldInfo) -> str:
    """The default as it would be written, or a dash where there is none that fits a cell."""
    if field.is_required():
        return "required"
    if field.default_factory or isinstance(field.default, Section):
        return "—"
    return _written(field.default)


def _written(value: Any) -> str:
    return "—" if value is None or value in ([], {}, ()) else f"`{plain(value)}`"


def plain(value: Any) -> str:
    """A value as YAML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, ByteSize):
        return value.human_readable(separator="").replace(".0", "")
    return f"{value:g}" if isinstance(value, float) else str(value)


def sentence(field: FieldInfo) -> str:
    """What documents the field, on one line."""
    return " ".join((field.description or "").split())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(_lines(head, rows)) + "\n"


def _lines(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        cells = (cell.replace("|", r"\|") for cell in row)
        yield f"| {' | '.join(cells)} |"
