"""The reader of newline-delimited JSON: one grammar, whatever the cuts."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.protocol.errors import ProtocolViolation
from antiphon.upstream.base import Frame
from antiphon.upstream.wire import WIRES
from antiphon.upstream.wire.ndjson import NDJSONReader


def read(*pieces: bytes, limit: int = 1 << 20) -> list[bytes]:
    reader = NDJSONReader(limit)
    frames = [frame for piece in pieces for frame in reader.feed(piece)]
    return [frame.data for frame in frames + reader.finish()]


def by_the_grammar(stream: bytes) -> list[bytes]:
    """All at once, in the simplest way."""
    lines = stream.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return [value for line in lines if (value := line.strip(b" \t\r"))]


values = st.sampled_from(
    [
        b"{}",
        b'{"a": [1, 2]}',
        b'{"text": "\xe2\x80\xa8 \xc2\x85"}',
        b" {} ",
        b"\xff",
        b"\t",
        b"",
        b"",
        b"{\r}",
        b"\xef\xbb\xbf{}",
    ]
)
lines = st.lists(st.tuples(values, st.sampled_from([b"\n", b"\n", b"\r\n"])), max_size=20)
streams = st.builds(
    lambda mark, lines, tail: mark + b"".join(value + end for value, end in lines) + tail,
    st.sampled_from([b"", b"\xef\xbb\xbf", b"\xef\xbb"]),
    lines,
    st.sampled_from([b"", b'{"cut": ', b"\r", b"{}"]),
)


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


@given(streams)
def test_the_frames_are_the_lines_that_have_a_value(stream: bytes) -> None:
    assert read(stream) == by_the_grammar(stream)


@given(streams, st.lists(st.integers(0, 10_000), max_size=12))
def test_any_cutting_gives_the_same_frames(stream: bytes, places: list[int]) -> None:
    assert read(*cut(stream, places)) == read(stream)


@given(streams)
def test_byte_by_byte_gives_the_same_frames(stream: bytes) -> None:
    assert read(*(bytes([byte]) for byte in stream)) == read(stream)


@given(st.lists(st.binary(max_size=40), max_size=10), st.integers(1, 50))
def test_noise_raises_only_protocol_violations(pieces: list[bytes], limit: int) -> None:
    with contextlib.suppress(ProtocolViolation):
        read(*pieces, limit=limit)


@given(st.lists(st.sampled_from([b"12345\n", b"\n", b"\r\n", b"xyz"]), max_size=30), st.integers(5, 40))
def test_what_is_kept_is_bounded(pieces: list[bytes], limit: int) -> None:
    reader = NDJSONReader(limit)
    try:
        for piece in pieces:
            reader.feed(piece)
            assert sum(map(len, reader._pending)) <= limit
    except ProtocolViolation:
        pass


def test_many_lines_in_one_piece_come_out_in_order() -> None:
    stream = b"".join(b'{"n":%d}\n' % n for n in range(1000))
    assert read(stream) == [b'{"n":%d}' % n for n in range(1000)]


def test_a_frame_has_no_name() -> None:
    assert NDJSONReader().feed(b"{}\n") == [Frame(None, b"{}")]


def test_the_last_line_may_lack_its_end() -> None:
    assert read(b'{"a":1}\n{"done":true}') == [b'{"a":1}', b'{"done":true}']


def test_a_mark_in_pieces_is_no_part_of_the_first_line() -> None:
    assert read(b"\xef", b"\xbb", b"\xbf{", b"}\n") == [b"{}"]


def test_a_line_over_the_limit_is_refused_before_it_is_complete() -> None:
    reader = NDJSONReader(limit=1000)
    with pytest.raises(ProtocolViolation):
        for _ in range(20):
            reader.feed(b"x" * 100)


def test_a_line_over_the_limit_is_refused_when_it_comes_whole() -> None:
    with pytest.raises(ProtocolViolation):
        NDJSONReader(limit=1000).feed(b"{}\n" + b"x" * 1001 + b"\n{}\n")


def test_lines_smaller_than_the_limit_may_add_up_to_more() -> None:
    assert len(read(b'"12345678"\n' * 100, limit=20)) == 100


def test_it_stands_in_the_table_under_ollamas_content_type() -> None:
    assert WIRES["ndjson"].content_type == "application/x-ndjson"
    assert isinstance(WIRES["ndjson"].reader(), NDJSONReader)
