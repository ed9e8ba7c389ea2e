"""The network of a guest at a tap device, which is in a namespace of its own.

urunc gives every guest a tap device. Solo5's tenders have no other network; QEMU has its user
network, which loses connections where many come at once. Here the device is in a network namespace
that lasts as long as the guest, so guests do not meet and nothing of it is left. Ports of this
machine are carried into it by this process, as docker-proxy does. Namespaces belong to threads and
a socket stays in the one that it was made in (network_namespaces(7)): one thread enters the new
one, starts the monitor there and makes the sockets that reach the guest.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from frameworks.runtime.machine import Forward, NotBootable

_CLONE_NEWNET = 0x40000000
_CHUNK = 1 << 16
_UDP_PATIENCE = 60
"""How many seconds an answer is waited for that a datagram may have."""

_QUEUE = 4096
"""How many connections may wait to be accepted; a burst is not to fill it (listen(2))."""

_PAUSE = 0.05
"""How many seconds nothing is accepted where this process can have no more files."""

Result = TypeVar("Result")


class NotInstalled(Exception):
    """A program that this machine lacks; the message says which package has it."""


class Namespace:
    """A network namespace, in which `call` runs what it is given."""

    def __init__(self) -> None:
        """Raises OSError where this process may not make one."""
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True, name="namespace")
        self._thread.start()
        try:
            self.call(_unshare)
        except OSError:
            self.close()
            raise

    def call(self, task: Callable[[], Result]) -> Result:
        """What `task` returns, or raises, in the namespace; what it starts stays there."""
        future: Future[Result] = Future()

        def run() -> None:
            try:
                future.set_result(task())
            except BaseException as error:  # it is raised where the result is asked for
                future.set_exception(error)

        self._tasks.put(run)
        return future.result()

    def close(self) -> None:
        """Leave it. It ends with the last process and the last socket in it."""
        self._tasks.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()


def _unshare() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(f"cannot make the guest's network: {os.strerror(number)}")


@dataclass(frozen=True, slots=True)
class Network:
    """A network to make: a tap device called `tap`, this side of which has the address `gateway`.

    The guest's is `address`, to which `forwards` lead.
    """

    tap: str
    gateway: str
    address: str
    forwards: tuple[Forward, ...] = ()

    @contextlib.contextmanager
    def made(self) -> Iterator[Namespace]:
        """The namespace that it is in, as long as the block lasts.

        Raises NotBootable without root, and OSError where a port is taken or it cannot be made.
        """
        if os.geteuid() != 0:
            raise NotBootable("to give a guest a tap device, this must run as root")
        with contextlib.ExitStack() as undo:
            listeners = [(each, undo.enter_context(_listener(each))) for each in self.forwards]
            namespace = Namespace()
            undo.callback(namespace.close)
            namespace.call(self._make)
            for each, listener in listeners:
                carry = _carry_datagrams if each.protocol == "udp" else _carry_connections
                words = (listener, namespace, (self.address, each.guest))
                thread = threading.Thread(target=carry, args=words, daemon=True)
                thread.start()
                undo.callback(_end, listener, thread)
            yield namespace

    def _make(self) -> None:
        _ip("link", "set", "lo", "up")
        _ip("tuntap", "add", "dev", self.tap, "mode", "tap")
        _ip("addr", "add", f"{self.gateway}/24", "dev", self.tap)
        _ip("link", "set", self.tap, "up")


def _ip(*words: str) -> None:
    try:
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NotInstalled("ip is not installed: apt-get install iproute2") from None
    if done.returncode != 0:
        raise OSError(f"cannot make the guest's network: {done.stderr.strip()}")


def _listener(forward: Forward) -> socket.socket:
    """The socket at this machine's end of a forward, which closes with its `with` block.

    Raises OSError where the port is taken.
    """
    kind = socket.SOCK_DGRAM if forward.protocol == "udp" else socket.SOCK_STREAM
    made = socket.socket(socket.AF_INET, kind)
    try:
        if kind == socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((forward.address, forward.host))
        if kind == socket.SOCK_STREAM:
            made.listen(_QUEUE)
    except OSError as error:
        made.close()
        where = f"{forward.address}:{forward.host}"
        raise OSError(f"cannot forward {where} to the guest: {error.strerror}") from error
    return made


def _end(listener: socket.socket, thread: threading.Thread) -> None:
    """Wake the thread that waits at a listener: its port is free when nobody does."""
    with contextlib.suppress(OSError):  # of one that has no connection it says so, and wakes
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def _there(namespace: Namespace, kind: socket.SocketKind, to: tuple[str, int]) -> socket.socket:
    """A socket in the namespace that is connected to the guest. Raises OSError."""
    made = namespace.call(lambda: socket.socket(socket.AF_INET, kind))
    try:
        made.connect(to)
    except OSError:
        made.close()
        raise
    return made


def _carry_connections(listener: socket.socket, namespace: Namespace, to: tuple[str, int]) -> None:
    """Connect what connects to `listener` to the guest. What the guest refuses is closed."""
    stream = socket.SOCK_STREAM

    def serve(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), _there(namespace, stream, to) as guest:
            back = threading.Thread(target=_carry, args=(guest, client), daemon=True)
            back.start()
            _carry(client, guest)
            back.join()

    while True:
        try:
            client, _ = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ECONNABORTED):
                return  # it was told to end
            time.sleep(_PAUSE)
        else:
            threading.Thread(target=serve, args=(client,), daemon=True).start()


def _carry(source: socket.socket, to: socket.socket) -> None:
    """Carry bytes until their end, and pass on the end."""
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK):
            to.sendall(data)
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_WR)


def _carry_datagrams(listener: socket.socket, namespace: Namespace, to: tuple[str, int]) -> None:
    """Send each client's datagrams to the guest from a socket of its own, by which it answers."""
    clients: dict[tuple[str, int], socket.socket] = {}

    def answer(client: tuple[str, int], guest: socket.socket) -> None:
        with guest, contextlib.suppress(OSError):
            while True:
                listener.sendto(guest.recv(_CHUNK), client)
        clients.pop(client, None)

    with contextlib.suppress(OSError):
        while True:
            data, client = listener.recvfrom(_CHUNK)
            if client is None:
                return  # it was told to end
            with contextlib.suppress(OSError):  # a guest that nobody listens in refuses it
                guest = clients.get(client)
                if guest is None:
                    guest = _there(namespace, socket.SOCK_DGRAM, to)
                    guest.settimeout(_UDP_PATIENCE)
                    clients[client] = guest
                    threading.Thread(target=answer, args=(client, guest), daemon=True).start()
                guest.send(data)
