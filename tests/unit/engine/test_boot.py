"""Where the files of a guest go before it is booted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from engine import boot
from engine.guests import Contract, Machine
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
    files = boot.place(said, cast(Tree, Files()), tmp_path, Machine(network=network))
    assert files.config is not None
    data = Path(files.config).read_bytes()
    assert data.startswith(b"UES\nA=b\nUEE\n")
    assert len(data) % 512 == 0
    assert (b"UNS\nIP:" in data) == network


def test_a_newer_urunc_ends_records_with_a_nul(tmp_path: Path) -> None:
    keys = {**KEYS, "unikernelType": "freebsd"}
    said = Contract(keys, ("/urunit", "/app"), ("A=b\nc",))
    files = boot.place(said, cast(Tree, Files()), tmp_path, Machine(newer=True))
    assert files.config is not None
    data = Path(files.config).read_bytes()
    assert data.startswith(b"URUNIT1\0UES\0A=b\nc\0UEE\0")
    assert data.rstrip(b"\0").endswith(b"UBE")
    assert len(data) % 512 == 0


def test_firecracker_reads_a_file_of_its_own(tmp_path: Path) -> None:
    keys = {**KEYS, "unikernelType": "linux", "hypervisor": "firecracker"}
    said = Contract(keys, ("/urunit", "/app"))
    files = boot.place(said, cast(Tree, Files()), tmp_path, Machine())
    config = json.loads(Path(files.monitor).read_text())
    assert config["boot-source"]["initrd_path"] == files.config
    assert Path(config["boot-source"]["kernel_image_path"]).read_text() == "/k"
