"""Files of results and of containers, as the daemon shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llb.pb import stat_pb2

_CHUNK = 2 << 20  # bytes; below the smallest message limit of any daemon

_GO_MODE_DIR = 1 << 31
_GO_MODE_SYMLINK = 1 << 27


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
        )


def chunks(part: Callable[[int, int], bytes], offset: int, length: int | None) -> Iterator[bytes]:
    """Read a file in parts, because one message cannot hold a large one.

    `part` reads so many bytes from an offset; `length` None reads to the end of the file.
    """
    left = length
    while left is None or left > 0:
        want = _CHUNK if left is None else min(left, _CHUNK)
        data = part(offset, want)
        yield data
        if len(data) < want:
            return
        offset += len(data)
        left = None if left is None else left - len(data)
