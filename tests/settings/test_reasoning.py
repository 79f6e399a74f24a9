"""The keys of sealed thoughts: from the file or the environment, and never shown."""

from __future__ import annotations

import pytest

from antiphon.settings import Reasoning
from antiphon.settings.problems import ConfigurationError
from antiphon.settings.sources import load

SECRET = "0123456789abcdef0123456789abcdef"
KEYS = '[{"id": "2026-11", "key": "${SEAL}"}, {"id": "2026-08", "key": "' + SECRET + '"}]'


def reasoning(**environ: str) -> Reasoning:
    return load({"ANTIPHON_CONFIG": "/dev/null", **environ}).settings.reasoning


def test_keys_come_in_order_and_are_not_shown() -> None:
    found = reasoning(ANTIPHON_REASONING_SEAL_KEYS=KEYS, SEAL="x" * 32)
    assert [key.id for key in found.seal_keys] == ["2026-11", "2026-08"]
    assert found.seal_keys[0].key.get_secret_value() == "x" * 32
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ([("a", SECRET), ("a", SECRET)], "two keys have the same id"),
        ([("a", "short")], "key"),
        ([("~", SECRET)], "id"),
        ([("a.b", SECRET)], "id"),
        ([("", SECRET)], "id"),
    ],
)
def test_keys_that_cannot_be_told_apart_or_guessed_stop_the_start(
    keys: list[tuple[str, str]], wrong: str
) -> None:
    written = ", ".join(f'{{"id": "{name}", "key": "{key}"}}' for name, key in keys)
    with pytest.raises(ConfigurationError, match=wrong) as refused:
        reasoning(ANTIPHON_REASONING_SEAL_KEYS=f"[{written}]")
    assert SECRET not in str(refused.value)
