"""Paths inside a tree of files that is not the running system's.

A link in the tree that begins with a slash means the tree's own root, and `..` does not lead out of
it, as in a system that has the tree for its root (chroot(2), path_resolution(7)).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

_LINKS = 40
"""How many links a path may lead through, as on Linux."""


def follow(path: str, target: Callable[[str], str | None]) -> tuple[list[str], str | None]:
    """Where `path` of a tree leads, link by link.

    `target` is asked of each path on the way, which has no link in it but maybe at its end: where
    that link leads, "" if it is none, None if there is nothing. Returns the paths at which `path`
    and the links at its end stand, with where they lead, and that one by itself ("" for the root),
    which has no link in it: None where nothing is, or links lead in a circle.
    """
    at = ""
    pending = [part for part in reversed(path.split("/")) if part]
    links = 0
    places = []
    while pending:
        part = pending.pop()
        if part in (".", ".."):
            at = at.rpartition("/")[0] if part == ".." else at
            continue
        here = f"{at}/{part}"
        if not pending:
            places.append(here)
        link = target(here)
        if link is None:
            return places, None
        if not link:
            at = here
            continue
        links += 1
        if links > _LINKS:
            return places, None
        if link.startswith("/"):
            at = ""
        pending.extend(part for part in reversed(link.split("/")) if part)
    if at not in places:  # the root, and what `..` leads to
        places.append(at)
    return places, at


def places(root: str, path: str) -> tuple[list[str], str | None]:
    """`follow` in the tree at the directory `root`."""
    top = root.rstrip("/")

    def target(here: str) -> str | None:
        try:
            if stat.S_ISLNK(os.lstat(top + here).st_mode):
                return os.readlink(top + here)
        except OSError:
            return None
        return ""

    return follow(path, target)


def resolve(root: str, path: str) -> str | None:
    """Where `path` of the tree at `root` is, with no link on the way; None where nothing is."""
    found = places(root, path)[1]
    return None if found is None else root.rstrip("/") + found or "/"


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
