"""What a prebuilt root filesystem file is, from its first bytes or, failing those, its name.

The magic numbers are those of the formats themselves (the kernel's fs/*/ headers, init/initramfs.c
and lib/decompress.c for compressed archives, UFS: sys/ufs/ffs/fs.h).
"""

from __future__ import annotations

HEAD = 128 * 1024
"""How many bytes of a file `identify` looks at: to the superblock of a UFS2 at 64 KiB."""

_ARCHIVES = (b"070701", b"070702", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"BZh")
_LZ4 = b"\x02\x21\x4c\x18"
_SUPERBLOCKS = (
    (0x438, b"\x53\xef"),  # ext2, ext3, ext4
    (0, b"hsqs"),  # squashfs
    (1024, b"\xe2\xe1\xf5\xe0"),  # erofs
    (0x2000 + 0x55C, b"\x54\x19\x01\x00"),  # FFSv1
    (0x10000 + 0x55C, b"\x19\x01\x54\x19"),  # FFSv2
    (0, b"XFSB"),
    (0x10040, b"_BHRfS_M"),  # btrfs
    (0x8001, b"CD001"),  # ISO 9660
    (0x1FE, b"\x55\xaa"),  # FAT, or a disk with partitions
)
_ENDINGS = {
    "initrd": (".cpio", ".cpio.gz", ".cpio.zst", ".cpio.xz", ".initrd", ".initramfs"),
    "block": (".ext4", ".ext2", ".img", ".raw", ".squashfs", ".erofs", ".ffs", ".ufs", ".iso"),
}


def identify(head: bytes) -> str | None:
    """`initrd` or `block` for a file that starts with `head`, None for neither."""
    if head.startswith((*_ARCHIVES, _LZ4)):
        return "initrd"
    if any(head[at : at + len(magic)] == magic for at, magic in _SUPERBLOCKS):
        return "block"
    return None


def identify_name(path: str) -> str | None:
    """`initrd` or `block` by the ending of a file's name, None for neither."""
    for kind, endings in _ENDINGS.items():
        if path.lower().endswith(endings):
            return kind
    name = path.rpartition("/")[2].lower()
    return "initrd" if name.startswith(("initrd", "initramfs")) else None
