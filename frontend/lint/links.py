"""Symbolic links that an include copied as links, and that lead nowhere in the guest.

A v0.1 file copies links as they are, and `follow: false` does in a v1 file. The rule is
DanglingLink (docs/rules/DanglingLink.md).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

from frontend.lint.findings import finding

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frameworks.diagnostics import Diagnostic
    from frameworks.spec import Include
    from frontend.lint.tree import Tree

_MADE_LATER = ("/dev", "/proc", "/run", "/sys", "/tmp")
"""Where a guest finds what its root filesystem does not have."""


def kept(plan: Plan) -> list[Include]:
    """The includes of a plan that copy a link as one."""
    rootfs = plan.rootfs
    if rootfs.path is not None or rootfs.type == "none":
        return []
    return [include for include in rootfs.include if plan.compat or not include.follow]


def judge(plan: Plan, tree: Tree) -> Iterator[Diagnostic]:
    """A finding for each include whose link leads nowhere in `tree`."""
    hint = "include what it leads to as well, or leave out 'follow: false'"
    if plan.compat:
        hint = "include what it leads to: a v0.1 file copies links, a v1 file what they lead to"
    for include in kept(plan):
        for path in _places(include):
            entry = tree.entry(path)
            if entry is None or not entry.is_symlink or tree.stat(path) is not None:
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry.link))
            if target.startswith(tuple(f"{place}/" for place in _MADE_LATER)):
                continue
            yield finding(
                "DanglingLink",
                f"{path} is a symbolic link to '{entry.link}', which is not in the image",
                hint,
                include.at,
            )
            break


def _places(include: Include) -> Iterator[str]:
    """Where an include's file may be: at its destination, or in a directory that is there."""
    place = posixpath.normpath(posixpath.join("/", include.destination))
    if not include.destination.endswith("/"):
        yield place
    yield posixpath.join(place, posixpath.basename(include.source.rstrip("/")))
