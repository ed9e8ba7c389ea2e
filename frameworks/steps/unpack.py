"""The command that unpacks an archive: `python3 -m frameworks.steps.unpack ARCHIVE DIRECTORY`.

It runs in hutch's own image, because what a builder can unpack by itself depends on the programs of
the machine it runs on. Owners, modes, times, links and device nodes are the archive's own; where a
builder may make no nodes, in a user's namespace, they are left out. Packages of FreeBSD (.pkg) and
pkgsrc (.tgz) are such archives, with files of their own beside those that they install.

Nothing is written or linked to outside the directory, whatever the archive says.
"""

from __future__ import annotations

import contextlib
import lzma
import math
import os
import stat
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from tarfile import TarFile, TarInfo

from frameworks.steps import full

ERRORS = (tarfile.TarError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)
"""What `unpack` raises of an archive that it cannot unpack."""

_ZSTD = b"\x28\xb5\x2f\xfd"
_LARGEST_ID = (1 << 32) - 2
"""-1 means "no change" to chown(2)."""
_EARLIEST, _LATEST = -(1 << 31), (1 << 34) - (1 << 31) - 1
"""What the file systems of builders hold, in seconds (ext4)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Unpack; 0, or 1 with one line on stderr."""
    archive, directory = sys.argv[1:] if arguments is None else arguments
    try:
        unpack(archive, directory)
    except ERRORS as error:
        # Python names every compression that it tried, one a line.
        tried = "\n" in str(error)
        why = "it is no tar archive, or damaged" if tried else full.words(error)
        print(f"hutch: the archive cannot be unpacked: {why}", file=sys.stderr)
        return 1
    return 0


def unpack(archive: str, directory: str) -> None:
    """Unpack the file `archive` into `directory`. Raises one of `ERRORS`."""
    top = os.path.realpath(directory)
    nodes = _may_make_nodes(directory)
    skipped = []

    def place(member: TarInfo, _: str) -> TarInfo | None:
        if not nodes and (member.ischr() or member.isblk()):
            skipped.append(member.name)
            return None
        _check(member)
        # FreeBSD's packages have names from the root.
        name = member.name.lstrip("/")
        path = _inside(top, name, member.name)
        target = path
        if member.islnk():
            target = _inside(top, member.linkname.lstrip("/"), member.name)
            if not os.path.lexists(target) or (
                os.path.isdir(target) and not os.path.islink(target)
            ):
                what = f"{_shown(member.name)} is a hard link to {_shown(member.linkname)}"
                raise tarfile.ReadError(f"{what}, and no such file is in front of it")
            if target == path:
                return None
        if os.path.islink(path) or (os.path.lexists(path) and not os.path.isdir(path)):
            # Or else what a link leads to would be written, and a FIFO waits for a reader.
            os.unlink(path)
        if member.islnk() or member.issym():
            # Where Python's own way fails to link it makes a copy, without asking here again.
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if member.islnk():
                os.link(target, path, follow_symlinks=False)
            else:
                os.symlink(member.linkname, path)
                if os.geteuid() == 0:  # in a user's namespace not every owner can be given
                    with contextlib.suppress(OSError):
                        os.chown(path, member.uid, member.gid, follow_symlinks=False)
                when = _time(member)
                os.utime(path, (when, when), follow_symlinks=False)
            return None
        return member.replace(
            name=name,
            mode=member.mode & 0o7777,
            mtime=_time(member),
        )

    # None of tarfile's own filters leaves a system's set-user-id programs what they are, and of
    # this step nothing is kept but the directory.
    with _opened(archive) as found:
        found.extractall(directory, numeric_owner=True, filter=place)
    if skipped:
        count = len(skipped)
        print(f"hutch: this builder makes no device nodes: {count} left out", file=sys.stderr)


def _time(member: TarInfo) -> float:
    return min(max(member.mtime, _EARLIEST), _LATEST)


def _check(member: TarInfo) -> None:
    """Raise ReadError for numbers that are none of a file's."""
    wrong = ""
    if not (0 <= member.uid <= _LARGEST_ID and 0 <= member.gid <= _LARGEST_ID):
        wrong = f"the owner {member.uid}:{member.gid}"
    elif not math.isfinite(member.mtime):
        wrong = f"the time {member.mtime}"
    elif (member.ischr() or member.isblk()) and not (
        0 <= member.devmajor < 1 << 12 and 0 <= member.devminor < 1 << 20
    ):
        wrong = f"the device {member.devmajor}:{member.devminor}"
    if wrong:
        raise tarfile.ReadError(f"{_shown(member.name)} has {wrong}, which no file has")


def _inside(top: str, name: str, member: str) -> str:
    """The path of `name` below `top`. Raises ReadError where it leads out, by a link or by `..`."""
    parent, _, last = name.rstrip("/").rpartition("/")
    folder = os.path.realpath(os.path.join(top, parent))
    if ".." in name.split("/") or (folder != top and not folder.startswith(f"{top}/")):
        raise tarfile.ReadError(f"{_shown(member)} leads out of the archive's directory")
    return os.path.join(folder, last) if last not in ("", ".") else top


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


@contextlib.contextmanager
def _opened(archive: str) -> Iterator[TarFile]:
    """The archive, whatever compresses it; Python's own module knows no zstd."""
    with open(archive, "rb") as file:
        zstd = file.read(len(_ZSTD)) == _ZSTD
    if not zstd:
        with tarfile.open(archive) as found:
            yield found
        return
    with subprocess.Popen(["bsdcat", archive], stdout=subprocess.PIPE) as tool:
        assert tool.stdout is not None
        with tarfile.open(fileobj=tool.stdout, mode="r|") as found:
            yield found
        tool.stdout.read()
    if tool.returncode != 0:
        raise tarfile.ReadError("it is damaged")


def _may_make_nodes(directory: str) -> bool:
    path = os.path.join(directory, ".hutch-node")
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        return False
    os.unlink(path)
    return True


if __name__ == "__main__":
    sys.exit(main())
