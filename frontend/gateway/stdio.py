"""The process contract: HTTP/2 over the pipes that are our stdin and stdout, and one Return.

The daemon is the HTTP/2 server. It kills the frontend if the client's preface is not there ten
seconds after *it* started to wait, which is before our container exists, and again if no SETTINGS
frame follows within two seconds. So `seize` writes both before this process imports grpc; when
grpcio's own greeting comes along later, `Outbound` cuts off the second preface and `Inbound` drops
the one acknowledgement that answers our early SETTINGS, which grpcio would take for an error.

grpcio cannot use file descriptors, so two threads carry the bytes between the pipes and an abstract
unix socket that only this process may join.

This module imports only `os` and `sys` when it is loaded, and that is the point of it.
Sources: buildkit-gateway.md sections 0 and 1 (x/net http2/server.go, frontend/gateway/gateway.go).
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import NoReturn

    from frontend.gateway.client import Client
    from frontend.gateway.result import Result

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
EMPTY_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
GREETING = PREFACE + EMPTY_SETTINGS

_FRAME_HEADER = 9
_SETTINGS = 4
_ACK = 1
_CHUNK = 1 << 16


def serve(handler: Callable[[Client], Result]) -> NoReturn:
    """Run a build for the daemon at the other end of stdin and stdout, and end the process.

    `handler` gets the client and returns the result to send; it should do its heavy imports itself,
    so that they happen after the greeting and their failure is reported. Whatever it raises,
    `KeyboardInterrupt` and `SystemExit` included, is sent as the build's error. Exactly one Return
    is sent. The exit status is 0 after a result and 1 after an error: the daemon discards a result
    that is followed by another status.
    """
    incoming, outgoing = seize()
    status = 1
    try:
        from frontend.gateway.session import run

        status = run(handler, relay(incoming, outgoing))
    except BaseException as error:
        # Nothing can be returned from here: the wire itself failed. The daemon logs our stderr.
        print(f"hutch: the conversation with BuildKit broke: {error!r}", file=sys.stderr)
    finally:
        # The daemon never closes our stdin, and a thread blocked on it would keep Python alive.
        sys.stderr.flush()
        os._exit(status)


def seize() -> tuple[int, int]:
    """Greet the daemon, then take stdin and stdout away from everybody else in this process.

    Returns the descriptors to read from and to write to. Afterwards descriptor 0 is empty and 1 is
    stderr, so that a stray `print` cannot corrupt the wire.
    """
    write_all(1, GREETING)
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return incoming, outgoing


def relay(incoming: int, outgoing: int) -> str:
    """Start to carry bytes between the pipes and a private socket; return its gRPC address."""
    import socket
    import threading

    name = "hutch-" + os.urandom(16).hex()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("\0" + name)  # abstract: the image's root may be read-only
    listener.listen(1)

    def pump_in(peer: socket.socket) -> None:
        acknowledgement = Inbound()
        try:
            while data := os.read(incoming, _CHUNK):
                peer.sendall(acknowledgement.feed(data))
        except OSError:
            pass
        _hang_up(peer)

    def pump_out() -> None:
        peer = _accept_ourselves(listener)
        threading.Thread(target=pump_in, args=(peer,), daemon=True).start()
        preface = Outbound()
        try:
            while data := peer.recv(_CHUNK):
                write_all(outgoing, preface.feed(data))
        except OSError:
            pass
        _hang_up(peer)

    threading.Thread(target=pump_out, daemon=True).start()
    return "unix-abstract:" + name


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte: a pipe takes as little as it likes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class Outbound:
    """Cuts the second client preface out of what grpcio sends."""

    def __init__(self) -> None:
        self._left = len(PREFACE)

    def feed(self, data: bytes) -> bytes:
        """The part of `data` that may go to the daemon."""
        if not self._left:
            return data
        cut = min(self._left, len(data))
        self._left -= cut
        return data[cut:]


class Inbound:
    """Drops the daemon's first SETTINGS acknowledgement, which answers `EMPTY_SETTINGS`."""

    def __init__(self) -> None:
        self._header = b""
        self._body = 0  # bytes of the current frame's payload still to pass on
        self._done = False

    def feed(self, data: bytes) -> bytes:
        """The part of `data` that grpcio may see now; an incomplete frame header is kept back."""
        if self._done:
            return data
        passed: list[bytes] = []
        while data:
            if self._body:
                passed.append(data[: self._body])
                data, self._body = data[self._body :], max(0, self._body - len(data))
                continue
            need = _FRAME_HEADER - len(self._header)
            self._header, data = self._header + data[:need], data[need:]
            if len(self._header) < _FRAME_HEADER:
                break
            header, self._header = self._header, b""
            if header[3] == _SETTINGS and header[4] & _ACK:
                self._done = True
                passed.append(data)
                break
            passed.append(header)
            self._body = int.from_bytes(header[:3], "big")
        return b"".join(passed)


def _accept_ourselves(listener: socket.socket) -> socket.socket:
    """The first connection made by this process; any other is closed.

    Abstract names are seen by everything in the network namespace, which may be the host's.
    """
    import socket
    import struct

    with listener:
        while True:
            peer, _ = listener.accept()
            credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            pid: int = struct.unpack("3i", credentials)[0]
            if pid == os.getpid():
                return peer
            peer.close()


def _hang_up(peer: socket.socket) -> None:
    """Tell grpcio that the daemon is gone, so that its calls fail and do not wait."""
    import contextlib
    import socket

    with contextlib.suppress(OSError):
        peer.shutdown(socket.SHUT_RDWR)
