"""A run keeps its word: one terminal event, after the commit, whatever happens."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from antiphon.core import deltas as d
from antiphon.core.fold import fold
from antiphon.core.records import Caller, Target
from antiphon.core.turn import Turn
from antiphon.engine.run import Run
from antiphon.protocol.errors import (
    ClientGone,
    GatewayError,
    InvalidRequest,
    NotFound,
    Overloaded,
    RateLimited,
    ShuttingDown,
    StorageUnavailable,
    UpstreamDisconnected,
)
from antiphon.protocol.events import Event
from tests.engine.stand_ins import (
    CALLER,
    ListStore,
    ScriptedSpeaker,
    ScriptedSpeech,
    Step,
    request,
    service,
)

HELLO: list[Step] = [d.Text("0", "hello"), d.Usage(3, 1), d.Stop("stop")]


async def events_of(run: Run) -> list[Event]:
    events: list[Event] = []
    while not run.journal.ended or not events:
        events += await run.journal.read()
    return events


async def made(*scripts: list[Step], store: ListStore | None = None) -> tuple[list[Event], ListStore]:
    store = store or ListStore()
    run = await service(ScriptedSpeaker(list(scripts)), store).create(CALLER, request())
    return await events_of(run), store


async def test_what_the_store_keeps_is_what_the_terminal_event_says() -> None:
    events, store = await made(HELLO)
    (record,) = store.records
    assert {**record.body, "output": record.output} == fold(events)
    assert [item["content"][0]["text"] for item in record.input] == ["hi"]


async def test_the_terminal_event_leaves_after_the_commit() -> None:
    store = ListStore(slow=0.02)
    run = await service(ScriptedSpeaker([HELLO]), store).create(CALLER, request())
    events: list[Event] = []
    while not any(event["type"] == "response.completed" for event in events):
        events += await run.journal.read()
    assert store.records


async def test_no_events_are_made_for_a_reader_who_wants_nothing_but_the_end() -> None:
    run = await service(ScriptedSpeaker([HELLO]), ListStore()).create(CALLER, request())
    last = await run.journal.end()
    assert last["sequence_number"] == 0
    assert last["response"]["output"][0]["content"][0]["text"] == "hello"


async def test_store_false_keeps_nothing() -> None:
    _, store = await made(HELLO, store=None)
    assert store.records
    unstored = ListStore()
    run = await service(ScriptedSpeaker([HELLO]), unstored).create(CALLER, request(store=False))
    await events_of(run)
    assert unstored.records == []


async def test_a_failure_before_the_first_word_leaves_no_row_and_names_itself() -> None:
    store = ListStore()
    run = await service(ScriptedSpeaker([[RateLimited("slow down")]]), store).create(CALLER, request())
    events = await events_of(run)
    assert isinstance(run.journal.failure, RateLimited)
    assert events[-1]["response"]["error"]["code"] == "rate_limit_exceeded"
    assert store.records == []


async def test_a_failure_after_the_first_word_keeps_what_was_said() -> None:
    store = ListStore()
    speaker = ScriptedSpeaker([[d.Text("0", "hel"), d.Usage(3, 1), UpstreamDisconnected("gone")]])
    events = await events_of(await service(speaker, store).create(CALLER, request(stream=True)))
    assert fold(events)["status"] == "failed"
    assert store.records[0].output[0]["content"][0]["text"] == "hel"
    assert store.records[0].body["usage"]["total_tokens"] == 4


async def test_a_buffered_response_that_fails_leaves_no_row_under_an_id_that_nobody_has() -> None:
    _, store = await made([d.Text("0", "hel"), UpstreamDisconnected("gone")])
    assert store.records == []


async def test_a_commit_under_way_is_not_taken_back_when_the_client_goes() -> None:
    store = ListStore(slow=0.05)
    run = await service(ScriptedSpeaker([HELLO]), store).create(CALLER, request())
    await asyncio.sleep(0.02)
    run.cancel(ClientGone("gone"))
    assert fold(await asyncio.wait_for(events_of(run), 1))["status"] == "completed"
    assert len(store.records) == 1


@pytest.mark.parametrize("refusal", [StorageUnavailable("full"), Overloaded("too many writes wait")])
async def test_what_cannot_be_stored_is_delivered_and_says_so(refusal: GatewayError) -> None:
    events, store = await made(HELLO, store=ListStore(broken=True, refusal=refusal))
    assert fold(events)["status"] == "completed"
    assert fold(events)["store"] is False
    assert store.records == []


async def test_a_bug_in_the_store_still_ends_the_response() -> None:
    class Buggy(ListStore):
        async def save(self, record: object) -> None:
            raise OverflowError("Python int too large to convert to SQLite INTEGER")

    with capture_logs() as logs:
        events, _ = await made(HELLO, store=Buggy())
        await asyncio.sleep(0.01)
    assert (fold(events)["status"], fold(events)["store"]) == ("completed", False)
    assert [line["event"] for line in logs] == ["run_failed"]


async def test_when_the_client_goes_the_upstream_is_closed_and_half_a_call_is_incomplete() -> None:
    speaker = ScriptedSpeaker([[d.Call("0", "c", "f"), d.Arguments("0", '{"x'), 60.0]])
    run = await service(speaker, ListStore()).create(CALLER, request())
    await asyncio.sleep(0.01)
    assert speaker.open == 1
    run.cancel(ClientGone("The client closed the connection."))
    events = await asyncio.wait_for(events_of(run), 1)
    assert speaker.open == 0
    assert fold(events)["output"][0]["status"] == "incomplete"


async def test_a_run_that_breaks_still_ends_its_journal() -> None:
    made_service = service(ScriptedSpeaker([[d.Text("0", "x"), ZeroDivisionError()]]), ListStore())
    run = await made_service.create(CALLER, request())
    events = await asyncio.wait_for(events_of(run), 1)
    assert fold(events)["error"]["code"] == "server_error"


async def test_a_paused_turn_goes_on_with_what_was_said() -> None:
    speaker = ScriptedSpeaker([[d.Text("0", "one"), d.Stop("pause")], [d.Text("0", " two"), d.Stop("stop")]])
    run = await service(speaker, ListStore()).create(CALLER, request())
    response = fold(await events_of(run))
    assert [item["content"][0]["text"] for item in response["output"]] == ["one", " two"]
    assert speaker.turns[1].items[-1]["content"][0]["text"] == "one"


async def test_a_turn_that_pauses_again_is_shown_each_word_once() -> None:
    pauses: list[list[Step]] = [[d.Text("0", word), d.Stop("pause")] for word in ("one", "two")]
    speaker = ScriptedSpeaker([*pauses, HELLO])
    await events_of(await service(speaker, ListStore()).create(CALLER, request()))
    said = [item["content"][0]["text"] for item in speaker.turns[2].items]
    assert said == ["hi", "one", "two"]


async def test_what_a_delta_said_before_it_broke_the_grammar_is_told() -> None:
    broken = d.Relayed({"type": "response.output_text.delta", "output_index": 0, "delta": "x", "item_id": 1})
    torn = d.Relayed(
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": 7}
    )
    for delta in (broken, torn):
        events, _ = await made([delta])
        assert fold(events)["status"] == "failed"


async def test_usage_is_summed_over_turns() -> None:
    events, _ = await made([d.Usage(3, 1), d.Stop("pause")], [d.Usage(4, 2), d.Stop("stop")])
    assert fold(events)["usage"]["total_tokens"] == 10


async def test_drain_ends_what_runs_with_a_terminal_event_and_takes_nothing_new() -> None:
    made_service = service(ScriptedSpeaker([[d.Text("0", "x"), 60.0]]), ListStore())
    run = await made_service.create(CALLER, request())
    await made_service.drain(0.02)
    assert fold(await events_of(run))["status"] == "failed"
    assert isinstance(run.journal.failure, ShuttingDown)
    with pytest.raises(ShuttingDown):
        await made_service.create(CALLER, request())


async def test_the_bound_on_runs_holds() -> None:
    made_service = service(ScriptedSpeaker([[60.0]]), ListStore(), most_runs=1)
    run = await made_service.create(CALLER, request())
    with pytest.raises(Overloaded):
        await made_service.create(CALLER, request())
    run.cancel(ClientGone("gone"))
    await events_of(run)


async def test_a_slow_reader_holds_the_model_back() -> None:
    speaker = ScriptedSpeaker([[d.Text("0", "word ") for _ in range(20_000)]])
    run = await service(speaker, ListStore()).create(CALLER, request())
    await asyncio.sleep(0.1)
    assert speaker.open == 1
    assert len(await run.journal.read()) < 5000
    run.cancel(ClientGone("gone"))
    await events_of(run)


async def test_a_response_that_is_being_made_can_be_read_but_not_deleted() -> None:
    made_service = service(ScriptedSpeaker([[d.Text("0", "one"), d.Call("1", "c", "f"), 60.0]]), ListStore())
    run = await made_service.create(CALLER, request(stream=True))
    await asyncio.sleep(0.01)
    read = await made_service.retrieve(CALLER, run.response_id, ())
    assert (read["status"], len(read["output"])) == ("in_progress", 1)
    with pytest.raises(InvalidRequest, match="Cannot delete an in-flight response"):
        await made_service.delete(CALLER, run.response_id)
    with pytest.raises(NotFound):
        await made_service.retrieve(Caller("other", "key"), run.response_id, ())
    run.cancel(ClientGone("gone"))
    await events_of(run)


async def test_what_opens_doors_at_an_mcp_server_is_neither_shown_nor_stored() -> None:
    tool = {
        "type": "mcp",
        "server_label": "l",
        "server_url": "https://user:pw@mcp.example/secret?key=secret",
        "authorization": "secret",
        "headers": {"X": "secret"},
    }
    store, speaker = ListStore(), ScriptedSpeaker([HELLO])
    brought = {"type": "additional_tools", "role": "developer", "tools": [tool]}
    asked = request(tools=[tool], input=[brought, {"role": "user", "content": "hi"}])
    response = fold(await events_of(await service(speaker, store).create(CALLER, asked)))
    assert response["tools"][0]["server_url"] == "https://mcp.example"
    assert "secret" not in repr(response) + repr(store.records)
    assert speaker.turns[0].tools[0]["authorization"] == "secret"


async def test_a_refusal_of_a_dialect_names_the_item_as_the_client_counts() -> None:
    class Picky(ScriptedSpeaker):
        def prepare(self, target: Target, turn: Turn) -> ScriptedSpeech:
            index = next((place for place, item in enumerate(turn.items) if "odd" in str(item)), None)
            if index is not None:
                raise InvalidRequest("No.", param=f"input[{index}].content[0]")
            return super().prepare(target, turn)

    speaker, store = Picky([HELLO]), ListStore()
    made_service = service(speaker, store)
    first = fold(await events_of(await made_service.create(CALLER, request())))
    tools = {"type": "additional_tools", "role": "developer", "tools": []}
    odd = request(previous_response_id=first["id"], input=[tools, {"role": "user", "content": "odd"}])
    with pytest.raises(InvalidRequest) as refused:
        await made_service.create(CALLER, odd)
    assert refused.value.param == "input[1].content[0]"


# Turns that continue turns


async def test_the_next_turn_sees_the_one_before_it() -> None:
    speaker, store = ScriptedSpeaker([HELLO, HELLO]), ListStore()
    made_service = service(speaker, store)
    first = fold(await events_of(await made_service.create(CALLER, request())))
    await events_of(
        await made_service.create(CALLER, request(previous_response_id=first["id"], input="more"))
    )
    said = [item["content"][0]["text"] for item in speaker.turns[1].items]
    assert said == ["hi", "hello", "more"]


async def test_an_unknown_previous_response_is_refused_by_name() -> None:
    asked = request(previous_response_id="resp_x")
    with pytest.raises(InvalidRequest) as refused:
        await service(ScriptedSpeaker([]), ListStore()).create(CALLER, asked)
    assert (refused.value.code, refused.value.param) == (
        "previous_response_not_found",
        "previous_response_id",
    )


async def test_instructions_are_not_carried_over() -> None:
    speaker, store = ScriptedSpeaker([HELLO, HELLO]), ListStore()
    made_service = service(speaker, store)
    first = fold(await events_of(await made_service.create(CALLER, request(instructions="be brief"))))
    await events_of(await made_service.create(CALLER, request(previous_response_id=first["id"])))
    assert [turn.instructions for turn in speaker.turns] == ["be brief", None]


async def test_an_output_without_its_call_is_refused_naming_the_call_id() -> None:
    output = {"type": "function_call_output", "call_id": "call_x", "output": "1"}
    with pytest.raises(InvalidRequest, match="call_x"):
        await service(ScriptedSpeaker([]), ListStore()).create(CALLER, request(input=[output]))


async def test_an_item_reference_is_resolved_or_refused() -> None:
    speaker, store = ScriptedSpeaker([HELLO, HELLO]), ListStore()
    made_service = service(speaker, store)
    first = fold(await events_of(await made_service.create(CALLER, request())))
    reference = {"type": "item_reference", "id": first["output"][0]["id"]}
    await events_of(await made_service.create(CALLER, request(input=[reference])))
    assert speaker.turns[1].items[0]["content"][0]["text"] == "hello"
    with pytest.raises(InvalidRequest, match="msg_none"):
        await made_service.create(CALLER, request(input=[{"type": "item_reference", "id": "msg_none"}]))


async def test_the_operator_is_told_which_provider_failed_and_none_of_its_words() -> None:
    failure = RateLimited("quota of alice@example.com used up", status=429)
    with capture_logs() as lines:
        await made([failure])
    (line,) = [line for line in lines if line["event"] == "provider_failed"]
    assert (line["provider"], line["code"], line["status"]) == ("sim", failure.code, 429)
    assert "alice" not in str(line)
