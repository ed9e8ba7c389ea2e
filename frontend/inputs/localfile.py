"""Files of this machine, read by the command line: looked at first, and only as far as wanted."""

from __future__ import annotations

import os
import re
import stat
from functools import cache

from frontend.dockerui import ignorefile
from frontend.inputs.wanted import FILE, Wanted


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


class LocalContext:
    """A directory of this machine as a build context, as a builder would get it."""

    def __init__(self, root: str, build_file: str) -> None:
        """`build_file` is the name of the build file, beside which an ignore file may be.

        Raises Problems for an ignore file that is not text.
        """
        self._root = root
        self._ignored: tuple[str, ...] = ()
        for name in (f"{build_file}.dockerignore", os.path.join(root, ".dockerignore")):
            try:
                data = read(name, _MOST_IGNORED)
            except (FileNotFoundError, NotADirectoryError):
                continue
            self._ignored = ignorefile.read(data, os.path.basename(name))
            break

    @property
    def patterns(self) -> tuple[str, ...]:
        """The ignore file's."""
        return self._ignored

    def kind(self, wanted: Wanted) -> str:
        """What is at a path: "" for nothing, FILE, or in words."""
        if not wanted.build_file and ignores(self._ignored, wanted.path):
            return ""
        try:
            return _kind(os.stat(self._place(wanted.path)).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return ""

    def open(self, path: str) -> LocalFile:
        """A regular file, to read some of it."""
        return LocalFile(self._place(path))

    def _place(self, path: str) -> str:
        """Where a path is, links followed as the builder does: the context is their root."""
        pending = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        found: list[str] = []
        for _ in range(_MOST_LINKS):
            if not pending:
                break
            part = pending.pop()
            if part == "..":
                found = found[:-1]
                continue
            try:
                link = os.readlink(os.path.join(self._root, *found, part))
            except OSError:
                found.append(part)
                continue
            if link.startswith("/"):
                found = []
            pending += [part for part in reversed(link.split("/")) if part not in ("", ".")]
        else:
            raise FileNotFoundError(path)  # links that lead to each other
        return os.path.join(self._root, *found)


class LocalFile:
    """A regular file, of which something is read."""

    def __init__(self, path: str) -> None:
        self._path = path

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return os.stat(self._path).st_size

    def read(self, offset: int, length: int) -> bytes:
        """Some of its bytes."""
        with open(self._path, "rb") as file:
            file.seek(offset)
            return file.read(length)


_MOST_LINKS = 4096
_MOST_IGNORED = 1 << 20


def ignores(patterns: tuple[str, ...], path: str) -> bool:
    """Whether an ignore file's patterns keep a path out, itself or with a directory above it.

    The last pattern that matches counts (moby/patternmatcher).
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    names = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    ignored = False
    for pattern in patterns:
        keeps = pattern.startswith("!")
        expression = _expression(pattern.removeprefix("!"))
        if any(expression.fullmatch(name) for name in names):
            ignored = not keeps
    return ignored


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    """A pattern as an expression: `**` is any number of directories, `*` and `?` stay in one."""
    out = []
    at = 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            out.append("(?:.*/)?")
            at += 3
        elif pattern.startswith("**", at):
            out.append(".*")
            at += 2
        elif pattern[at] in "*?":
            out.append("[^/]*" if pattern[at] == "*" else "[^/]")
            at += 1
        elif pattern[at] == "[" and (end := pattern.find("]", at + 2)) > 0:
            inner = pattern[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            out.append(f"[{inner}]")
            at = end + 1
        else:
            at += pattern[at] == "\\" and at + 1 < len(pattern)
            out.append(re.escape(pattern[at]))
            at += 1
    try:
        return re.compile("".join(out), re.DOTALL)
    except re.error:
        return re.compile(re.escape(pattern))


def _check(path: str, mode: int) -> None:
    if (kind := _kind(mode)) != FILE:
        raise NotAFile(path, kind)


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return FILE
    kinds = {
        stat.S_IFDIR: "a directory",
        stat.S_IFIFO: "a named pipe (FIFO)",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a character device",
        stat.S_IFBLK: "a block device",
    }
    return kinds.get(stat.S_IFMT(mode), "a file of an unknown kind")
