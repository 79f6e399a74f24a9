"""Several keys of one provider: each in turn, none that is of no use while there is another."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from antiphon.core.records import Target
from antiphon.protocol.errors import (
    ProviderError,
    RateLimited,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamUnauthorized,
)
from antiphon.upstream.base import Prefix
from antiphon.upstream.client import Client
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.keys import Keys
from antiphon.upstream.speaker import Upstreams
from tests.contract.wire import Answer, ask
from tests.running import Running, running_gateway
from tests.upstream.faults import (
    HELLO,
    FaultUpstream,
    NobodySimulated,
    Request,
    Script,
    Visit,
    answer,
    listen,
    provider,
    serving,
    turn,
)

A, B, C = "sk-first-0123456789", "sk-second-0123456789", "sk-third-0123456789"
KEYS: dict[str, Any] = {"key": A, "more_keys": (B, C)}
BODY = b'{"error":{"message":"No, %s","type":"some_error"}}'
Said = tuple[bytes, str, str]  # body, in which %s becomes the key; status; another header
WAIT: Said = (BODY, "429 Too Many Requests", "Retry-After: 30")
NO: Said = (BODY, "401 Unauthorized", "X: y")
FORBIDDEN: Said = (BODY, "403 Forbidden", "X: y")
EMPTY: Said = (b'{"error":{"message":"Pay.","code":"insufficient_quota"}}', "429 Too Many Requests", "X: y")


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Rota:
    """Three keys, and who was taken."""

    clock: Clock = field(default_factory=Clock)
    keys: Keys = field(init=False)

    def __post_init__(self) -> None:
        self.keys = Keys("p", [{"Authorization": key} for key in (A, B, C)], self.clock)

    def call(self, error: ProviderError | None = None) -> int:
        """A call that ends so; the number of its key."""
        try:
            with self.keys.taken() as key:
                if error is not None:
                    raise error
        except ProviderError:
            pass
        return key.number

    def refusing_the_first(self) -> list[int]:
        """The keys of three calls, of which the first key is not accepted."""
        taken = []
        for _ in range(3):
            with contextlib.suppress(ProviderError), self.keys.taken() as key:
                taken.append(key.number)
                if key.number == 1:
                    raise no()
        return taken


def wait(seconds: float | None = None) -> RateLimited:
    return RateLimited("wait", status=429, retry_after=seconds)


def no() -> UpstreamUnauthorized:
    return UpstreamUnauthorized("no", status=401)


def test_each_has_its_turn() -> None:
    rota = Rota()
    assert [rota.call() for _ in range(7)] == [1, 2, 3, 1, 2, 3, 1]


@pytest.mark.parametrize(("error", "seconds"), [(wait(30), 30), (wait(), 1), (no(), 60)])
def test_one_that_is_of_no_use_is_left_out_for_its_time(error: ProviderError, seconds: float) -> None:
    rota = Rota()
    assert rota.call(error) == 1
    assert error.another_key
    assert [rota.call() for _ in range(4)] == [2, 3, 2, 3]
    rota.clock.now += seconds - 0.1
    assert rota.call() == 2
    rota.clock.now += 0.2
    assert [rota.call(), rota.call()] == [3, 1]


def test_one_that_is_refused_again_rests_twice_as_long_until_it_is_accepted() -> None:
    rota = Rota()
    for seconds in (60, 120, 240):
        assert 1 in rota.refusing_the_first()
        rota.clock.now += seconds - 1
        assert 1 not in rota.refusing_the_first()
        rota.clock.now += 1
    assert 1 in [rota.call() for _ in range(3)], "it is accepted now"
    assert 1 in rota.refusing_the_first()
    rota.clock.now += 60
    assert 1 in [rota.call() for _ in range(3)]


@pytest.mark.parametrize("error", [UpstreamRejected("bad", status=400), UpstreamFailed("oops", status=500)])
def test_other_failures_say_nothing_about_a_key(error: ProviderError) -> None:
    rota = Rota()
    assert [rota.call(error) for _ in range(4)] == [1, 2, 3, 1]
    assert not error.another_key


def test_when_all_rest_the_one_that_is_ready_first_is_taken_and_told() -> None:
    rota = Rota()
    errors = [wait(30), wait(10), wait(20)]
    for error in errors:
        rota.call(error)
    assert [error.another_key for error in errors] == [True, True, False]
    assert errors[2].retry_after == 10, "then there is a key again"
    assert rota.call() == 2


def test_a_refused_key_is_logged_once_by_its_number() -> None:
    rota = Rota()
    with capture_logs() as logged, pytest.raises(UpstreamUnauthorized), rota.keys.taken():
        with pytest.raises(UpstreamUnauthorized), rota.keys.taken():  # two calls at once
            with pytest.raises(UpstreamUnauthorized), rota.keys.taken():
                with pytest.raises(UpstreamUnauthorized), rota.keys.taken():
                    raise no()
                raise no()
            raise no()
        raise no()
    assert [(line["event"], line["provider"], line["key"]) for line in logged] == [
        ("key_refused", "p", 1),
        ("key_refused", "p", 3),
        ("key_refused", "p", 2),
    ]
    assert A not in str(logged)


def key_of(request: Request) -> str:
    return (request.header("authorization") or request.header("x-api-key") or "").split()[-1]


def by_key(answers: Mapping[str, Said]) -> Script:
    """A provider that says what it says to each key."""

    async def script(visit: Visit) -> None:
        while True:
            request = await visit.request()
            key = key_of(request)
            if key not in answers:
                await visit.send(HELLO)
                continue
            body, status, line = answers[key]
            await visit.send(answer(body.replace(b"%s", key.encode()), status, "application/json", line))

    return script


def sent(upstream: FaultUpstream) -> list[str]:
    """The keys that it was asked with."""
    return [key_of(request) for request in upstream.requests]


async def test_no_key_is_sent_but_its_own_and_none_comes_back_in_an_error() -> None:
    client = Client()
    async with serving(by_key(dict.fromkeys((A, B, C), NO))) as upstream:
        heard = await listen(client, provider(upstream.url, **KEYS))
        assert sent(upstream) == [A]
        assert isinstance(heard.error, UpstreamUnauthorized)
        assert heard.error.another_key
        upstreams = Upstreams({"p": provider(upstream.url, **KEYS)}, NobodySimulated(), client)
        for key in (A, B, C):
            speech = upstreams.prepare(Target("p", "m"), turn())
            with pytest.raises(UpstreamUnauthorized) as refused:
                [batch async for batch in speech.deltas()]
            assert key[:8] not in refused.value.message
    await client.aclose()


@pytest.mark.parametrize("keys", [{"more_keys": ("sk-with\nbreak-0123",)}, {"more_keys": ("",)}])
def test_a_key_that_no_header_can_be_is_refused_at_start(keys: Any) -> None:
    with pytest.raises(ValueError, match="key 2") as refused:
        Upstreams({"p": provider("http://h", key=A, **keys)}, NobodySimulated(), Client())
    assert "sk-with" not in str(refused.value)


async def test_tokens_are_counted_with_a_key_that_is_accepted() -> None:
    client = Client()
    counted: Said = (b'{"input_tokens":7}', "200 OK", "X: y")
    async with serving(by_key({A: NO, B: WAIT, C: counted})) as upstream:
        there = provider(upstream.url, dialect=Anthropic(), key_header="x-api-key", key_prefix="", **KEYS)
        upstreams = Upstreams({"p": there}, NobodySimulated(), client)
        assert await upstreams.count(Target("p", "m"), turn()) == 7
        assert sent(upstream) == [A, B, C]
    async with serving(by_key(dict.fromkeys((A, B, C), NO))) as upstream:
        there = replace(there, base_url=upstream.url)
        with pytest.raises(UpstreamUnauthorized):
            await Upstreams({"p": there}, NobodySimulated(), client).count(Target("p", "m"), turn())
        assert sent(upstream) == [A, B, C]
    await client.aclose()


async def test_a_prefix_is_not_kept_with_one_key_and_named_with_another() -> None:
    client = Client()
    upstreams = Upstreams({"p": provider("http://h", dialect=Chat(), **KEYS)}, NobodySimulated(), client)
    prefix = Prefix("/kept", {}, 300, {}, "cached")
    keyed = upstreams._sender(Target("p", "m"), prefix)
    assert keyed is upstreams._sender(Target("p", "m"), None)
    assert keyed is not client


@asynccontextmanager
async def gateway_to(
    folder: Path, answers: Mapping[str, Said], keys: Sequence[str] = (A, B, C)
) -> AsyncIterator[tuple[Running, FaultUpstream]]:
    async with serving(by_key(answers)) as upstream:
        there = {"dialect": "chat", "base_url": f"{upstream.url}/v1", "api_keys": list(keys)}
        with running_gateway(folder, providers={"p": there}) as gateway:
            yield gateway, upstream


async def create(gateway: Running, **fields: Any) -> Answer:
    body = {"model": "p/m", "input": "hello", **fields}
    return await asyncio.to_thread(ask, gateway, "POST", "/v1/responses", body)


@pytest.mark.parametrize("refusal", [WAIT, NO, FORBIDDEN, EMPTY], ids=["429", "401", "403", "empty"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_goes_on_with_another_key_at_once(
    tmp_path: Path, refusal: Said, stream: bool
) -> None:
    async with gateway_to(tmp_path, {A: refusal, B: refusal}) as (gateway, upstream):
        first = await create(gateway, stream=stream)
        assert first.status == 200
        assert b"Hello" in first.body
        assert sent(upstream) == [A, B, C]
        again = await create(gateway)
        assert again.status == 200
        assert sent(upstream) == [A, B, C, C], "the others rest"


async def test_with_one_key_nothing_is_tried_again(tmp_path: Path) -> None:
    async with gateway_to(tmp_path, {A: NO}, keys=(A, A)) as (gateway, upstream):
        refused = await create(gateway)
        assert (refused.status, refused.error["code"]) == (502, "upstream_auth")
        assert sent(upstream) == [A]


async def test_when_no_key_is_of_use_the_client_is_told_as_with_one(tmp_path: Path) -> None:
    async with gateway_to(tmp_path, dict.fromkeys((A, B, C), WAIT)) as (gateway, upstream):
        refused = await create(gateway)
        assert (refused.status, refused.error["code"]) == (429, "some_error")
        assert 28 <= int(refused.header("retry-after") or 0) <= 30
        assert sent(upstream) == [A, B, C]
        assert not any(key in json.dumps(refused.json()) for key in (A, B, C))
