"""What a guest may not read of a raw root filesystem, because the container's user may not.

The runtime executes the monitor as the container's user, and the guest's files come through it:
what that user cannot read on the host is closed to the guest, its root included
(docs/contract/urunc.md 6, setupUser). The rule is ClosedFile (docs/rules/ClosedFile.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from frontend.lint.findings import finding
from frontend.lint.tree import absolute, command, program, user_of

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frameworks.diagnostics import Diagnostic
    from frameworks.process import Process
    from frontend.gateway.files import FileStat
    from frontend.lint.tree import Tree

_MOST = 20
"""How many arguments are looked at: each is some questions to the daemon."""


def wanted(plan: Plan, process: Process) -> bool:
    """Whether the rule has something to look at: a raw root, and a user other than root."""
    return plan.rootfs.type == "raw" and process.user.partition(":")[0] not in ("", "0", "root")


def judge(plan: Plan, process: Process, tree: Tree) -> Diagnostic | None:
    """What the user of `process` cannot read of what the process names, or None.

    Looked at are the program, paths among its arguments, the working directory, and the
    directories on the way to each.
    """
    user = user_of(process, tree)
    if user is None or user.uid == 0:
        return None
    seen: dict[str, FileStat | None] = {}

    def stat(path: str) -> FileStat | None:
        if path not in seen:
            seen[path] = tree.stat(path)
        return seen[path]

    closed: dict[str, FileStat] = {}
    for path in _paths(plan, process, replace(tree, stat=stat)):
        parts = [part for part in path.split("/") if part]
        for number in range(len(parts) + 1):
            at = "/" + "/".join(parts[:number])
            file = stat(at)
            if file is None:
                break
            if not user.may(file, 1 if file.is_dir else 4):
                closed[at] = file
                break
    if not closed:
        return None
    listed = ", ".join(
        f"{path} ({file.permissions:04o}, of {file.uid}:{file.gid})"
        for path, file in closed.items()
    )
    return finding(
        "ClosedFile",
        f"user '{process.user}' may not read {listed}, so that the guest cannot, not even its root",
        "open it (chmod), or give it to that user (chown; 'owner' and 'mode' of an include)",
        (plan.settings.user or plan.rootfs.type or plan.monitor).at,
    )


def _paths(plan: Plan, process: Process, tree: Tree) -> Iterator[str]:
    """The files that a process names: its program, paths among its arguments, its directory."""
    words = command(plan, process)[: _MOST + 1]
    if words and "/" in words[0]:
        yield absolute(process, words[0])
    elif words and (found := program(plan, process, tree, words[0])) is not None:
        yield found
    yield from (absolute(process, word) for word in words[1:] if word.startswith("/"))
    yield absolute(process)
