"""gRPC over HTTP/2 on two pipes, in the little that the daemon's methods need.

grpcio would do this too, but it cannot use file descriptors (so bytes had to be relayed through a
socket, with frames filtered on the way), it caps error details at 16 KiB by default, it takes 18 MB
of the image, and importing it costs more time than everything else a frontend does before its first
call. What is here: calls with one request and one answer, any number of them at a time, flow
control both ways, headers of any size, and every error as a `GatewayError`.

Facts: RFC 9113 (HTTP/2); the gRPC protocol over HTTP/2; docs/contract/buildkit.md 1.3.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from struct import unpack
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from frontend.gateway.errors import DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE, UNKNOWN, GatewayError
from frontend.gateway.greeting import HEADERS, SERVICE
from frontend.gateway.hpack import Decoder, HeaderError, encode
from llb.pb import status_pb2

_DATA, _HEADERS_FRAME, _RST_STREAM, _SETTINGS = 0, 1, 3, 4
_PING, _GOAWAY, _WINDOW_UPDATE, _CONTINUATION = 6, 7, 8, 9

_END_STREAM = 0x1
_ACK = 0x1
_END_HEADERS = 0x4
_PADDED = 0x8
_PRIORITY = 0x20

_MAX_CONCURRENT_STREAMS, _INITIAL_WINDOW_SIZE, _MAX_FRAME_SIZE = 3, 4, 5
_CANCEL = 8

_CHUNK = 1 << 16
_CODE_DIGITS = 9
_SHOWN = 40
_DEFAULT_WINDOW = 65535
_EMPTY = 5  # bytes of a message without content
_REPLENISH = 1 << 24  # bytes received before the daemon is told that it may send as many again

Answer = TypeVar("Answer", bound=Message)


class _Broken(Exception):
    """The connection cannot go on."""


class _Stream:
    """One call: what may still be sent, and what came back."""

    __slots__ = ("body", "done", "headers", "received", "reset", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self.headers: dict[bytes, bytes] = {}
        self.body = bytearray()
        self.received = 0
        self.done = False
        self.reset: int | None = None

    def take(self) -> bytes | None:
        """The first message that is here whole, None for none."""
        size = 5 + int.from_bytes(self.body[1:5], "big")
        if len(self.body) < max(5, size):
            return None
        if self.body[0]:
            raise _failure(INTERNAL, "the daemon's message is compressed, which nobody asked for")
        message = bytes(self.body[5:size])
        del self.body[:size]
        return message


class Http2Channel:
    """A `Channel` over two pipes on which `frontend.gateway.stdio` has greeted the daemon.

    `early` are the calls, without content, that the greeting held.
    """

    def __init__(self, incoming: int, outgoing: int, early: Sequence[str] = ()) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._opening = threading.Lock()
        self._writing = threading.RLock()
        self._changed = threading.Condition()  # guards all of the following
        self._streams: dict[int, _Stream] = {}
        self._next = 1
        self._broken = ""
        self._window = _DEFAULT_WINDOW
        self._stream_window = _DEFAULT_WINDOW
        self._frame_size = 1 << 14
        self._most_streams = 100
        self._received = 0
        self._decoder = Decoder()
        self._early: dict[str, tuple[int, _Stream]] = {}
        for method in early:
            self._streams[self._next] = stream = _Stream(self._stream_window - _EMPTY)
            self._early[method] = (self._next, stream)
            self._next += 2
            self._window -= _EMPTY
        threading.Thread(target=self._read, daemon=True, name="http2").start()

    # --- calling ---

    def begin(
        self, method: str, request: Message, answer: type[Answer], timeout: float | None = None
    ) -> Callable[[], Answer]:
        """Call `method` of LLBBridge; what is returned waits for the answer, and is called once.

        `timeout` is in seconds from now. Both raise `GatewayError`.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        opened = self._early.pop(method, None)
        number, stream = opened or self._open(method, deadline)
        try:
            if opened is None:
                self._send(method, number, stream, request, deadline)
        except BaseException:
            self._drop(number, stream)
            raise

        def wait() -> Answer:
            self._wait(method, number, stream, deadline)
            return _answer(stream, answer)

        return wait

    def _wait(self, method: str, number: int, stream: _Stream, deadline: float | None) -> None:
        """Wait until a call is over. Raises `GatewayError` where it cannot end any more."""
        try:
            with self._changed:
                self._until(lambda: stream.done, method, deadline)
        finally:
            self._drop(number, stream)
        if not stream.done:
            raise _failure(UNAVAILABLE, self._broken)

    def _until(self, ready: Callable[[], bool], method: str, deadline: float | None) -> None:
        """Wait, with `_changed` held, until something is so, or nothing can be any more."""
        left = None if deadline is None else deadline - time.monotonic()
        if not self._changed.wait_for(lambda: bool(self._broken) or ready(), left):
            raise _failure(DEADLINE_EXCEEDED, f"{method} was not answered in time")

    def _open(self, method: str, deadline: float | None) -> tuple[int, _Stream]:
        """Start a stream. Numbers must reach the daemon in order, so the lock is held till then."""
        block = encode([(b":path", SERVICE + method.encode()), *HEADERS])  # ":..." come first
        with self._opening:
            with self._changed:
                self._until(lambda: len(self._streams) < self._most_streams, method, deadline)
                if self._broken:
                    raise _failure(UNAVAILABLE, self._broken)
                number, self._next = self._next, self._next + 2
                self._streams[number] = stream = _Stream(self._stream_window)
            self._write(_HEADERS_FRAME, _END_HEADERS, number, block)
        return number, stream

    def _drop(self, number: int, stream: _Stream) -> None:
        """Forget a stream; one that is not over is cancelled."""
        with self._changed:
            self._streams.pop(number, None)
            self._changed.notify_all()
        if not (stream.done or self._broken):
            self._write(_RST_STREAM, 0, number, _CANCEL.to_bytes(4, "big"))

    def _send(
        self, method: str, number: int, stream: _Stream, message: Message, deadline: float | None
    ) -> None:
        """Send a message as fast as the daemon lets us, or until it ends the call."""
        body = message.SerializeToString()
        view = memoryview(b"\x00" + len(body).to_bytes(4, "big") + body)
        while view:
            with self._changed:
                self._until(lambda: stream.done or self._sendable(stream) > 0, method, deadline)
            # What is sent under a larger window must not follow the acknowledgement of a smaller
            # one (RFC 9113 6.9.2), so nobody else may write between the look and the frame.
            with self._writing:
                with self._changed:
                    if self._broken or stream.done:
                        return
                    size = max(0, min(len(view), self._sendable(stream)))
                    self._window -= size
                    stream.window -= size
                if size:
                    part, view = view[:size], view[size:]
                    self._write(_DATA, 0 if view else _END_STREAM, number, part)

    def _sendable(self, stream: _Stream) -> int:
        """How many bytes the next frame may have; none or fewer if the daemon must read first."""
        return min(self._window, stream.window, self._frame_size)

    def _write(self, kind: int, flags: int, number: int, payload: bytes | memoryview) -> None:
        """Write one frame. A daemon that is gone is noticed by the reader."""
        header = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + number.to_bytes(4, "big")
        view = memoryview(header + payload)
        try:
            with self._writing:
                while view:
                    view = view[os.write(self._outgoing, view) :]
        except OSError as error:
            self._break(f"the daemon does not listen any more: {error.strerror}")

    # --- reading ---

    def _read(self) -> None:
        try:
            for kind, flags, number, payload in self._frames():
                self._take(kind, flags, number, payload)
            self._break("the daemon ended the conversation")
        except (_Broken, HeaderError) as error:
            self._break(str(error))
        except Exception as error:
            self._break(f"the answer of the daemon could not be read: {error!r}")

    def _break(self, why: str) -> None:
        with self._changed:
            self._broken = self._broken or why
            self._changed.notify_all()

    def _frames(self) -> Iterator[tuple[int, int, int, bytes]]:
        """Kind, flags, stream and payload of every frame; header blocks are put together."""
        buffer = bytearray()
        block = bytearray()
        block_flags = 0
        while True:
            while len(buffer) < 9 or len(buffer) < 9 + int.from_bytes(buffer[:3], "big"):
                try:
                    data = os.read(self._incoming, _CHUNK)
                except OSError:
                    return
                if not data:
                    return
                buffer += data
            size = 9 + int.from_bytes(buffer[:3], "big")
            kind, flags = buffer[3], buffer[4]
            number = int.from_bytes(buffer[5:9], "big") & 0x7FFFFFFF
            payload = bytes(buffer[9:size])
            del buffer[:size]
            if kind == _DATA:
                self._received += len(payload)
            if kind in (_DATA, _HEADERS_FRAME) and flags & _PADDED:
                payload = payload[1 : len(payload) - payload[0]]
            if kind == _HEADERS_FRAME:
                if flags & _PRIORITY:
                    payload = payload[5:]
                block, block_flags = bytearray(payload), flags
            elif kind == _CONTINUATION:
                block += payload
            else:
                yield kind, flags, number, payload
                continue
            if flags & _END_HEADERS:
                yield _HEADERS_FRAME, block_flags, number, bytes(block)

    def _take(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if kind == _SETTINGS:
            if not flags & _ACK:
                # Daemons hold what follows the acknowledgement to the new settings, and what comes
                # before it to the old ones, so nothing may be sent between the two.
                with self._writing:
                    self._apply_settings(payload)
                    self._write(_SETTINGS, _ACK, 0, b"")
            return
        if kind == _PING:
            if not flags & _ACK:
                self._write(_PING, _ACK, 0, payload)
            return
        if kind == _GOAWAY:
            reason = payload[8:].decode(errors="replace") or "it gave no reason"
            raise _Broken(f"the daemon hung up: {reason}")
        if self._received >= _REPLENISH:
            self._write(_WINDOW_UPDATE, 0, 0, self._received.to_bytes(4, "big"))
            self._received = 0
        # Every block must be decoded, also one for a call that was given up.
        headers = self._decoder.decode(payload) if kind == _HEADERS_FRAME else []
        with self._changed:
            stream = self._streams.get(number)
            if kind == _WINDOW_UPDATE:
                grown = int.from_bytes(payload, "big") & 0x7FFFFFFF
                if number == 0:
                    self._window += grown
                elif stream is not None:
                    stream.window += grown
            elif stream is not None and kind == _RST_STREAM:
                stream.reset = int.from_bytes(payload, "big")
                stream.done = True
            elif stream is not None:
                stream.headers.update(headers)
                if kind == _DATA:
                    stream.body += payload
                    stream.received += len(payload)
                if kind in (_DATA, _HEADERS_FRAME) and flags & _END_STREAM:
                    stream.done = True
            self._changed.notify_all()
        if stream is not None and stream.received >= _REPLENISH and not stream.done:
            self._write(_WINDOW_UPDATE, 0, number, stream.received.to_bytes(4, "big"))
            stream.received = 0

    def _apply_settings(self, payload: bytes) -> None:
        """The daemon's settings."""
        with self._changed:
            for at in range(0, len(payload), 6):
                setting, value = unpack(">HI", payload[at : at + 6])
                if setting == _INITIAL_WINDOW_SIZE:
                    for stream in self._streams.values():
                        stream.window += value - self._stream_window
                    self._stream_window = value
                elif setting == _MAX_FRAME_SIZE:
                    self._frame_size = value
                elif setting == _MAX_CONCURRENT_STREAMS:
                    self._most_streams = max(1, value)
            self._changed.notify_all()


def _answer(stream: _Stream, answer: type[Answer]) -> Answer:
    """The answer that a finished stream holds; raises the error that it ended with."""
    _check(stream)
    message = stream.take()
    if message is None or stream.body:
        raise _failure(INTERNAL, "the daemon's answer is not one whole message")
    return _parsed(message, answer)


def _parsed(data: bytes, kind: type[Answer]) -> Answer:
    try:
        return kind.FromString(data)
    except DecodeError:
        name = kind.DESCRIPTOR.name
        raise _failure(INTERNAL, f"the daemon's answer is no {name} message") from None


def _check(stream: _Stream) -> None:
    """Raise the error that a finished stream ended with."""
    code = stream.headers.get(b"grpc-status")
    if code == b"0":
        return
    if details := stream.headers.get(b"grpc-status-details-bin"):
        from base64 import b64decode

        try:
            data = b64decode(details + b"=" * (-len(details) % 4), validate=True)
            status = status_pb2.Status.FromString(data)
        except (ValueError, DecodeError):
            pass  # then there is still the message
        else:
            raise GatewayError(status)
    if code is not None:
        from urllib.parse import unquote_to_bytes

        message = unquote_to_bytes(stream.headers.get(b"grpc-message", b"")).decode(
            errors="replace"
        )
        if not code.isdigit() or len(code) > _CODE_DIGITS:
            shown = code[:_SHOWN].decode(errors="replace")
            raise _failure(UNKNOWN, f"the daemon answered with the status {shown!r}: {message}")
        raise _failure(int(code), message)
    if stream.reset is not None:
        raise _failure(UNAVAILABLE, f"the daemon dropped the call (HTTP/2 error {stream.reset})")
    http = stream.headers.get(b":status", b"none").decode(errors="replace")
    raise _failure(UNKNOWN, f"the daemon answered without a gRPC status (HTTP status {http})")


def _failure(code: int, message: str) -> GatewayError:
    return GatewayError(status_pb2.Status(code=code, message=message))
