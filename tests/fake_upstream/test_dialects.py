"""Each dialect as its provider's own library understands it: streamed and whole, text and call, and an error.

Ollama's library is none of the development's dependencies: that dialect is read by hand.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import anthropic
import botocore.config
import botocore.session
import cohere
import openai
import pytest
from botocore.exceptions import ClientError
from google import genai
from google.genai import errors as google_errors

from antiphon.fake_upstream.answers import DEFAULT_TEXT
from antiphon.fake_upstream.script import Call, Step
from tests.fake_upstream.running import RunningUpstream, running_upstream

ARGUMENTS = {"q": "x", "most": 3}
MODELS = {
    "both": [Step(say="Looking.", call=[Call(name="look_up", arguments=ARGUMENTS)])],
    "wrong": [Step(status=400, message="no such thing")],
}
Heard: TypeAlias = tuple[str, list[tuple[str, Any]], tuple[int | None, int | None]]
"""The text, the calls, the tokens of input and output."""


@pytest.fixture(scope="module")
def running() -> Iterator[RunningUpstream]:
    with running_upstream(MODELS) as upstream:
        yield upstream


def of_chat(url: str, model: str, stream: bool) -> Heard:
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)
    messages: Any = [{"role": "user", "content": "Hi"}]
    if not stream:
        whole = client.chat.completions.create(model=model, messages=messages)
        message = whole.choices[0].message
        calls = [
            (each.function.name, json.loads(each.function.arguments)) for each in message.tool_calls or ()
        ]
        return message.content or "", calls, (whole.usage.prompt_tokens, whole.usage.completion_tokens)
    with client.chat.completions.stream(model=model, messages=messages) as events:
        final = events.get_final_completion()
    message = final.choices[0].message
    calls = [(each.function.name, json.loads(each.function.arguments)) for each in message.tool_calls or ()]
    return message.content or "", calls, (final.usage.prompt_tokens, final.usage.completion_tokens)


def of_responses(url: str, model: str, stream: bool) -> Heard:
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)
    if stream:
        with client.responses.stream(model=model, input="Hi") as events:
            response = events.get_final_response()
    else:
        response = client.responses.create(model=model, input="Hi")
    calls = [
        (item.name, json.loads(item.arguments)) for item in response.output if item.type == "function_call"
    ]
    return response.output_text, calls, (response.usage.input_tokens, response.usage.output_tokens)


def of_anthropic(url: str, model: str, stream: bool) -> Heard:
    client = anthropic.Anthropic(base_url=url, api_key="k", max_retries=0)
    asked: Any = {"model": model, "max_tokens": 99, "messages": [{"role": "user", "content": "Hi"}]}
    if stream:
        with client.messages.stream(**asked) as events:
            message = events.get_final_message()
    else:
        message = client.messages.create(**asked)
    text = "".join(block.text for block in message.content if block.type == "text")
    calls = [(block.name, block.input) for block in message.content if block.type == "tool_use"]
    return text, calls, (message.usage.input_tokens, message.usage.output_tokens)


def of_gemini(url: str, model: str, stream: bool) -> Heard:
    client = genai.Client(api_key="k", http_options={"base_url": url})
    models = client.models
    if stream:
        chunks = list(models.generate_content_stream(model=model, contents="Hi"))
    else:
        chunks = [models.generate_content(model=model, contents="Hi")]
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or ()]
    calls = [(part.function_call.name, part.function_call.args) for part in parts if part.function_call]
    usage = chunks[-1].usage_metadata
    counts = usage.prompt_token_count, usage.candidates_token_count
    return "".join(part.text or "" for part in parts), calls, counts


def of_cohere(url: str, model: str, stream: bool) -> Heard:
    client = cohere.ClientV2(api_key="k", base_url=url)
    messages: Any = [{"role": "user", "content": "Hi"}]
    if not stream:
        whole = client.chat(model=model, messages=messages)
        text = "".join(part.text for part in whole.message.content or ())
        calls = whole.message.tool_calls or ()
        said = [(each.function.name, json.loads(each.function.arguments)) for each in calls]
        return text, said, _billed(whole.usage)
    text, names, arguments, usage = "", [], "", None
    for event in client.chat_stream(model=model, messages=messages):
        match event.type:
            case "content-delta":
                text += event.delta.message.content.text or ""
            case "tool-call-start":
                names.append(event.delta.message.tool_calls.function.name)
            case "tool-call-delta":
                arguments += event.delta.message.tool_calls.function.arguments
            case "message-end":
                usage = event.delta.usage
    return text, [(name, json.loads(arguments)) for name in names], _billed(usage)


def _billed(usage: Any) -> tuple[int, int]:
    return int(usage.billed_units.input_tokens), int(usage.billed_units.output_tokens)


def of_converse(url: str, model: str, stream: bool) -> Heard:
    client = botocore.session.get_session().create_client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="k",
        aws_secret_access_key="k",
        config=botocore.config.Config(retries={"max_attempts": 0}),
    )
    asked: Any = {"modelId": model, "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    if not stream:
        whole = client.converse(**asked)
        blocks = whole["output"]["message"]["content"]
        calls = [
            (block["toolUse"]["name"], block["toolUse"]["input"]) for block in blocks if "toolUse" in block
        ]
        return "".join(block.get("text", "") for block in blocks), calls, _told(whole)
    text, names, arguments, counts = "", [], "", (None, None)
    for event in client.converse_stream(**asked)["stream"]:
        delta = event.get("contentBlockDelta", {}).get("delta", {})
        text += delta.get("text", "")
        arguments += delta.get("toolUse", {}).get("input", "")
        if "contentBlockStart" in event:
            names.append(event["contentBlockStart"]["start"]["toolUse"]["name"])
        if "metadata" in event:
            counts = _told(event["metadata"])
    return text, [(name, json.loads(arguments)) for name in names], counts


def _told(answer: Any) -> tuple[int, int]:
    return answer["usage"]["inputTokens"], answer["usage"]["outputTokens"]


def of_ollama(url: str, model: str, stream: bool) -> Heard:
    body = json.dumps({"model": model, "stream": stream, "messages": []}).encode()
    with urllib.request.urlopen(f"{url}/api/chat", data=body) as answer:
        lines = [json.loads(line) for line in answer.read().splitlines()]
    messages = [line["message"] for line in lines]
    functions = [call["function"] for message in messages for call in message.get("tool_calls", ())]
    calls = [(function["name"], function["arguments"]) for function in functions]
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    counts = lines[-1]["prompt_eval_count"], lines[-1]["eval_count"]
    return "".join(message["content"] for message in messages), calls, counts


CLIENTS: Mapping[str, Callable[[str, str, bool], Heard]] = {
    "responses": of_responses,
    "chat": of_chat,
    "anthropic": of_anthropic,
    "gemini": of_gemini,
    "converse": of_converse,
    "cohere": of_cohere,
    "ollama": of_ollama,
}
REFUSALS = (
    openai.BadRequestError,
    anthropic.BadRequestError,
    google_errors.ClientError,
    ClientError,
    cohere.BadRequestError,
    urllib.error.HTTPError,
)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", CLIENTS)
def test_its_own_library_reads_the_text_and_the_usage(
    running: RunningUpstream, dialect: str, stream: bool
) -> None:
    assert CLIENTS[dialect](running.url, "steady", stream) == (DEFAULT_TEXT, [], (10, 8))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", CLIENTS)
def test_its_own_library_reads_a_call_beside_text(
    running: RunningUpstream, dialect: str, stream: bool
) -> None:
    text, calls, _ = CLIENTS[dialect](running.url, "both", stream)
    assert (text, calls) == ("Looking.", [("look_up", ARGUMENTS)])


@pytest.mark.parametrize("dialect", CLIENTS)
def test_its_own_library_reads_a_refusal(running: RunningUpstream, dialect: str) -> None:
    with pytest.raises(REFUSALS) as caught:
        CLIENTS[dialect](running.url, "wrong", False)
    error: Any = caught.value
    words = error.read().decode() if isinstance(error, urllib.error.HTTPError) else str(error)
    assert "no such thing" in words
