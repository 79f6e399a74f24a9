"""One open WebSocket: bytes of a connection as messages, and back. Knows nothing of responses.

    handed over ─▶ open ─▶ closing (our close frame is out) ─▶ closed
                     └── the client left, or broke the protocol ──▲

The frames are read and written by `websockets`, without its I/O. Bounds of what a client may do:

- a message is no longer than `most_bytes`, counted over its fragments (1009);
- no compression is agreed on, so that nothing unfolds (a compressed frame is 1002);
- while a message waits to be taken, or pongs that the client does not take, nothing more is read;
- who says nothing for `patience`, not even to pings, is gone (1011), and so is who takes nothing for as long;
- a message that was begun in fragments grows within `unfinished`, and there is a bound to the frames that end
  no message (1008).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from websockets.exceptions import InvalidHandshake, InvalidUpgrade
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import Protocol, Side, State
from websockets.server import ServerProtocol

_LINGER = 3.0  # seconds: for a client to read why the connection ends, and to close its side
_MOST_IDLE_FRAMES = 50_000  # between two looks at the clock: pings, and fragments that may be empty
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class ChannelClosed(Exception):
    """The client is gone, or does not take what it is sent, or the connection was closed."""


@dataclass(frozen=True, slots=True)
class Manners:
    """Bounds of a connection. Times in seconds; `interval`: of silence, until a ping."""

    most_bytes: int
    interval: float
    patience: float
    unfinished: float


class BadHandshake(Exception):
    """`is_upgrade`: whether a WebSocket was asked for at all."""

    def __init__(self, reason: str, *, is_upgrade: bool) -> None:
        super().__init__(reason)
        self.is_upgrade = is_upgrade


class Channel(asyncio.Protocol):
    """Gets its connection from the server's HTTP protocol, which writes `answer` before.

    `on_leave` is called when the server is going away, `on_lost` when there is no connection any more.
    """

    def __init__(self, request: Request, manners: Manners, headers: Iterable[tuple[str, str]]) -> None:
        """`headers` are added to the answer. Raises BadHandshake."""
        self.answer = _answer(request, headers)
        self.on_leave: Callable[[], None] | None = None
        self.on_lost: Callable[[], None] | None = None
        self._manners = manners
        self._frames = Protocol(Side.SERVER, max_size=manners.most_bytes)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._messages: deque[bytes] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._owes_pongs = False
        self._is_reading = True
        self._begun: bytearray | None = None  # of a message in fragments
        self._begun_at = 0.0
        self._idle_frames = 0  # since somebody looked
        self._heard_at = 0.0
        self._is_over = False
        self._watch: asyncio.TimerHandle | None = None

    # For who holds the conversation

    @property
    def is_open(self) -> bool:
        return not self._is_over and self._frames.state is State.OPEN

    async def receive(self) -> bytes | None:
        """The next message, text or not; None when there will be no other."""
        while not self._messages:
            if not self.is_open:
                return None
            self._reader = self._loop.create_future()
            await self._reader
        message = self._messages.popleft()
        self._balance()
        return message

    async def send(self, messages: Iterable[bytes]) -> None:
        """Each as a text message, together in one write; waits while the client is behind.

        Raises ChannelClosed.
        """
        if not self.is_open:
            raise ChannelClosed
        self.write(messages)
        if not self._writable.is_set():
            await self._taken()

    def write(self, messages: Iterable[bytes]) -> None:
        """The same, without waiting; nothing if the channel is not open."""
        if self.is_open:
            for message in messages:
                self._frames.send_text(message)
            self._flush()

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye; who does not answer in a moment is cut off."""
        if self.is_open:
            self._frames.send_close(code, reason)
            self._flush()
            self._end_soon()

    async def _taken(self) -> None:
        try:
            async with asyncio.timeout(self._manners.patience):
                await self._writable.wait()
        except TimeoutError:
            self._transport.abort()
            raise ChannelClosed from None
        if self._is_over:
            raise ChannelClosed

    # For the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._heard_at = self._loop.time()
        self._watch_again()

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        self._frames.receive_data(data)
        for frame in self._frames.events_received():
            self._take(cast("Frame", frame))
        if self._idle_frames > _MOST_IDLE_FRAMES and self.is_open:
            self._frames.fail(1008, "too many frames")
        self._owes_pongs = self._flush() and not self._writable.is_set()
        self._balance()

    def eof_received(self) -> None:
        """The transport closes itself: without its close frame half a connection is none."""

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_over = True
        self._begun = None
        self._messages.clear()
        if self._watch is not None:
            self._watch.cancel()
        self._writable.set()
        self._wake()
        _untied(self._frames, self._frames.parser_exc)
        if self.on_lost is not None:
            self.on_lost()
            self.on_lost = None  # which holds this object

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()
        self._owes_pongs = False
        self._balance()

    def shutdown(self) -> None:
        """The server is going away."""
        if self.is_open and self.on_leave is not None:
            self.on_leave()
        else:
            self._transport.close()

    # Inside

    def _take(self, frame: Frame) -> None:
        """Into its message. A message is kept as one block: fragments may be as small as nothing."""
        if frame.opcode not in _DATA or not frame.fin:
            self._idle_frames += 1
        if frame.opcode not in _DATA or not self.is_open:
            return
        if frame.opcode is not Opcode.CONT and frame.fin:
            self._deliver(bytes(frame.data))
            return
        if self._begun is None:
            self._begun = bytearray()
        self._begun += frame.data
        self._begun_at = self._heard_at
        if frame.fin:
            whole, self._begun = bytes(self._begun), None
            self._deliver(whole)

    def _deliver(self, message: bytes) -> None:
        self._messages.append(message)
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _balance(self) -> None:
        """Read on, or do not."""
        wanted = not self._messages and not self._owes_pongs
        if wanted == self._is_reading or self._is_over or self._transport.is_closing():
            return
        self._is_reading = wanted
        if wanted:
            self._heard_at = self._loop.time()  # it may have spoken while nobody listened
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _flush(self) -> bool:
        """Whether there was anything to write."""
        pieces = self._frames.data_to_send()
        if not pieces or self._transport.is_closing():
            return False
        self._transport.write(b"".join(pieces))
        if not pieces[-1]:  # the protocol's sign that this was the last
            self._transport.write_eof()
            self._end_soon()
        return True

    def _end_soon(self) -> None:
        """Nothing but the client's own goodbye is waited for, and what it still sends is read over."""
        self._begun = None
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self._loop.call_later(_LINGER, self._transport.abort)
        self._owes_pongs = False
        self._messages.clear()
        self._wake()
        self._balance()

    def _watch_again(self) -> None:
        step = min(self._manners.interval, self._manners.unfinished)
        self._watch = self._loop.call_later(step, self._look)

    def _look(self) -> None:
        """One timer for a connection: is anybody there, and does what was begun go on?"""
        now, self._idle_frames = self._loop.time(), 0
        silence = now - self._heard_at
        if self._begun is not None and now - self._begun_at >= self._manners.unfinished:
            self._frames.fail(1008, "the message was not finished in time")
        elif self._is_reading and silence >= self._manners.patience:
            self._frames.fail(1011, "no answer to pings")
        elif self._is_reading and silence >= self._manners.interval:
            self._frames.send_ping(b"")
        self._watch_again()
        self._flush()


def _answer(request: Request, headers: Iterable[tuple[str, str]]) -> bytes:
    """What accepts this handshake. Raises BadHandshake."""
    handshake = ServerProtocol()
    answer = handshake.accept(request)
    failure = handshake.handshake_exc
    _untied(handshake, failure)
    if failure is not None:
        reason = str(failure) if isinstance(failure, InvalidHandshake) else "it cannot be read"
        raise BadHandshake(reason, is_upgrade=not isinstance(failure, InvalidUpgrade))
    for name, value in headers:
        answer.headers[name] = value
    return answer.serialize()


def _untied(frames: Protocol, failure: BaseException | None) -> None:
    """Over: neither its parser, a generator, nor the frames of its failure hold it any more."""
    frames.parser.close()
    while failure is not None:
        failure.__traceback__ = None
        failure = failure.__context__
