"""What `-v` gives a guest: volumes that are kept, disk images, and directories of this machine.

A guest with a kernel of its own does not see this machine's directories as a container does. What
can be done depends on where its root is, as under urunc (docs/contract/urunc.md 2.1): a root that
is shared takes a mount; a root in memory takes copies; beside any root there can be further disks.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from frameworks.rootfs import lookup
from frameworks.runtime import RUNTIME
from frameworks.runtime.machine import Contract, Machine, NotBootable, Volume
from frameworks.steps import cpio, entries
from frameworks.steps.entries import ROOT, TreeEntry
from frontend.inputs.localfile import LocalFile

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
"""What Docker takes for the name of a volume (moby: volume/service/by.go, names.RestrictedName)."""

SIZE = 8 << 30
"""How large a new volume is, in bytes: as a file it takes what is in it."""
_MORE = 32 << 20


@dataclass(frozen=True, slots=True)
class Binding:
    """One `-v`: what is mounted and where.

    `source` is the name of a volume, "" for one that goes away with the guest, or a path.
    """

    source: str
    path: str
    read_only: bool = False

    @property
    def is_volume(self) -> bool:
        """Whether it is a volume of ours and not a path of this machine."""
        return "/" not in self.source

    @classmethod
    def parse(cls, text: str) -> Binding:
        """Read `[SOURCE:]PATH[:ro]`, as `docker run -v` takes it. Raises ValueError."""
        parts = text.split(":")
        read_only = len(parts) > 2 and parts[-1] == "ro"
        if len(parts) > 2 and parts[-1] in ("ro", "rw"):
            parts.pop()
        if len(parts) > 2:
            raise ValueError(f"'{text}' is not SOURCE:PATH, with ':ro' at most")
        source, path = ["", *parts][-2:]
        if not path.startswith("/") or path == "/":
            raise ValueError(f"'{path}' is no path in the guest: write it in full, as /data")
        if source.startswith("~"):
            source = os.path.expanduser(source)
        if source and "/" not in source and source != "." and not _NAME.fullmatch(source):
            raise ValueError(f"'{source}' is no name for a volume")
        if source in (".", ".."):
            source += "/"
        return cls(source, str(PurePosixPath(path)), read_only)


@dataclass(frozen=True, slots=True)
class Attached:
    """What becomes of all `-v`: disks, mounts in a shared root, an archive for a root in memory.

    `notes` are lines for the user.
    """

    disks: tuple[Volume, ...] = ()
    binds: tuple[Binding, ...] = ()
    copies: tuple[Binding, ...] = ()
    notes: tuple[str, ...] = ()


def home() -> Path:
    """Where volumes are kept: the system's place for root, else the user's."""
    if os.geteuid() == 0:
        return Path("/var/lib/hutch/volumes")
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return Path(data) / "hutch" / "volumes"


def attach(
    said: Contract, mounts: tuple[Binding, ...], directory: Path, machine: Machine
) -> Attached:
    """Make what the mounts need, temporary files in `directory`.

    Raises NotBootable where the guest can have no such thing, and OSError.
    """
    if not mounts:
        return Attached()
    if said.type not in RUNTIME.with_volumes or RUNTIME.init_file(said, machine) is None:
        raise NotBootable("only guests with hutch's init (or urunit) mount a volume")
    found = Attached()
    kind = RUNTIME.with_volumes[said.type]
    for number, mount in enumerate(mounts):
        scratch = directory / f"volume{number}.{kind}"
        if mount.is_volume:
            if mount.read_only:
                raise NotBootable(f"volume '{mount.source}' cannot be read-only")
            file = home() / f"{mount.source}.{kind}" if mount.source else scratch
            if not file.exists():
                make(file, SIZE, said)
            elif os.geteuid() == 0:
                os.chown(file, said.uid, said.gid)
            found = _with(found, disk=Volume(str(file), mount.path))
            continue
        source = os.path.abspath(mount.source)
        mode = os.stat(source).st_mode
        if stat.S_ISREG(mode) and _is_disk(source):
            if mount.read_only:
                raise NotBootable(f"the disk {mount.source} cannot be read-only")
            found = _with(found, disk=Volume(source, mount.path))
        elif said.rootfs == "share":
            if os.geteuid() != 0:
                raise NotBootable(f"to mount {mount.source} into the guest, this must run as root")
            found = _with(found, bind=replace(mount, source=source))
        elif said.rootfs == "initrd":
            note = f"{mount.path} is a copy of {mount.source}: the guest's changes are not kept"
            found = _with(found, copy=replace(mount, source=source), note=note)
        elif stat.S_ISDIR(mode):
            note = f"{mount.path} is a copy of {mount.source}: the guest's changes are not kept"
            make(scratch, _size(source) * 5 // 4 + _MORE, said, source)
            found = _with(found, disk=Volume(str(scratch), mount.path), note=note)
        else:
            raise NotBootable(
                f"{mount.source} is one file, and the guest's root is a disk: give its directory"
            )
    return found


def _with(
    found: Attached,
    disk: Volume | None = None,
    bind: Binding | None = None,
    copy: Binding | None = None,
    note: str = "",
) -> Attached:
    return Attached(
        (*found.disks, *([disk] if disk else [])),
        (*found.binds, *([bind] if bind else [])),
        (*found.copies, *([copy] if copy else [])),
        (*found.notes, *([note] if note else [])),
    )


def make(file: Path, size: int, said: Contract, content: str = "") -> None:
    """Make a file system, of a directory's content or empty, that the guest's user owns.

    Raises OSError.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    root = os.geteuid() == 0
    owner = f"root_owner={said.uid}:{said.gid}"
    words = ["mke2fs", "-q", "-F", "-t", RUNTIME.with_volumes[said.type], "-E", owner]
    words += ["-d", content] if content else []
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    try:
        done = subprocess.run(
            [*words, str(file), f"{-(-size // 1024)}k"],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise OSError("mke2fs is not installed: apt-get install e2fsprogs") from None
    if done.returncode != 0:
        file.unlink(missing_ok=True)
        raise OSError(f"cannot make a volume: {done.stderr.strip()}")
    if root:
        os.chown(file, said.uid, said.gid)


def append(initrd: str, mounts: tuple[Binding, ...]) -> None:
    """Append copies of the mounts to an initrd, as an archive of their own.

    Directories on the way that the guest has keep their owners and modes. Raises OSError.
    """
    made = list(_copies(initrd, mounts))
    with open(initrd, "ab") as out:
        out.write(b"\0" * (-out.tell() % 4))
        cpio.write(made, out)


def _copies(initrd: str, mounts: tuple[Binding, ...]) -> Iterator[TreeEntry]:
    made: set[str] = set()
    inode = 1
    for mount in mounts:
        for parent in reversed(PurePosixPath(mount.path).parents):
            name = str(parent)
            if name == "/" or name in made or _has(initrd, name):
                continue
            made.add(name)
            inode += 1
            yield TreeEntry(
                os.fsencode(name[1:]), b"", stat.S_IFDIR | 0o755, 0, 0, 0, 0, 1, inode, 0
            )
        to = os.fsencode(mount.path[1:])
        if os.path.isdir(mount.source):
            for entry in entries.walk(mount.source):
                below = to if entry.name == ROOT else to + b"/" + entry.name
                yield replace(entry, name=below, inode=entry.inode + inode)
            inode += 1 << 16
            continue
        info = os.stat(mount.source)
        inode += 1
        yield TreeEntry(
            to,
            os.fsencode(mount.source),
            info.st_mode,
            info.st_uid,
            info.st_gid,
            info.st_size,
            int(info.st_mtime),
            1,
            inode,
            0,
        )


def _has(initrd: str, path: str) -> bool:
    """Whether an initrd has a path; where it cannot be looked into, it is taken to have it."""
    try:
        return lookup.find(LocalFile(initrd), path) is not None
    except lookup.Unknown:
        return True


def _is_disk(path: str) -> bool:
    """Whether a file is a disk with a file system that guests mount (ext2, ext3, ext4)."""
    with open(path, "rb") as file:
        file.seek(1024 + 56)
        return file.read(2) == b"\x53\xef"


def _size(directory: str) -> int:
    """The bytes below a directory, each file in whole blocks."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            info = os.lstat(os.path.join(folder, name))
            total += -(-info.st_size // 4096) * 4096 + 256
    return total
