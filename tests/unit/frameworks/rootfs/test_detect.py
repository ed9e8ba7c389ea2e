"""What a file is by its first bytes, and by its name."""

from __future__ import annotations

import gzip

import pytest

from frameworks.rootfs.detect import HEAD, identify, identify_name

_EXT = bytes(0x438) + b"\x53\xef"


_UFS2 = bytes(0x10000 + 0x55C) + b"\x19\x01\x54\x19"


_NETBSD_UFS2 = bytes(0x2000 + 0x55C) + b"\x19\x01\x54\x19"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"070701" + bytes(100), "initrd"),
        (gzip.compress(b"070701", mtime=0), "initrd"),
        (b"\x28\xb5\x2f\xfd" + bytes(10), "initrd"),
        (_EXT + bytes(100), "block"),
        (b"hsqs" + bytes(100), "block"),
        (bytes(1024) + b"\xe2\xe1\xf5\xe0", "block"),
        (_UFS2, "block"),
        (_NETBSD_UFS2, "block"),
        (b"\x7fELF" + bytes(5000), None),
        (b"#!/bin/sh\n", None),
        (b"", None),
    ],
)
def test_what_a_file_is_by_its_first_bytes(head: bytes, kind: str | None) -> None:
    assert len(head) <= HEAD
    assert identify(head) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("initramfs-x86_64.cpio", "initrd"),
        ("build/ROOT.CPIO.GZ", "initrd"),
        ("initrd", "initrd"),
        ("disk.ext4", "block"),
        ("root.img", "block"),
        ("kernel", None),
    ],
)
def test_what_a_file_is_by_its_name(name: str, kind: str | None) -> None:
    assert identify_name(name) == kind
