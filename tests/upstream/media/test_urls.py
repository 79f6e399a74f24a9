"""Which URLs are fetched at all, whatever is behind their hosts."""

from __future__ import annotations

import pytest

from antiphon.protocol.errors import InvalidRequest
from antiphon.upstream.media.urls import UNREACHABLE, host_of, name_of, parsed

PORTS = frozenset({80, 443})


def refusal(url: str) -> str:
    with pytest.raises(InvalidRequest) as refused:
        parsed(url, PORTS)
    assert refused.value.code == "media_not_fetched"
    return refused.value.message


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.com/a.png", "example.com"),
        ("HTTPS://EXAMPLE.com/a.png", "example.com"),
        ("http://example.com:80/", "example.com"),
        ("http://example.com:443/", "example.com"),
        ("https://example.com./a", "example.com"),
        ("https://bücher.example/ü.png", "xn--bcher-kva.example"),
        ("https://a_b.example-c.com/x?y=z#f", "a_b.example-c.com"),
        ("https://93.184.216.34/", "93.184.216.34"),
        ("https://[2606:4700::1]/", "2606:4700::1"),
        ("https://example.com/a b.png", "example.com"),
        ("https://1.example.com/", "1.example.com"),
    ],
)
def test_a_web_url_is_fetched(url: str, host: str) -> None:
    assert host_of(parsed(url, PORTS)) == host


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "data:,x", "javascript:1", "//a/b",
     "ws://example.com/", "unix:///run/x", "example.com", "s3://bucket/key", "HTTPX://example.com/"],
)  # fmt: skip
def test_another_scheme_is_not(url: str) -> None:
    assert "Only http and https" in refusal(url)


@pytest.mark.parametrize(
    "url",
    ["http://user@example.com/", "http://user:word@example.com/", "http://:@example.com/",
     "http://example.com@127.0.0.1/", "http://127.0.0.1#@example.com@x/".replace("#", "%23")],
)  # fmt: skip
def test_no_url_has_a_user(url: str) -> None:
    assert "user name" in refusal(url)


@pytest.mark.parametrize("port", [0, 1, 22, 25, 6379, 8080, 65535])
def test_only_some_ports_are(port: int) -> None:
    assert "port" in refusal(f"http://example.com:{port}/")


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0x7f.1", "127.1", "127.0.1", "0177.0.0.1", "017700000001", "127.0.0.1.",
     "0x", "1.2.3.4.5", "example.0x7f", "a.1", "256.256.256.256", "ex%61mple.com", "%31%32%37.0.0.1",
     "[::1%25eth0]", "[fe80::1%eth0]", "a..b", "a b", "", ".", "-.$", "１２７．１", "①②⑦.1", "a" * 254],
)  # fmt: skip
def test_a_host_that_is_no_name_and_no_plain_address_is_not(host: str) -> None:
    assert UNREACHABLE in refusal(f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    ["http://example.com\\@127.0.0.1/", "http://exa\nmple.com/", "http://example.com/\t", "http://example.com/\0",
     "http://example.com/\x7f", "http://example.com/\ud800", "http://example.com/" + "a" * 9000,
     "http://example.com/\u2028", "http://exam\u00adple.com/"],
)  # fmt: skip
def test_characters_that_readers_disagree_about_are_refused(url: str) -> None:
    assert "characters" in refusal(url)


@pytest.mark.parametrize(
    "url", ["http://[1::2]evil/", "http://[::1/", "http://example.com:99999/", "http://a:b/"]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    assert "not a URL" in refusal(url)


def test_letters_that_stand_for_others_are_read_as_these() -> None:
    assert host_of(parsed("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", PORTS)) == "localhost"
    assert host_of(parsed("http://１２７。0。0。1/", PORTS)) == "127.0.0.1"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://a.example/b/report.pdf?x=1", "report.pdf"),
        ("https://a.example/b/%C3%BC.pdf", "ü.pdf"),
        ("https://a.example/b/report", None),
        ("https://a.example/", None),
        ("https://a.example/.pdf", None),
        ("https://a.example/a%0Ab.pdf", None),
        ("https://[1::2]evil/a.pdf", None),
    ],
)
def test_a_file_has_the_name_at_the_end_of_its_url(url: str, name: str | None) -> None:
    assert name_of(url) == name
