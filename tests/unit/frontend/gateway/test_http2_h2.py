"""HTTP/2 against h2, which ends the connection at the first thing that the RFC forbids a client.

The peer is as restless as a daemon may be, and in the second test its bytes are damaged on the way:
each call must end then, with an answer or a `GatewayError`, and nothing may hang or crash.
"""

from __future__ import annotations

import os
import queue
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes

from frontend.gateway.errors import GatewayError
from frontend.gateway.greeting import EARLY, GREETING, PREFACE, SERVICE
from frontend.gateway.http2 import Http2Channel
from frontend.gateway.stdio import write_all
from llb.pb import gateway_pb2 as gw

PATIENCE = 60
"""Seconds after which something hangs."""


def framed(data: bytes) -> bytes:
    """A message as gRPC puts it on the wire."""
    return b"\0" + len(data).to_bytes(4, "big") + data


def packed(*pairs: tuple[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in pairs]


class Daemon:
    """A server of LLBBridge at the other end of two pipes: a file's content is its own path.

    `restless` changes its settings, asks whether we are there, pads and splits what it sends.
    `damage` gets the bytes of each write, and returns those that are sent.
    """

    def __init__(
        self,
        chance: random.Random,
        *,
        restless: bool = False,
        damage: Callable[[bytes], bytes] = bytes,
    ) -> None:
        incoming, self._outgoing = os.pipe()
        self._incoming, outgoing = os.pipe()
        self.ends = incoming, outgoing
        self._chance = chance
        self._restless = restless
        self._damage = damage
        self._http = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self._methods: dict[int, bytes] = {}
        self._bodies: dict[int, bytearray] = {}
        self._answers: dict[int, bytes] = {}
        self.fault: BaseException | None = None
        self._come: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=each) for each in (self._run, self._read)]

    def channel(self) -> Http2Channel:
        """Start, and greet it as a frontend does."""
        for thread in self._threads:
            thread.start()
        write_all(self.ends[1], GREETING)
        before = set(threading.enumerate())
        channel = Http2Channel(*self.ends, early=EARLY)
        # Not those of other tests, whose peers may never hang up.
        self._clients = set(threading.enumerate()) - before
        return channel

    def close(self) -> None:
        """Hang up, and wait for all threads: what they write to is another's once it is closed."""
        self._come.put(b"")
        for thread in (self._threads[0], *self._clients):
            thread.join(PATIENCE)
            assert not thread.is_alive()
        os.close(self.ends[1])
        self._threads[1].join(PATIENCE)
        os.close(self.ends[0])

    def _run(self) -> None:
        try:
            self._http.initiate_connection()
            self._write()
            while data := self._come.get():
                self._take(data)
                self._answer()
        except BaseException as fault:
            self.fault = fault
        finally:
            os.close(self._outgoing)

    def _read(self) -> None:
        """Always read, as daemons do: who waits for the other to read may wait for ever.

        By frames: what h2 gets at once it holds to the settings that it had before.
        """
        with os.fdopen(self._incoming, "rb") as incoming:
            self._come.put(incoming.read(len(PREFACE)))
            while header := incoming.read(9):
                self._come.put(header + incoming.read(int.from_bytes(header[:3], "big")))
        self._come.put(b"")

    def _take(self, data: bytes) -> None:
        for event in self._http.receive_data(data):
            match event:
                case RequestReceived(stream_id=number, headers=headers):
                    assert number is not None
                    assert headers is not None
                    path = dict(headers)[b":path"]
                    self._methods[number] = bytes(path).removeprefix(SERVICE)
                    self._bodies[number] = bytearray()
                case DataReceived(stream_id=number, data=part, flow_controlled_length=size):
                    assert number is not None
                    assert part is not None
                    self._bodies[number] += part
                    # At once, for h2 looks at a window when data comes: never for one that a
                    # smaller setting has left below zero.
                    if size:
                        self._http.increment_flow_control_window(size, number)
                        self._http.increment_flow_control_window(size)
                    self._fidget()
                case StreamEnded(stream_id=number):
                    assert number is not None
                    answer = self._handle(self._methods[number], bytes(self._bodies[number]))
                    self._answers[number] = framed(answer)
                    self._http.send_headers(number, packed((":status", "200")))
                case StreamReset(stream_id=number):
                    assert number is not None
                    self._answers.pop(number, None)
                case _:
                    pass
        self._write()

    def _handle(self, method: bytes, body: bytes) -> bytes:
        assert body == framed(body[5:])
        if method != b"ReadFile":
            return b""
        path = gw.ReadFileRequest.FromString(body[5:]).FilePath
        return gw.ReadFileResponse(Data=path.encode()).SerializeToString()

    def _fidget(self) -> None:
        """Do what a peer may do at any time."""
        if not self._restless:
            return
        if self._chance.random() < 0.3:
            # A window that was taken away is given back, or nothing would be sent any more.
            for window in (self._chance.choice((0, 1, 100, 1 << 14, 1 << 20)), 1 << 16):
                # Both each time: h2 takes one acknowledgement for a change of every setting.
                frame = self._chance.randrange(1 << 14, 1 << 18)
                self._http.update_settings(
                    {SettingCodes.INITIAL_WINDOW_SIZE: window, SettingCodes.MAX_FRAME_SIZE: frame}
                )
                self._write()
        if self._chance.random() < 0.2:
            self._http.ping(self._chance.randbytes(8))

    def _answer(self) -> None:
        """Send the answers: a restless daemon sends some bytes of one, then some of another."""
        while self._answers:
            number = self._chance.choice(list(self._answers))
            rest = self._answers[number]
            pad = self._chance.choice((None, 0, 255)) if self._restless else None
            extra = 0 if pad is None else pad + 1
            room = self._http.local_flow_control_window(number)
            most = min(len(rest), room - extra, self._http.max_outbound_frame_size - extra)
            size = self._chance.randint(1, most) if self._restless else most
            self._http.send_data(number, rest[:size], pad_length=pad)
            self._answers[number] = rest[size:]
            if size == len(rest):
                del self._answers[number]
                trailers = packed(("grpc-status", "0"))
                if self._restless:  # more than fits into one frame
                    trailers += packed(("x-more", "y" * self._chance.randrange(40_000)))
                self._http.send_headers(number, trailers, end_stream=True)
            self._fidget()
            self._write()

    def _write(self) -> None:
        if data := self._damage(self._http.data_to_send()):
            write_all(self._outgoing, data)


@pytest.mark.parametrize("seed", range(2))
def test_a_restless_daemon(seed: int) -> None:
    """Thirty calls by six threads, with answers in parts of each other's: each is the right one."""
    chance = random.Random(seed)
    daemon = Daemon(random.Random(seed), restless=True)
    channel = daemon.channel()

    def read(path: str) -> bool:
        wait = channel.begin(
            "ReadFile", gw.ReadFileRequest(FilePath=path), gw.ReadFileResponse, PATIENCE
        )
        return bool(wait().Data.decode() == path)

    paths = [f"{n}/" + "x" * chance.choice((0, 9, 3000, 90_000)) for n in range(30)]
    try:
        channel.begin("Inputs", gw.InputsRequest(), gw.InputsResponse, PATIENCE)()
        with ThreadPoolExecutor(6) as pool:
            right = list(pool.map(read, paths))
    finally:
        daemon.close()
        assert daemon.fault is None
    assert right == [True] * 30


def damaged(chance: random.Random, data: bytes) -> bytes:
    """Some bytes of `data` changed, left out, doubled, or made up."""
    if not data or chance.random() < 0.8:
        return data
    at = chance.randrange(len(data))
    end = min(len(data), at + chance.randint(1, 20))
    match chance.randrange(5):
        case 0:
            return data[:at] + chance.randbytes(end - at) + data[end:]
        case 1:
            return data[:at] + bytes((data[at] ^ 1 << chance.randrange(8),)) + data[at + 1 :]
        case 2:
            return data[:at] + data[end:]
        case 3:
            return data[:end] + data[at:]
        case _:
            kind, flags = chance.randrange(11), chance.randrange(256)
            payload = chance.randbytes(chance.randrange(12))
            number = chance.randrange(8).to_bytes(4, "big")
            made = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + number + payload
            return made + data


def test_a_damaged_conversation() -> None:
    """Three calls each: what comes of them is an answer or an error that can be shown."""
    answers, errors = 0, set()
    for seed in range(60):
        chance = random.Random(seed)
        daemon = Daemon(random.Random(seed), damage=partial(damaged, chance))
        channel = daemon.channel()
        try:
            for path in ("a", "b" * 20_000, "c"):
                # A frame that lost bytes waits for them: the wait has an end of its own.
                wait = channel.begin(
                    "ReadFile", gw.ReadFileRequest(FilePath=path), gw.ReadFileResponse, 0.05
                )
                wait()
                answers += 1
        except GatewayError as error:
            errors.add(str(error)[:30])
        finally:
            daemon.close()
    assert answers > 20
    assert len(errors) > 5
