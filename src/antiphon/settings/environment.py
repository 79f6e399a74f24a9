"""Settings from the environment: `limits.body_bytes` is `ANTIPHON_LIMITS_BODY_BYTES`.

The name of a variable is ANTIPHON and the path of the setting, joined by underscores. A list or a map
(`keys`, `providers`) is written as YAML or JSON in one variable; a map is joined with that of the file.
An empty variable is as good as none.
"""

from __future__ import annotations

from collections.abc import Mapping

from antiphon.settings.fields import Setting, settings_of
from antiphon.settings.file import Reader
from antiphon.settings.layers import Layer, single
from antiphon.settings.problems import closest

_PREFIX = "ANTIPHON_"
_LIKENESS = 0.7  # programs beside the gateway have variables of their own
CONFIG = _PREFIX + "CONFIG"


def read(environ: Mapping[str, str]) -> Layer:
    """The settings in `environ`."""
    layer = Layer()
    for setting in settings_of():
        if environ.get(setting.variable):
            layer = layer.covered_by(_found(setting, environ))
    return layer


def misspelled(environ: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that looks like one of ours and is none."""
    known = {CONFIG, *(setting.variable for setting in settings_of())}
    names = [name.removeprefix(_PREFIX) for name in known]
    unknown = [name for name in sorted(environ) if name.startswith(_PREFIX) and name not in known]
    return [
        f"{name}: no such setting, did you mean `{_PREFIX}{close}`?"
        for name in unknown
        if (close := closest(name.removeprefix(_PREFIX), names, likeness=_LIKENESS))
    ]


def _found(setting: Setting, environ: Mapping[str, str]) -> Layer:
    text = environ[setting.variable]
    if not setting.structured:
        return single(setting.path, text, setting.variable)
    inside = Reader(environ, lambda _line: setting.variable, setting.path).read(text)
    return Layer(
        single(setting.path, inside.tree, "").tree,
        {setting.path: setting.variable, **inside.places},
        inside.problems,
    )
