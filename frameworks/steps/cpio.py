"""The newc cpio archive, which Linux and Unikraft unpack as their first root filesystem.

The format is the kernel's (Documentation/driver-api/early-userspace/buffer-format.rst): a header of
thirteen eight-digit hexadecimal fields, the name, the data, each padded to four bytes. The last of
several names of one file carries its data, as GNU cpio writes it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import BinaryIO

from frameworks.steps.entries import TreeEntry

_BLOCK = 512


def write(entries: Iterable[TreeEntry], out: BinaryIO) -> None:
    """Write `entries`, which fit the format (`bounds`), to `out` as one archive of whole blocks."""
    ordered = list(entries)
    last = {entry.inode: entry.name for entry in ordered}
    written = 0
    for entry in ordered:
        target = b"".join(entry.read()) if stat.S_ISLNK(entry.mode) else b""
        carries = stat.S_ISREG(entry.mode) and last[entry.inode] == entry.name
        size = len(target) if target else entry.size if carries else 0
        written += out.write(_header(entry, size))
        if target:
            written += out.write(target)
        elif size:
            copied = 0
            for piece in entry.read():
                copied += out.write(piece)
            if copied != size:
                raise OSError(f"/{os.fsdecode(entry.name)} changed while it was read")
            written += copied
        written += out.write(b"\0" * (-written % 4))
    end = TreeEntry(b"TRAILER!!!", b"", 0, 0, 0, 0, 0, 1, 0, 0)
    written += out.write(_header(end, 0))
    out.write(b"\0" * (-written % _BLOCK))


def _header(entry: TreeEntry, size: int) -> bytes:
    node = stat.S_ISCHR(entry.mode) or stat.S_ISBLK(entry.mode)
    fields = (
        entry.inode,
        entry.mode,
        entry.uid,
        entry.gid,
        entry.links,
        entry.mtime,
        size,
        0,
        0,
        os.major(entry.device) if node else 0,
        os.minor(entry.device) if node else 0,
        len(entry.name) + 1,
        0,
    )
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + entry.name + b"\0"
    return head + b"\0" * (-len(head) % 4)
