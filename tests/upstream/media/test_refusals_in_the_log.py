"""What was not fetched is one line in the log: why, and the host, without the rest of the URL."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from antiphon.protocol.errors import InvalidRequest
from antiphon.upstream.media.fetcher import Bounds, Fetcher
from antiphon.upstream.media.parts import Missing
from tests.upstream.faults import answer, once, serving
from tests.upstream.media.test_fetcher import PNG, trusting

PLACE = "/canary/a.png?token=canary#canary"


async def logged(fetcher: Fetcher, *urls: str) -> list[dict[str, Any]]:
    with capture_logs() as lines, pytest.raises(InvalidRequest):
        await fetcher.fetch([Missing(0, "content", at, "image", url) for at, url in enumerate(urls)])
    assert "canary" not in repr(lines)
    assert {line.pop("event") for line in lines} == {"media_not_fetched"}
    return [dict(line) for line in lines]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (answer(b"", "404 Not Found"), "The server of this URL answered with status 404."),
        (answer(b"<html>", kind="text/html"), "This URL does not lead to an image"),
        (answer(PNG * 20, kind="image/png"), "What this URL leads to is larger than 1000 bytes."),
        (
            answer(b"", "302 Found", "text/html", "Location: ftp://canary/"),
            "a redirect to what is not fetched",
        ),
        (b"", "ServerDisconnectedError"),
    ],
)
async def test_a_server_that_does_not_give_it(reply: bytes, reason: str) -> None:
    async with serving(once(reply)) as upstream:
        (line,) = await logged(trusting(upstream), upstream.url + PLACE)
    assert (line["host"], line["log_level"]) == ("127.0.0.1", "info")
    assert line["reason"].startswith(reason)


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "localhost", "[::1]"])
async def test_an_address_inside_is_a_warning(host: str) -> None:
    (line,) = await logged(Fetcher(Bounds(), "us"), f"http://{host}{PLACE}")
    assert line == {
        "host": host.strip("[]"),
        "log_level": "warning",
        "reason": "not a public address",
    }


@pytest.mark.parametrize(
    ("url", "host", "reason"),
    [
        ("https://canary:canary@a.example/", "a.example", "A URL with a user name"),
        ("http://a.example:22/canary", "a.example", "URLs with this port"),
        ("http://[canary", "", "This is not a URL."),
        ("http://2130706433/canary", "2130706433", "not a host"),
    ],
)
async def test_a_url_that_is_not_tried(url: str, host: str, reason: str) -> None:
    (line,) = await logged(Fetcher(Bounds(), "us"), url)
    assert (line["host"], line["log_level"]) == (host, "info")
    assert line["reason"].startswith(reason)


async def test_too_many_at_once() -> None:
    (line,) = await logged(Fetcher(Bounds(), "us"), *(f"http://{at}.example/canary" for at in range(101)))
    assert (line["host"], line["reason"]) == (
        "100.example",
        "A request may have 100 URLs that the gateway fetches.",
    )
