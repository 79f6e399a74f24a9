"""The pepper: made once, whole, for its user alone."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from antiphon.accounts.pepper import BadPepper, derived, load_or_make


def test_the_pepper_is_made_once_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "data" / "pepper"
    pepper = load_or_make(path, secrets.token_bytes)
    assert len(pepper) == 32
    assert load_or_make(path, secrets.token_bytes) == pepper
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["pepper"]


def test_many_who_start_at_once_agree_on_one_pepper(tmp_path: Path) -> None:
    path = tmp_path / "pepper"
    with ThreadPoolExecutor(16) as pool:
        peppers = set(pool.map(lambda _: load_or_make(path, secrets.token_bytes), range(64)))
    assert len(peppers) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["pepper"]


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_damaged_pepper_stops_the_start_and_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pepper"
    path.write_bytes(content)
    with pytest.raises(BadPepper):
        load_or_make(path, secrets.token_bytes)
    assert path.read_bytes() == content


def test_secrets_for_other_purposes_follow_from_it_and_say_nothing_of_one_another() -> None:
    pepper = bytes(range(32))
    secrets_of = {derived(pepper, "seal of reasoning"), derived(pepper, "something else"), pepper}
    assert derived(pepper, "seal of reasoning") in secrets_of
    assert len(secrets_of) == 3
    assert {len(secret) for secret in secrets_of} == {32}
    assert derived(bytes(32), "seal of reasoning") not in secrets_of
