"""Long conversations: summed up when the client wishes it, cut where it allows it, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.compaction import summary_of
from antiphon.core.fold import fold
from antiphon.engine.run import Run
from antiphon.protocol.errors import InvalidRequest, ProtocolViolation
from antiphon.protocol.json import JSON
from tests.engine.stand_ins import CALLER, ListStore, ScriptedSpeaker, Step, request, sealing, service
from tests.engine.test_run import events_of

LONG = "word " * 4000  # 5,000 tokens by the estimate
TRIGGER = {"type": "compaction_trigger"}
SUMMED_UP: list[Step] = [d.Text("0", "They said a lot."), d.Usage(5000, 10), d.Stop("stop")]
ANSWER: list[Step] = [d.Text("0", "Yes."), d.Usage(20, 2), d.Stop("stop")]


def user(text: str) -> JSON:
    return {"role": "user", "content": text}


def texts(items: list[JSON]) -> list[str]:
    return [part["text"] for item in items for part in item.get("content", ())]


async def answered(run: Run) -> JSON:
    events = await events_of(run)
    response: JSON = events[-1]["response"]
    assert fold(events) == response
    return response


async def test_a_trigger_makes_one_compaction_that_stands_for_all_before_it() -> None:
    speaker, store = ScriptedSpeaker([SUMMED_UP, ANSWER]), ListStore()
    gateway = service(speaker, store)
    made = await answered(await gateway.create(CALLER, request(input=[user(LONG), user("Red."), TRIGGER])))
    [item] = made["output"]
    assert item["type"] == "compaction"
    assert "They said" not in item["encrypted_content"]
    assert made["usage"]["input_tokens"] == 5000
    assert [each["type"] for each in store.records[0].input] == ["message", "message"]

    await answered(
        await gateway.create(CALLER, request(previous_response_id=made["id"], input=[user("And now?")]))
    )
    said = texts(speaker.turns[1].items)
    assert said[:2] == [LONG, "Red."]  # what was kept, once
    assert "They said a lot." in said[2]
    assert said[3:] == ["And now?"]


async def test_a_compaction_goes_to_any_model_and_to_no_other_project() -> None:
    speaker = ScriptedSpeaker([SUMMED_UP, ANSWER])
    gateway = service(speaker, ListStore(), seals=sealing())
    made = await answered(await gateway.create(CALLER, request(input=[user("Red."), TRIGGER])))
    window = [*made["output"], user("And now?")]
    await answered(await gateway.create(CALLER, request(model="anthropic/b", input=window)))
    assert "They said a lot." in texts(speaker.turns[1].items)[1]
    changed = [{**made["output"][0], "encrypted_content": made["output"][0]["encrypted_content"][:-2] + "AA"}]
    with pytest.raises(InvalidRequest) as refused:
        await gateway.create(CALLER, request(input=[*changed, user("And now?")]))
    assert refused.value.code == "invalid_encrypted_content"


async def test_a_standalone_compaction_has_beside_it_what_is_kept() -> None:
    speaker, store = ScriptedSpeaker([SUMMED_UP, ANSWER]), ListStore()
    gateway = service(speaker, store)
    run = await gateway.compact(CALLER, request(input=[user("Red."), user("Blue.")]))
    await run.journal.end()
    made = gateway.compacted(run)
    assert made["object"] == "response.compaction"
    assert [item["type"] for item in made["output"]] == ["message", "message", "compaction"]
    assert store.records == []
    assert made["usage"]["input_tokens"] == 5000
    await answered(await gateway.create(CALLER, request(input=[*made["output"], user("And now?")])))
    said = texts(speaker.turns[1].items)
    assert (said[:2], len(said)) == (["Red.", "Blue."], 4)


async def test_a_long_conversation_is_compacted_before_the_answer() -> None:
    speaker, store = ScriptedSpeaker([SUMMED_UP, ANSWER]), ListStore()
    management = [{"type": "compaction", "compact_threshold": 4000}]
    asked = request(input=[user(LONG), user("Go on.")], context_management=management)
    made = await answered(await service(speaker, store).create(CALLER, asked))
    assert [item["type"] for item in made["output"]] == ["compaction", "message"]
    assert made["output"][1]["content"][0]["text"] == "Yes."
    assert made["usage"]["input_tokens"] == 5020
    assert "They said a lot." in texts(speaker.turns[1].items)[-1]
    assert speaker.turns[1].compaction is None


async def test_a_short_one_is_not() -> None:
    speaker = ScriptedSpeaker([ANSWER])
    asked = request(context_management=[{"type": "compaction", "compact_threshold": 4000}])
    made = await answered(await service(speaker, ListStore()).create(CALLER, asked))
    assert [item["type"] for item in made["output"]] == ["message"]


async def test_a_provider_that_compacts_is_asked_to() -> None:
    own = d.Hosted("0", {"type": "compaction", "encrypted_content": "gAAA"})
    speaker = ScriptedSpeaker([[own, d.Stop("stop")], ANSWER])
    gateway = service(speaker, ListStore())
    run = await gateway.compact(CALLER, request(model="openai/m", input=[user("Red.")]))
    await run.journal.end()
    assert [item["type"] for item in gateway.compacted(run)["output"]] == ["compaction"]
    assert speaker.turns[0].compaction == "only"
    management = [{"type": "compaction", "compact_threshold": 1000}]
    asked = request(model="openai/m", input=[user(LONG)], context_management=management)
    await answered(await gateway.create(CALLER, asked))
    assert speaker.turns[1].extra["context_management"] == management


async def test_a_model_that_gives_no_summary_fails_the_response() -> None:
    speaker = ScriptedSpeaker([[d.Text("0", "The us"), d.Stop("length")]])
    run = await service(speaker, ListStore()).create(CALLER, request(input=[user("Red."), TRIGGER]))
    await run.journal.end()
    assert isinstance(run.journal.failure, ProtocolViolation)


async def test_another_target_is_asked_for_the_summary_when_the_first_gives_none() -> None:
    speaker = ScriptedSpeaker([[d.Stop("stop")], SUMMED_UP])
    asked = request(input=[user("Red."), TRIGGER], fallbacks=["anthropic/b"])
    made = await answered(await service(speaker, ListStore()).create(CALLER, asked))
    assert summary_of(made["output"][0]) is None  # it is sealed
    assert made["provider"] == "anthropic"


CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": LONG}


async def test_truncation_leaves_out_whole_exchanges_and_says_so() -> None:
    speaker = ScriptedSpeaker([ANSWER])
    items = [{"role": "developer", "content": "Be brief."}, user("Look."), CALL, OUTPUT, user("And now?")]
    asked = request(input=items, truncation="auto")
    made = await answered(await service(speaker, ListStore(), window=2000).create(CALLER, asked))
    assert texts(speaker.turns[0].items) == ["Be brief.", "And now?"]
    assert speaker.turns[0].truncation is None
    assert [told["param"] for told in made["adaptations"]] == ["input[1]", "input[2]", "input[3]"]
    assert {told["action"] for told in made["adaptations"]} == {"dropped"}


@pytest.mark.parametrize("fields", [{"truncation": "auto"}, {"truncation": "disabled"}, {}])
async def test_what_cannot_fit_is_refused_before_anything_is_sent(fields: dict[str, Any]) -> None:
    speaker = ScriptedSpeaker([])
    with pytest.raises(InvalidRequest) as refused:
        await service(speaker, ListStore(), window=2000).create(CALLER, request(input=LONG, **fields))
    assert (refused.value.code, refused.value.param) == ("context_length_exceeded", "input")
    assert speaker.turns == []


async def test_what_may_fit_is_sent() -> None:
    speaker = ScriptedSpeaker([ANSWER])
    await answered(await service(speaker, ListStore(), window=4500).create(CALLER, request(input=LONG)))
    assert len(speaker.turns) == 1


async def test_who_truncates_itself_is_left_to_it() -> None:
    speaker = ScriptedSpeaker([ANSWER])
    asked = request(model="openai/m", input=[user(LONG), user("And now?")], truncation="auto")
    await answered(await service(speaker, ListStore(), window=2000).create(CALLER, asked))
    assert (len(speaker.turns[0].items), speaker.turns[0].truncation) == (2, "auto")
