"""The command that unpacks an archive: `python3 -m frameworks.rootfs.unpack ARCHIVE DIRECTORY`.

It runs in hutch's own image, because what a builder can unpack by itself depends on the programs of
the machine it runs on. Owners, modes, times, links and device nodes are the archive's own; where a
builder may make no nodes, in a user's namespace, they are left out. Packages of FreeBSD (.pkg) and
pkgsrc (.tgz) are such archives, with files of their own beside those that they install.
"""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from tarfile import TarFile, TarInfo

_ZSTD = b"\x28\xb5\x2f\xfd"


def main(arguments: Sequence[str] | None = None) -> int:
    """Unpack; 0, or 1 with one line on stderr."""
    archive, directory = sys.argv[1:] if arguments is None else arguments
    try:
        unpack(archive, directory)
    except (tarfile.TarError, OSError, EOFError) as error:
        print(f"hutch: the archive cannot be unpacked: {error}", file=sys.stderr)
        return 1
    return 0


def unpack(archive: str, directory: str) -> None:
    """Unpack the file `archive` into `directory`. Raises TarError, OSError or EOFError."""
    nodes = _may_make_nodes(directory)
    skipped = []

    def place(member: TarInfo, _: str) -> TarInfo | None:
        if not nodes and (member.ischr() or member.isblk()):
            skipped.append(member.name)
            return None
        # FreeBSD's packages have names from the root.
        name = member.name.lstrip("/")
        return member.replace(
            name=name, linkname=member.linkname.lstrip("/") if member.islnk() else member.linkname
        )

    # None of tarfile's own filters leaves a system's set-user-id programs what they are, and of
    # this step nothing is kept but the directory.
    with _opened(archive) as found:
        found.extractall(directory, numeric_owner=True, filter=place)
    if skipped:
        count = len(skipped)
        print(f"hutch: this builder makes no device nodes: {count} left out", file=sys.stderr)


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
