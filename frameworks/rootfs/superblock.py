"""How much of a file system image is in use, from its superblock.

The fields are where the formats have them (Linux: fs/ext4/ext4.h; UFS: sys/ufs/ffs/fs.h).
squashfs and erofs have no free space, and others are not looked into.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import unpack_from

from frameworks.rootfs.filesystems import recognise

HEAD = 0x10000 + 2048
"""How many bytes of an image `read` looks at: to the end of a UFS2's superblock."""

_EXT_64BIT = 0x80


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes that a file system has for its files and their bookkeeping, and how many are free."""

    total: int
    free: int


def read(head: bytes) -> Space | None:
    """The space of an image that starts with `head`; None where it does not say."""
    head = head.ljust(HEAD, b"\0")
    found = recognise(head)
    if found is None or not found[0].layout:
        return None
    known, mark = found
    if known.layout == "ext":
        return _ext(head, mark - 0x38)
    superblock = mark - 0x55C
    return _ufs1(head, superblock) if known.layout == "ufs1" else _ufs2(head, superblock)


def _ext(head: bytes, at: int) -> Space:
    total, _, free = unpack_from("<III", head, at + 0x4)
    (shift,) = unpack_from("<I", head, at + 0x18)
    (incompatible,) = unpack_from("<I", head, at + 0x60)
    if incompatible & _EXT_64BIT:
        high_total, _, high_free = unpack_from("<III", head, at + 0x150)
        total, free = total | high_total << 32, free | high_free << 32
    return Space(total * 1024 << shift, free * 1024 << shift)


def _ufs1(head: bytes, at: int) -> Space:
    size, fragment, per_block = unpack_from("<i12xii", head, at + 36)
    blocks, _, fragments = unpack_from("<iii", head, at + 196)
    return Space(size * fragment, (blocks * per_block + fragments) * fragment)


def _ufs2(head: bytes, at: int) -> Space:
    fragment, per_block = unpack_from("<ii", head, at + 52)
    blocks, _, fragments = unpack_from("<qqq", head, at + 1016)
    (size,) = unpack_from("<q", head, at + 1080)
    return Space(size * fragment, (blocks * per_block + fragments) * fragment)
