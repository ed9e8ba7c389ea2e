"""Images and kernels that want a say in what is built of them, through a real BuildKit."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from tests.integration.harness import Builder
from tests.integration.harness.images import push_config
from tests.unit.frameworks.test_kernelfile import elf64, manifest, note

pytestmark = pytest.mark.integration

PREFIX = "com.urunc.unikernel."
EVIL = {
    "user": "0",
    "cmd": ["/evil"],
    "entrypoint": ["/evil"],
    "onbuild": ["RUN evil"],
    "labels": {PREFIX + "binary": "/evil", PREFIX + "bootKernel": "/host", "kept": "1"},
}
FILE = """\
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: kernel}
rootfs: {from: BASE, type: TYPE, include: [file:/file]}
init: none
user: "1000"
entrypoint: [/bin/init]
cmd: [/bin/app]
workdir: /w
"""


@pytest.mark.parametrize("kind", ["raw", "initrd"])
def test_a_base_overrides_nothing(builder: Builder, project: Path, kind: str) -> None:
    """Docker reads keys in any case: what the image says is what the file says."""
    (project / "kernel").write_bytes(elf64())
    (project / "file").write_text("file\n")
    rootfs = {"type": "layers", "diff_ids": []}
    config = {"os": "linux", "architecture": "amd64", "rootfs": rootfs, "config": EVIL}
    base = f"{builder.registry}/hutch-test/hostile:1"
    push_config(base, {**config, "CONFIG": {"USER": "0", "WorkingDIR": "/evil"}})
    text = FILE.replace("BASE", base).replace("TYPE", kind)
    packed = builder.pack(project, text)
    said = packed.image.config
    assert b"evil" not in said
    folded = [key.lower() for key in json.loads(said)["config"]]
    assert len(set(folded)) == len(folded)
    process = packed.image.process
    assert (process["User"], process["Cmd"]) == ("1000", ["/bin/app"])
    assert process["Entrypoint"] == ["/bin/init"]
    assert packed.image.labels["kept"] == "1"


def test_the_name_of_a_kernels_network(builder: Builder, project: Path) -> None:
    """The tender refuses any other than the one in the kernel's manifest."""
    abi = note(b"Solo5\0", 0x31494241, struct.pack("<IIII", 1, 1, 0, 0))
    (project / "unikernel.hvt").write_bytes(elf64(abi + manifest(("service0", 2))))
    text = (
        "version: v1\nplatforms: {framework: mirage, monitor: hvt}\n"
        "kernel: {from: local, path: unikernel.hvt}\n"
    )
    assert builder.pack(project, text).keys["solo5NetDev"] == "service0"
