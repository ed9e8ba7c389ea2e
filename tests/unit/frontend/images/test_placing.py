"""Where the files of a guest go before it is booted, whose they are, and who may open them."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from frameworks.runtime.machine import Contract, Machine
from frameworks.runtime.urunc.versions import NEXT
from frontend.images.placing import place
from tests.unit.core.imagefiles import tree

KEYS = {"binary": "/k", "block": "/b", "blkMntPoint": "/", "hypervisor": "qemu"}

SMALL = (("/k", 0o644, 0, 0, b"kernel"), ("/b", 0o644, 0, 0, b"disk"), ("/i", 0o644, 0, 0, b"cpio"))


@pytest.mark.parametrize("type", ["freebsd", "netbsd"])
@pytest.mark.parametrize("network", [True, False])
def test_the_bsds_read_their_configuration_from_a_disk(
    tmp_path: Path, type: str, network: bool
) -> None:
    """In whole sectors: Firecracker hides what is beyond them (docs/contract/urunc.md 2.3)."""
    said = Contract({**KEYS, "unikernelType": type}, ("/urunit", "/app"), ("A=b",))
    files = place(said, tree(*SMALL), tmp_path, Machine(network=network))
    assert files.config is not None
    data = Path(files.config).read_bytes().replace(b"\0", b"\n")
    assert b"UES\nA=b\nUEE\n" in data
    assert len(data) % 512 == 0
    assert (b"UNS\nIP:10." in data) == network


def test_a_newer_urunc_ends_records_with_a_nul(tmp_path: Path) -> None:
    keys = {**KEYS, "unikernelType": "freebsd"}
    said = Contract(keys, ("/urunit", "/app"), ("A=b\nc",))
    files = place(said, tree(*SMALL), tmp_path, Machine(version=NEXT.name))
    assert files.config is not None
    data = Path(files.config).read_bytes()
    assert data.startswith(b"URUNIT1\0UES\0A=b\nc\0UEE\0")
    assert data.rstrip(b"\0").endswith(b"UNE")
    assert len(data) % 512 == 0


def test_firecracker_reads_a_file_of_its_own(tmp_path: Path) -> None:
    keys = {**KEYS, "unikernelType": "linux", "hypervisor": "firecracker"}
    said = Contract(keys, ("/urunit", "/app"))
    files = place(said, tree(*SMALL), tmp_path, Machine())
    config = json.loads(Path(files.monitor).read_text())
    assert config["boot-source"]["initrd_path"] == files.config
    assert Path(config["boot-source"]["kernel_image_path"]).read_bytes() == b"kernel"


def test_files_are_the_images_own(tmp_path: Path) -> None:
    """At their paths, with their modes and, as root, their owners; so are their directories."""
    found = tree(
        ("/.boot", 0o750, 5, 6, None),
        ("/.boot/k", 0o600, 7, 8, b"kernel"),
        ("/x/y/b", 0o640, 0, 0, b"disk"),
    )
    keys = {**KEYS, "unikernelType": "linux", "binary": "/.boot/k", "block": "/x/y/b"}
    files = place(Contract(keys, ("/init",)), found, tmp_path, Machine())
    kernel, disk = Path(files.kernel), Path(files.block or "")
    assert kernel == tmp_path / "root/.boot/k"
    modes = [stat.S_IMODE(p.stat().st_mode) for p in (kernel, kernel.parent, disk, disk.parent)]
    assert modes == [0o600, 0o750, 0o640, 0o755]
    if os.geteuid() == 0:
        owners = [(p.stat().st_uid, p.stat().st_gid) for p in (kernel, kernel.parent, disk)]
        assert owners == [(7, 8), (5, 6), (0, 0)]


def test_what_urunc_writes_is_open(tmp_path: Path) -> None:
    """The configuration as an initrd is in the monitor's root, the shared tree is the image's."""
    found = tree(*SMALL, ("/secret", 0o600, 0, 0, b"x"))
    keys = {"unikernelType": "linux", "hypervisor": "qemu", "binary": "/k", "mountRootfs": "true"}
    files = place(Contract(keys, ("/urunit",)), found, tmp_path, Machine())
    assert files.share is not None
    assert sorted(os.listdir(files.share)) == ["b", "i", "k", "secret"]
    assert files.config is not None
    assert stat.S_IMODE(os.stat(files.config).st_mode) == 0o644


@pytest.mark.parametrize("name", ["0.6.0", "0.7.0"])
def test_an_initrd_gets_the_configuration_where_urunc_has_one(tmp_path: Path, name: str) -> None:
    keys = {"unikernelType": "linux", "hypervisor": "qemu", "binary": "/k", "initrd": "/i"}
    machine = Machine(version=name)
    files = place(Contract(keys, ("/urunit",)), tree(*SMALL), tmp_path, machine)
    data = Path(files.initrd or "").read_bytes()
    assert data.startswith(b"cpio")
    assert (b"UES\n" in data) == (name == "0.7.0")
