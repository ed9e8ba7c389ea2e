"""Images and kernels that want a say in what is built of them, through a real BuildKit."""

from __future__ import annotations

import hashlib
import json
import struct
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.integration.harness import Builder
from tests.unit.frameworks.test_kernelfile import elf64, manifest, note

pytestmark = pytest.mark.integration

PREFIX = "com.urunc.unikernel."
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
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


def push(registry: str, config: dict[str, Any]) -> str:
    """An image without layers, with a config that no builder makes; returns its name."""
    base = f"http://{registry}/v2/hutch-test/hostile"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def send(method: str, url: str, data: bytes, kind: str) -> str:
        request = urllib.request.Request(url, data, {"Content-Type": kind}, method=method)
        with opener.open(request) as answer:
            return str(answer.headers.get("Location", ""))

    data = json.dumps(config).encode()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    where = send("POST", f"{base}/blobs/uploads/", b"", "text/plain")
    mark = "&" if "?" in where else "?"
    send("PUT", f"{where}{mark}digest={digest}", data, "application/octet-stream")
    described = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest}
    image = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}
    image["config"] = {**described, "size": len(data)}
    send("PUT", f"{base}/manifests/1", json.dumps(image).encode(), MANIFEST)
    return f"{registry}/hutch-test/hostile:1"


@pytest.mark.parametrize("kind", ["raw", "initrd"])
def test_a_base_overrides_nothing(builder: Builder, project: Path, kind: str) -> None:
    """Docker reads keys in any case: what the image says is what the file says."""
    (project / "kernel").write_bytes(elf64())
    (project / "file").write_text("file\n")
    rootfs = {"type": "layers", "diff_ids": []}
    config = {"os": "linux", "architecture": "amd64", "rootfs": rootfs, "config": EVIL}
    base = push(builder.registry, {**config, "CONFIG": {"USER": "0", "WorkingDIR": "/evil"}})
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
