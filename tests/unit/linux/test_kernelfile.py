"""Kernel files by their bytes, and who can boot them."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest

from frameworks.kernelfile import KernelFile, complaint, identify, main


def note(name: bytes, kind: int, content: bytes) -> bytes:
    head = struct.pack("<III", len(name), len(content), kind)
    return head + b"".join(part + bytes(-len(part) % 4) for part in (name, content))


def elf64(notes: bytes = b"", machine: int = 62) -> bytes:
    header = b"\x7fELF\2\1\1" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 0, 0, 4096)
    segment = struct.pack("<IIQQQQQQ", 4, 4, 176, 0, 0, len(notes), len(notes), 4)
    return header + load + segment + notes


def elf32(multiboot: bool) -> bytes:
    header = b"\x7fELF\1\1\1" + bytes(9)
    header += struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, 0, 52, 0, 0, 52, 32, 0, 0, 0, 0)
    magic = struct.pack("<III", 0x1BADB002, 3, 0x100000000 - 0x1BADB002 - 3)
    return header + bytes(12) + (magic if multiboot else bytes(12))


def bzimage(flags: int = 1) -> bytes:
    data = bytearray(0x300)
    data[0x1FE:0x200] = b"\x55\xaa"
    data[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", data, 0x236, flags)
    return bytes(data)


XEN = note(b"Xen\0", 6, b"linux\0") + note(b"Xen\0", 18, struct.pack("<Q", 0x1000000))
IMAGE = bytes(56) + b"ARM\x64" + bytes(4)


def solo5(target: int) -> bytes:
    return elf64(note(b"Solo5\0", 0x31494241, struct.pack("<II", target, 2)))


@pytest.mark.parametrize(
    ("data", "kernel"),
    [
        (bzimage(), KernelFile("bzimage", "amd64")),
        (bzimage(0), KernelFile("bzimage", "386")),
        (elf64(), KernelFile("elf", "amd64")),
        (elf64(XEN), KernelFile("elf", "amd64", pvh=True)),
        (elf64(machine=183), KernelFile("elf", "arm64")),
        (elf32(multiboot=True), KernelFile("elf", "386", multiboot=True)),
        (elf32(multiboot=False), KernelFile("elf", "386")),
        (solo5(1), KernelFile("elf", "amd64", solo5="hvt")),
        (solo5(2), KernelFile("elf", "amd64", solo5="spt")),
        (IMAGE, KernelFile("arm64-image", "arm64")),
        (b"\x1f\x8b\x08" + bytes(100), KernelFile("gzip")),
        (b"#!/bin/sh\n", KernelFile("unknown")),
        (b"", KernelFile("unknown")),
        (elf64(XEN)[:100], KernelFile("unknown")),
        (elf64()[:20], KernelFile("unknown")),
    ],
)
def test_identify(data: bytes, kernel: KernelFile) -> None:
    assert identify(io.BytesIO(data)) == kernel


BZIMAGE, PLAIN, PVH, ARM = (
    identify(io.BytesIO(data)) for data in (bzimage(), elf64(), elf64(XEN), IMAGE)
)
MULTIBOOT, HVT, VIRTIO = (
    identify(io.BytesIO(data)) for data in (elf32(multiboot=True), solo5(1), solo5(3))
)


@pytest.mark.parametrize(
    ("kernel", "monitor", "architecture", "boots"),
    [
        (BZIMAGE, "qemu", "amd64", True),
        (BZIMAGE, "cloud-hypervisor", "amd64", True),
        (BZIMAGE, "firecracker", "amd64", False),
        (BZIMAGE, "qemu", "arm64", False),
        (PVH, "qemu", "amd64", True),
        (PVH, "firecracker", "amd64", True),
        (PVH, "cloud-hypervisor", "amd64", True),
        (PLAIN, "qemu", "amd64", False),
        (PLAIN, "cloud-hypervisor", "amd64", False),
        (PLAIN, "firecracker", "amd64", True),
        (MULTIBOOT, "qemu", "amd64", True),
        (MULTIBOOT, "firecracker", "amd64", False),
        (ARM, "qemu", "arm64", True),
        (ARM, "firecracker", "arm64", True),
        (ARM, "qemu", "amd64", False),
        (KernelFile("gzip"), "qemu", "arm64", True),
        (KernelFile("gzip"), "firecracker", "arm64", False),
        (HVT, "hvt", "amd64", True),
        (HVT, "spt", "amd64", False),
        (HVT, "qemu", "amd64", False),
        (PVH, "hvt", "amd64", False),
        (VIRTIO, "hvt", "amd64", False),
        (KernelFile("unknown"), "qemu", "amd64", False),
        (PLAIN, "some-new-monitor", "amd64", True),
    ],
)
def test_who_boots_what(kernel: KernelFile, monitor: str, architecture: str, boots: bool) -> None:
    wrong = complaint(kernel, monitor, architecture)
    assert (wrong == "") == boots, wrong


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "kernel"
    path.write_bytes(bzimage())
    assert main(["qemu", "amd64", str(path)]) == 0
    assert main(["firecracker", "amd64", str(path)]) == 1
    assert capsys.readouterr().err == (
        "hutch: firecracker cannot boot this kernel: it is a Linux bzImage for amd64, and "
        "firecracker boots only an uncompressed 64-bit ELF (vmlinux)\n"
    )
