"""Unpack a source archive so that the tree's top is the directory: `unpack ARCHIVE OUT MARKER`.

Archives have their tree below a directory of some name (`usr/src/`, `NAME-COMMIT/`); MARKER is a
file that is at the top of a tree, such as `build.sh`. Runs in hutch's own image.
"""

from __future__ import annotations

import sys
import tarfile
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Unpack; 0, or 1 with a line on stderr when there is no tree in the archive."""
    archive, out, marker = sys.argv[1:] if arguments is None else arguments
    try:
        with tarfile.open(archive) as found:
            top = _top(found, marker)
            if top is None:
                print(f"hutch: there is no {marker} in the archive", file=sys.stderr)
                return 1
            for member in found:
                name = _below(member.name, top)
                if name is None:
                    continue
                if member.islnk():
                    member.linkname = _below(member.linkname, top) or member.linkname
                member.name = name
                found.extract(member, out, filter="tar")
    except (tarfile.TarError, OSError) as error:
        print(f"hutch: the archive cannot be unpacked: {error}", file=sys.stderr)
        return 1
    return 0


def _plain(name: str) -> str:
    return name.removeprefix("./").strip("/")


def _top(archive: tarfile.TarFile, marker: str) -> str | None:
    """The directory that holds the outermost file called `marker`; "" is the archive's own."""
    depths = [
        (name.count("/"), name.removesuffix(marker).rstrip("/"))
        for name in map(_plain, archive.getnames())
        if name == marker or name.endswith(f"/{marker}")
    ]
    return min(depths)[1] if depths else None


def _below(name: str, top: str) -> str | None:
    """`name` relative to `top`, None for what is not below it."""
    name = _plain(name)
    if not top:
        return name or None
    return name.removeprefix(f"{top}/") if name.startswith(f"{top}/") else None


if __name__ == "__main__":
    sys.exit(main())
