"""A root filesystem to look into: its accounts, and the programs that a word means in it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import frameworks
from frameworks.runtime import RUNTIME

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frameworks.process import Process
    from frontend.gateway.files import FileStat

HEAD = 4096
"""How much of a program is read: more than the 256 bytes by which the kernel chooses how to run it,
for the name of the dynamic linker behind the program headers."""
MOST = 1 << 20
"""How much of a list of accounts is read, in bytes."""


@dataclass(frozen=True, slots=True)
class Tree:
    """What is asked of a root filesystem. Paths are absolute; None where nothing is.

    `stat` tells of what a symbolic link leads to, `entry` of the link; `read` gives the first bytes
    of a file, as many as it is told at most.
    """

    stat: Callable[[str], FileStat | None]
    read: Callable[[str, int], bytes | None]
    entry: Callable[[str], FileStat | None]


@dataclass(frozen=True, slots=True)
class User:
    """The numbers that a process runs under."""

    uid: int
    gids: frozenset[int]

    def may(self, file: FileStat, bit: int) -> bool:
        """Whether the user has `bit` of a file: 4 to read it, 1 to enter or to execute it."""
        if self.uid == 0:
            return bit != 1 or file.is_dir or bool(file.permissions & 0o111)
        if file.uid == self.uid:
            return bool(file.permissions >> 6 & bit)
        if file.gid in self.gids:
            return bool(file.permissions >> 3 & bit)
        return bool(file.permissions & bit)


ROOT = User(0, frozenset([0]))


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name without an account: of a "user" or a "group", which `path` lists.

    `listed` says whether that list is there at all.
    """

    what: str
    name: str
    path: str
    listed: bool


def account(said: str, read: Callable[[str], bytes | None]) -> User | Unknown:
    """The numbers of `USER[:GROUP]`, names or numbers; `read` gives a list of accounts.

    As container engines look them up, which start nothing when they do not find a name
    (moby/sys/user, GetExecUser; containerd's WithUser has the same parser): the first line that
    fits counts, a number needs no line, and what should be a number in a line and is none is 0.
    """
    user, _, group = said.partition(":")
    number = _number(user) if user else 0
    passwd = read("/etc/passwd")
    fits = (each for each in _lines(passwd) if each[0] == user or number == _field(each, 2))
    line = next(fits, None)
    if line is None and number is None:
        return Unknown("user", user, "/etc/passwd", passwd is not None)
    uid, gid = (number or 0, 0) if line is None else (_field(line, 2), _field(line, 3))
    if group:
        return _with_group(uid, group, read("/etc/group"))
    if line is None:
        return User(uid, frozenset([gid]))
    groups = _lines(read("/etc/group"))
    more = [_field(each, 2) for each in groups if line[0] in "".join(each[3:4]).split(",")]
    return User(uid, frozenset([gid, *more]))


def _with_group(uid: int, group: str, listed: bytes | None) -> User | Unknown:
    number = _number(group)
    for each in _lines(listed):
        if each[0] == group or number == _field(each, 2):
            return User(uid, frozenset([_field(each, 2)]))
    if number is None:
        return Unknown("group", group, "/etc/group", listed is not None)
    return User(uid, frozenset([number]))


def user_of(process: Process, tree: Tree) -> User | None:
    """The user that a process runs as; None where the tree does not know it."""
    if not process.user:
        return ROOT
    found = account(process.user, lambda path: tree.read(path, MOST))
    return found if isinstance(found, User) else None


def _lines(data: bytes | None) -> Iterator[list[str]]:
    """The lines of passwd(5) or group(5), in fields."""
    for line in (data or b"").decode("utf-8", "replace").splitlines():
        if line := line.strip():
            yield line.split(":")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _field(line: list[str], at: int) -> int:
    """A number of a line, 0 for none."""
    return (_number(line[at]) if at < len(line) else None) or 0


def command(plan: Plan, process: Process) -> tuple[str, ...]:
    """The words of a process without hutch's init, which starts what follows it."""
    words = process.args
    return words[1:] if words[:1] == (RUNTIME.init,) and plan.init != "none" else words


def path_of(plan: Plan, process: Process) -> str:
    """PATH, or what hutch's init takes for it where an image says none."""
    return process.env.get("PATH", frameworks.guest(plan.framework).path)


def absolute(process: Process, *parts: str) -> str:
    """The path that the guest's kernel takes, from the directory that the process starts in."""
    return "/" + posixpath.normpath(posixpath.join("/", process.workdir, *parts)).lstrip("/")


def program(plan: Plan, process: Process, tree: Tree, word: str) -> str | None:
    """The path of the file that `word` starts; None where there is none of that name.

    A word without a slash is looked for as execvp(3) does, and hutch's init (frameworks/init): in
    the directories of PATH, where an empty one is the working directory, and what cannot be
    executed there is passed over. It is what the word means where nothing else is found.
    """
    if "/" in word:
        path = absolute(process, word)
        return path if tree.stat(path) is not None else None
    user = user_of(process, tree) or ROOT
    closed: str | None = None
    for folder in path_of(plan, process).split(":"):
        path = absolute(process, folder, word)
        file = tree.stat(path)
        if file is None or file.is_dir:
            continue
        if user.may(file, 1):
            return path
        closed = closed or path
    return closed
