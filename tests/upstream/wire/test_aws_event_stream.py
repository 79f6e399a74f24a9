"""The binary framing of AWS: what a message becomes, any cutting, any damage."""

from __future__ import annotations

import struct
from contextlib import suppress
from itertools import pairwise
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.protocol.errors import ProtocolViolation
from antiphon.upstream.base import Frame
from antiphon.upstream.wire.aws_event_stream import HEADERS_LIMIT, PAYLOAD_LIMIT, AWSEventStreamReader
from tests.recordings import Recording, each_recording, needs_recordings
from tests.upstream.wire.aws_messages import event, exception, header, message

TALK = [
    event("messageStart", b'{"role":"assistant"}'),
    event("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"\xc3\xa9t\xc3\xa9"}}'),
    event("messageStop", b'{"stopReason":"end_turn"}'),
    exception("throttlingException", b'{"message":"slow down"}'),
]
WIRE = b"".join(TALK)
FRAMES = [
    Frame("messageStart", b'{"role":"assistant"}'),
    Frame("contentBlockDelta", '{"contentBlockIndex":0,"delta":{"text":"été"}}'.encode()),
    Frame("messageStop", b'{"stopReason":"end_turn"}'),
    Frame("exception:throttlingException", b'{"message":"slow down"}'),
]


def read(*pieces: bytes) -> list[Frame]:
    reader = AWSEventStreamReader()
    return [*(frame for piece in pieces for frame in reader.feed(piece)), *reader.finish()]


def test_messages_become_frames_named_by_their_type() -> None:
    assert read(WIRE) == FRAMES


@given(st.lists(st.integers(0, len(WIRE)), max_size=40))
def test_any_cutting_gives_the_same_frames(places: list[int]) -> None:
    edges = [0, *sorted(places), len(WIRE)]
    assert read(*(WIRE[start:end] for start, end in pairwise(edges))) == FRAMES


def test_byte_for_byte_gives_the_same_frames() -> None:
    assert read(*(bytes([byte]) for byte in WIRE)) == FRAMES


@given(st.integers(0, len(WIRE) - 1), st.integers(1, 255), st.integers(1, 60))
def test_a_flipped_byte_is_a_violation_after_the_frames_before_it(at: int, flip: int, size: int) -> None:
    damaged = WIRE[:at] + bytes([WIRE[at] ^ flip]) + WIRE[at + 1 :]
    whole = [frame for index, frame in enumerate(FRAMES) if sum(map(len, TALK[: index + 1])) <= at]
    reader, said = AWSEventStreamReader(), []
    with pytest.raises(ProtocolViolation):
        for start in range(0, len(damaged), size):
            said += reader.feed(damaged[start : start + size])
        reader.finish()
    assert said == whole


@given(st.binary(max_size=300))
def test_noise_raises_nothing_but_violations(noise: bytes) -> None:
    reader = AWSEventStreamReader()
    with suppress(ProtocolViolation):
        reader.feed(TALK[0] + noise)
        reader.finish()


@given(st.binary(max_size=60))
def test_noise_for_headers_raises_nothing_but_violations(noise: bytes) -> None:
    with suppress(ProtocolViolation):
        assert read(message(noise, b"{}"))[0].data


def test_once_broken_it_stays_broken() -> None:
    reader = AWSEventStreamReader()
    assert reader.feed(TALK[0] + b"x" * 20) == FRAMES[:1]
    for call in (lambda: reader.feed(WIRE), reader.finish):
        with pytest.raises(ProtocolViolation, match="prelude"):
            call()


def test_a_message_that_is_cut_is_left_out() -> None:
    assert read(WIRE[:-1]) == FRAMES[:-1]
    assert read(WIRE[:5]) == []


def test_headers_of_all_types_are_stepped_over() -> None:
    values = {0: b"", 1: b"", 2: b"1", 3: b"12", 4: b"1234", 5: b"12345678", 8: b"12345678", 9: b"1" * 16}
    block = b"".join(header(f"h{kind}", kind, value) for kind, value in values.items())
    block += header("bytes", 6, b"\x00\x01") + header(":message-type", 7, b"event")
    block += header(":event-type", 7, b"chunk") + header("more", 7, b"words")
    assert read(message(block, b'{"a":1}')) == [Frame("chunk", b'{"a":1}')]


@pytest.mark.parametrize(
    "block",
    [
        b"",
        header(":message-type", 7, b"event"),
        header(":message-type", 7, b"event") + header(":event-type", 7, b""),
        header(":message-type", 7, b"event") + header(":event-type", 7, b"exception:validationException"),
        header(":message-type", 7, b"request") + header(":event-type", 7, b"chunk"),
        header(":message-type", 7, b"event") + header(":event-type", 10, b"chunk"),
        header(":event-type", 7, b"chunk")[:-1],
        b"\x05name",
    ],
)
def test_a_message_of_no_known_type_is_a_violation(block: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        read(message(block, b"{}"))


def test_an_error_without_a_payload_says_what_its_headers_say() -> None:
    block = b"".join(
        header(name, 7, value)
        for name, value in (
            (":message-type", b"error"),
            (":error-code", b"InternalError"),
            (":error-message", b"An internal server error occurred"),
        )
    )
    assert read(message(block, b"")) == [
        Frame("error:InternalError", b'{"message":"An internal server error occurred"}')
    ]


def test_a_message_without_a_payload_is_not_lost() -> None:
    assert read(exception("internalServerException", b"")) == [
        Frame("exception:internalServerException", b"{}")
    ]


@pytest.mark.parametrize("lengths", [(15, 0), (40, 25), (2**32 - 1, 0), (16 + PAYLOAD_LIMIT + 1, 0),
                                     (16 + HEADERS_LIMIT + 1, HEADERS_LIMIT + 1)])  # fmt: skip
def test_lengths_that_cannot_be_are_violations_before_anything_is_kept(lengths: tuple[int, int]) -> None:
    prelude = struct.pack(">II", *lengths)
    with pytest.raises(ProtocolViolation):
        read(prelude + struct.pack(">I", crc32(prelude)))


@needs_recordings
@each_recording("converse", "invoke", kind="eventstream")
def test_every_recorded_stream_has_the_frames_that_were_recorded(recording: Recording) -> None:
    names = [row["event"] for row in recording.exchange["response"]["eventstream"]]
    assert [frame.event for frame in read(recording.wire)] == names
