"""Paths inside a tree of files that is not the running system's.

A link in the tree that begins with a slash means the tree's own root, and `..` does not lead out of
it, as in a system that has the tree for its root (chroot(2), path_resolution(7)).
"""

from __future__ import annotations

import os
import stat

_LINKS = 40
"""How many links a path may lead through, as on Linux."""


def resolve(root: str, path: str) -> str | None:
    """Where `path` of the tree at `root` is, with no link on the way; None where nothing is."""
    top = root.rstrip("/")
    at = ""
    pending = [part for part in reversed(path.split("/")) if part]
    links = 0
    while pending:
        part = pending.pop()
        if part in (".", ".."):
            at = at.rpartition("/")[0] if part == ".." else at
            continue
        here = f"{at}/{part}"
        try:
            info = os.lstat(top + here)
            if not stat.S_ISLNK(info.st_mode):
                at = here
                continue
            target = os.readlink(top + here)
        except OSError:
            return None
        links += 1
        if links > _LINKS:
            return None
        if target.startswith("/"):
            at = ""
        pending.extend(part for part in reversed(target.split("/")) if part)
    return top + at or "/"


def read(root: str, path: str, most: int) -> bytes | None:
    """The content of a regular file of the tree, `most` bytes of it; None where there is none."""
    found = resolve(root, path)
    if found is None:
        return None
    try:
        # A FIFO must not be waited for, nor a device asked.
        if not stat.S_ISREG(os.lstat(found).st_mode):
            return None
        with open(os.open(found, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return file.read(most)
    except OSError:
        return None
