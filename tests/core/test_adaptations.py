"""What could not be sent as asked: noted once, in order, and told in a few words."""

from __future__ import annotations

from antiphon.core.adaptations import Adaptation, Adaptations, abridged


def test_each_is_noted_once_and_in_order() -> None:
    adapted = Adaptations()
    adapted.dropped("top_k", "no")
    adapted.clamped("temperature", "1")
    adapted.dropped("top_k", "no")
    assert adapted.noted == (Adaptation("top_k", "dropped", "no"), Adaptation("temperature", "clamped", "1"))


def test_of_many_that_differ_in_their_place_alone_the_first_are_told_and_the_rest_counted() -> None:
    adapted = Adaptations()
    for item in range(1000):
        adapted.dropped(f"input[{item}].content[{item}]", "no")
        adapted.dropped(f"tools[{item % 8}].strict", "no")
    told = [str(adaptation) for adaptation in abridged(adapted.noted)]
    assert told == [
        *(f"input[{item}].content[{item}]: dropped, no" for item in range(7)),
        "input[*].content[*]: dropped, no (and at 993 more places)",
        *(f"tools[{tool}].strict: dropped, no" for tool in range(8)),
    ]
