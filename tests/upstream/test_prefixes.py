"""Prefixes that a provider keeps: asked for once, named as long as they live, and never worth an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any, cast

import pytest
from yarl import URL

from antiphon.core import deltas as d
from antiphon.protocol.errors import ProviderError, UpstreamFailed, UpstreamRejected, UpstreamUnauthorized
from antiphon.upstream import prefixes
from antiphon.upstream.client import Call, Client
from antiphon.upstream.endpoint import Endpoint
from antiphon.upstream.prefixes import Kept, Prefixes
from antiphon.upstream.providers.gemini import GEMINI

ENDPOINT = Endpoint(GEMINI, "antiphon/test")


class Provider:
    """Stands where the client stands: keeps prefixes, and says `ok` to what it is sent."""

    def __init__(self) -> None:
        self.kept: set[str] = set()
        self.sent: list[str] = []
        self.answer: Callable[[], Any] = lambda: {"name": f"kept/{len(self.sent)}"}
        self.refuses: ProviderError | None = None  # those that name a prefix
        self.refuses_whole: ProviderError | None = None
        self.breaks = False  # … after the first word
        self.gate: asyncio.Event | None = None

    async def ask(self, call: Call) -> Any:
        self.sent.append("keep")
        if self.gate is not None:
            await self.gate.wait()
        answer = self.answer()
        if isinstance(answer, ProviderError):
            raise answer
        return answer

    async def deltas(self, call: Call) -> AsyncGenerator[list[d.Delta], None]:
        name = json.loads(call.body).get("cachedContent")
        self.sent.append(name or "whole")
        if name and self.breaks:
            yield [d.Text("0", "o")]
        if name and self.refuses is not None:
            raise self.refuses
        if not name and self.refuses_whole is not None:
            raise self.refuses_whole
        yield [d.Text("0", "ok")]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def call(body: dict[str, Any]) -> Call:
    return Call(ENDPOINT, GEMINI.dialect, URL("https://a.example"), json.dumps(body).encode(), {}, True)


def kept(prompt: str = "book", seconds: int = 600) -> Kept:
    return Kept(call({"prompt": prompt}), seconds, {"rest": 1}, "cachedContent")


class Stage:
    """The prefixes of a process, its provider, and its clock."""

    def __init__(self) -> None:
        self.provider, self.clock = Provider(), Clock()
        self.prefixes = Prefixes(cast("Client", self.provider), self.clock)

    async def play(self, prefix: Kept | None = None) -> str:
        said = ""
        async for batch in self.prefixes.deltas(call({"whole": 1}), prefix or kept()):
            said += "".join(delta.text for delta in batch if isinstance(delta, d.Text))
        return said


async def test_it_is_asked_for_once_and_then_named() -> None:
    stage = Stage()
    assert [await stage.play() for _ in range(3)] == ["ok"] * 3
    assert stage.provider.sent == ["keep", "kept/1", "kept/1", "kept/1"]


async def test_another_prompt_is_another_prefix() -> None:
    stage = Stage()
    await stage.play()
    await stage.play(kept("other"))
    assert stage.provider.sent == ["keep", "kept/1", "keep", "kept/3"]


async def test_turns_at_the_same_time_ask_once() -> None:
    stage = Stage()
    stage.provider.gate = asyncio.Event()
    turns = [asyncio.create_task(stage.play()) for _ in range(3)]
    await asyncio.sleep(0)
    stage.provider.gate.set()
    assert await asyncio.gather(*turns) == ["ok"] * 3
    assert stage.provider.sent == ["keep", *["kept/1"] * 3]


async def test_a_turn_that_is_given_up_while_it_asks_leaves_that_to_the_next() -> None:
    stage = Stage()
    stage.provider.gate = asyncio.Event()
    given_up = asyncio.create_task(stage.play())
    await asyncio.sleep(0)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    stage.provider.gate.set()
    assert await stage.play() == "ok"
    assert stage.provider.sent == ["keep", "keep", "kept/2"]


async def test_it_is_asked_for_again_shortly_before_its_end() -> None:
    stage = Stage()
    await stage.play()
    stage.clock.now = 589.0
    await stage.play()
    stage.clock.now = 590.0
    await stage.play()
    assert stage.provider.sent == ["keep", "kept/1", "kept/1", "keep", "kept/4"]


@pytest.mark.parametrize(
    "answer",
    [
        UpstreamRejected("too small", status=400),
        UpstreamFailed("down", status=503),
        {},
        {"name": 3},
        {"name": ""},
    ],
    ids=str,
)
async def test_what_is_refused_is_not_asked_for_again_for_a_while(answer: Any) -> None:
    stage = Stage()
    stage.provider.answer = lambda: answer
    assert [await stage.play(), await stage.play()] == ["ok", "ok"]
    stage.clock.now = 600.0
    await stage.play()
    assert stage.provider.sent == ["keep", "whole", "whole", "keep", "whole"]


@pytest.mark.parametrize("status", [403, 404])
async def test_a_prefix_that_is_gone_is_asked_for_by_the_next_turn(status: int) -> None:
    stage = Stage()
    await stage.play()
    stage.provider.refuses = UpstreamUnauthorized("CachedContent not found", status=status)
    assert await stage.play() == "ok"
    stage.provider.refuses = None
    assert await stage.play() == "ok"
    assert stage.provider.sent == ["keep", "kept/1", "kept/1", "whole", "keep", "kept/5"]


async def test_a_prefix_that_cannot_be_used_is_left_alone_for_a_while() -> None:
    stage = Stage()
    stage.provider.refuses = UpstreamRejected("no", status=400)
    assert [await stage.play(), await stage.play()] == ["ok", "ok"]
    assert stage.provider.sent == ["keep", "kept/1", "whole", "whole"]


async def test_a_turn_that_is_refused_whole_too_is_not_the_prefixes_fault() -> None:
    stage = Stage()
    await stage.play()
    stage.provider.refuses = stage.provider.refuses_whole = UpstreamRejected("too long", status=400)
    with pytest.raises(UpstreamRejected):
        await stage.play()
    stage.provider.refuses = stage.provider.refuses_whole = None
    await stage.play()
    assert stage.provider.sent[-1] == "kept/1"


@pytest.mark.parametrize("status", [None, 429, 500])
async def test_another_failure_is_the_turns(status: int | None) -> None:
    stage = Stage()
    stage.provider.refuses = UpstreamFailed("no", status=status)
    with pytest.raises(UpstreamFailed):
        await stage.play()
    assert stage.provider.sent == ["keep", "kept/1"]


async def test_after_the_first_word_nothing_is_sent_again() -> None:
    stage = Stage()
    stage.provider.refuses, stage.provider.breaks = UpstreamRejected("no", status=400), True
    with pytest.raises(UpstreamRejected):
        await stage.play()
    assert stage.provider.sent == ["keep", "kept/1"]


async def test_the_one_that_was_not_used_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefixes, "_MOST", 2)
    stage = Stage()
    for prompt in ("a", "b", "a", "c"):
        await stage.play(kept(prompt))
    stage.provider.sent.clear()
    await stage.play(kept("a"))
    await stage.play(kept("b"))
    assert stage.provider.sent.count("keep") == 1
