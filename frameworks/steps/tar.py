"""A tree as the tar archive that mke2fs, mksquashfs and mkfs.erofs read from a pipe.

So nothing is copied first, and owners and device nodes need no privilege. Names are the bytes that
they are, in GNU's headers: in pax headers they would be text, which mke2fs cannot read without a
locale. What those lack is in pax headers before them: access and change times, of which a snapshot
tells who read it last, and the capabilities of programs (setcap(8)). No other extended attribute is
carried; mke2fs takes no other.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterable
from tarfile import TarInfo
from typing import IO

from frameworks.steps.entries import TreeEntry

_BLOCK = 512

_TYPES = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE,
    stat.S_IFBLK: tarfile.BLKTYPE,
}


def write(entries: Iterable[TreeEntry], out: IO[bytes]) -> None:
    """Write `entries` to `out` as one archive.

    Raises OSError for a file that changed while it was read, BrokenPipeError where nobody reads.
    """
    first: dict[int, str] = {}
    for entry in entries:
        info = TarInfo(os.fsdecode(entry.name))
        info.type = _TYPES[stat.S_IFMT(entry.mode)]
        info.mode = stat.S_IMODE(entry.mode)
        info.uid, info.gid, info.mtime = entry.uid, entry.gid, entry.mtime
        if entry.inode in first:
            info.type, info.linkname = tarfile.LNKTYPE, first[entry.inode]
        elif not info.isdir():
            first[entry.inode] = info.name
        if info.issym():
            info.linkname = os.fsdecode(os.readlink(entry.path))
        elif info.ischr() or info.isblk():
            info.devmajor, info.devminor = os.major(entry.device), os.minor(entry.device)
        elif info.isreg():
            info.size = entry.size
        out.write(_extended(entry, None if info.islnk() else entry.capability()))
        out.write(info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))
        if info.isreg():
            _content(entry, out)
    out.write(bytes(2 * _BLOCK))


def _content(entry: TreeEntry, out: IO[bytes]) -> None:
    written = 0
    for piece in entry.read():
        written += len(piece)
        out.write(piece)
    if written != entry.size:
        raise OSError(f"/{os.fsdecode(entry.name)} changed while it was read")
    out.write(bytes(-written % _BLOCK))


def _extended(entry: TreeEntry, capability: bytes | None) -> bytes:
    """The pax header of an entry (pax(1), "pax Header Block")."""
    records = {"atime": b"%d" % entry.mtime, "ctime": b"%d" % entry.mtime}
    if capability is not None:
        records["SCHILY.xattr.security.capability"] = capability
    data = b"".join(_record(name.encode(), value) for name, value in records.items())
    info = TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, len(data)
    return info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % _BLOCK)


def _record(name: bytes, value: bytes) -> bytes:
    """`LENGTH NAME=VALUE`, of which the length counts its own digits."""
    rest = b" %s=%s\n" % (name, value)
    length = len(rest)
    while length != len(rest) + len(b"%d" % length):
        length = len(rest) + len(b"%d" % length)
    return b"%d" % length + rest
