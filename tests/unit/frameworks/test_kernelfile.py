"""Kernel files by their bytes, and who can boot them."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest

from frameworks.kernelfile import Device, KernelFile, complaint, identify
from frameworks.runtime.monitors import UnknownMonitor
from frameworks.steps.kernelfile import main


def note(name: bytes, kind: int, content: bytes) -> bytes:
    head = struct.pack("<III", len(name), len(content), kind)
    return head + b"".join(part + bytes(-len(part) % 4) for part in (name, content))


Segment = tuple[int, int, int]
"""A loaded segment: its address, and its sizes in the file and beyond that."""


def elf64(notes: bytes = b"", machine: int = 62, *segments: Segment) -> bytes:
    header = b"\x7fELF\2\1\1" + bytes(9)
    segments = segments or ((0, 0, 0),)
    count = len(segments) + 1
    header += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)
    loads = b"".join(
        struct.pack("<IIQQQQQQ", 1, 5, 0, at, at, of_file, of_file + more, 4096)
        for at, of_file, more in segments
    )
    size = len(notes)
    noted = struct.pack("<IIQQQQQQ", 4, 4, 64 + 56 * count, 0, 0, size, size, 4)
    return header + loads + noted + notes


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


def solo5(target: int, *segments: Segment) -> bytes:
    return elf64(note(b"Solo5\0", 0x31494241, struct.pack("<II", target, 2)), 62, *segments)


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


@pytest.mark.parametrize(
    ("segments", "overlap"),
    [
        ([(0x100000, 0x1000, 0), (0x101000, 1, 0)], False),
        ([(0x100000, 0xF01, 0), (0x101F00, 1, 0)], False),
        ([(0x100000, 0x1001, 0), (0x101000, 1, 0)], True),
        ([(0x100000, 1, 0x1000), (0x101000, 1, 0)], True),
        ([(0x100000, 1, 0), (0x100800, 1, 0)], True),
        # What has nothing in the file is no matter of the tender's.
        ([(0x100000, 1, 0), (0, 0, 0), (0x100800, 0, 9), (0x101000, 1, 0)], False),
    ],
)
def test_segments_that_solo5_loads(segments: list[Segment], overlap: bool) -> None:
    for target, refuses in ((1, True), (2, True), (3, False)):
        kernel = identify(io.BytesIO(solo5(target, *segments)))
        assert kernel.overlapping == (overlap and refuses)
    hvt = identify(io.BytesIO(solo5(1, *segments)))
    assert ("in a page of the one before" in complaint(hvt, "hvt", "amd64")) == overlap


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
        (PLAIN, "hyperlight-unikraft", "amd64", True),
        (PLAIN, "hyperlight-unikraft", "arm64", False),
    ],
)
def test_who_boots_what(kernel: KernelFile, monitor: str, architecture: str, boots: bool) -> None:
    wrong = complaint(kernel, monitor, architecture)
    assert (wrong == "") == boots, wrong


def test_an_unknown_monitor_is_an_error() -> None:
    with pytest.raises(UnknownMonitor, match="there is no monitor 'qemuu'; there are: qemu, "):
        complaint(PLAIN, "qemuu", "amd64")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "kernel"
    path.write_bytes(bzimage())
    assert main(["qemu", "amd64", str(path)]) == 0
    assert main(["firecracker", "amd64", str(path)]) == 1
    assert capsys.readouterr().err == (
        "hutch: firecracker cannot boot this kernel: it is a Linux bzImage for amd64, and "
        "firecracker boots only an uncompressed 64-bit ELF (vmlinux)\n"
    )


def manifest(*devices: tuple[str, int], version: int = 1, first: int = 1 << 30) -> bytes:
    entry = struct.Struct("<68sI28x4x")
    entries = [entry.pack(b"", first), *(entry.pack(n.encode(), kind) for n, kind in devices)]
    return note(
        b"Solo5\0", 0x3154464D, struct.pack("<4xII", version, len(entries)) + b"".join(entries)
    )


def devices(*notes: bytes) -> tuple[Device, ...] | None:
    return identify(io.BytesIO(elf64(b"".join(notes)))).devices


def test_a_manifest() -> None:
    abi = note(b"Solo5\0", 0x31494241, struct.pack("<II", 1, 2))
    assert devices(abi) is None
    assert devices(abi, manifest()) == ()
    found = devices(abi, manifest(("service0", 2), ("storage", 1), ("odd", 7)))
    assert found == (
        Device("net", "service0"),
        Device("block", "storage"),
        Device("of type 7", "odd"),
    )


@pytest.mark.parametrize(
    "broken",
    [
        manifest(version=2),
        manifest(first=2),
        manifest(("x" * 68, 2)),
        manifest(("a", 2), ("", 1 << 30)),
        manifest(*[("a", 2)] * 64),
        manifest(("a", 2))[:-8],
        note(b"Solo5\0", 0x3154464D, b""),
    ],
)
def test_a_broken_manifest(broken: bytes) -> None:
    """The tender refuses these as well."""
    assert identify(io.BytesIO(elf64(broken))).format == "unknown"


class Counted(io.BytesIO):
    """Counts what is asked of it: over the gateway every read is a call."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.reads: list[int] = []

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0
        self.reads.append(size)
        return super().read(size)


def elf_with(count: int, header: bytes, size: int = 56, offset: int = 64) -> bytes:
    start = b"\x7fELF\2\1\1" + bytes(9)
    start += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, offset, 0, 0, 64, size, count, 0, 0, 0)
    return start + header * count


NOTE = struct.pack("<IIQQQQQQ", 4, 4, 64, 0, 0, 1 << 40, 1 << 40, 4)
LOAD = struct.pack("<IIQQQQQQ", 1, 4, 64, 0, 0, 1 << 40, 1 << 40, 4)


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (elf_with(65535, LOAD), "unknown"),
        (elf_with(1024, LOAD), "elf"),
        (elf_with(65535, NOTE), "unknown"),
        (elf_with(1000, NOTE), "unknown"),
        (elf_with(16, NOTE), "elf"),
        (elf_with(2, LOAD, size=65535), "unknown"),
        (elf_with(2, LOAD, size=0), "unknown"),
        (elf_with(1, LOAD, offset=1 << 63), "unknown"),
        (elf_with(1, LOAD, offset=(1 << 64) - 1), "unknown"),
        (elf_with(1, struct.pack("<IIQQQQQQ", 4, 4, 1 << 63, 0, 0, 9, 9, 4)), "unknown"),
        (elf_with(1, struct.pack("<IIQQQQQQ", 4, 4, (1 << 64) - 1, 0, 0, 9, 9, 4)), "unknown"),
    ],
)
def test_a_question_takes_few_reads(data: bytes, format: str) -> None:
    stream = Counted(data)
    assert identify(stream).format == format
    assert len(stream.reads) <= 18
    assert max(stream.reads) <= 1 << 16
