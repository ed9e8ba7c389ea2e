"""How much of a file system image is in use, from its superblock.

The fields are where the formats have them (Linux: fs/ext4/ext4.h; UFS: sys/ufs/ffs/fs.h).
squashfs and erofs have no free space, and others are not looked into.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import unpack_from

HEAD = 0x10000 + 2048
"""How many bytes of an image `read` looks at: to the end of a UFS2's superblock."""

_EXT = 0x400
_EXT_64BIT = 0x80
_UFS1 = 0x2000
_UFS2 = (0x10000, 0x2000)
"""FreeBSD's place, and where NetBSD's tools put it too."""


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes that a file system has for its files and their bookkeeping, and how many are free."""

    total: int
    free: int


def read(head: bytes) -> Space | None:
    """The space of an image that starts with `head`; None where it does not say."""
    head = head.ljust(HEAD, b"\0")
    if head[_EXT + 0x38 :][:2] == b"\x53\xef":
        return _ext(head)
    if head[_UFS1 + 0x55C :][:4] == b"\x54\x19\x01\x00":
        size, fragment, per_block = unpack_from("<i12xii", head, _UFS1 + 36)
        blocks, _, fragments = unpack_from("<iii", head, _UFS1 + 196)
        return Space(size * fragment, (blocks * per_block + fragments) * fragment)
    for at in _UFS2:
        if head[at + 0x55C :][:4] == b"\x19\x01\x54\x19":
            fragment, per_block = unpack_from("<ii", head, at + 52)
            blocks, _, fragments = unpack_from("<qqq", head, at + 1016)
            (size,) = unpack_from("<q", head, at + 1080)
            return Space(size * fragment, (blocks * per_block + fragments) * fragment)
    return None


def _ext(head: bytes) -> Space:
    total, _, free = unpack_from("<III", head, _EXT + 0x4)
    (shift,) = unpack_from("<I", head, _EXT + 0x18)
    (incompatible,) = unpack_from("<I", head, _EXT + 0x60)
    if incompatible & _EXT_64BIT:
        high_total, _, high_free = unpack_from("<III", head, _EXT + 0x150)
        total, free = total | high_total << 32, free | high_free << 32
    return Space(total * 1024 << shift, free * 1024 << shift)
