"""Tools that providers run, as they run: what is told of them, and when."""

from __future__ import annotations

from typing import Any

from antiphon.core import deltas as d
from antiphon.core.assembler import Assembler
from antiphon.core.fold import fold
from tests.play import counting_ids, play, snapshot

CALL = {
    "type": "mcp_call",
    "status": "incomplete",
    "server_label": "dice",
    "name": "roll",
    "arguments": "{}",
    "output": None,
}
CAME = {**CALL, "status": "completed", "arguments": '{"sides":6}', "output": "4"}
CODE: dict[str, Any] = {"type": "code_interpreter_call", "status": "incomplete", "code": "", "outputs": None}
RAN = {**CODE, "status": "completed", "code": "1+1", "outputs": [{"type": "logs", "logs": "2"}]}


class Listener:
    """Somebody who reads along: which events are new after each delta."""

    def __init__(self) -> None:
        self.assembler = Assembler(snapshot(), new_id=counting_ids(), reveal_sealed=True)
        self.events = self.assembler.begin()

    def hear(self, *deltas: d.Delta) -> list[str]:
        new = [event for delta in deltas for event in self.assembler.apply(delta)]
        self.events += new
        return names(new)

    def end(self) -> list[str]:
        new = [*self.assembler.end_turn()[1], *self.assembler.finish(2)]
        self.events += new
        assert fold(self.events) == self.assembler.response
        return names(new)


def names(events: list[dict[str, Any]]) -> list[str]:
    return [f"{event['type'].removeprefix('response.')} {event.get('output_index', '')}" for event in events]


def test_a_call_is_told_while_it_runs() -> None:
    listener = Listener()
    assert listener.hear(d.HostedStart("0", CALL)) == ["output_item.added 0", "mcp_call.in_progress 0"]
    assert listener.events[2]["item"]["status"] == "in_progress"
    assert listener.events[2]["item"]["arguments"] == ""
    assert listener.hear(d.Arguments("0", '{"si'), d.Arguments("0", 'des": 6}')) == (
        ["mcp_call_arguments.delta 0"] * 2
    )
    assert listener.hear(d.End("0")) == ["mcp_call_arguments.done 0"]
    assert listener.hear(d.Hosted("0", CAME)) == ["mcp_call.completed 0", "output_item.done 0"]
    listener.end()
    (item,) = listener.assembler.response["output"]
    assert item == {**CAME, "arguments": '{"sides": 6}', "id": "mcp_call_1"}, "as it was streamed"


def test_code_is_interpreted_when_all_of_it_was_told() -> None:
    listener = Listener()
    assert listener.hear(d.HostedStart("0", CODE), d.Arguments("0", "1+1"), d.End("0")) == [
        "output_item.added 0",
        "code_interpreter_call.in_progress 0",
        "code_interpreter_call_code.delta 0",
        "code_interpreter_call_code.done 0",
        "code_interpreter_call.interpreting 0",
    ]
    assert listener.hear(d.Hosted("0", RAN)) == ["code_interpreter_call.completed 0", "output_item.done 0"]


def test_what_was_not_told_piece_by_piece_is_told_at_the_end() -> None:
    listener = Listener()
    listener.hear(d.HostedStart("0", CODE), d.End("0"))
    assert listener.hear(d.Hosted("0", RAN))[:2] == [
        "code_interpreter_call_code.delta 0",
        "code_interpreter_call_code.done 0",
    ]
    listener.end()


def test_what_is_sealed_for_it_stands_before_it_and_is_whole_when_it_is() -> None:
    listener = Listener()
    assert listener.hear(d.HostedStart("0", CALL, sealed=True)) == [
        "output_item.added 0",
        "output_item.added 1",
        "mcp_call.in_progress 1",
    ]
    assert listener.hear(d.Sealed("0", "blob")) == ["output_item.done 0"]
    listener.hear(d.Hosted("0", CAME))
    listener.end()
    reasoning, call = listener.assembler.response["output"]
    assert (reasoning["type"], reasoning["encrypted_content"]) == ("reasoning", "blob")
    assert (call["type"], call["status"]) == ("mcp_call", "completed")


def test_two_that_run_at_once_are_kept_apart() -> None:
    listener = Listener()
    listener.hear(d.HostedStart("0", CALL), d.Arguments("0", "{}"), d.End("0"))
    listener.hear(d.HostedStart("1", {**CALL, "name": "toss"}), d.Arguments("1", '{"a":1}'), d.End("1"))
    listener.hear(d.Hosted("1", {**CAME, "name": "toss", "arguments": '{"a":1}'}), d.Text("2", "Heads."))
    listener.hear(d.Hosted("0", {**CAME, "status": "failed", "arguments": "{}"}))
    listener.end()
    found = [
        (item["type"], item.get("name"), item["status"]) for item in listener.assembler.response["output"]
    ]
    assert found == [
        ("mcp_call", "roll", "failed"),
        ("mcp_call", "toss", "completed"),
        ("message", None, "completed"),
    ]


def test_one_that_never_came_back_is_incomplete_and_nobody_says_that_it_was_completed() -> None:
    for stop, ending in (("stop", "completed "), ("length", "incomplete ")):
        listener = Listener()
        listener.hear(d.HostedStart("0", CALL, sealed=True), d.Arguments("0", '{"si'), d.Stop(stop))
        told = listener.end()
        assert "mcp_call.completed 1" not in told
        assert told[-1] == ending
        reasoning, call = listener.assembler.response["output"]
        assert "encrypted_content" not in reasoning
        assert (call["status"], call["arguments"]) == ("incomplete", '{"si')


# Images

IMAGE = {"type": "image_generation_call", "status": "completed", "result": "ZmluYWw=", "output_format": "png"}


def test_drafts_of_an_image_are_partial_images() -> None:
    events, assembler = play([d.Hosted("0", IMAGE, drafts=["YQ==", "Yg=="])])
    assert names(events)[2:-1] == [
        "output_item.added 0",
        "image_generation_call.in_progress 0",
        "image_generation_call.generating 0",
        "image_generation_call.partial_image 0",
        "image_generation_call.partial_image 0",
        "image_generation_call.completed 0",
        "output_item.done 0",
    ]
    first, second = events[5:7]
    assert (first["partial_image_index"], first["partial_image_b64"]) == (0, "YQ==")
    assert (second["partial_image_index"], second["partial_image_b64"]) == (1, "Yg==")
    assert {first["item_id"], second["item_id"]} == {"image_generation_call_1"}
    assert [item["result"] for item in assembler.response["output"]] == ["ZmluYWw="]


# What there is no item for


def test_what_cannot_be_told_is_listed_with_what_could_not_be_asked() -> None:
    asked = {"param": "top_k", "action": "dropped", "detail": "it is not taken"}
    assembler = Assembler({**snapshot(), "adaptations": [asked]}, new_id=counting_ids())
    assembler.begin()
    for _ in range(2):
        assert assembler.apply(d.Untold("a hologram", "dropped")) == []
    assembler.end_turn()
    terminal = assembler.finish(2)[-1]["response"]
    told = {"param": "output", "action": "dropped", "detail": "a hologram"}
    assert terminal["adaptations"] == [asked, told]


def test_it_is_listed_when_the_response_fails_and_forgotten_when_another_begins_it() -> None:
    assembler = Assembler({**snapshot(), "adaptations": []}, new_id=counting_ids())
    assembler.begin()
    assembler.apply(d.Untold("a hologram", "dropped"))
    assert len(assembler.fail("x", "broken", error_code="server_error")[-1]["response"]["adaptations"]) == 1
    other = Assembler({**snapshot(), "adaptations": []}, new_id=counting_ids())
    other.begin()
    other.apply(d.Untold("a hologram", "dropped"))
    other.begin()
    other.end_turn()
    assert other.finish(2)[-1]["response"]["adaptations"] == []
