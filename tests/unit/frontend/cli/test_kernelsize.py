"""Counting a kernel's bytes, and what QEMU's log says of its code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from frameworks.linux.steps import sizes as steps
from frontend.cli import kernelsize
from frontend.cli.kernelsize import ALWAYS, Sizes, reached

BASE = 0xFFFFFFFF81000000


def data(**other: Any) -> bytes:
    """What a build leaves: a core, ext4 with a part that has an option of its own, and a driver."""

    def thing(path: str, code: int, *options: str, start: int = 0, bss: int = 0) -> dict[str, Any]:
        sizes = {"code": code, "data": 10, "start": start, "bss": bss}
        return {"path": path, **sizes, "options": list(options)}

    objects = [
        thing("kernel/fork.o", 0x100, bss=7),
        thing("fs/ext4/inode.o", 0x80, "EXT4_FS", start=0x10),
        thing("fs/ext4/acl.o", 0x40, "EXT4_FS", "EXT4_ACL"),
        thing("drivers/net/nic.o", 0x20, "NETDEVICES", "NIC"),
        thing("drivers/net/core.o", 0x20, "NETDEVICES"),
    ]
    ranges = [
        [BASE, 0x100, 0, 0],
        [BASE + 0x100, 0x80, 1, 0],
        [BASE + 0x180, 0x40, 2, 0],
        [BASE + 0x1C0, 0x20, 3, 0],
        [BASE + 0x1E0, 0x20, 4, 0],
        [BASE + 0x1000, 0x10, 1, 1],
    ]
    said = {
        "version": steps.VERSION,
        "file": 5,
        "random": False,
        "sections": [{"name": ".text", "address": BASE, "size": 0x200, "kind": "code"}],
        "objects": objects,
        "ranges": ranges,
    }
    return json.dumps({**said, **other}).encode()


def test_one_version() -> None:
    assert kernelsize.VERSION == steps.VERSION
    assert kernelsize.PADDING == steps.NOBODY


def test_by_option() -> None:
    found = Sizes.parse(data()).by_option()
    assert {name: (own.file, whole.file) for name, (own, whole) in found.items()} == {
        ALWAYS: (0x10A, 0x10A),
        "EXT4_FS": (0x9A, 0x9A + 0x4A),
        "NETDEVICES": (0x2A, 0x54),
        "EXT4_ACL": (0x4A, 0x4A),
        "NIC": (0x2A, 0x2A),
    }
    assert list(found) == [ALWAYS, "EXT4_FS", "NETDEVICES", "EXT4_ACL", "NIC"]


@pytest.mark.parametrize(
    ("depth", "names"),
    [
        (1, ["kernel", "fs", "drivers"]),
        (2, ["kernel", "fs/ext4", "drivers/net"]),
    ],
)
def test_by_directory(depth: int, names: list[str]) -> None:
    found = Sizes.parse(data()).by_directory(depth)
    assert sorted(found) == sorted(names)
    assert found["kernel"].bss == 7


def test_what_ran() -> None:
    sizes = Sizes.parse(data())
    assert sizes.bounds == (BASE, BASE + 0x1010)
    # The second is in the first; one goes over an object's end; one is of the start alone.
    sizes.note(
        [(BASE, 0x20), (BASE + 8, 4), (BASE + 0xF8, 0x10), (BASE + 0x1000, 0x10), (0x400000, 9)]
    )
    assert [thing.ran for thing in sizes.things] == [0x28, 8, 0, 0, 0]
    assert {name: count.file for name, count in sizes.unused().items()} == {
        "EXT4_ACL": 0x4A,
        "NETDEVICES": 0x54,
    }


def test_a_log_with_the_bytes_of_each_instruction() -> None:
    log = (
        "----------------\nIN: start_kernel\n"
        "0xffffffff81000000:  48 8d 25 51 3f 60 00     leaq     0x603f51(%rip), %rsp\n"
        "0xffffffff81000007:  e8 00 00 00 00           callq    0xffffffff8100000c\n"
        "\nIN: \n0xffff800080000000:  d503233f  paciasp\n"
    )
    assert list(reached(log.splitlines())) == [
        (0xFFFFFFFF81000000, 7),
        (0xFFFFFFFF81000007, 5),
        (0xFFFF800080000000, 4),
    ]


def test_a_log_of_a_qemu_that_takes_nothing_apart() -> None:
    log = "IN: \n0xffffffff81000000:  \nOBJD-T: 488d25513f6000e800000000\n"
    assert list(reached(log.splitlines())) == [(BASE, 1), (BASE, 12)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{}", "it is not what --target kernel-size leaves: 'version'"),
        (b"[]", "it is not what --target kernel-size leaves"),
        (b"\xff", "it is not what --target kernel-size leaves"),
        (data(version=9), "its version is 9, and not 1"),
        (data(objects=[{}]), "it is not what --target kernel-size leaves: 'path'"),
        (data(ranges=[[1]]), "it is not what --target kernel-size leaves"),
    ],
)
def test_what_is_no_such_file(text: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Sizes.parse(text)
