"""What a request leaves behind, looked for byte by byte in everything the gateway writes: its data folder
and its log, at the finest level. Of `store: false` nothing stays; of what is deleted nothing stays either;
and no key is ever there, ours or a provider's, nor in anything that a client is told."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.processes import KEYS, PATIENCE, Process, gateway
from tests.acceptance.provider import NOWHERE, PROVIDER_KEY, Place, asked, made_with_provider
from tests.contract.wire import ask, create, made
from tests.upstream.faults import HELLO, STREAM, always, answer, chunk, once, word

WORD = "xyzzyplugh"  # in nothing that the gateway says by itself
TOOL = {"type": "function", "name": f"f_{WORD}", "description": WORD, "parameters": {"type": "object"}}


def holding(folder: Path, word: str) -> set[str]:
    """The files below the folder in which this word stands, in plain bytes."""
    return {
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and word.encode() in file.read_bytes()
    }


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Process]:
    with gateway(tmp_path, {"keys": KEYS, "log": {"level": "debug"}}) as process:
        yield process


UNSTORED: dict[str, dict[str, Any]] = {
    "plain": {"input": WORD},
    "streamed": {"input": WORD, "stream": True},
    "with everything": {
        "input": [{"role": "user", "content": [{"type": "input_text", "text": WORD}]}],
        "instructions": WORD,
        "metadata": {WORD: WORD},
        "tools": [TOOL],
        "user": WORD,
        "prompt_cache_key": WORD,
        "x_unknown": WORD,
    },
    "calling": {"input": f'call tool f_{WORD} with {{"a": "{WORD}"}}', "tools": [TOOL]},
    "thinking": {"input": f"think first then say {WORD}", "include": ["reasoning.encrypted_content"]},
    "failing": {"input": f"{WORD} fail now", "stream": True},
    "failing before": {"input": f"{WORD} fail before output"},
    "refused": {"input": WORD, "temperature": 9},
    "refused by name": {"input": WORD, "model": f"none/{WORD}"},
    "referring": {"input": [{"type": "item_reference", "id": f"msg_{WORD}"}]},
    "continuing": {"input": WORD, "previous_response_id": f"resp_{WORD}"},
}


def test_what_is_not_to_be_stored_leaves_no_trace(fresh: Process, tmp_path: Path) -> None:
    for fields in UNSTORED.values():
        create(fresh, **{**fields, "store": False})
    create(fresh, "something else")
    assert holding(tmp_path, WORD) == set()
    assert fresh.stop() == 0
    assert holding(tmp_path, WORD) == set()


def test_a_turn_that_is_not_stored_can_continue_one_that_is(fresh: Process, tmp_path: Path) -> None:
    first = made(fresh, "hello")
    second = made(fresh, WORD, store=False, previous_response_id=first["id"])
    assert ask(fresh, "GET", f"/v1/responses/{second['id']}").status == 404
    assert (
        create(fresh, "x", previous_response_id=second["id"]).error["code"] == "previous_response_not_found"
    )
    assert holding(tmp_path, WORD) == set()


def test_a_failure_that_nobody_heard_of_leaves_no_trace(fresh: Process, tmp_path: Path) -> None:
    for fields in ({"input": f"{WORD} fail before output"}, {"input": WORD, "model": "sim/down"}):
        assert create(fresh, **fields).status == 502
    assert holding(tmp_path, WORD) == set()


def deleted(process: Process) -> None:
    """Several responses with the word in them, made and deleted."""
    ids = [made(process, f"{WORD} {number} " + "a" * 50_000)["id"] for number in range(5)]
    for response_id in ids:
        assert ask(process, "DELETE", f"/v1/responses/{response_id}").status == 200


def test_what_is_deleted_is_gone_from_the_disk_within_seconds(fresh: Process, tmp_path: Path) -> None:
    deleted(fresh)
    deadline = time.monotonic() + PATIENCE
    while holding(tmp_path, WORD) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert holding(tmp_path, WORD) == set()
    assert made(fresh, "something else")["status"] == "completed"


def test_what_is_deleted_is_gone_from_the_disk_when_the_gateway_has_stopped(
    fresh: Process, tmp_path: Path
) -> None:
    deleted(fresh)
    assert holding(tmp_path, WORD)
    assert fresh.stop() == 0
    assert holding(tmp_path, WORD) == set()


def test_what_was_deleted_before_a_kill_is_gone_after_the_next_start(fresh: Process, tmp_path: Path) -> None:
    deleted(fresh)
    fresh.kill()
    assert holding(tmp_path, WORD)
    with gateway(tmp_path):
        assert holding(tmp_path, WORD) == set()


# Keys

SENTINELS = [f"sentinel-{number}-0123456789abcdef" for number in range(6)]


def configured(**providers: Any) -> Any:
    openai, header, query = SENTINELS[:3]
    return {
        "providers": {
            "keyed": {"dialect": "chat", "base_url": "http://127.0.0.1:9/v1", "api_key": openai},
            "headed": {
                "dialect": "anthropic",
                "base_url": "http://127.0.0.1:9",
                "headers": {"x-api-key": header},
            },
            "queried": {
                "dialect": "responses",
                "base_url": "http://127.0.0.1:9/v1",
                "query": {"key": query},
            },
            "local": {"dialect": "chat", "base_url": "http://no-such-host.invalid/v1", "api_key": openai},
            **providers,
        },
        "keys": [{"name": "tests", "key": SENTINELS[3]}],
        "log": {"level": "debug"},
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_key_is_in_a_log_line_an_answer_or_a_row(tmp_path: Path, form: str) -> None:
    settings = configured() | {"log": {"level": "debug", "format": form}}
    environ = {"GROQ_API_KEY": SENTINELS[4], "ANTHROPIC_API_KEY": SENTINELS[5]}
    said: list[bytes] = []
    with gateway(tmp_path / "home", settings, environ) as process:
        process.key = SENTINELS[3]
        for name, stream in itertools.product(("keyed", "headed", "queried", "local"), (False, True)):
            failed = create(process, "x", model=f"{name}/model", stream=stream)
            assert failed.status == 502
            said.append(failed.body)
        wrong = "sk-gateway-" + "ab" * 32
        for header in (f"Bearer {wrong}", f"Basic {wrong}", wrong, f"Bearer {SENTINELS[0]}"):
            refused = ask(process, "GET", "/v1/models", headers=[("Authorization", header)], keyed=False)
            assert refused.status == 401
            said.append(refused.body)
        said.append(ask(process, "GET", f"/v1/models?api_key={SENTINELS[3]}", keyed=False).body)
        open_to_read = ("/v1/models", "/openapi.json", "/docs", "/health/ready")
        said += [ask(process, "GET", path).body for path in open_to_read]
        assert create(process, "x").status == 200
        (tmp_path / "home" / "antiphon.yaml").unlink()
        assert process.stop() == 0
        assert process.running.stdout is not None
        said.append(process.running.stdout.read())
    for secret in (*SENTINELS, wrong, "sentinel-"):
        assert holding(tmp_path, secret) == set()
        assert secret.encode() not in b"".join(said)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with made_with_provider(tmp_path / "home") as made_place:
        yield made_place


async def test_a_provider_that_repeats_its_key_does_not_make_us_repeat_it(
    place: Place, tmp_path: Path
) -> None:
    (tmp_path / "home" / "antiphon.yaml").unlink()
    key = PROVIDER_KEY.encode()
    quoting = b'{"error":{"message":"key %s is wrong, see http://x/?k=%s","code":"%s"}}' % (key, key, key)
    statuses = ("400 Bad Request", "401 Unauthorized", "404 Not Found", "429 Too Many", "500 Oops")
    failing = [once(answer(quoting, status)) for status in statuses]
    failing.append(once(STREAM + chunk(word("Hello")) + chunk(b"data: " + quoting + b"\n\n")))
    said = b""
    for script in failing:
        for stream in (False, True):
            async with place.speaking(script):
                said += (await asked(place, stream=stream)).body
    async with place.speaking(always(HELLO)):
        said += (await asked(place)).body
    said += (await asyncio.to_thread(create, place.gateway, "x", model=NOWHERE)).body
    assert PROVIDER_KEY.encode() not in said
    assert holding(tmp_path, PROVIDER_KEY) == set()
    assert place.gateway.stop() == 0
    assert holding(tmp_path, PROVIDER_KEY) == set()
