"""Thoughts carried by the client (`store: false`), with OpenAI's library and sockets on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import BadRequestError, OpenAI

from tests.clients.upstream import Upstream, upstream
from tests.running import Running, running_gateway

SEALED: list[Any] = ["reasoning.encrypted_content"]
SIGNATURE = "EqQBCkgIBxABGAIqQ+/=" * 40
REDACTED = "EmwKAhgBEgy3va3pzix/LafPsn4a"
FERNET = "gAAAAABoqx7bGzwi_" + "x" * 400 + "=="
WEATHER: Any = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
STALE = {
    "type": "error",
    "error": {
        "type": "invalid_request_error",
        "message": "messages.1.content.0: Invalid `signature` in `thinking` block",
    },
}


@pytest.fixture(scope="module")
def provider() -> Iterator[Upstream]:
    with upstream() as known:
        yield known


@pytest.fixture(scope="module")
def site(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The gateway, with the provider under several names."""
    one: Any = {"base_url": f"{provider.url}/v1", "api_key": "k" * 20}
    providers = {
        "claude": {**one, "dialect": "anthropic", "base_url": provider.url},
        "bedrock": {**one, "dialect": "anthropic", "base_url": provider.url},
        "gpt": {**one, "dialect": "responses", "quirks": {"seal": "mine"}},
        "gpt-eu": {**one, "dialect": "responses", "quirks": {"seal": "mine"}},
        "plain": {**one, "dialect": "chat"},
    }
    with running_gateway(tmp_path_factory.mktemp("sealed"), providers=providers) as running:
        yield running


@pytest.fixture(scope="module")
def openai(site: Running) -> OpenAI:
    return OpenAI(base_url=site.base_url, api_key=site.key, max_retries=0, timeout=20)


def said(response: Any) -> list[Any]:
    return [item.to_dict() for item in response.output]


def user(text: str = "and?") -> Any:
    return {"role": "user", "content": text}


# The simulated model


def test_what_the_simulated_model_thought_goes_round(openai: OpenAI) -> None:
    first = openai.responses.create(
        model="sim/echo", input="think first then say hello", include=SEALED, store=False
    )
    thought = said(first)[0]
    assert thought["encrypted_content"].startswith("ag1.")
    assert "sim:" not in first.to_json()
    again = openai.responses.create(model="sim/echo", input=[*said(first), user()], store=False)
    assert again.output_text == "and?"
    assert again.to_dict()["adaptations"] == []


def test_a_stream_shows_the_envelope_when_the_thought_is_done(openai: OpenAI) -> None:
    with openai.responses.stream(
        model="sim/echo", input="think first then say hello", include=SEALED, store=False
    ) as stream:
        events = [event.to_dict(warnings=False) for event in stream]
        final = said(stream.get_final_response())
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done[0]["encrypted_content"] == final[0]["encrypted_content"]
    assert not any("sim:" in str(event) for event in events)


def test_without_include_no_envelope_is_shown_not_even_later(openai: OpenAI) -> None:
    made = openai.responses.create(model="sim/echo", input="think first then say hello")
    assert "encrypted_content" not in said(made)[0]
    assert "encrypted_content" not in said(openai.responses.retrieve(made.id))[0]
    shown = said(openai.responses.retrieve(made.id, include=SEALED))[0]
    assert shown["encrypted_content"].startswith("ag1.")


@pytest.mark.parametrize("at", [0, 2, 4, 6, 20, -1])
def test_a_changed_envelope_is_refused_by_its_place(openai: OpenAI, at: int) -> None:
    first = openai.responses.create(model="sim/reasoner", input="hello", include=SEALED, store=False)
    items = said(first)
    content = list(items[0]["encrypted_content"])
    content[at] = "A" if content[at] != "A" else "B"
    items[0]["encrypted_content"] = "".join(content)
    with pytest.raises(BadRequestError) as refused:
        openai.responses.create(model="sim/echo", input=[user(), *items, user()], store=False)
    error: Any = refused.value.body
    assert error["code"] == "invalid_encrypted_content"
    assert error["param"] == "input[1].encrypted_content"


def test_thoughts_of_the_simulated_model_are_not_told_to_another(openai: OpenAI, provider: Upstream) -> None:
    first = openai.responses.create(model="sim/reasoner", input="hello", include=SEALED, store=False)
    provider.answers = [(200, {"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]})]
    second = openai.responses.create(model="plain/model", input=[*said(first), user()], store=False)
    assert second.output_text == "yes"
    assert [message["role"] for message in provider.asked[-1]["messages"]] == ["assistant", "user"]
    (adaptation,) = second.to_dict()["adaptations"]
    assert adaptation["param"] == "input[0]"


# Anthropic

THINKS = {"type": "thinking", "thinking": "Let me see.", "signature": SIGNATURE}
HIDES = {"type": "redacted_thinking", "data": REDACTED}


def claude(*content: Any, stop: str = "end_turn") -> tuple[int, Any]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    return 200, {"type": "message", "content": list(content), "stop_reason": stop, "usage": usage}


@pytest.mark.parametrize("other", ["claude/claude-opus-4-5", "bedrock/claude-sonnet-4-5"])
def test_anthropics_thoughts_go_back_byte_for_byte_in_every_turn(
    openai: OpenAI, provider: Upstream, other: str
) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}
    provider.answers = [
        claude(THINKS, HIDES, call, stop="tool_use"),
        claude(THINKS, {"type": "text", "text": "Sunny."}),
        claude({"type": "text", "text": "Still."}),
    ]
    model, history = "claude/claude-sonnet-4-5", [user("weather?")]
    options: Any = {"include": SEALED, "store": False, "tools": [WEATHER]}
    history += said(openai.responses.create(model=model, input=history, **options))
    history.append({"type": "function_call_output", "call_id": "toolu_1", "output": "sun"})
    history += said(openai.responses.create(model=model, input=history, **options))
    assert provider.asked[-1]["messages"][1]["content"] == [THINKS, HIDES, call]
    history.append(user())
    last = openai.responses.create(model=other, input=history, include=SEALED, store=False)
    messages = provider.asked[-1]["messages"]
    assert messages[1]["content"] == [THINKS, HIDES, call]
    assert messages[3]["content"] == [THINKS, {"type": "text", "text": "Sunny."}]
    assert last.output_text == "Still."


def test_thoughts_that_went_stale_are_left_out_and_the_answer_comes(
    openai: OpenAI, provider: Upstream
) -> None:
    model, hello = "claude/claude-sonnet-4-5", {"type": "text", "text": "hello"}
    provider.answers = [claude(THINKS, hello), (400, STALE), claude(hello)]
    first = openai.responses.create(model=model, input="hi", include=SEALED, store=False)
    again = openai.responses.create(model=model, input=[user("hi"), *said(first), user()], store=False)
    assert again.output_text == "hello"
    assert provider.asked[-2]["messages"][1]["content"] == [THINKS, hello]
    assert provider.asked[-1]["messages"][1]["content"] == [hello]
    (adaptation,) = again.to_dict()["adaptations"]
    assert (adaptation["param"], adaptation["action"]) == ("input[1]", "dropped")


def test_a_refusal_that_repeats_itself_is_the_clients(openai: OpenAI, provider: Upstream) -> None:
    model = "claude/claude-sonnet-4-5"
    provider.answers = [claude(THINKS, {"type": "text", "text": "hello"}), (400, STALE), (400, STALE)]
    first = openai.responses.create(model=model, input="hi", include=SEALED, store=False)
    with pytest.raises(BadRequestError) as refused:
        openai.responses.create(model=model, input=[user("hi"), *said(first), user()], store=False)
    error: Any = refused.value.body
    assert error["code"] == "invalid_encrypted_content"
    assert provider.answers == []


# Upstreams that speak Responses


def gpt(*output: Any) -> tuple[int, Any]:
    response = {"id": "resp_u", "object": "response", "status": "completed", "output": list(output)}
    begun = {**response, "status": "in_progress", "output": []}
    return 200, [
        {"type": "response.created", "response": begun},
        *(
            {"type": f"response.output_item.{stage}", "output_index": at, "item": item}
            for at, item in enumerate(output)
            for stage in ("added", "done")
        ),
        {"type": "response.completed", "response": response},
    ]


def answer(text: str) -> Any:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "id": "msg_u", "role": "assistant", "status": "completed", "content": [part]}


@pytest.mark.parametrize("other", ["gpt/gpt-5.2", "gpt/gpt-5.2-mini", "gpt-eu/gpt-5.2"])
def test_what_openai_sealed_goes_back_byte_for_byte(openai: OpenAI, provider: Upstream, other: str) -> None:
    thought = {"type": "reasoning", "id": "rs_u", "summary": [], "encrypted_content": FERNET}
    provider.answers = [gpt(thought, answer("hello")), gpt(answer("again"))]
    with openai.responses.stream(model="gpt/gpt-5.2", input="hi", include=SEALED, store=False) as stream:
        assert not any("gAAA" in str(event.to_dict(warnings=False)) for event in stream)
        items = said(stream.get_final_response())
    with openai.responses.stream(model=other, input=[user("hi"), *items, user()], store=False) as stream:
        assert stream.get_final_response().output_text == "again"
    (sent,) = [item for item in provider.asked[-1]["input"] if item["type"] == "reasoning"]
    assert sent == {"type": "reasoning", "summary": [], "encrypted_content": FERNET}


def test_what_openai_sealed_for_the_client_itself_is_refused_and_says_what_to_do(openai: OpenAI) -> None:
    thought: Any = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": FERNET}
    with pytest.raises(BadRequestError, match="leave the item out") as refused:
        openai.responses.create(model="gpt/gpt-5.2", input=[thought, user()], store=False)
    assert FERNET not in str(refused.value)


# Keys


def test_processes_with_the_same_keys_open_each_others_envelopes_and_keys_can_be_changed(
    tmp_path: Path,
) -> None:
    old, new = ({"id": name, "key": name * 10} for name in ("2026-10", "2026-11"))

    def made(data: str, keys: list[Any], input: Any) -> Any:
        with running_gateway(tmp_path / data, reasoning={"seal_keys": keys}) as running:
            client = OpenAI(base_url=running.base_url, api_key=running.key, max_retries=0)
            return said(
                client.responses.create(model="sim/reasoner", input=input, include=SEALED, store=False)
            )

    before = made("a", [], "hello")
    first = made("a", [old], [*before, user()])  # the secret of the folder still opens
    second = made("b", [new, old], [*first, user()])
    assert [items[0]["encrypted_content"].split(".")[1] for items in (before, first, second)] == [
        "~",
        "2026-10",
        "2026-11",
    ]
    with pytest.raises(BadRequestError):
        made("b", [new], [*first, user()])
    with pytest.raises(BadRequestError):
        made("b", [old, new], [*before, user()])
