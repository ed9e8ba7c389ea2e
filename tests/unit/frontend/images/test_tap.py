from __future__ import annotations

import errno
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from frameworks.runtime.machine import Forward, NotBootable
from frontend.images import tap


def test_only_root_makes_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NotBootable, match="must run as root"), tap.Network("t", "g", "a").made():
        raise AssertionError("it was made")


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_port_that_is_taken(monkeypatch: pytest.MonkeyPatch, protocol: str) -> None:
    """Said before anything is made."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if protocol == "tcp":
            other.listen()
        port = other.getsockname()[1]
        forward = Forward(port, 80, protocol=protocol)
        told = rf"^cannot forward 127\.0\.0\.1:{port} to the guest: Address already in use$"
        with pytest.raises(OSError, match=told), tap.Network("t", "g", "a", (forward,)).made():
            raise AssertionError("it was made")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes namespaces")
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_ports_are_free_again(monkeypatch: pytest.MonkeyPatch, protocol: str) -> None:
    """When the guest has ended, whoever waited at them: the next one may have the same."""
    monkeypatch.setattr(tap, "_ip", lambda *words: None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    network = tap.Network("t", "g", "127.0.0.1", (Forward(port, 80, protocol=protocol),))
    for _ in range(20):
        try:
            with network.made():
                pass
            with network.made():
                time.sleep(0.01)  # till it waits
        except OSError as error:
            if "Operation not permitted" in str(error):
                pytest.skip(f"not in this container: {error}")
            raise


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes namespaces")
def test_more_connections_than_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who cannot be accepted now waits, and is accepted then."""
    monkeypatch.setattr(tap, "_ip", lambda *words: None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    refused = [errno.EMFILE, errno.ENFILE]
    accept = socket.socket.accept

    def accepted(listener: socket.socket) -> tuple[socket.socket, object]:
        if refused:
            raise OSError(refused.pop(), "too many")
        return accept(listener)

    monkeypatch.setattr(socket.socket, "accept", accepted)
    try:
        with (
            tap.Network("t", "g", "127.0.0.1", (Forward(port, 80),)).made() as namespace,
            namespace.call(socket.socket) as guest,
        ):
            namespace.call(lambda: subprocess.run(["ip", "link", "set", "lo", "up"], check=True))
            guest.bind(("127.0.0.1", 80))
            guest.listen()
            guest.settimeout(60)
            with socket.create_connection(("127.0.0.1", port), 60) as client:
                client.sendall(b"hello")
                with accept(guest)[0] as carried:
                    assert carried.recv(5) == b"hello"
    except OSError as error:
        if "Operation not permitted" in str(error):
            pytest.skip(f"not in this container: {error}")
        raise
    assert refused == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes namespaces")
def test_what_runs_in_a_namespace() -> None:
    """It is another than this one, it says what went wrong, and nothing of it is left here."""
    try:
        made = tap.Namespace()
    except OSError as error:
        pytest.skip(f"not in this container: {error}")
    ours = Path("/proc/thread-self/ns/net")
    before = ours.readlink()
    try:
        assert made.call(ours.readlink) != before
        with pytest.raises(ZeroDivisionError):
            made.call(lambda: 1 // 0)
        assert made.call(socket.if_nameindex) == [(1, "lo")]
    finally:
        made.close()
    assert ours.readlink() == before
