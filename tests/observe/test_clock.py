"""Ids: each another, in the order of time, and unguessable as far as the system's chance is."""

from __future__ import annotations

import re

from antiphon.observe.clock import Ids


def test_an_id_has_its_type_the_time_and_chance() -> None:
    ids = Ids()
    assert re.fullmatch(r"msg_[0-9a-f]{48}", ids("message"))
    assert ids("something new").startswith("item_")


def test_none_is_given_twice_over_many_pages_of_chance() -> None:
    ids = Ids()
    made = [ids("response") for _ in range(1000)]
    assert len({each[-36:] for each in made}) == 1000
    assert [each[:17] for each in made] == sorted(each[:17] for each in made), "the time stands in front"


def test_all_chance_that_is_drawn_is_the_systems() -> None:
    drawn: list[bytes] = []

    def counted(length: int) -> bytes:
        drawn.append(bytes((len(drawn) + at) % 256 for at in range(length)))
        return drawn[-1]

    ids = Ids(counted)
    made = "".join(ids("call")[-36:] for _ in range(500))
    assert made in b"".join(drawn).hex()
    assert len(drawn) == 3
