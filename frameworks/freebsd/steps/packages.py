"""Install packages of FreeBSD into a tree: `packages.py PACKAGES TREE TIME`.

A package is an archive of its files, by their names from the root, and of `+MANIFEST`, which is
JSON and says what else pkg(8) would do (pkg-create(8)). Its scripts are FreeBSD's own and do not
run here; what is done in their place is what most are for: a configuration of each `*.sample` file
that has none beside it, and the directories that ld-elf.so.1 finds libraries in.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from frameworks.bsd.steps import installing
from frameworks.rootfs import inside
from frameworks.steps.unpack import unpack

HINTS = "var/run/ld-elf.so.hints"
_HINTS_MAGIC = 0x746E6845
_HEADER = struct.Struct("<6I26I")
_USUAL = ("/lib", "/usr/lib", "/usr/local/lib")
_OWN = ("+MANIFEST", "+COMPACT_MANIFEST")


def main(arguments: Sequence[str] | None = None) -> int:
    """Install; 0, or 1 with one line on stderr."""
    return installing.main(arguments, install, write_hints)


def install(package: Path, tree: str, when: int) -> None:
    """Unpack the file `package` into `tree`. Raises `frameworks.steps.unpack.ERRORS`."""
    unpack(str(package), tree)
    manifest: dict[str, Any] = {}
    for name in _OWN:
        file = Path(tree, name)
        if file.is_file() and not file.is_symlink():
            manifest = manifest or json.loads(file.read_bytes())
            file.unlink()
    for path in manifest.get("files", {}):
        _configure(tree, str(path), when)
    for note in notes(manifest, tree):
        print(f"hutch: {manifest.get('name', package.name)}: {note}", file=sys.stderr)


def _configure(tree: str, path: str, when: int) -> None:
    """What `@sample` in a port's list of files does."""
    target, dot, suffix = path.rpartition(".")
    if not dot or suffix != "sample":
        return
    found = inside.resolve(tree, path)
    folder = inside.resolve(tree, os.path.dirname(path))
    if found is None or folder is None or not os.path.isfile(found):
        return
    copy = os.path.join(folder, os.path.basename(target))
    if not os.path.lexists(copy):
        installing.copy_example(found, copy, when)


def notes(manifest: dict[str, Any], tree: str) -> Iterator[str]:
    """What pkg(8) would have done that is left to the user."""
    scripts = sorted({*manifest.get("scripts", {}), *manifest.get("lua_scripts", {})})
    if scripts:
        yield f"its scripts do not run here: {', '.join(scripts)}"
    for kind, file in (("users", "etc/passwd"), ("groups", "etc/group")):
        text = (inside.read(tree, file, 1 << 20) or b"").decode("utf-8", "replace")
        there = {line.partition(":")[0] for line in text.splitlines()}
        for name in manifest.get(kind, ()):
            if str(name) not in there:
                yield f"there is no {name} in /{file}, which its scripts would have put there"


def write_hints(tree: str, when: int) -> None:
    """Tell ld-elf.so.1 where libraries are, as rc's `ldconfig` does when FreeBSD boots.

    Format: struct elfhints_hdr of FreeBSD's elf-hints.h, and the directories, with colons between.
    """
    wanted = [*_USUAL, *_said(tree)]
    if (old := inside.read(tree, HINTS, 1 << 20)) is not None:
        wanted += _directories(old)
    folders = ":".join(dict.fromkeys(wanted)).encode()
    header = (_HINTS_MAGIC, 1, _HEADER.size, len(folders) + 1, 0, len(folders), *[0] * 26)
    folder = tree
    for name in os.path.dirname(HINTS).split("/"):
        folder = os.path.join(folder, name)
        if os.path.islink(folder):
            return  # the image has its own idea of where that is
        if not os.path.isdir(folder):
            os.mkdir(folder, 0o755)
            os.utime(folder, (when, when))
    path = os.path.join(tree, HINTS)
    if os.path.islink(path):
        os.unlink(path)
    with open(path, "wb") as file:
        file.write(_HEADER.pack(*header) + folders + b"\0")
    os.utime(path, (when, when))


def _said(tree: str) -> Iterator[str]:
    """The directories that packages name in files of their own."""
    folder = inside.resolve(tree, "usr/local/libdata/ldconfig")
    if folder is None or not os.path.isdir(folder):
        return
    for name in sorted(os.listdir(folder)):
        text = inside.read(tree, f"usr/local/libdata/ldconfig/{name}", 1 << 16) or b""
        for line in text.decode("utf-8", "replace").split():
            if line.startswith("/") and ":" not in line:
                yield line


def _directories(hints: bytes) -> list[str]:
    if len(hints) < _HEADER.size:
        return []
    magic, version, strings, _, start, length, *_ = _HEADER.unpack_from(hints)
    if (magic, version) != (_HINTS_MAGIC, 1):
        return []
    at = strings + start
    return [each for each in hints[at : at + length].decode("utf-8", "replace").split(":") if each]


if __name__ == "__main__":
    sys.exit(main())
