"""Real kernels and a real program to put into images, and what that program prints."""

from __future__ import annotations

import http.client
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from frameworks.runtime.machine import MASK, Forward, Machine, Volume
from frontend.images import boot, tap
from frontend.images.volumes import Binding
from tests.integration.harness import load


@dataclass(frozen=True, slots=True)
class Guests:
    """Real kernels and a real program to put into images.

    `debian` is Debian's cloud kernel, which boots an initrd only; `kernel` is hutch's default, with
    every root filesystem's driver built in; `hello` prints what it was given and ends the machine.
    """

    debian: Path
    hello: Path
    kernel: Path


def printed(output: str) -> list[str]:
    """The lines that `hello` printed, without the kernel's."""
    return [
        line for line in output.splitlines() if re.match(r"(argument \d+|environment|uid): ", line)
    ]


def no_tap() -> str:
    """Why a guest can have no tap device here, "" where it can."""
    if os.geteuid() != 0:
        return "only root makes a tap device"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
        tap.Namespace().close()
    except OSError as error:
        return f"no tap device can be made here: {error}"
    return ""


@contextmanager
def _started(
    ref: str,
    port: int,
    mask: str,
    volumes: tuple[Volume, ...],
    mounts: tuple[Binding, ...] = (),
    *,
    at_tap: bool = False,
) -> Iterator[tuple[boot.Guest, int]]:
    """A guest, and the port of this machine that leads to its `port`."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        host = listener.getsockname()[1]
    machine = Machine(
        network=True,
        tap=at_tap,
        forwards=(Forward(host, port),),
        memory=512,
        mask=mask,
        volumes=volumes,
    )
    with boot.running(ref, machine=machine, mounts=mounts) as guest:
        yield guest, host


@contextmanager
def served(
    ref: str,
    port: int,
    mask: str = MASK,
    volumes: tuple[Volume, ...] = (),
    mounts: tuple[Binding, ...] = (),
) -> Iterator[Callable[[bytes], bytes]]:
    """A guest whose `port` answers; what it yields sends a request and returns all that comes.

    `mounts` are as `hutch run -v` takes them.
    """
    with _started(ref, port, mask, volumes, mounts) as (guest, host):

        def ask(request: bytes) -> bytes:
            deadline = time.monotonic() + 120
            while True:
                # QEMU accepts before the guest listens, and then closes.
                answer = b""
                try:
                    with socket.create_connection(("127.0.0.1", host), timeout=5) as connection:
                        # Half-closed, QEMU's user network drops the answer: silence is its end.
                        connection.sendall(request)
                        while piece := connection.recv(65536):
                            answer += piece
                except OSError:
                    pass
                if answer:
                    return answer
                assert not guest.ended, guest.output
                assert time.monotonic() < deadline, guest.output
                time.sleep(0.5)

        yield ask


@contextmanager
def listening(ref: str, port: int, volumes: tuple[Volume, ...] = ()) -> Iterator[str]:
    """A guest with a web server at `port`: HOST:PORT, where it answers by now.

    It is at a tap device, for it is to be asked many things at once: QEMU's user network waits for
    connections with a queue of one, and loses some before the guest sees them. Skips the test where
    there can be none.
    """
    if reason := no_tap():
        pytest.skip(reason)
    with _started(ref, port, MASK, volumes, at_tap=True) as (guest, host):
        where = f"127.0.0.1:{host}"
        deadline = time.monotonic() + 120
        while True:
            try:
                load.ask(where, "/")
            except (OSError, http.client.HTTPException):
                assert not guest.ended, guest.output
                assert time.monotonic() < deadline, guest.output
                time.sleep(0.5)
            else:
                break
        yield where
        assert not guest.ended, guest.output
