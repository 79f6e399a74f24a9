"""What a model thought goes out sealed, and comes back only to who can read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.records import Caller
from antiphon.engine.sealing import Sealing
from antiphon.protocol.errors import InvalidRequest, StaleReasoning
from antiphon.protocol.json import JSON
from tests.engine.stand_ins import CALLER, ListStore, ScriptedSpeaker, Step, request, sealing, service
from tests.engine.test_run import HELLO, events_of

ASK: JSON = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "and?"}]}
BLOB = "anthropic:EqQBCkgIBxABGAIqQ+/="
CLAUDE, OPUS, GPT = "anthropic/claude-sonnet-5", "anthropic/claude-opus-5", "openai/gpt-5.2"
THOUGHT: list[Step] = [
    d.Reasoning("0", "Let me see."),
    d.Sealed("0", BLOB),
    d.Text("1", "hello"),
    d.Stop("stop"),
]


def stale() -> StaleReasoning:
    """A new one each time: an error that was raised holds on to all that it went through."""
    return StaleReasoning("too old")


@dataclass
class Desk:
    """A service whose model plays these scripts."""

    scripts: list[list[Step]]
    seals: Sealing = field(default_factory=sealing)
    store: ListStore = field(default_factory=ListStore)

    def __post_init__(self) -> None:
        self.speaker = ScriptedSpeaker(list(self.scripts))
        self.service = service(self.speaker, self.store, seals=self.seals)

    async def create(self, caller: Caller = CALLER, **fields: Any) -> JSON:
        """The finished response, as the last event tells it."""
        asked = {"include": ["reasoning.encrypted_content"], "model": CLAUDE, **fields}
        run = await self.service.create(caller, request(**asked))
        response: JSON = (await events_of(run))[-1]["response"]
        return response

    @property
    def told(self) -> list[JSON]:
        """The items of the last turn."""
        return self.speaker.turns[-1].items


async def thought(desk: Desk, **fields: Any) -> JSON:
    """The reasoning item of a first answer."""
    item: JSON = (await desk.create(store=False, **fields))["output"][0]
    assert item["type"] == "reasoning"
    return item


def blobs(items: list[JSON]) -> list[str | None]:
    return [item.get("encrypted_content") for item in items if item["type"] == "reasoning"]


# Out


async def test_the_client_and_the_store_get_the_same_envelope_and_never_the_blob() -> None:
    desk = Desk([THOUGHT])
    run = await desk.service.create(CALLER, request(model=CLAUDE, include=["reasoning.encrypted_content"]))
    events = await events_of(run)
    assert BLOB not in str(events)
    (record,) = desk.store.records
    assert record.output == events[-1]["response"]["output"]
    assert record.output[0]["encrypted_content"].startswith("ag1.k.")


async def test_without_include_nothing_sealed_is_shown_but_it_is_kept() -> None:
    desk = Desk([THOUGHT, HELLO])
    first = await desk.create(include=None)
    assert "encrypted_content" not in first["output"][0]
    await desk.create(previous_response_id=first["id"], include=None)
    assert blobs(desk.told) == [BLOB]


async def test_a_compaction_is_shown_sealed_in_its_last_event_and_not_before() -> None:
    compaction = d.Hosted("0", {"type": "compaction", "encrypted_content": "anthropic:blocks:[{}]"})
    desk = Desk([[compaction, d.Stop("stop")], HELLO])
    run = await desk.service.create(CALLER, request(model=CLAUDE))
    events = await events_of(run)
    assert "anthropic:blocks" not in str(events)
    added = next(event for event in events if event["type"] == "response.output_item.added")
    assert added["item"]["encrypted_content"] == ""
    (item,) = events[-1]["response"]["output"]
    await desk.create(input=[item, ASK])
    assert desk.told[0]["encrypted_content"] == "anthropic:blocks:[{}]"


async def test_a_turn_that_goes_on_gets_its_thoughts_as_they_came() -> None:
    desk = Desk([[d.Sealed("0", BLOB), d.Stop("pause")], HELLO])
    response = await desk.create()
    assert blobs(desk.told) == [BLOB]
    assert response["output"][0]["encrypted_content"].startswith("ag1.")


# In


@pytest.mark.parametrize("model", [CLAUDE, OPUS])
async def test_what_comes_back_to_its_family_is_told_byte_for_byte(model: str) -> None:
    desk = Desk([THOUGHT, HELLO])
    item = await thought(desk)
    response = await desk.create(model=model, input=[item, ASK])
    assert blobs(desk.told) == [BLOB]
    assert response["adaptations"] == []


async def test_it_is_stored_as_it_came_and_read_again_from_there() -> None:
    desk = Desk([THOUGHT, HELLO, HELLO])
    item = await thought(desk)
    second = await desk.create(input=[item, ASK])
    assert desk.store.records[0].input[0]["encrypted_content"] == item["encrypted_content"]
    await desk.create(previous_response_id=second["id"], input=[ASK])
    assert blobs(desk.told) == [BLOB]


async def test_a_reference_to_a_thought_brings_its_blob() -> None:
    desk = Desk([THOUGHT, HELLO])
    first = await desk.create()
    await desk.create(input=[{"type": "item_reference", "id": first["output"][0]["id"]}, ASK])
    assert blobs(desk.told) == [BLOB]


async def test_tokens_are_counted_of_what_would_be_told() -> None:
    desk = Desk([THOUGHT])
    item = await thought(desk)
    assert await desk.service.count_input_tokens(CALLER, request(model=CLAUDE, input=[item, ASK])) == 2
    assert blobs(desk.told) == [BLOB]


async def test_another_family_is_told_nothing_and_the_client_is_told_why() -> None:
    desk = Desk([THOUGHT, HELLO])
    item = await thought(desk)
    response = await desk.create(model=GPT, input=[ASK, item, ASK])
    assert [each["type"] for each in desk.told] == ["message", "message"]
    (adaptation,) = response["adaptations"]
    assert (adaptation["param"], adaptation["action"]) == ("input[1]", "dropped")
    assert "anthropic" in adaptation["detail"]


async def test_another_family_may_get_the_summary_as_text() -> None:
    desk = Desk([THOUGHT, HELLO], sealing(foreign="summary"))
    item = await thought(desk)
    response = await desk.create(model=GPT, input=[item, ASK])
    assert desk.told[0]["content"][0]["text"] == "<thinking>\nLet me see.\n</thinking>"
    assert response["adaptations"][0]["action"] == "translated"


async def test_thoughts_without_a_summary_have_nothing_to_be_sent_as_text() -> None:
    desk = Desk([[d.Sealed("0", BLOB), d.Stop("stop")], HELLO], sealing(foreign="summary"))
    item = await thought(desk)
    await desk.create(model=GPT, input=[item, ASK])
    assert len(desk.told) == 1


async def test_what_was_sealed_too_long_ago_is_left_out() -> None:
    item = await thought(Desk([THOUGHT], sealing(now=1, lifetime=100)))
    desk = Desk([HELLO, HELLO], sealing(now=101))
    response = await desk.create(input=[item, ASK])
    assert blobs(desk.told) == []
    assert response["adaptations"][0]["detail"] == "sealed too long ago"
    last = Desk([HELLO], sealing(now=100))
    await last.create(input=[item, ASK])
    assert blobs(last.told) == [BLOB]


@pytest.mark.parametrize(
    "content",
    ["gAAAAABoqx7bGzwi_openai", BLOB, "sim:aGk.00000000", "ag1.k.AAAA", "ag1", "x"],
    ids=["of OpenAI", "plain", "simulated", "made up", "cut", "any"],
)
async def test_what_was_not_sealed_here_is_refused_by_its_place(content: str) -> None:
    desk = Desk([HELLO])
    item = {"type": "reasoning", "summary": [], "encrypted_content": content}
    with pytest.raises(InvalidRequest) as refused:
        await desk.create(input=[ASK, item])
    assert (refused.value.code, refused.value.param) == (
        "invalid_encrypted_content",
        "input[1].encrypted_content",
    )
    assert "leave the item out" in refused.value.message
    assert content not in refused.value.message or content == "x"
    assert desk.speaker.turns == []


async def test_what_another_project_brings_is_refused() -> None:
    desk = Desk([THOUGHT, HELLO])
    item = await thought(desk)
    with pytest.raises(InvalidRequest, match="for this project"):
        await desk.create(Caller("another", "key"), input=[item, ASK])


@pytest.mark.parametrize("content", [None, ""])
async def test_thoughts_that_are_not_sealed_pass(content: str | None) -> None:
    desk = Desk([HELLO])
    item = {"type": "reasoning", "summary": [], "encrypted_content": content}
    await desk.create(input=[item, ASK])
    assert desk.told[0] == item


async def test_a_compaction_that_this_model_cannot_read_is_refused() -> None:
    compaction = d.Hosted("0", {"type": "compaction", "encrypted_content": "gAAAcompacted"})
    desk = Desk([[compaction, d.Stop("stop")], HELLO], sealing(now=1, lifetime=1))
    (item,) = (await desk.create(model=GPT))["output"]
    with pytest.raises(InvalidRequest) as refused:
        await desk.create(model=CLAUDE, input=[item, ASK])
    assert (refused.value.code, refused.value.param) == ("unsupported_value", "input[0]")
    later = Desk([HELLO], sealing(now=10**9))
    await later.create(model=GPT, input=[item, ASK])
    assert later.told[0]["encrypted_content"] == "gAAAcompacted"  # it is never too old


# Our own store


async def stored(content: str, kind: str = "reasoning") -> tuple[Desk, str]:
    """A response whose stored thoughts are these."""
    desk = Desk([THOUGHT, HELLO])
    first = await desk.create()
    desk.store.records[0].output[0] = {
        "type": kind,
        "id": "rs_1",
        "summary": [],
        "encrypted_content": content,
    }
    return desk, first["id"]


async def test_blobs_stored_before_there_were_envelopes_are_told() -> None:
    desk, first = await stored(BLOB)
    await desk.create(previous_response_id=first, input=[{"type": "item_reference", "id": "rs_1"}, ASK])
    assert blobs(desk.told) == [BLOB, BLOB]


async def test_stored_thoughts_under_a_key_that_is_gone_are_left_out() -> None:
    desk, first = await stored("ag1.gone.AAAA")
    response = await desk.create(previous_response_id=first, input=[ASK])
    assert blobs(desk.told) == []
    (adaptation,) = response["adaptations"]
    assert (adaptation["param"], adaptation["detail"]) == (
        "previous_response_id",
        "sealed with a key that is gone",
    )


async def test_a_stored_compaction_under_a_key_that_is_gone_is_refused() -> None:
    desk, first = await stored("ag1.gone.AAAA", "compaction")
    with pytest.raises(InvalidRequest) as refused:
        await desk.create(previous_response_id=first, input=[ASK])
    assert refused.value.param == "previous_response_id"


# What the provider no longer takes back


async def test_thoughts_that_the_provider_refuses_are_left_out_and_it_is_asked_once_more() -> None:
    desk = Desk([THOUGHT, [stale()], HELLO])
    item = await thought(desk)
    response = await desk.create(input=[ASK, item, ASK])
    assert response["output"][0]["content"][0]["text"] == "hello"
    assert [each["type"] for each in desk.told] == ["message", "message"]
    (adaptation,) = response["adaptations"]
    assert (adaptation["param"], adaptation["action"]) == ("input[1]", "dropped")
    assert desk.speaker.open == 0


async def test_a_turn_that_goes_on_after_that_does_not_bring_them_back() -> None:
    paused: list[Step] = [d.Text("0", "hel"), d.Stop("pause")]
    desk = Desk([THOUGHT, [stale()], paused, HELLO])
    item = await thought(desk)
    await desk.create(input=[item, ASK])
    assert blobs(desk.told) == []


@pytest.mark.parametrize(
    ("said", "fields", "turns"),
    [
        ([[], []], {}, 2),
        ([[d.Text("0", "hel")]], {}, 1),
        ([[]], {"adaptation": "strict"}, 1),
        ([[]], {"input": [ASK]}, 1),
    ],
    ids=["refused twice", "something was said", "strict", "nothing was sealed"],
)
async def test_otherwise_the_refusal_is_the_clients(
    said: list[list[Step]], fields: dict[str, Any], turns: int
) -> None:
    desk = Desk([THOUGHT, *([*steps, stale()] for steps in said)])
    item = await thought(desk)
    response = await desk.create(**{"input": [item, ASK], **fields})
    assert response["status"] == "failed"
    assert response["error"]["code"] == "invalid_prompt"
    assert len(desk.speaker.turns) == 1 + turns
