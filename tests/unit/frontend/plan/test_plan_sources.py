"""Where kernels and root filesystems come from: the context as a whole, and the web."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from frameworks.base import Plan
from frameworks.diagnostics import Problems, did_you_mean
from frontend import plan as plans
from frontend.inputs.kernel import check_architecture
from frontend.plan import HEAD
from llb.tree import render
from tests.unit.core.helpers import AMD64, Bytes, lower

V1 = "version: v1\nplatforms: {framework: FRAMEWORK, monitor: qemu}\n"
SHA = "1" * 64
URL = f"from: 'https://example.com/files/thing.img?x=1', sha256: '{SHA}'"


def text(rest: str, framework: str = "linux") -> str:
    return V1.replace("FRAMEWORK", framework) + rest + "cmd: [a]\n"


def test_the_whole_context_is_the_root() -> None:
    found = lower(text("rootfs: {from: local, type: initrd, include: ['a:/b']}\n"))
    shown = render(found.layers[-1].marshal(platform=AMD64))
    assert "local://context" in shown
    assert "docker-image://docker.io/library/local" not in shown
    assert "copy the build context" in shown


@pytest.mark.parametrize("path", ["", ", path: boot/vmlinuz"])
def test_a_kernel_by_url(path: str) -> None:
    """The file itself, or with a path one of the archive there; no more than its bytes count."""
    found = lower(text(f"kernel: {{{URL}{path}}}\n"))
    assert found.kernel is not None
    assert found.kernel.path == ("boot/vmlinuz" if path else "/thing.img")
    shown = render(found.kernel.state.marshal(platform=AMD64))
    assert "https://example.com/files/thing.img?x=1" in shown
    assert f"sha256:{SHA}" in shown
    assert ("unpack" in shown) is bool(path)


def test_a_root_by_url() -> None:
    found = lower(text(f"rootfs: {{{URL}, type: block}}\n"))
    assert found.rootfs.file is not None
    assert found.rootfs.file.path == "/thing.img"
    assert f"sha256:{SHA}" in render(found.rootfs.file.state.marshal(platform=AMD64))


def disk(at: int, magic: bytes) -> bytes:
    return b"\1" * at + magic + b"\1" * 4096


MBR = bytearray(disk(0x1FE, b"\x55\xaa"))
MBR[0x1BE:0x1FE] = b"\x80\0\0\0\x83" + bytes(11) + bytes(48)
CPIO, EXT4, TAR = b"070701" + b"0" * 200, disk(0x438, b"\x53\xef"), disk(257, b"ustar\0")


@pytest.mark.parametrize(
    ("type", "head", "says"),
    [
        ("", TAR, "a tar archive"),
        ("initrd", TAR, "a tar archive"),
        ("block", TAR, "a tar archive"),
        ("", gzip.compress(TAR, mtime=0), "a tar archive, compressed with gzip"),
        ("initrd", gzip.compress(TAR, mtime=0), "a tar archive, compressed with gzip"),
        ("initrd", b"PK\x03\x04", "a zip archive"),
        ("initrd", b"070707" + b"0" * 70, "a cpio archive of the old form"),
        ("initrd", EXT4, "a file system image, and 'type: initrd'"),
        ("", gzip.compress(EXT4, mtime=0), "a compressed file system image"),
        ("block", gzip.compress(EXT4, mtime=0), "compressed with gzip"),
        ("block", b"\x28\xb5\x2f\xfd" + b"0" * 70, "compressed with zstd"),
        ("block", CPIO, "a cpio archive, and 'type: block'"),
        ("block", b"QFI\xfb", "a qcow2 disk image"),
        ("block", disk(0x200, b"EFI PART"), "a disk with a partition table (GPT)"),
        ("block", bytes(MBR), "a disk with a partition table (MBR)"),
        ("block", bytes(HEAD), "nothing but zeros"),
        ("initrd", b"", "empty"),
        ("initrd", b"\x7fELF", "a program"),
    ],
)
def test_what_is_no_root(type: str, head: bytes, says: str) -> None:
    said = f", type: {type}" if type else ""
    plan = lower(text(f"rootfs: {{from: local, path: r{said}}}\n"), head=HEADS[type]).plan
    with pytest.raises(Problems) as raised:
        plans.with_rootfs_type(plan if type else _open(plan), head)
    (found,) = raised.value.diagnostics
    assert found.code == "unusable-rootfs-file"
    assert says in found.message
    assert found.hint
    assert found.at is not None
    assert found.at.start.line == 3


HEADS = {"": CPIO, "initrd": CPIO, "block": EXT4}


def _open(plan: Plan) -> Plan:
    return replace(plan, rootfs=replace(plan.rootfs, type=None))


@pytest.mark.parametrize(
    ("type", "head", "framework"),
    [
        ("initrd", CPIO, "linux"),
        ("initrd", gzip.compress(CPIO, mtime=0), "linux"),
        ("initrd", b"\xfd7zXZ\0" + b"0" * 70, "linux"),
        ("block", EXT4, "linux"),
        ("block", disk(0, b"hsqs"), "linux"),
        ("block", disk(0x52, b"FAT32   ").replace(b"\1\1", b"\x55\xaa"), "linux"),
        ("initrd", b"\x7fELF", "hermit"),
        ("block", bytes(HEAD), "generic"),
    ],
)
def test_what_may_be_one(type: str, head: bytes, framework: str) -> None:
    kernel = "" if framework == "linux" else "kernel: {from: local, path: k}\n"
    source = text(f"{kernel}rootfs: {{from: local, path: r, type: {type}}}\n", framework)
    plan = lower(source, head=HEADS[type]).plan
    assert plans.with_rootfs_type(plan, head) == plan


def test_the_ending_tells_what_python_cannot_read() -> None:
    plan = lower(text("rootfs: {from: local, path: r.tar.zst, type: initrd}\n")).plan
    with pytest.raises(Problems, match="a tar archive, compressed with zstd"):
        plans.with_rootfs_type(plan, b"\x28\xb5\x2f\xfd")


FOR_ARM64 = Bytes(bytes(56) + b"ARM\x64" + bytes(4036))
"""A kernel of another architecture."""


def test_a_kernel_of_another_architecture_is_an_error() -> None:
    plan = lower(text("kernel: {from: local, path: k}\n")).plan
    with pytest.raises(Problems, match="for arm64, and the image is for amd64") as raised:
        check_architecture(plan, FOR_ARM64)
    assert raised.value.diagnostics[0].code == "wrong-architecture"
    generic = lower(text("kernel: {from: local, path: k}\n", "generic")).plan
    check_architecture(generic, FOR_ARM64)


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("btrfs", ["ext4", "ext2", "squashfs", "erofs"], ""),
        ("xfs", ["ufs", "ffs"], ""),
        ("ext3", ["ext4", "ext2"], "ext4"),
        ("moniter", ["monitor", "framework"], "monitor"),
        ("mcd", ["cmd"], "cmd"),
        ("Cloud_Hypervisor", ["qemu", "cloud-hypervisor"], "cloud-hypervisor"),
        ("x" * 100_000, ["x" * 20], ""),
        ("", ["a"], ""),
    ],
)
def test_what_was_meant(word: str, known: list[str], meant: str) -> None:
    assert did_you_mean(word, known) == (
        f"did you mean '{meant}'?" if meant else "one of: " + ", ".join(known)
    )
