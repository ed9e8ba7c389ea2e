from __future__ import annotations

import os
import socket
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
