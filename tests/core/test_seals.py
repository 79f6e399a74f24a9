"""Who gets to see a sealed blob, and in which form."""

from __future__ import annotations

import pytest

from antiphon.core import deltas as d
from antiphon.core.assembler import Assembler
from antiphon.core.fold import fold
from tests.play import counting_ids, snapshot


@pytest.mark.parametrize("reveal", [True, False])
def test_the_client_sees_an_envelope_if_it_asked_and_only_the_provider_sees_the_blob(reveal: bool) -> None:
    assembler = Assembler(
        snapshot(), new_id=counting_ids(), reveal_sealed=reveal, envelope=lambda blob: f"[{len(blob)}]"
    )
    events = assembler.begin()
    for delta in (d.Sealed("0", "first"), d.Sealed("0", "second"), d.Text("1", "hi")):
        events += assembler.apply(delta)
    events += assembler.end_turn()[1] + assembler.finish(2)
    assert fold(events) == assembler.response
    assert "second" not in str(events)
    assert assembler.response["output"][0].get("encrypted_content") == ("[6]" if reveal else None)
    assert assembler.said[0]["encrypted_content"] == "[6]"
    assert assembler.heard[0]["encrypted_content"] == "second"
    assert assembler.heard[1] == assembler.said[1]
