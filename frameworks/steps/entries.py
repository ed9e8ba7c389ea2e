"""A directory tree as a sorted list of entries with normalised times: the input of every format.

Order, times and inode numbers of a snapshot depend on who wrote it and when; here they depend on
the content alone, so that the same tree gives the same bytes (docs/contract/kernels.md 8).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ROOT = b"."
"""The name of the root's own entry, which is the first."""

_CAPABILITY = "security.capability"


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One file of a tree.

    `name` is its path relative to the root, as bytes without a leading slash, `ROOT` for the root
    itself; `path` is where to read it; `mtime` is in whole seconds. `inode` identifies hard links
    within the tree: equal for all names of one file.
    """

    name: bytes
    path: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    links: int
    inode: int
    device: int

    def read(self) -> Iterator[bytes]:
        """The content of a regular file in pieces, or the target of a symbolic link."""
        if stat.S_ISLNK(self.mode):
            yield os.readlink(self.path)
            return
        with open(self.path, "rb") as file:
            while piece := file.read(1 << 20):
                yield piece

    def capability(self) -> bytes | None:
        """What a program may do without being root (setcap(8)), as the kernel has it; or None."""
        if not stat.S_ISREG(self.mode):
            return None
        try:
            return os.getxattr(self.path, _CAPABILITY, follow_symlinks=False)
        except OSError:
            return None  # it has none, or its file system cannot have any


def walk(root: str, latest: int | None = None) -> list[TreeEntry]:
    """The tree at `root`: its own entry, then those below by name, a directory before its content.

    `latest` is the time, in seconds since the epoch, that no entry may be newer than. Sockets
    are left out: they mean nothing outside the process that made them.
    The root's own time is the newest in the tree: a snapshot's is that of its mount.
    """
    found: list[tuple[bytes, os.stat_result]] = []
    top = os.fsencode(root).rstrip(b"/") or b"/"
    pending = [b""]
    while pending:
        directory = pending.pop()
        with os.scandir(os.path.join(top, directory) if directory else top) as listing:
            for item in listing:
                name = directory + b"/" + item.name if directory else item.name
                info = item.stat(follow_symlinks=False)
                if stat.S_ISSOCK(info.st_mode):
                    continue
                found.append((name, info))
                if stat.S_ISDIR(info.st_mode):
                    pending.append(name)
    found.sort(key=lambda pair: pair[0].split(b"/"))

    numbers: dict[tuple[int, int], int] = {}
    names: dict[int, int] = {}
    entries = []
    for name, info in found:
        number = numbers.setdefault((info.st_dev, info.st_ino), len(numbers) + 1)
        names[number] = names.get(number, 0) + 1
        mtime = info.st_mtime_ns // 10**9
        entries.append(
            TreeEntry(
                name=name,
                path=os.path.join(top, name),
                mode=info.st_mode,
                uid=info.st_uid,
                gid=info.st_gid,
                size=info.st_size if stat.S_ISREG(info.st_mode) else 0,
                mtime=mtime if latest is None else min(mtime, latest),
                links=1,
                inode=number,
                device=info.st_rdev,
            )
        )
    info = os.stat(top)
    top_entry = TreeEntry(
        ROOT,
        top,
        info.st_mode,
        info.st_uid,
        info.st_gid,
        0,
        newest(entries),
        1,
        len(numbers) + 1,
        0,
    )
    # A link count is that of names in the tree: other names of the file, outside it, do not count.
    return [top_entry] + [
        e
        if stat.S_ISDIR(e.mode) or names[e.inode] == 1
        else TreeEntry(
            e.name, e.path, e.mode, e.uid, e.gid, e.size, e.mtime, names[e.inode], e.inode, e.device
        )
        for e in entries
    ]


def newest(entries: list[TreeEntry]) -> int:
    """The newest time among `entries`, in seconds; 0 for none."""
    return max((entry.mtime for entry in entries), default=0)


def space(entries: Sequence[TreeEntry], block: int, inode: int) -> int:
    """The bytes that a tree takes of a file system: data and directories in blocks of `block`
    bytes, an inode of `inode` bytes for each file and a directory entry for each name."""
    taken = 0
    seen: set[int] = set()
    for entry in entries:
        if entry.inode not in seen:
            seen.add(entry.inode)
            taken += -(-entry.size // block) * block + inode
        taken += len(entry.name) + 64
        if stat.S_ISDIR(entry.mode):
            taken += block
    return taken
