"""What each format of a root filesystem can hold: the one place that knows.

A time that a format cannot hold becomes the nearest that it can, and the build says so. Everything
else that does not fit is refused with the file's name: a guest would find another file than the
user put there, or none.

Owners, groups, device numbers and the names within a directory have no bound here: a builder's own
file system gives none that a format could not take (32 bits; 12 and 20 bits; 255 bytes).
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from frameworks.steps.entries import ROOT, Entry

_U32 = (1 << 32) - 1
_I32 = (1 << 31) - 1


class Exceeds(ValueError):
    """A file that the format cannot hold; the message is one line for the user."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The largest values of one format.

    `latest` is in seconds since 1970, `size` a file's in bytes, `links` how many names a file has,
    `folders` how many directories a directory has, `path` and `target` are a path's and a symbolic
    link's length in bytes, `owners` how many different users and groups there are together.
    """

    name: str
    latest: int
    size: int
    links: int
    folders: int = _U32
    path: int = 4095
    target: int = 4095
    owners: int = _U32


_UFS = Bounds(
    # ufs1_dinode (sys/ufs/ufs/dinode.h); PATH_MAX of the BSDs is 1024; 2^31 fragments of 1 KiB.
    "a UFS1 image",
    latest=_I32,
    size=(1 << 41) - 1,
    links=32767,
    folders=32765,
    path=1023,
    target=1023,
)

BOUNDS = {
    # Eight hexadecimal digits for each number; the kernel skips what has a longer name than
    # PATH_MAX (init/initramfs.c).
    "initrd": Bounds("an initrd", latest=_U32, size=_U32, links=_U32),
    # mke2fs writes no time after 2038, whatever the inodes could hold (tried with 1.47.2). Links:
    # EXT4_LINK_MAX, EXT2_LINK_MAX. Sizes with blocks of 4 KiB.
    "ext4": Bounds("an ext4 image", latest=_I32, size=(1 << 44) - 4096, links=65000),
    "ext2": Bounds("an ext2 image", latest=_I32, size=(1 << 41) - 4096, links=32000, folders=31998),
    # fs/squashfs/squashfs_fs.h: 32 bits of time, 16 of an index into the table of owners.
    "squashfs": Bounds(
        "a squashfs image", latest=_U32, size=(1 << 63) - 1, links=_U32, owners=1 << 16
    ),
    # fs/erofs/erofs_fs.h: 64 bits of both.
    "erofs": Bounds("an erofs image", latest=(1 << 63) - 1, size=(1 << 63) - 1, links=_U32),
    "ffs": _UFS,
    "ufs": _UFS,
}
"""By the name of the format, as the packing step has it."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Entries as a format can hold them, and the names of those that got another time."""

    entries: list[Entry]
    clamped: tuple[bytes, ...] = ()


def fit(format: str, entries: Sequence[Entry]) -> Fitted:
    """Give each entry a time that the format can hold.

    Raises Exceeds for the first entry that it cannot hold otherwise.
    """
    bounds = BOUNDS[format]
    _check(bounds, entries)
    fitted, clamped = [], []
    for entry in entries:
        mtime = min(max(0, entry.mtime), bounds.latest)
        if mtime != entry.mtime:
            if entry.name != ROOT:  # its time is another's
                clamped.append(entry.name)
            entry = replace(entry, mtime=mtime)
        fitted.append(entry)
    return Fitted(fitted, tuple(clamped))


def shown(name: bytes) -> str:
    """An entry's name as a message has it: from the root, and on one line."""
    text = "" if name == ROOT else name.decode("utf-8", "backslashreplace")
    return "/" + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _check(bounds: Bounds, entries: Iterable[Entry]) -> None:
    folders: dict[bytes, int] = {}
    owners: set[int] = set()
    for entry in entries:
        owners |= {entry.uid, entry.gid}
        parent = entry.name.rpartition(b"/")[0]
        if stat.S_ISDIR(entry.mode) and entry.name != ROOT:
            folders[parent] = folders.get(parent, 0) + 1
        for what, value, most in (
            ("bytes", entry.size, bounds.size),
            ("names", entry.links, bounds.links),
            ("bytes in its path", len(entry.name), bounds.path),
            ("bytes in its target", _target(entry), bounds.target),
        ):
            if value > most:
                raise Exceeds(
                    f"{shown(entry.name)} has {value} {what}; {bounds.name} takes at most {most}"
                )
    for name, count in folders.items():
        if count > bounds.folders:
            raise Exceeds(
                f"{shown(name)} has {count} directories; {bounds.name} takes at most "
                f"{bounds.folders} in one"
            )
    if len(owners) > bounds.owners:
        raise Exceeds(
            f"the tree has {len(owners)} different owners; {bounds.name} takes at most "
            f"{bounds.owners}"
        )


def _target(entry: Entry) -> int:
    return len(b"".join(entry.read())) if stat.S_ISLNK(entry.mode) else 0
