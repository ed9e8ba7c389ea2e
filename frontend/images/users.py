"""The user that a monitor runs as, and the files of the image that this user may open."""

from __future__ import annotations

import stat
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from frameworks.runtime import RUNTIME
from frameworks.runtime.machine import Contract, NotBootable
from frontend.images.layers import ImageFiles


@dataclass(frozen=True, slots=True)
class User:
    """Who a process runs as: numbers, with the further groups."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()


def resolve(text: str, tree: ImageFiles) -> User:
    """A config's `User` in numbers, looked up in the image as Docker and containerd do.

    A user without a group has the one of `/etc/passwd`, or 0, and those that `/etc/group` lists it
    in. Raises NotBootable for a name that is not there.
    """
    name, _, group = text.partition(":")
    name = name or "0"
    known = _lines(tree, "/etc/passwd")
    found = next((line for line in known if line[0] == name), None)
    if found is None and name.isdigit():
        found = next((line for line in known if len(line) > 3 and line[2] == name), None)
    if found is None and not name.isdigit():
        raise NotBootable(f"the image's /etc/passwd does not know '{name}'")
    uid = int(found[2]) if found else int(name)
    groups = _lines(tree, "/etc/group")
    if group:
        named = next((line for line in groups if line[0] == group), None)
        if named is None and not group.isdigit():
            raise NotBootable(f"the image's /etc/group does not know '{group}'")
        gid = int(named[2]) if named else int(group)
        return User(uid, gid, (gid,))
    gid = int(found[3]) if found else 0
    more = [int(line[2]) for line in groups if found and found[0] in line[-1].split(",")]
    return User(uid, gid, tuple(dict.fromkeys((gid, *more))))


def _lines(tree: ImageFiles, file: str) -> list[list[str]]:
    return [line.split(":") for line in (tree.read(file) or b"").decode().splitlines() if line]


def refusal(contract: Contract, tree: ImageFiles) -> str | None:
    """Why the monitor, as the contract's user, could not open one of its files; None if it can.

    It reads the kernel and the initrd, and opens the disk image for writing, too: urunc asks for
    no disk that is read-only.
    """
    for key, wanted in zip(RUNTIME.keys.files, ("r", "r", "rw"), strict=True):
        path = contract.keys.get(key)
        if not path:
            continue
        for parent in reversed(PurePosixPath(path).parents):
            if str(parent) in tree and not _may(contract, tree.stat(str(parent)), "x"):
                return f"user {contract.uid} may not enter {parent}, which has {path}"
        info = tree.stat(path)
        if not _may(contract, info, wanted):
            verb = {"r": "read", "rw": "write"}[wanted]
            mode = stat.S_IMODE(info.mode)
            return (
                f"user {contract.uid} may not {verb} {path}, of {info.uid}:{info.gid} with {mode:o}"
            )
    return None


def closed(directory: Path, user: User) -> Path | None:
    """The first directory of this machine on the way into `directory` that `user` may not enter."""
    real = directory.resolve()
    for each in (*reversed(real.parents), real):
        info = each.stat()
        if not _allows(user, info.st_uid, info.st_gid, info.st_mode, "x"):
            return each
    return None


def _may(contract: Contract, info: tarfile.TarInfo, wanted: str) -> bool:
    """Whether a file's owner and mode let the contract's user do each of `wanted`."""
    user = User(contract.uid, contract.gid, contract.groups)
    return _allows(user, info.uid, info.gid, info.mode, wanted)


def _allows(user: User, owner: int, group: int, mode: int, wanted: str) -> bool:
    """Whether a file of `owner` and `group` with `mode` lets `user` do each of `wanted`."""
    if user.uid == 0:
        return True
    shift = 0
    if owner == user.uid:
        shift = 6
    elif group in (user.gid, *user.groups):
        shift = 3
    bits = sum({"r": 4, "w": 2, "x": 1}[each] for each in wanted)
    return (mode >> shift) & bits == bits
