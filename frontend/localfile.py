"""Files of this machine, read by the command line: looked at first, and only as far as wanted."""

from __future__ import annotations

import os
import stat


class NotAFile(OSError):
    """What is at a path is no regular file; `kind` says what it is instead ("a directory")."""

    def __init__(self, path: str, kind: str) -> None:
        self.kind = kind
        super().__init__(f"{path} is {kind}, not a file")


def read(path: str, most: int) -> bytes:
    """The first `most` bytes of a regular file. Raises NotAFile, or OSError as `open` does.

    Opening a FIFO waits for somebody to write into it, and opening a device may do anything.
    """
    _check(path, os.stat(path).st_mode)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        _check(path, os.fstat(descriptor).st_mode)  # of what was opened, whatever it was before
        return file.read(most)


def _check(path: str, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kinds = {
        stat.S_IFDIR: "a directory",
        stat.S_IFIFO: "a named pipe (FIFO)",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a character device",
        stat.S_IFBLK: "a block device",
    }
    raise NotAFile(path, kinds.get(stat.S_IFMT(mode), "a file of an unknown kind"))
