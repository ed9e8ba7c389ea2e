"""HTTP/2 against grpcio's own server under load: calls by many threads at a time, of any size, in
windows of any size, some of them refused, given up or out of time.
"""

from __future__ import annotations

import os
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import grpc
import pytest
from google.protobuf.message import Message

from frontend.gateway.errors import DEADLINE_EXCEEDED, GatewayError
from frontend.gateway.greeting import EARLY, GREETING
from frontend.gateway.http2 import Http2Channel
from frontend.gateway.stdio import write_all
from llb.pb import gateway_pb2 as gw
from llb.pb import status_pb2
from tests.wire.daemon import Daemon, Handler, fail

PATIENCE = 60
"""Seconds after which something hangs."""

WINDOWS: Mapping[str, Mapping[str, int]] = {
    "its own": {},
    "small": {
        "grpc.http2.lookahead_bytes": 1000,
        "grpc.http2.bdp_probe": 0,
        "grpc.http2.write_buffer_size": 1,
        "grpc.max_concurrent_streams": 3,
    },
    "large": {
        "grpc.http2.lookahead_bytes": 1 << 24,
        "grpc.http2.max_frame_size": (1 << 24) - 1,
        "grpc.http2.hpack_table_size.decoder": 0,
    },
}


@contextmanager
def serving(
    handlers: Mapping[str, Handler], options: Mapping[str, int] | None = None
) -> Iterator[tuple[grpc.Server, Http2Channel]]:
    """A server with these handlers, and a channel to it that has greeted it as a frontend does.

    grpcio takes no pipes, but our side takes any file descriptor.
    """
    unlimited = {"grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1}
    address = f"hutch-test-{os.getpid()}-{os.urandom(8).hex()}"
    with ThreadPoolExecutor(16) as workers, socket.socket(socket.AF_UNIX) as wire:
        server = grpc.server(
            workers,
            handlers=[Daemon({"Inputs": lambda request, context: gw.InputsResponse(), **handlers})],
            options=list({**unlimited, **(options or {})}.items()),
        )
        server.add_insecure_port(f"unix-abstract:{address}")
        server.start()
        try:
            wire.connect(f"\0{address}")
            write_all(wire.fileno(), GREETING)
            channel = Http2Channel(wire.fileno(), wire.fileno(), early=EARLY)
            # grpcio ends what is too much under settings that nobody has read yet.
            channel.begin("Inputs", gw.InputsRequest(), gw.InputsResponse, PATIENCE)()
            yield server, channel
        finally:
            server.stop(None).wait()
            # Once it is closed, what they read from is another's.
            for thread in [each for each in threading.enumerate() if each.name == "http2"]:
                thread.join(PATIENCE)
                assert not thread.is_alive()


def echoed(request: Message, context: grpc.ServicerContext) -> Message:
    """A file of as many bytes as were asked for, which begins with its path; or a refusal."""
    assert isinstance(request, gw.ReadFileRequest)
    if request.FilePath.startswith("refused"):
        status = status_pb2.Status(code=5, message=request.FilePath)
        status.details.add(type_url="x", value=b"d" * request.Range.Length)
        fail(context, status)
    return gw.ReadFileResponse(Data=content(request.FilePath, request.Range.Length))


def content(path: str, size: int) -> bytes:
    return path.encode() + bytes(size)


@pytest.mark.parametrize("windows", WINDOWS)
def test_many_calls_of_all_sizes(windows: str) -> None:
    """Each of 240 calls by twelve threads gets its own answer, or its own error."""
    chance = random.Random(windows)
    wanted = [
        (f"{chance.choice(('read', 'refused'))} {n} " + "x" * chance.choice((0, 99, 40_000)), size)
        for n in range(240)
        for size in [chance.choice((0, 1, 700, 20_000))]
    ]

    def read(channel: Http2Channel, path: str, size: int) -> bool:
        request = gw.ReadFileRequest(FilePath=path, Range=gw.FileRange(Length=size))
        try:
            wait = channel.begin("ReadFile", request, gw.ReadFileResponse, PATIENCE)
            return bool(wait().Data == content(path, size))
        except GatewayError as error:
            status = error.status
        return status.message == path and [len(each.value) for each in status.details] == [size]

    with (
        serving({"ReadFile": echoed}, WINDOWS[windows]) as (_, channel),
        ThreadPoolExecutor(12) as pool,
    ):
        right = list(pool.map(partial(read, channel), *zip(*wanted, strict=True)))
    assert right == [True] * 240


@pytest.mark.parametrize("windows", WINDOWS)
def test_messages_larger_than_any_window(windows: str) -> None:
    """Both ways at a time: more bytes than a window ever has, so each side has to ask for more."""
    size = 1 << 20 if windows == "small" else 20 << 20

    def solved(request: Message, context: grpc.ServicerContext) -> Message:
        assert isinstance(request, gw.SolveRequest)
        name = request.Frontend
        return gw.SolveResponse(result=gw.Result(metadata={name[:1]: name.encode()}))

    def solve(channel: Http2Channel, letter: str) -> bool:
        request = gw.SolveRequest(Frontend=letter * size)
        answer = channel.begin("Solve", request, gw.SolveResponse, PATIENCE)()
        return dict(answer.result.metadata) == {letter: letter.encode() * size}

    with (
        serving({"Solve": solved}, WINDOWS[windows]) as (_, channel),
        ThreadPoolExecutor(2) as pool,
    ):
        assert list(pool.map(partial(solve, channel), "ab")) == [True, True]


def test_calls_out_of_time_between_others() -> None:
    """A call that nobody answers ends in time, the server hears that it is given up, and calls at
    the same time do not notice."""
    ended = Counter[str]()
    given_up = threading.Semaphore(0)

    def wait(request: Message, context: grpc.ServicerContext) -> Message:
        over = threading.Event()
        assert context.add_callback(over.set)
        assert over.wait(PATIENCE)
        given_up.release()
        return gw.StatFileResponse()

    def stat(channel: Http2Channel, number: int) -> None:
        request = gw.StatFileRequest(Path=f"/{number}")
        try:
            channel.begin("StatFile", request, gw.StatFileResponse, 0.02)()
        except GatewayError as error:
            ended[f"{error.status.code}"] += 1

    def read(channel: Http2Channel, number: int) -> bool:
        request = gw.ReadFileRequest(FilePath=f"{number}", Range=gw.FileRange(Length=30_000))
        answer = channel.begin("ReadFile", request, gw.ReadFileResponse, PATIENCE)()
        return bool(answer.Data == content(f"{number}", 30_000))

    handlers: dict[str, Handler] = {"StatFile": wait, "ReadFile": echoed}
    with (
        serving(handlers) as (_, channel),
        ThreadPoolExecutor(4) as late,
        ThreadPoolExecutor(4) as pool,
    ):
        tasks = [late.submit(stat, channel, number) for number in range(40)]
        assert list(pool.map(partial(read, channel), range(200))) == [True] * 200
        for task in tasks:
            task.result()
        assert ended == {f"{DEADLINE_EXCEEDED}": 40}
        # At least one had reached a thread of the server; what comes later has no callback to call.
        assert given_up.acquire(timeout=PATIENCE)


def test_a_server_that_stops_under_load() -> None:
    """Every call has an end: its answer, or an error that can be shown."""
    answered = threading.Semaphore(0)

    def read(channel: Http2Channel, number: int) -> str:
        request = gw.ReadFileRequest(FilePath=f"{number}", Range=gw.FileRange(Length=50_000))
        try:
            answer = channel.begin("ReadFile", request, gw.ReadFileResponse, PATIENCE)()
        except GatewayError as error:
            return str(error)
        assert answer.Data == content(f"{number}", 50_000)
        answered.release()
        return ""

    with serving({"ReadFile": echoed}) as (server, channel), ThreadPoolExecutor(8) as pool:
        results = pool.map(partial(read, channel), range(400))
        for _ in range(20):
            assert answered.acquire(timeout=PATIENCE)
        server.stop(None).wait()
        said = list(results)
    assert said.count("") >= 20
    assert said[-1]
    assert not any("could not be read" in each for each in said)
