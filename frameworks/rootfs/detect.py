"""What a prebuilt root filesystem file is, from its first bytes or, failing those, its name.

The magic numbers are those of the formats themselves (init/initramfs.c and lib/decompress.c for
compressed archives); file systems are in `frameworks.rootfs.filesystems`.
"""

from __future__ import annotations

from frameworks.rootfs import filesystems

HEAD = 128 * 1024
"""How many bytes of a file `identify` looks at: to the superblock of a UFS2 at 64 KiB."""

_CPIO = (b"070701", b"070702")
_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
    b"\x02\x21\x4c\x18": "lz4",
    b"\x5d\0\0": "lzma",
    b"\x89LZO": "lzo",
}
_OTHERS = (
    (0, b"QFI\xfb", "a qcow2 disk image"),
    (0, b"KDMV", "a VMDK disk image"),
    (0, b"# Disk DescriptorFile", "a VMDK disk image"),
    (0, b"vhdxfile", "a VHDX disk image"),
    (0, b"conectix", "a VHD disk image"),
    (0x40, b"\x7f\x10\xda\xbe", "a VDI disk image"),
    (257, b"ustar", "a tar archive"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"!<arch>\n", "an ar archive"),
    (0, b"070707", "a cpio archive of the old form, which kernels do not read"),
    (0, b"\xc7\x71", "a cpio archive of the old form, which kernels do not read"),
    (0, b"\x7fELF", "a program"),
    (0x200, b"EFI PART", "a disk with a partition table (GPT)"),
)
_PARTITIONS = range(0x1BE, 0x1FE, 16)
_ENDINGS = {
    "initrd": (".cpio", ".cpio.gz", ".cpio.zst", ".cpio.xz", ".initrd", ".initramfs"),
    "block": (
        *(ending for each in filesystems.TABLE.values() for ending in each.endings),
        *(".img", ".raw", ".iso"),
    ),
}


def identify(head: bytes) -> str | None:
    """`initrd` or `block` for a file that starts with `head`, None for neither."""
    if misfit(head):
        return None
    if head.startswith((*_CPIO, *_COMPRESSED)):
        return "initrd"
    return "block" if filesystems.recognise(head) else None


def misfit(head: bytes, name: str = "") -> str:
    """What a file that starts with `head` is, if it is known to be no root filesystem; else "".

    A guest's kernel reads neither disk formats nor partition tables nor archives but cpio's. What
    is compressed is looked into if it is by gzip; of others the file's `name` has to tell.
    """
    if not head.strip(b"\0"):
        return "nothing but zeros" if head else "empty"
    how = compression(head)
    if how and any(ending in name.lower() for ending in (".tar.", ".tgz", ".txz", ".tbz", ".tzst")):
        return f"a tar archive, compressed with {how}"
    if how:
        what = _misfit(_inside(head))
        return f"{what}, compressed with {how}" if what else ""
    return _misfit(head)


def _misfit(head: bytes) -> str:
    for at, magic, what in _OTHERS:
        if head[at : at + len(magic)] == magic:
            return what
    signed = head[0x1FE:0x200] == b"\x55\xaa"
    if signed and not filesystems.recognise(head) and _has_partitions(head):
        return "a disk with a partition table (MBR)"
    return ""


def compression(head: bytes) -> str:
    """The name of the compression of a file that starts with `head`; "" for none."""
    return next((how for magic, how in _COMPRESSED.items() if head.startswith(magic)), "")


def is_compressed_disk(head: bytes) -> bool:
    """Whether a file is a file system image that gzip made smaller."""
    return filesystems.recognise(_inside(head)) is not None


def _inside(head: bytes) -> bytes:
    """The first bytes of what gzip compressed; none for anything else, or for what is broken."""
    if compression(head) != "gzip":
        return b""
    import zlib  # only prebuilt root filesystems need it

    try:
        return zlib.decompressobj(31).decompress(head, HEAD)
    except zlib.error:
        return b""


def _has_partitions(head: bytes) -> bool:
    """Whether an MBR's four entries are such: each empty, or with a type and a known flag."""
    entries = [head[at : at + 16] for at in _PARTITIONS]
    return any(entry[4] for entry in entries) and all(entry[0] in (0, 0x80) for entry in entries)


def identify_name(path: str) -> str | None:
    """`initrd` or `block` by the ending of a file's name, None for neither."""
    for kind, endings in _ENDINGS.items():
        if path.lower().endswith(endings):
            return kind
    name = path.rpartition("/")[2].lower()
    return "initrd" if name.startswith(("initrd", "initramfs")) else None
