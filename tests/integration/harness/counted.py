"""A registry under another name, and the bytes that go to it and come from it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class Counted:
    """`name` is HOST:PORT; `sent` and `received` are bytes since the last `reset`."""

    def __init__(self, registry: str, server: socket.socket) -> None:
        host, _, port = registry.partition(":")
        self._registry = (host, int(port))
        self._server = server
        self._lock = threading.Lock()
        self.name = f"localhost:{server.getsockname()[1]}"
        self.sent = self.received = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """Count from here on."""
        with self._lock:
            self.sent = self.received = 0

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the server is closed
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._registry) as registry:
            there = threading.Thread(
                target=self._carry, args=(client, registry, "sent"), daemon=True
            )
            there.start()
            self._carry(registry, client, "received")
            there.join()

    def _carry(self, source: socket.socket, to: socket.socket, what: str) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                with self._lock:
                    setattr(self, what, getattr(self, what) + len(data))
                to.sendall(data)
        with contextlib.suppress(OSError):
            to.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def counted(registry: str) -> Iterator[Counted]:
    """`registry`, which speaks plain HTTP, by a port of its own, till the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Counted(registry, server)
