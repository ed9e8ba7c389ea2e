"""A Docker's BuildKit at an address of its own, for `docker buildx create --driver remote`.

Docker speaks BuildKit's own protocol after an upgrade of HTTP (`POST /grpc`, moby's
daemon/server/router/grpc), which `docker buildx` asks of a Docker alone. Here it is asked for each
connection to a port, so that what connects meets what a buildkitd offers: no word of the protocol
is ours.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.integration.harness.builder import Builder, Done

_UPGRADE = (
    b"POST /grpc HTTP/1.1\r\nHost: docker\r\n"
    b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n"
)


@contextlib.contextmanager
def address(environ: Mapping[str, str]) -> Iterator[str]:
    """`tcp://...` of the BuildKit in the Docker that `environ` names, till the block ends."""
    docker = environ["DOCKER_HOST"].removeprefix("unix://")
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, docker), daemon=True).start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


def _accept(server: socket.socket, docker: str) -> None:
    with contextlib.suppress(OSError):  # the server is closed
        while True:
            client, _ = server.accept()
            threading.Thread(target=_serve, args=(client, docker), daemon=True).start()


def _serve(client: socket.socket, docker: str) -> None:
    with client, socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect(docker)
        daemon.sendall(_UPGRADE)
        head = b""
        while not head.endswith(b"\r\n\r\n"):  # what follows is the protocol's
            if not (byte := daemon.recv(1)):
                return
            head += byte
        there = threading.Thread(target=_carry, args=(client, daemon), daemon=True)
        there.start()
        _carry(daemon, client)
        there.join()


def _carry(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            to.sendall(data)
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True)
class Remotes:
    """Remote builders of buildx by their names, in a list of their own, `config`."""

    builder: Builder
    config: Path

    def create(self, name: str, *nodes: tuple[str, str]) -> None:
        """Make a builder of nodes: the address of each, and the platform that it builds for."""
        for number, (where, platform) in enumerate(nodes):
            more = ("--append",) if number else ()
            words = ("--name", name, *more, "--driver", "remote", "--platform", platform, where)
            self.run("create", *words).ok()

    def run(self, *words: str) -> Done:
        """`docker buildx` with these builders."""
        env = {"BUILDX_CONFIG": str(self.config)}
        return self.builder.docker("buildx", *words, env=env)
