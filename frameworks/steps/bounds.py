"""Hold a tree against what a format can hold (`frameworks.rootfs.filesystems.Limits`).

A time that a format cannot hold becomes the nearest that it can, and the build says so. Everything
else that does not fit is refused with the file's name: a guest would find another file than the
user put there, or none.

Owners, groups, device numbers and the names within a directory have no bound here: a builder's own
file system gives none that a format could not take (32 bits; 12 and 20 bits; 255 bytes).
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from frameworks.rootfs.filesystems import Limits
from frameworks.steps.entries import ROOT, TreeEntry


class Exceeds(ValueError):
    """A file that the format cannot hold; the message is one line for the user."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Entries as a format can hold them, and the names of those that got another time."""

    entries: list[TreeEntry]
    clamped: tuple[bytes, ...] = ()


def fit(limits: Limits, entries: Sequence[TreeEntry]) -> Fitted:
    """Give each entry a time that the format can hold.

    Raises Exceeds for the first entry that it cannot hold otherwise.
    """
    _check(limits, entries)
    fitted, clamped = [], []
    for entry in entries:
        mtime = min(max(0, entry.mtime), limits.latest)
        if mtime != entry.mtime:
            if entry.name != ROOT:  # its time is another's
                clamped.append(entry.name)
            entry = replace(entry, mtime=mtime)
        fitted.append(entry)
    return Fitted(fitted, tuple(clamped))


def shown(name: bytes) -> str:
    """An entry's name as a message has it: from the root, and on one line."""
    text = "" if name == ROOT else name.decode("utf-8", "backslashreplace")
    return "/" + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _check(limits: Limits, entries: Iterable[TreeEntry]) -> None:
    folders: dict[bytes, int] = {}
    owners: set[int] = set()
    for entry in entries:
        owners |= {entry.uid, entry.gid}
        parent = entry.name.rpartition(b"/")[0]
        if stat.S_ISDIR(entry.mode) and entry.name != ROOT:
            folders[parent] = folders.get(parent, 0) + 1
        for what, value, most in (
            ("bytes", entry.size, limits.size),
            ("names", entry.links, limits.links),
            ("bytes in its path", len(entry.name), limits.path),
            ("bytes in its target", _target(entry), limits.target),
        ):
            if value > most:
                raise Exceeds(
                    f"{shown(entry.name)} has {value} {what}; {limits.name} takes at most {most}"
                )
    for name, count in folders.items():
        if count > limits.folders:
            raise Exceeds(
                f"{shown(name)} has {count} directories; {limits.name} takes at most "
                f"{limits.folders} in one"
            )
    if len(owners) > limits.owners:
        raise Exceeds(
            f"the tree has {len(owners)} different owners; {limits.name} takes at most "
            f"{limits.owners}"
        )


def _target(entry: TreeEntry) -> int:
    return len(b"".join(entry.read())) if stat.S_ISLNK(entry.mode) else 0
