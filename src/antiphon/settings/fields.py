"""The settings as data: what the environment, the documentation and the error messages are made from."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from antiphon.settings import Settings
from antiphon.settings.problems import SettingPath
from antiphon.settings.section import Section


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting that is set as a whole: a value, or a list or map of sections."""

    path: tuple[str, ...]
    field: FieldInfo

    @property
    def name(self) -> str:
        """As in `limits.body_bytes`."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """As in `ANTIPHON_LIMITS_BODY_BYTES`."""
        return "_".join(("ANTIPHON", *self.path)).upper()

    @property
    def structured(self) -> bool:
        """Whether the value is a list or a map."""
        return get_origin(bare(self.field.annotation)) in (list, dict)


def settings_of(section: type[Section] = Settings, above: tuple[str, ...] = ()) -> Iterator[Setting]:
    """Every setting, in the order of the model, those of inner sections in their place."""
    for name, field in section.model_fields.items():
        inner = bare(field.annotation)
        if isinstance(inner, type) and issubclass(inner, Section):
            yield from settings_of(inner, (*above, name))
        else:
            yield Setting((*above, name), field)


def bare(annotation: Any) -> Any:
    """The type without `Annotated` around it and `None` beside it."""
    if hasattr(annotation, "__metadata__"):
        return bare(annotation.__origin__)
    if get_origin(annotation) in (Union, types.UnionType):
        return bare(next(option for option in get_args(annotation) if option is not type(None)))
    return annotation


def names_beside(path: SettingPath) -> list[str]:
    """The names that could stand where the last step of `path` stands; empty where any name may."""
    found: Any = Settings
    for step in path[:-1]:
        found = _inside(found, step)
    return list(found.model_fields) if _is_section(found) else []


def choices_at(path: SettingPath) -> list[str]:
    """The values that the setting at `path` may have, if there is a closed list of them."""
    found: Any = Settings
    for step in path:
        found = _inside(found, step)
    return [choice for choice in get_args(found) if isinstance(choice, str)]


def _inside(found: Any, step: str | int) -> Any:
    if _is_section(found):
        field = found.model_fields.get(step)
        return bare(field.annotation) if field else None
    if get_origin(found) in (list, dict):
        return bare(get_args(found)[-1])
    return None


def _is_section(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, Section)
