"""Files of results and of containers, as the daemon shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llb.pb import stat_pb2

_CHUNK = 2 << 20  # bytes; below the smallest message limit of any daemon

_GO_MODE_DIR = 1 << 31
_GO_MODE_SYMLINK = 1 << 27
_GO_KINDS = {
    _GO_MODE_DIR: "a directory",
    _GO_MODE_SYMLINK: "a symbolic link that leads nowhere",
    1 << 26 | 1 << 21: "a character device",
    1 << 26: "a block device",
    1 << 25: "a named pipe (FIFO)",
    1 << 24: "a socket",
    1 << 19: "a file of an unknown kind",
}
_GO_TYPES = 0x8F280000
"""All bits of Go's mode that say what kind a file is (io/fs, ModeType)."""


@dataclass(frozen=True, slots=True)
class FileStat:
    """One file of a result. `size` is in bytes, `modified` in nanoseconds since the epoch.

    `permissions` are the nine POSIX bits; the wire's mode is Go's, which has other bits for types.
    """

    path: str
    size: int
    permissions: int
    uid: int
    gid: int
    modified: int
    is_dir: bool
    is_symlink: bool
    link: str
    kind: str = ""
    """What it is instead of a regular file, in words; "" for a regular file."""

    @classmethod
    def from_pb(cls, stat: stat_pb2.Stat) -> FileStat:
        """Read the wire's form."""
        return cls(
            path=stat.path,
            size=stat.size,
            permissions=stat.mode & 0o777,
            uid=stat.uid,
            gid=stat.gid,
            modified=stat.modTime,
            is_dir=bool(stat.mode & _GO_MODE_DIR),
            is_symlink=bool(stat.mode & _GO_MODE_SYMLINK),
            link=stat.linkname,
            kind=_kind(stat.mode),
        )


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A regular file of a result: its size in bytes, and what reads parts of it."""

    size: int
    part: Callable[[int, int], bytes]

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """The bytes from `offset` to the end, or `length` of them; fewer where the file ends."""
        left = max(0, self.size - offset)
        wanted = left if length is None else min(left, length)
        return b"".join(chunks(self.part, offset, wanted))


def _kind(mode: int) -> str:
    found = mode & _GO_TYPES
    return _GO_KINDS.get(found, "a file of an unknown kind") if found else ""


def chunks(part: Callable[[int, int], bytes], offset: int, length: int) -> Iterator[bytes]:
    """Read `length` bytes of a file in parts, because one message cannot hold many.

    `part` reads so many bytes from an offset, or fewer where the file ends.
    """
    while length > 0:
        want = min(length, _CHUNK)
        data = part(offset, want)[:want]
        yield data
        if len(data) < want:
            return
        offset += len(data)
        length -= len(data)
