"""The file systems of disk images: the one table, for the builder and for what runs in its steps.

    TABLE["erofs"].linux         # the options that a Linux kernel mounts it with
    recognise(head)              # which file system an image holds, by its first bytes

A file system that hutch writes is one `FileSystem`, with a row in `TABLE`, and a module in
`frameworks/steps/` that calls the program which writes it, if none there does already. Guests name
these objects (`frameworks.base.Guest.filesystems`), so no guest names one that nobody can write.
The schema, the reference page, the lint and the packer read them here. Those that hutch only tells
from other files are `KNOWN`.

Marks are those of the formats themselves (the kernel's fs/*/ headers; UFS: sys/ufs/ffs/fs.h). What
guests mount is the guest's own fact. Nothing is imported here but the standard library: a start of
the frontend reads this.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Way = frozenset[str]
"""Options of a Linux kernel that do something together."""

_U32 = (1 << 32) - 1
_I32 = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest values that one format holds.

    `name` is what a message calls what has it ("an ext4 image"). `latest` is in seconds since 1970,
    `size` a file's in bytes, `links` how many names a file has, `folders` how many directories a
    directory has, `path` and `target` are a path's and a symbolic link's length in bytes, `owners`
    how many different users and groups there are together.
    """

    name: str
    latest: int
    size: int
    links: int
    folders: int = _U32
    path: int = 4095
    target: int = 4095
    owners: int = _U32


INITRD = Limits("an initrd", latest=_U32, size=_U32, links=_U32)
"""An archive, and no file system: eight hexadecimal digits for each number. The kernel skips what
has a longer name than PATH_MAX (init/initramfs.c)."""


@dataclass(frozen=True, slots=True)
class Known:
    """A file system that hutch tells from other files.

    `name` is its maker's; `marks` are places in an image and the bytes there, of which any will do.
    `layout` says how its superblock is read (`frameworks.rootfs.superblock`), "" for those that are
    not read.
    """

    name: str
    marks: tuple[tuple[int, bytes], ...]
    layout: Literal["", "ext", "ufs1", "ufs2"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystem(Known):
    """A file system that hutch writes; `name` is the word for it in `rootfs.filesystem`.

    `about` is said of it to who has to choose. `writer` is the module of `frameworks/steps/` whose
    `write` makes the image; `program` and `package` are what that runs, by its path in hutch's own
    image, and Debian's package that it is in. `linux` lists the options that a Linux kernel mounts
    it with, of which any way will do; () where none does. `endings` are those of files' names.
    """

    about: str
    writer: str
    program: str
    package: str
    limits: Limits
    linux: tuple[Way, ...] = ()
    endings: tuple[str, ...] = ()
    largest: int = 0
    """The size in bytes that an image of it has at most, with its room for what the guest writes; 0
    where an image has none, and is as large as its content."""
    staged: bool = False
    """The program has to read the tree from an empty tmpfs."""
    one_time: bool = False
    """All files have the time of the image."""


_EXT_MARKS = ((0x438, b"\x53\xef"),)

# mke2fs writes no time after 2038, whatever the inodes could hold (tried with 1.47.2). Links:
# EXT4_LINK_MAX, EXT2_LINK_MAX. Sizes with 2^32 blocks of 4 KiB.
EXT4 = FileSystem(
    "ext4",
    _EXT_MARKS,
    "ext",
    about="Linux's usual one, with a journal",
    writer="ext",
    program="usr/sbin/mke2fs",
    package="e2fsprogs",
    limits=Limits("an ext4 image", latest=_I32, size=(1 << 44) - 4096, links=65000),
    linux=(frozenset({"EXT4_FS"}),),
    endings=(".ext4",),
    largest=1 << 44,
)
EXT2 = FileSystem(
    "ext2",
    _EXT_MARKS,
    "ext",
    about="simple and without a journal, and what most guests mount",
    writer="ext",
    program="usr/sbin/mke2fs",
    package="e2fsprogs",
    limits=Limits("an ext2 image", latest=_I32, size=(1 << 41) - 4096, links=32000, folders=31998),
    linux=(frozenset({"EXT2_FS"}), frozenset({"EXT4_FS", "EXT4_USE_FOR_EXT2"})),
    endings=(".ext2",),
    largest=1 << 44,
)
# fs/squashfs/squashfs_fs.h: 32 bits of time, 16 of an index into the table of owners.
SQUASHFS = FileSystem(
    "squashfs",
    ((0, b"hsqs"),),
    about="compressed and read-only",
    writer="squashfs",
    program="usr/bin/mksquashfs",
    package="squashfs-tools",
    limits=Limits("a squashfs image", latest=_U32, size=(1 << 63) - 1, links=_U32, owners=1 << 16),
    linux=(frozenset({"SQUASHFS"}),),
    endings=(".squashfs",),
)
# fs/erofs/erofs_fs.h: 64 bits of time and size.
EROFS = FileSystem(
    "erofs",
    ((1024, b"\xe2\xe1\xf5\xe0"),),
    about="read-only, and quick to read from",
    writer="erofs",
    program="usr/bin/mkfs.erofs",
    package="erofs-utils",
    limits=Limits("an erofs image", latest=(1 << 63) - 1, size=(1 << 63) - 1, links=_U32),
    linux=(frozenset({"EROFS_FS"}),),
    endings=(".erofs",),
    one_time=True,
)
FFS = FileSystem(
    "ffs",
    ((0x2000 + 0x55C, b"\x54\x19\x01\x00"),),
    "ufs1",
    about="the BSDs' own (UFS1), by NetBSD's name",
    writer="ffs",
    program="usr/sbin/makefs",
    package="makefs",
    limits=Limits(
        # ufs1_dinode (sys/ufs/ufs/dinode.h); PATH_MAX of the BSDs is 1024; 2^31 fragments of 1 KiB.
        "a UFS1 image",
        latest=_I32,
        size=(1 << 41) - 1,
        links=32767,
        folders=32765,
        path=1023,
        target=1023,
    ),
    endings=(".ffs",),
    largest=_I32 << 10,
    staged=True,
)
UFS = replace(FFS, name="ufs", about="the same by FreeBSD's name", endings=(".ufs",))

TABLE = {each.name: each for each in (EXT4, EXT2, SQUASHFS, EROFS, FFS, UFS)}
"""What `rootfs.filesystem` may say: all that hutch writes."""

KNOWN: tuple[Known, ...] = (
    *TABLE.values(),
    # FreeBSD's place, and where NetBSD's tools put it too.
    Known(
        "UFS2",
        ((0x10000 + 0x55C, b"\x19\x01\x54\x19"), (0x2000 + 0x55C, b"\x19\x01\x54\x19")),
        "ufs2",
    ),
    Known("XFS", ((0, b"XFSB"),)),
    Known("btrfs", ((0x10040, b"_BHRfS_M"),)),
    Known("ISO 9660", ((0x8001, b"CD001"),)),
    Known("FAT", ((0x36, b"FAT"), (0x52, b"FAT32"))),
    Known("NTFS", ((3, b"NTFS    "),)),
)


def recognise(head: bytes) -> tuple[Known, int] | None:
    """The file system of an image that starts with `head`, and where its mark is; None for none."""
    for each in KNOWN:
        for at, mark in each.marks:
            if head[at : at + len(mark)] == mark:
                return each, at
    return None
