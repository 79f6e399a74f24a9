"""Whatever bytes come in, what goes out is an answer of ours: 400 and its like with OpenAI's envelope,
never 500, over real HTTP."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.protocol.request import FIELDS
from tests.contract.wire import Answer, Connection, ask
from tests.running import Running, running_gateway

PATH = "/v1/responses"
CAP = 512 * 1024


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    limits = {"body_bytes": CAP, "body_timeout": 0.5}
    with running_gateway(tmp_path_factory.mktemp("hostile"), limits=limits) as running:
        yield running


def posted(gateway: Running, body: Any, path: str = PATH, headers: Any = ()) -> Answer:
    return ask(gateway, "POST", path, body, headers)


def alive(gateway: Running) -> None:
    assert posted(gateway, {"model": "sim/echo", "input": "hello"}).status == 200


def asking(rest: str | bytes) -> bytes:
    """A request with this beside what it needs."""
    return (
        b'{"model": "sim/echo", "input": "hello", '
        + (rest.encode() if isinstance(rest, str) else rest)
        + b"}"
    )


# Bodies

PLAIN = '{"model": "sim/echo", "input": "hello"}'
DIGITS = "9" * 5000
MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "white space": b" \n\t ",
    "no JSON": b"hello",
    "cut": PLAIN[:-1].encode(),
    "two values": (PLAIN + PLAIN).encode(),
    "a comment": asking("/* x */"),
    "a trailing comma": b'{"model": "sim/echo", "input": "hello",}',
    "single quotes": b"{'model': 'sim/echo'}",
    "a list": b"[]",
    "a number": b"1",
    "a string": b'"hello"',
    "null": b"null",
    "deep lists": b"[" * 100_000,
    "deep lists, closed": asking('"x": ' + "[" * 50_000 + "]" * 50_000),
    "deep objects": asking('"x": ' + '{"a":' * 20_000 + "1" + "}" * 20_000),
    "one level too deep": asking('"x": ' + "[" * 128 + "]" * 128),
    "deep arguments": asking('"text": {"format": ' + '{"a":' * 500 + "1" + "}" * 500 + "}"),
    "NaN": asking('"temperature": NaN'),
    "infinity": asking('"temperature": Infinity'),
    "minus infinity": asking('"temperature": -Infinity'),
    "beyond all floats": asking('"temperature": 1e400'),
    "5,000 digits": asking(f'"max_output_tokens": {DIGITS}'),
    "5,000 digits where nobody looks": asking(f'"x": {DIGITS}'),
    "5,000 negative digits": asking(f'"top_k": -{DIGITS}'),
    "a lone surrogate": asking(r'"user": "\ud83d"'),
    "a lone low surrogate": asking(r'"user": "\ude00"'),
    "a lone surrogate in a key": asking(r'"\ud83d": 1'),
    "surrogates turned round": asking(r'"user": "\ude00\ud83d"'),
    "U+0000": asking(r'"user": "a\u0000b"'),
    "U+0000 in a key": asking(r'"a\u0000": 1'),
    "U+0000 deep inside": asking(r'"metadata": {"a": "\u0000"}'),
    "a raw U+0000": asking(b'"user": "a\0b"'),
    "a raw line break": asking(b'"user": "a\nb"'),
    "invalid UTF-8": asking(b'"user": "\xff\xfe"'),
    "UTF-8 too long": asking(b'"user": "\xc0\xaf"'),
    "surrogates in UTF-8": asking(b'"user": "\xed\xa0\xbd\xed\xb8\x80"'),
    "beyond Unicode": asking(b'"user": "\xf4\x90\x80\x80"'),
    "cut UTF-8": b'{"model": "\xc3',
    "a byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "UTF-16": PLAIN.encode("utf-16"),
    "UTF-16, big end first": PLAIN.encode("utf-16-be"),
    "UTF-32": PLAIN.encode("utf-32"),
    "Latin-1": asking('"user": "é"'.encode("latin-1")),
    "a form": b"model=sim%2Fecho&input=hello",
}


@pytest.mark.parametrize("path", [PATH, "/v1/responses/input_tokens"])
@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_body_is_refused(gateway: Running, name: str, path: str) -> None:
    answer = posted(gateway, MALFORMED[name], path)
    assert answer.status == 400, answer.body
    assert answer.error["type"] == "invalid_request_error"
    assert DIGITS[:100] not in answer.error["message"]


SERVED: dict[str, bytes] = {
    "as deep as allowed": asking('"x": ' + "[" * 127 + "]" * 127),
    "of keys that come twice the last counts": b'{"model": "none", "input": "x", "model": "sim/echo"}',
    "escapes": rb'{"model": "sim\/echo", "input": "\u0041\ud83d\ude00\ufffe\u2028"}',
    "many numbers nobody needs": asking('"x": [' + ",".join("1" * 50_000) + "]"),
    "many fields nobody needs": asking(",".join(f'"x{number}": null' for number in range(10_000))),
    "keys of other languages": asking('"__proto__": {"a": 1}, "__class__": "x", "$where": "1", "": 0'),
    "white space": PLAIN.replace(" ", " \r\n\t" * 1000).encode(),
}


@pytest.mark.parametrize("name", SERVED)
def test_an_odd_body_that_is_json_is_served(gateway: Running, name: str) -> None:
    assert posted(gateway, SERVED[name]).status == 200


HUGE: dict[str, tuple[dict[str, Any], str]] = {
    "tools": ({"tools": [{"type": "function", "name": "f"}] * 1001}, "tools"),
    "metadata": ({"metadata": {str(number): "" for number in range(17)}}, "metadata"),
    "fallbacks": ({"fallbacks": ["a/b"] * 1000}, "fallbacks"),
    "model": ({"model": "a/" + "b" * 100_000}, "model"),
    "user": ({"user": "u" * 513}, "user"),
}


@pytest.mark.parametrize("name", HUGE)
def test_what_is_too_much_is_named(gateway: Running, name: str) -> None:
    fields, param = HUGE[name]
    answer = posted(gateway, {"model": "sim/echo", "input": "x", **fields})
    assert (answer.status, answer.error["param"]) == (400, param)
    assert len(answer.body) < 2000


# Any JSON in any place

SMALL = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}", "id": "fc_1"}
RICH: dict[str, Any] = {
    "model": "sim/echo",
    "input": [
        {"role": "developer", "content": "d"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "t", "cache_control": {"type": "ephemeral", "ttl": "3600s"}},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
            ],
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "a", "annotations": []}],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "s"}],
            "content": None,
        },
        CALL,
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "o"}]},
        {"type": "additional_tools", "role": "developer", "tools": [{"type": "custom", "name": "g"}]},
        {"role": "user", "content": "u"},
    ],
    "tools": [
        {
            "type": "function",
            "name": "f",
            "parameters": {"type": "object", "properties": {"a": {"type": "string"}}},
        },
        {"type": "custom", "name": "h", "format": {"type": "grammar", "syntax": "regex", "definition": "a+"}},
        {"type": "namespace", "name": "n", "description": "d", "tools": [{"type": "function", "name": "i"}]},
        {"type": "mcp", "server_label": "m", "server_url": "https://example.com", "headers": {"a": "b"}},
        {"type": "web_search", "filters": {"allowed_domains": ["example.com"]}},
    ],
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {
        "format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}},
        "verbosity": "low",
    },
    "metadata": {"a": "b"},
    "include": ["reasoning.encrypted_content"],
    "stream_options": {"include_obfuscation": False},
    "prompt_cache_options": {"mode": "implicit"},
    "moderation": {"model": "m", "policy": {"input": {"mode": "score"}}},
    "temperature": 1,
    "max_output_tokens": 5,
    "stream": True,
    "store": False,
}


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside of this one."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield (*place, key)
        yield from places(inner, (*place, key))


def put(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """The same with something else in one place."""
    if not place:
        return new
    changed = value.copy()
    changed[place[0]] = put(value[place[0]], place[1:], new)
    return changed


def check(answer: Answer) -> None:
    assert answer.status in (200, 400), (answer.status, answer.body)
    if answer.status == 400:
        assert answer.error["type"] == "invalid_request_error"


bounded = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)


@bounded
@given(name=st.sampled_from(sorted(FIELDS)), value=SMALL)
def test_any_value_in_any_field_is_served_or_refused(gateway: Running, name: str, value: Any) -> None:
    check(posted(gateway, {"model": "sim/echo", "input": "x", name: value}))


@pytest.mark.parametrize(
    "wrong", [True, -1, 1.5, "x", "", [], [[]], {}, {"type": 1}, [{"type": "none"}], [None]]
)
def test_a_wrong_type_in_any_field_is_served_or_refused(gateway: Running, wrong: Any) -> None:
    for name in sorted(FIELDS):
        check(posted(gateway, {"model": "sim/echo", "input": "x", name: wrong}))


@bounded
@given(place=st.sampled_from(list(places(RICH))), value=SMALL)
def test_any_value_anywhere_inside_is_served_or_refused(
    gateway: Running, place: tuple[Any, ...], value: Any
) -> None:
    check(posted(gateway, put(RICH, place, value)))


@pytest.mark.parametrize("wrong", [None, True, 7, "x", [], [None], {}, {"type": None}])
def test_a_wrong_type_anywhere_inside_is_served_or_refused(gateway: Running, wrong: Any) -> None:
    for place in places(RICH):
        check(posted(gateway, put(RICH, place, wrong)))


def test_the_whole_of_it_is_served_unharmed(gateway: Running) -> None:
    assert posted(gateway, RICH).events[-1]["type"] == "response.completed"


@bounded
@given(body=st.binary(max_size=200))
def test_any_bytes_are_refused(gateway: Running, body: bytes) -> None:
    assert posted(gateway, body).status == 400


# Sizes, framing, encodings


def test_a_body_over_the_cap_is_refused_and_whoever_still_sends_it_hears_that(gateway: Running) -> None:
    answer = posted(gateway, b'{"input": "' + b"a" * 8_000_000 + b'"}')
    assert (answer.status, answer.error["code"]) == (413, "body_too_large")
    assert posted(gateway, b" " * CAP).status == 400
    assert posted(gateway, b" " * (CAP + 1)).status == 413


def head(gateway: Running, *lines: str) -> bytes:
    first = (f"POST {PATH} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {gateway.key}")
    return "\r\n".join((*first, *lines)).encode() + b"\r\n\r\n"


def test_chunks_without_end_are_refused_at_the_cap(gateway: Running) -> None:
    piece = b"%x\r\n" % 16384 + b"a" * 16384 + b"\r\n"
    with Connection(gateway) as connection:
        connection.send(head(gateway, "Transfer-Encoding: chunked"))
        for _ in range(CAP // 16384 + 200):
            connection.send(piece)
        assert connection.answer().status == 413
        connection.send(b"0\r\n\r\n")
        assert connection.is_over()


def test_a_length_over_the_cap_is_refused_before_anything_of_it_came(gateway: Running) -> None:
    with Connection(gateway) as connection:
        connection.send(head(gateway, f"Content-Length: {10**12}", "Expect: 100-continue"))
        assert connection.answer().status == 413
        assert connection.is_over()  # at the latest when nothing comes for as long as `body_timeout`


def test_a_body_shorter_than_its_length_is_waited_for_and_then_refused(gateway: Running) -> None:
    with Connection(gateway) as connection:
        connection.send(head(gateway, "Content-Length: 1000") + PLAIN.encode())
        assert connection.answer().status == 408


def test_a_client_that_leaves_within_its_body_harms_nobody(gateway: Running) -> None:
    for _ in range(20):
        with Connection(gateway) as connection:
            connection.send(head(gateway, "Content-Length: 1000") + PLAIN.encode())
    alive(gateway)


def test_a_body_longer_than_its_length_is_not_a_second_request_that_anybody_serves(gateway: Running) -> None:
    with Connection(gateway) as connection:
        connection.send(head(gateway, f"Content-Length: {len(PLAIN)}") + PLAIN.encode() + b"garbage\r\n\r\n")
        assert connection.answer().status == 200  # the answer is not torn, and is the last
        assert connection.is_over()


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "5, 5", "1_000", "+5", "\xb2", "9" * 30])
def test_a_length_that_is_none_is_refused(gateway: Running, length: str) -> None:
    with Connection(gateway) as connection:
        connection.send(head(gateway, f"Content-Length: {length}") + b"12345")
        assert connection.answer().status == 400


@pytest.mark.parametrize(
    "chunks", [b"zz\r\nhello\r\n", b"-5\r\nhello\r\n", b"fffffffffffffffff\r\n", b"5\nhello\n0\n\n"]
)
def test_chunks_that_are_none_are_refused(gateway: Running, chunks: bytes) -> None:
    with Connection(gateway) as connection:
        connection.send(head(gateway, "Transfer-Encoding: chunked") + chunks)
        assert connection.answer().status == 400
    alive(gateway)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "zstd", "gzip, gzip", "x", ""])
def test_a_compressed_body_is_refused(gateway: Running, encoding: str) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    answer = posted(gateway, bomb, headers=[("Content-Encoding", encoding)])
    assert (answer.status, answer.error["code"]) == (400, "unsupported_encoding")


def test_requests_sent_all_at_once_are_answered_in_order(gateway: Running) -> None:
    with Connection(gateway) as connection:
        for number in range(10):
            connection.ask("POST", PATH, {"model": "sim/echo", "input": f"number {number}"})
        said = [connection.answer().json()["output"][0]["content"][0]["text"] for _ in range(10)]
    assert said == [f"number {number}" for number in range(10)]


def test_one_more_than_may_be_made_at_once_is_sent_away(tmp_path: Path) -> None:
    with running_gateway(tmp_path, limits={"in_flight": 1}) as gateway, Connection(gateway) as first:
        body = {"model": "sim/echo", "input": "wait 0.5 seconds then say hello"}
        first.ask("POST", PATH, {**body, "stream": True})
        time.sleep(0.2)
        refused = posted(gateway, body)
        assert (refused.status, refused.error["code"]) == (503, "overloaded")
        assert refused.header("retry-after") == "1"
        assert first.answer().status == 200
        assert posted(gateway, body).status == 200


def test_a_client_that_sends_and_stops_sending_still_does_no_harm(gateway: Running) -> None:
    with socket.create_connection(("127.0.0.1", int(gateway.url.rpartition(":")[2]))) as raw:
        raw.sendall(head(gateway, f"Content-Length: {len(PLAIN)}") + PLAIN.encode())
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(65536):
            pass
    alive(gateway)


# Places and methods

NOWHERE = [
    "/",
    "//v1/responses",
    "/v1//responses",
    "/v1/responses/",
    "/v1/responses/a/b",
    "/v1/../v1/models/x",
    "/v1/%2e%2e/v1/models",
    "/v1/./models",
    "/v1/responses/..%2f..%2fetc%2fpasswd",
    "/V1/responses",
    "/v1/responses;a",
    "/v1/responses%20",
    "/v1/responses%00",
    "/v1/responses/%00",
    "/v1/responses/%ff%fe",
    "/v1/responses/%ed%a0%80",
    "/v1/responses/" + "a" * 20_000,
    "/v1/responses/resp_'%20OR%201=1--",
    "/v1/responses/x/input_items/",
    "/v1/models/",
    "/v1/models/%00",
    "/v1/models/..",
    "/v1/models/sim/echo/",
    "/health",
    "/docs/..",
    "/%",
    "/v1/responses/%zz",
    "/?" + "a" * 5000,
]


@pytest.mark.parametrize("path", NOWHERE)
def test_where_nothing_is_there_is_404(gateway: Running, path: str) -> None:
    answer = ask(gateway, "GET", path)
    assert answer.status == 404, answer.body
    assert answer.error["type"] == "invalid_request_error"
    assert len(answer.body) < 1000


def test_no_place_redirects(gateway: Running) -> None:
    assert {ask(gateway, "POST", path, {}).status for path in ("//example.com", "/v1/responses/", "/v3")} == {
        404
    }


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "CONNECT"])
def test_a_method_that_is_not_served_is_told_which_are(gateway: Running, method: str) -> None:
    answer = ask(gateway, method, PATH)
    assert (answer.status, answer.header("allow")) == (405, "GET, HEAD, POST")
    assert answer.error["code"] == "method_not_allowed"


@pytest.mark.parametrize("method", ["BREW", "get", "GET\t", "POST " + PATH, "\x00"])
def test_a_method_that_is_none_is_refused(gateway: Running, method: str) -> None:
    assert ask(gateway, method, PATH).status == 400


def test_head_is_get_without_a_body(gateway: Running) -> None:
    for path in ("/health/live", "/openapi.json", "/v1/models", "/v1/responses/none"):
        got, headed = ask(gateway, "GET", path), ask(gateway, "HEAD", path)
        assert (headed.status, headed.header("content-length")) == (got.status, got.header("content-length"))
    with Connection(gateway) as connection:
        connection.ask("HEAD", "/health/live")
        connection.ask("GET", "/health/live")
        assert connection.answer(bodiless=True).status == 200
        assert connection.answer().json() == {"status": "ok"}


@bounded
@given(
    query=st.text(
        st.characters(codec="ascii", exclude_categories=["Cc", "Zs"], exclude_characters="#"), max_size=60
    )
)
def test_any_query_is_served_or_refused(gateway: Running, query: str) -> None:
    for path in ("/v1/responses/x", "/v1/responses/x/input_items", "/v1/models"):
        for question in (query, f"limit={query}", f"include[]={query}&after={query}"):
            assert ask(gateway, "GET", f"{path}?{question}").status in (200, 400, 404)


# Keys


def test_whoever_has_no_good_key_gets_401_whatever_is_asked(gateway: Running) -> None:
    good = gateway.key
    wrong: list[list[tuple[str, str]]] = [
        [],
        [("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {good}")],
        [("Authorization", good)],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer ")],
        [("Authorization", f"Bearer{good}")],
        [("Authorization", f"Basic {good}")],
        [("Authorization", "Basic dXNlcjpwYXNz")],
        [("Authorization", f"Bearer {good[:-1]}")],
        [("Authorization", f"Bearer {good}0")],
        [("Authorization", f"Bearer {good.upper()}")],
        [("Authorization", f"Bearer {good}, Bearer {good}")],
        [("Authorization", f"Bearer {good} x")],
        [("Authorization", f"Bearer sk-gateway-{'0' * 64}")],
        [("Authorization", "Bearer é\udcff")],
        [("Authorization", "Bearer " + "x" * 50_000)],
        [("X-Api-Key", good)],
        [("Cookie", f"key={good}")],
        [("Proxy-Authorization", f"Bearer {good}")],
    ]
    for headers in wrong:
        answer = ask(gateway, "POST", PATH, b"{", headers, keyed=False)
        assert (answer.status, answer.error["code"]) == (401, "invalid_api_key"), headers
        assert answer.header("www-authenticate") == "Bearer"
        assert good not in str(answer.error)


def test_a_key_in_the_query_is_no_key(gateway: Running) -> None:
    for name in ("api_key", "key", "access_token", "api-key"):
        assert ask(gateway, "GET", f"/v1/models?{name}={gateway.key}", keyed=False).status == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer  "])
def test_the_scheme_may_be_written_in_any_case(gateway: Running, scheme: str) -> None:
    headers = [("authorization", f"{scheme} {gateway.key}")]
    assert ask(gateway, "GET", "/v1/models", headers=headers, keyed=False).status == 200


def test_only_these_places_are_open(gateway: Running) -> None:
    described = ask(gateway, "GET", "/openapi.json", keyed=False).json()["paths"]
    for path, methods in described.items():
        for method in methods.keys() & {"get", "post", "delete"}:
            status = ask(gateway, method.upper(), path.replace("{", "").replace("}", ""), keyed=False).status
            assert (status == 200) == (path in ("/health/live", "/health/ready", "/openapi.json", "/docs"))
            assert status in (200, 401)


def test_nothing_is_read_of_a_body_without_a_key(gateway: Running) -> None:
    with Connection(gateway) as connection:
        connection.ask("POST", PATH, headers=[("Content-Length", "100000000")], keyed=False)
        began = time.monotonic()
        assert connection.answer().status == 401
        assert time.monotonic() - began < 5


def test_a_message_quotes_little_of_what_it_refuses(gateway: Running) -> None:
    marker = "leak" * 1000
    for body in ({"model": marker}, {"input": 1, "model": "sim/echo", marker: 1}, {"include": [marker]}):
        answer = posted(gateway, json.dumps(body).encode())
        assert answer.status == 400
        assert len(answer.body) < 1000
