"""Files of results and of containers, as the daemon shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from frontend.gateway.channel import Pending
from llb.pb import stat_pb2

_CHUNK = 2 << 20  # bytes; below the smallest message limit of any daemon
_LEAST = 4096  # bytes: who reads a file's first two will want some more

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


class RemoteFile:
    """A regular file of a result, which cannot change: its size in bytes, and parts of it.

    `begin` asks for so many bytes from an offset; what it returns waits for them. The file's start,
    which is what most questions are about, is kept.
    """

    __slots__ = ("_begin", "_start", "size")

    def __init__(self, size: int, begin: Callable[[int, int], Callable[[], bytes]]) -> None:
        self.size = size
        self._begin = begin
        self._start: Callable[[], bytes] | None = None

    def ahead(self, length: int) -> None:
        """Ask for the first `length` bytes, without waiting for them."""
        wanted = min(length, self.size, _CHUNK)
        if wanted and self._start is None:
            self._start = Pending(self._begin(0, wanted))

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """The bytes from `offset` to the end, or `length` of them; fewer where the file ends."""
        left = max(0, self.size - offset)
        wanted = left if length is None else min(left, length)
        if offset == 0 and wanted:
            self.ahead(max(wanted, _LEAST))
        kept = b"" if self._start is None else self._start()[offset : offset + wanted]
        rest = chunks(
            lambda at, size: self._begin(at, size)(), offset + len(kept), wanted - len(kept)
        )
        return b"".join((kept, *rest))


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
