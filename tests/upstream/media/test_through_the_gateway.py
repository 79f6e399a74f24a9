"""A client gives a URL, the provider gets the bytes: through a whole gateway, with real servers around it."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from antiphon.protocol.json import JSON
from tests.running import Running, running_gateway
from tests.upstream.faults import FaultUpstream, Request, Script, Visit, answer, serving

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 50
PDF = b"%PDF-1.7\n" + b"\0" * 50
FILES = {
    "/a.png": answer(PNG, kind="image/png"),
    "/report.pdf": answer(PDF, kind="application/pdf"),
    "/notes.txt": answer("Grüße".encode("latin-1"), kind="text/plain; charset=iso-8859-1"),
    "/page.png": answer(b"<html>", kind="text/html"),
}
OLLAMA = {
    "model": "m",
    "message": {"role": "assistant", "content": "Hi"},
    "done": True,
    "done_reason": "stop",
}
CONVERSE = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
}
CALL = {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"}


async def files(visit: Visit) -> None:
    request = await visit.request()
    await visit.send(FILES[request.line.split(" ")[1]])


def model(said: JSON) -> Script:
    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send(answer(json.dumps(said).encode()))

    return script


@dataclass
class There:
    """A gateway between a client and a scripted provider, and the web that URLs lead to."""

    gateway: Running
    provider: FaultUpstream
    web: FaultUpstream

    async def ask(self, *parts: JSON, path: str = "/responses", **changes: Any) -> httpx.Response:
        content = [{**part, **self._placed(part)} for part in parts]
        given = {"model": "mine/m", "input": [{"role": "user", "content": content}], **changes}
        return await self.send(path, given)

    async def send(self, path: str, body: JSON) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.post(
                self.gateway.base_url + path, json=body, headers=self.gateway.headers, timeout=30
            )

    async def get(self, path: str) -> JSON:
        async with httpx.AsyncClient() as client:
            found = await client.get(self.gateway.base_url + path, headers=self.gateway.headers)
        return dict(found.json())

    def body(self) -> JSON:
        """Of the last request to the provider."""
        request: Request = self.provider.requests[-1]
        return dict(json.loads(request.body))

    def _placed(self, part: JSON) -> JSON:
        return {name: self.web.url + part[name] for name in ("image_url", "file_url") if name in part}


@asynccontextmanager
async def there(
    data: Path, dialect: str, said: JSON, *, quirks: JSON | None = None, **media: Any
) -> AsyncIterator[There]:
    async with serving(model(said)) as provider, serving(files) as web:
        entry = {"dialect": dialect, "base_url": provider.url, "api_key": "k" * 20, "quirks": quirks or {}}
        ports = [urlsplit(web.url).port]
        opened = running_gateway(
            data,
            providers={"mine": entry},
            media={"ports": ports, "allow_hosts": ["127.0.0.1"], **media},
        )
        gateway = await asyncio.to_thread(opened.__enter__)
        try:
            yield There(gateway, provider, web)
        finally:
            await asyncio.to_thread(opened.__exit__, None, None, None)


IMAGE: JSON = {"type": "input_image", "image_url": "/a.png"}
REPORT: JSON = {"type": "input_file", "file_url": "/report.pdf"}
NOTES: JSON = {"type": "input_file", "file_url": "/notes.txt"}
TEXT: JSON = {"type": "input_text", "text": "What is it?"}


async def test_an_image_arrives_as_bytes_and_stays_a_url_in_the_store(tmp_path: Path) -> None:
    async with there(tmp_path, "ollama", OLLAMA) as at:
        answered = (await at.ask(TEXT, IMAGE)).json()
        [message] = at.body()["messages"]
        assert message == {"role": "user", "content": "What is it?", "images": [b64encode(PNG).decode()]}
        assert [(each["param"], each["action"]) for each in answered["adaptations"]] == [
            ("input[0].content[1].image_url", "translated")
        ]
        stored = await at.get(f"/responses/{answered['id']}/input_items")
        assert stored["data"][0]["content"][1]["image_url"] == f"{at.web.url}/a.png"

        more = {"model": "mine/m", "input": "And now?", "previous_response_id": answered["id"]}
        again = (await at.send("/responses", more)).json()
        assert at.body()["messages"][0]["images"] == [b64encode(PNG).decode()]
        assert again["adaptations"][0]["param"] == "previous_response_id"


async def test_files_arrive_with_their_names(tmp_path: Path) -> None:
    async with there(tmp_path, "converse", CONVERSE) as at:
        assert (await at.ask(TEXT, IMAGE, REPORT, NOTES)).status_code == 200
        blocks = at.body()["messages"][0]["content"]
    assert blocks[1:] == [
        {"image": {"format": "png", "source": {"bytes": b64encode(PNG).decode()}}},
        {"document": {"format": "pdf", "name": "report", "source": {"bytes": b64encode(PDF).decode()}}},
        {
            "document": {
                "format": "txt",
                "name": "notes",
                "source": {"bytes": b64encode("Grüße".encode()).decode()},
            }
        },
    ]


async def test_an_image_in_the_output_of_a_tool_arrives_too(tmp_path: Path) -> None:
    async with there(tmp_path, "converse", CONVERSE) as at:
        output = [{**IMAGE, "image_url": f"{at.web.url}/a.png"}]
        items = [CALL, {"type": "function_call_output", "call_id": "call_1", "output": output}]
        asked = {
            "model": "mine/m",
            "input": [{"role": "user", "content": "Look."}, *items],
            "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}}],
        }
        answered = await at.send("/responses", asked)
        result = at.body()["messages"][-1]["content"][0]["toolResult"]
    assert result["content"] == [{"image": {"format": "png", "source": {"bytes": b64encode(PNG).decode()}}}]
    assert answered.json()["adaptations"][0]["param"] == "input[2].output[0].image_url"


@pytest.mark.parametrize("stream", [True, False])
async def test_what_cannot_be_fetched_is_a_400_and_nothing_is_sent(tmp_path: Path, stream: bool) -> None:
    async with there(tmp_path, "ollama", OLLAMA) as at:
        refused = await at.ask(TEXT, {**IMAGE, "image_url": "/page.png"}, stream=stream)
        private = {"role": "user", "content": [{**IMAGE, "image_url": "http://10.0.0.1/a.png"}]}
        unknown = await at.send("/responses", {"model": "mine/m", "input": [private], "stream": stream})
        assert at.provider.requests == []
    for answered, param in (
        (refused, "input[0].content[1].image_url"),
        (unknown, "input[0].content[0].image_url"),
    ):
        assert answered.status_code == 400
        assert answered.json()["error"]["code"] == "media_not_fetched"
        assert answered.json()["error"]["param"] == param
        assert "10.0.0.1" not in answered.text


async def test_what_is_asked_for_strictly_or_without_leave_is_not_fetched(tmp_path: Path) -> None:
    async with there(tmp_path / "1", "ollama", OLLAMA) as at:
        strict = await at.ask(TEXT, IMAGE, adaptation="strict")
    async with there(tmp_path / "2", "ollama", OLLAMA, fetch=False) as off:
        without = await off.ask(TEXT, IMAGE)
    assert at.web.requests == off.web.requests == []
    for answered in (strict, without):
        assert answered.json()["error"]["param"] == "input[0].content[1].image_url"
        assert answered.json()["error"]["code"] == "unsupported_parameter"


NOTHING_BY_URL = [
    ("anthropic", {"platform": "bedrock"}),
    ("anthropic", {"platform": "vertex"}),
    ("anthropic", {"urls": False}),
    ("responses", {"image_urls": False, "file_urls": False, "counts_tokens": True}),
    ("chat", {"image_urls": False, "files": "data"}),
    ("cohere", {}),
    ("gemini", {"vertex": True}),
    ("converse", {}),
    ("ollama", {}),
]


@pytest.mark.parametrize("path", ["/responses", "/responses/input_tokens"])
@pytest.mark.parametrize(
    ("dialect", "quirks"),
    NOTHING_BY_URL,
    ids=lambda given: given if isinstance(given, str) else "-".join(given),
)
async def test_no_provider_gets_a_url_that_it_does_not_take_when_nothing_is_fetched(
    tmp_path: Path, dialect: str, quirks: JSON, path: str
) -> None:
    nameless = {"type": "input_file", "file_url": "/files/17"}
    image = nameless if dialect in ("cohere", "gemini") else IMAGE
    async with there(tmp_path, dialect, {}, quirks=quirks, fetch=False) as off:
        ways: list[JSON] = [{}] if path.endswith("input_tokens") else [{}, {"adaptation": "strict"}]
        for changes in ways:
            for part in (image, nameless):
                answered = await off.ask(TEXT, part, path=path, **changes)
                [field] = [name for name in part if name.endswith("_url")]
                assert answered.status_code == 400, answered.text
                assert answered.json()["error"]["param"] == f"input[0].content[1].{field}"
        assert off.provider.requests == off.web.requests == []


async def test_a_url_of_an_earlier_response_is_refused_in_its_name(tmp_path: Path) -> None:
    quirks = {"platform": "vertex"}
    said = {"role": "assistant", "type": "message", "content": [{"type": "text", "text": "Hi"}]}
    said |= {"stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}}
    async with there(tmp_path, "anthropic", said, quirks=quirks) as at:
        earlier = (await at.ask(TEXT, IMAGE)).json()
        assert [each["param"] for each in earlier["adaptations"]] == ["input[0].content[1].image_url"]
        more = {"model": "mine/m", "input": "And now?", "previous_response_id": earlier["id"]}
        refused = await at.send("/responses", {**more, "adaptation": "strict"})
        assert refused.status_code == 400
        assert refused.json()["error"]["param"] == "previous_response_id"
        assert len(at.provider.requests) == 1


async def test_what_the_provider_takes_is_not_fetched(tmp_path: Path) -> None:
    chat = {"choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]}
    async with there(tmp_path, "chat", chat) as at:
        assert (await at.ask(TEXT, IMAGE)).json()["adaptations"] == []
        assert at.body()["messages"][0]["content"][1]["image_url"]["url"] == f"{at.web.url}/a.png"
        assert at.web.requests == []


async def test_tokens_of_what_is_fetched_are_counted(tmp_path: Path) -> None:
    async with there(tmp_path, "ollama", OLLAMA) as at:
        bare = await at.ask(TEXT, path="/responses/input_tokens")
        counted = await at.ask(TEXT, NOTES, path="/responses/input_tokens")
        refused = await at.ask(TEXT, {**IMAGE, "image_url": "/page.png"}, path="/responses/input_tokens")
    assert counted.json()["input_tokens"] > bare.json()["input_tokens"]
    assert refused.json()["error"]["param"] == "input[0].content[1].image_url"
