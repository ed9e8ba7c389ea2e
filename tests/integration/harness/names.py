"""A name server that knows what a test tells it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

_A, _IN = 1, 1
_RESPONSE, _NO_SUCH_NAME = 0x8180, 3


@contextmanager
def answering(names: Mapping[str, str]) -> Iterator[list[str]]:
    """Answer at port 53 of 127.0.0.1 with the IPv4 addresses of `names`; yields what was asked for.

    That is where QEMU's user network has what a guest sends to its gateway. Skips the test where
    the port cannot be had.
    """
    asked: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind(("127.0.0.1", 53))
        except OSError as error:
            pytest.skip(f"no name server can be at 127.0.0.1:53: {error}")
        thread = threading.Thread(target=_serve, args=(server, names, asked), daemon=True)
        thread.start()
        try:
            yield asked
        finally:
            # An empty datagram ends it: closing a socket does not wake who waits for it.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", server.getsockname())
            thread.join()


def _serve(server: socket.socket, names: Mapping[str, str], asked: list[str]) -> None:
    while True:
        query, client = server.recvfrom(512)
        if not query:
            return
        answer, name = _answer(query, names)
        asked.append(name)
        server.sendto(answer, client)


def _answer(query: bytes, names: Mapping[str, str]) -> tuple[bytes, str]:
    """The answer to a query of one question, and the name that it asks for (RFC 1035, 4)."""
    labels, at = [], 12
    while size := query[at]:
        labels.append(query[at + 1 : at + 1 + size].decode())
        at += 1 + size
    name = ".".join(labels).lower()
    kind, _ = struct.unpack_from("!HH", query, at + 1)
    question = query[12 : at + 5]
    known = name in names
    records = b""
    if known and kind == _A:
        # The name is the question's, at byte 12.
        records = struct.pack("!HHHIH", 0xC00C, _A, _IN, 60, 4) + socket.inet_aton(names[name])
    status = _RESPONSE | (0 if known else _NO_SUCH_NAME)
    head = query[:2] + struct.pack("!HHHHH", status, 1, 1 if records else 0, 0, 0)
    return head + question + records, name
