"""Where the files of a guest go before it is booted."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from engine import boot
from engine.guests import Contract
from frontend.layers import Tree

KEYS = {"binary": "/k", "block": "/b", "blkMntPoint": "/", "hypervisor": "qemu"}


class Files:
    """An image's tree, of which only `save` is asked."""

    def save(self, path: str, to: str) -> None:
        Path(to).write_text(path)


@pytest.mark.parametrize("type", ["freebsd", "netbsd"])
@pytest.mark.parametrize("network", [True, False])
def test_the_bsds_read_their_configuration_from_a_disk(
    tmp_path: Path, type: str, network: bool
) -> None:
    """In whole sectors: Firecracker hides what is beyond them (urunc.md 2.3)."""
    said = Contract({**KEYS, "unikernelType": type}, ("/urunit", "/app"), ("A=b",))
    files = boot.place(said, cast(Tree, Files()), tmp_path, network=network)
    assert files.config is not None
    data = Path(files.config).read_bytes()
    assert data.startswith(b"UES\nA=b\nUEE\n")
    assert len(data) % 512 == 0
    assert (b"UNS\nIP:" in data) == network
