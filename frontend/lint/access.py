"""What a guest may not read of a raw root filesystem, because the container's user may not.

The runtime executes the monitor as the container's user, and the guest's files come through it:
what that user cannot read on the host is closed to the guest, its root included
(docs/contract/urunc.md 6, setupUser).
This is a rule of lint (docs/rules/ClosedFile.md) that is looked at after the steps have run.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from frameworks.diagnostics import Diagnostic, Severity
from frameworks.runtime import RUNTIME

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frameworks.process import Process
    from frontend.gateway.files import FileStat

CLOSED_FILE = "ClosedFile"

_MOST = 20
"""How many arguments are looked at: each is some questions to the daemon."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Tree:
    """What is asked of a root filesystem. Paths are absolute; None where nothing is.

    `stat` tells of what a symbolic link leads to, `entry` of the link.
    """

    stat: Callable[[str], FileStat | None]
    read: Callable[[str], bytes | None]
    entry: Callable[[str], FileStat | None]


@dataclass(frozen=True, slots=True)
class User:
    uid: int
    gids: frozenset[int]

    def may(self, file: FileStat, bit: int) -> bool:
        """Whether the user has `bit` (4 to read, 1 to enter) of a file."""
        if file.uid == self.uid:
            return bool(file.permissions >> 6 & bit)
        if file.gid in self.gids:
            return bool(file.permissions >> 3 & bit)
        return bool(file.permissions & bit)


def wanted(plan: Plan, process: Process) -> bool:
    """Whether the rule has something to look at: a raw root, and a user other than root."""
    return plan.rootfs.type == "raw" and process.user.partition(":")[0] not in ("", "0", "root")


def judge(plan: Plan, process: Process, tree: Tree) -> Diagnostic | None:
    """What the user of `process` cannot read of what the process names, or None.

    Looked at are the program, paths among its arguments, the working directory, and the
    directories on the way to each.
    """
    user = user_of(process.user, tree)
    if user is None or user.uid == 0:
        return None
    seen: dict[str, FileStat | None] = {}

    def stat(path: str) -> FileStat | None:
        if path not in seen:
            seen[path] = tree.stat(path)
        return seen[path]

    closed: dict[str, FileStat] = {}
    for path in _paths(process, stat):
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
    return Diagnostic(
        CLOSED_FILE,
        f"user '{process.user}' may not read {listed}, so that the guest cannot, not even its root",
        "open it (chmod), or give it to that user (chown; 'owner' and 'mode' of an include)",
        (plan.settings.user or plan.rootfs.type or plan.monitor).at,
        severity=Severity.WARNING,
    )


def _paths(process: Process, stat: Callable[[str], FileStat | None]) -> Iterator[str]:
    words = list(process.args[: _MOST + 1])
    if words[:1] == [RUNTIME.init]:
        del words[0]
    if words and "/" not in words[0]:
        places = process.env.get("PATH", _PATH).split(":")
        found = (_absolute(f"{place}/{words[0]}") for place in places)
        words[0] = next((path for path in found if stat(path) is not None), words[0])
    yield from (_absolute(word) for word in words if word.startswith("/"))
    yield _absolute(process.workdir)


def _absolute(path: str) -> str:
    return "/" + posixpath.normpath("/" + path).lstrip("/")


def user_of(name: str, tree: Tree) -> User | None:
    """The numbers of `USER[:GROUP]`, looked up in the tree; None where it does not know them."""
    user, _, group = name.partition(":")
    uid, gid = int(user) if user.isdigit() else None, 0
    login = user
    for fields in _records(tree, "/etc/passwd", 4):
        if fields[0] == user or fields[2] == user:
            login, uid, gid = fields[0], int(fields[2]), int(fields[3])
            break
    if uid is None:
        return None
    gids = {gid}
    if group.isdigit():
        return User(uid, frozenset([int(group)]))
    for fields in _records(tree, "/etc/group", 4):
        if group and fields[0] == group:
            return User(uid, frozenset([int(fields[2])]))
        if not group and login in fields[3].split(","):
            gids.add(int(fields[2]))
    return None if group else User(uid, frozenset(gids))


def _records(tree: Tree, path: str, fields: int) -> Iterator[list[str]]:
    """The lines of a file such as passwd(5) that have numbers where they should."""
    for line in (tree.read(path) or b"").decode("utf-8", "replace").splitlines():
        record = line.split(":")
        numbers = record[2:4] if path.endswith("passwd") else record[2:3]
        if len(record) >= fields and all(n.isascii() and n.isdigit() for n in numbers):
            yield record
