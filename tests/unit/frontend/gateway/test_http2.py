"""HTTP/2 against a peer that is written frame by frame: what no library does when it is asked."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator

import pytest

from frontend.gateway import hpack
from frontend.gateway.errors import GatewayError
from frontend.gateway.http2 import Http2Channel
from llb.pb import gateway_pb2 as gw

DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE = 0, 1, 3, 4, 6, 8
ACK = 1
MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 3, 4


class Peer:
    """The daemon's end of a channel."""

    def __init__(self) -> None:
        incoming, self._outgoing = os.pipe()
        self._incoming, outgoing = os.pipe()
        self.ends = incoming, outgoing
        self._reader = os.fdopen(self._incoming, "rb")

    def send(self, kind: int, number: int, payload: bytes, flags: int = 0) -> None:
        header = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + number.to_bytes(4, "big")
        os.write(self._outgoing, header + payload)

    def window(self, size: int) -> None:
        """Set the window that streams begin with."""
        self.send(SETTINGS, 0, INITIAL_WINDOW_SIZE.to_bytes(2, "big") + size.to_bytes(4, "big"))

    def frame(self) -> tuple[int, int, int, bytes]:
        """Kind, flags, stream and payload of the next frame."""
        header = self._reader.read(9)
        assert header, "the client is gone"
        payload = self._reader.read(int.from_bytes(header[:3], "big"))
        return header[3], header[4], int.from_bytes(header[5:], "big"), payload

    def until(self, kind: int, flags: int = 0) -> int:
        """Read up to a frame of this kind; the bytes of data before it."""
        data = 0
        while True:
            found, its_flags, _, payload = self.frame()
            if (found, its_flags) == (kind, flags):
                return data
            if found == DATA:
                data += len(payload)

    def close(self) -> None:
        """Hang up."""
        os.close(self._outgoing)
        self._reader.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    before = set(threading.enumerate())
    peer = Peer()
    yield peer
    peer.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
        assert not thread.is_alive()
    for end in peer.ends:
        os.close(end)


def test_an_acknowledgement_parts_what_is_sent_under_two_windows(peer: Peer) -> None:
    """A daemon may take a window back at any time, and give it again; grpc's own server does so,
    and ends the call for what is sent too early or too late.
    """
    channel = Http2Channel(*peer.ends)
    request = gw.SolveRequest(Frontend="x" * (2000 << 14))  # more than all the windows below

    def feed() -> None:
        with contextlib.suppress(GatewayError):  # the end
            channel.begin("Solve", request, gw.SolveResponse)()

    threading.Thread(target=feed).start()
    peer.until(HEADERS, 4)
    for _ in range(2000):
        peer.window(0)
        sent = peer.until(SETTINGS, ACK)
        peer.send(PING, 0, bytes(8))
        assert peer.until(PING, ACK) == 0
        if sent:
            peer.send(WINDOW_UPDATE, 0, sent.to_bytes(4, "big"))
            peer.send(WINDOW_UPDATE, 1, sent.to_bytes(4, "big"))
        peer.window(1 << 14)
        assert peer.until(SETTINGS, ACK) == 0


BAD_STATUSES = [
    ([(b"grpc-status", b"x")], "the status 'x'"),
    ([(b"grpc-status", b"9" * 5000)], "the status '999"),
    ([(b"grpc-status", "\u00b2".encode())], "the status"),
    ([(b"grpc-status", b"2"), (b"grpc-status-details-bin", b"!"), (b"grpc-message", b"m")], "m"),
    ([(b"grpc-status", b"2"), (b"grpc-status-details-bin", b"AAAA"), (b"grpc-message", b"m")], "m"),
    ([(b"grpc-status", b"2"), (b"grpc-message", b"%ff%")], "%"),
]


@pytest.mark.parametrize(("headers", "says"), BAD_STATUSES)
def test_a_status_that_is_none(peer: Peer, headers: list[tuple[bytes, bytes]], says: str) -> None:
    wait = Http2Channel(*peer.ends).begin("Ping", gw.PingRequest(), gw.PongResponse)
    peer.until(HEADERS, 4)
    peer.send(HEADERS, 1, hpack.encode([(b":status", b"200"), *headers]), 4 | 1)
    with pytest.raises(GatewayError, match=re.escape(says)):
        wait()


def test_an_answer_that_is_none(peer: Peer) -> None:
    wait = Http2Channel(*peer.ends).begin("Ping", gw.PingRequest(), gw.PongResponse)
    peer.until(HEADERS, 4)
    peer.send(HEADERS, 1, hpack.encode([(b":status", b"200")]), 4)
    peer.send(DATA, 1, b"\0\0\0\0\2\xff\xff")
    peer.send(HEADERS, 1, hpack.encode([(b"grpc-status", b"0")]), 4 | 1)
    with pytest.raises(GatewayError, match="the daemon's answer is no PongResponse message"):
        wait()


@pytest.mark.parametrize(
    ("setting", "value"), [(MAX_CONCURRENT_STREAMS, 1), (INITIAL_WINDOW_SIZE, 0)]
)
def test_a_call_that_may_not_be_sent_ends_in_time(peer: Peer, setting: int, value: int) -> None:
    """The daemon takes no second call, or no content: the time of a call counts while it waits."""
    channel = Http2Channel(*peer.ends, early=("Ping",))
    peer.send(SETTINGS, 0, setting.to_bytes(2, "big") + value.to_bytes(4, "big"))
    peer.until(SETTINGS, ACK)
    with pytest.raises(GatewayError, match="StatFile was not answered in time"):
        channel.begin("StatFile", gw.StatFileRequest(Path="x"), gw.StatFileResponse, 0.01)


def test_calls_are_answered_in_any_order(peer: Peer) -> None:
    """The greeting holds the first two; they and a third are on their way at the same time."""
    channel = Http2Channel(*peer.ends, early=("Ping", "Inputs"))
    third = channel.begin("StatFile", gw.StatFileRequest(Path="x"), gw.StatFileResponse)
    first = channel.begin("Ping", gw.PingRequest(), gw.PongResponse)
    second = channel.begin("Inputs", gw.InputsRequest(), gw.InputsResponse)
    peer.until(HEADERS, 4)  # of the third: nothing is sent for the others
    peer.until(DATA, 1)
    peer.send(HEADERS, 5, hpack.encode([(b":status", b"200")]), 4)
    peer.send(DATA, 5, b"\0\0\0\0\0")
    peer.send(HEADERS, 5, hpack.encode([(b"grpc-status", b"0")]), 4 | 1)
    assert third() == gw.StatFileResponse()
    for number, wait in ((3, second), (1, first)):
        peer.send(HEADERS, number, hpack.encode([(b"grpc-status", b"2")]), 4 | 1)
        with pytest.raises(GatewayError):
            wait()
