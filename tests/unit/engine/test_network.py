"""The rules of a daemon's bridge, and its resolver."""

from __future__ import annotations

from pathlib import Path

from engine import network
from engine.layout import (
    DEFAULT,
    DEFAULT_STATE,
    Layout,
)


def test_rules_name_the_bridge_and_nothing_of_docker() -> None:
    place = Layout(Path(DEFAULT_STATE)).place(DEFAULT)
    rules = network.rules(place)
    assert [(table, chain) for table, chain, _ in rules] == [
        ("nat", "POSTROUTING"),
        ("filter", "FORWARD"),
        ("filter", "FORWARD"),
    ]
    assert all(place.bridge in arguments for _, _, arguments in rules)


def test_resolver_skips_servers_on_loopback(tmp_path: Path) -> None:
    stub, real = tmp_path / "stub", tmp_path / "real"
    stub.write_text("nameserver 127.0.0.53\noptions edns0\n")
    real.write_text("# servers\nnameserver 192.0.2.1\n")
    assert network.resolver((stub, real)) == real.read_text()
    assert network.resolver((real, stub)) == real.read_text()
    assert network.resolver((stub, tmp_path / "missing")) == stub.read_text()
