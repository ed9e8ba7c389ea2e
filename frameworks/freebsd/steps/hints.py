"""Tell ld-elf.so.1 where libraries are, as rc's `ldconfig` does when FreeBSD boots:

    hints.py TREE OUT TIME

TREE is the guest's root; OUT gets the file that it lacks, or nothing. Without it, ld-elf.so.1 looks
into /lib and /usr/lib alone, and the libraries of packages are in /usr/local/lib.

Formats: struct elfhints_hdr of FreeBSD's elf-hints.h, and the directories, with colons between;
ldconfig(8), for the directories that packages name.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterator, Sequence

from frameworks.rootfs import inside
from frameworks.steps import full

HINTS = "var/run/ld-elf.so.hints"
_LINKER = "libexec/ld-elf.so.1"
_MAGIC = 0x746E6845
_HEADER = struct.Struct("<6I26I")
_USUAL = ("/lib", "/usr/lib", "/usr/local/lib")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what TREE lacks; 0, or 1 with one line on stderr."""
    tree, out, when = sys.argv[1:] if arguments is None else arguments
    try:
        linker = inside.resolve(tree, _LINKER)
        if linker is not None and os.path.isfile(linker) and (hints := _of(tree)) != _read(tree):
            _write(os.path.join(out, os.path.basename(HINTS)), hints, int(when))
    except OSError as error:
        print(f"hutch: {HINTS} cannot be written: {full.words(error)}", file=sys.stderr)
        return 1
    return 0


def write(tree: str, when: int) -> None:
    """Write them into the tree, with a time of seconds since 1970. Raises OSError."""
    folder = tree
    for name in os.path.dirname(HINTS).split("/"):
        folder = os.path.join(folder, name)
        if os.path.islink(folder):
            return  # the image has its own idea of where that is
        if not os.path.isdir(folder):
            os.mkdir(folder, 0o755)
            os.utime(folder, (when, when))
    path = os.path.join(tree, HINTS)
    hints = _of(tree)
    if os.path.islink(path):
        os.unlink(path)
    _write(path, hints, when)


def _write(path: str, hints: bytes, when: int) -> None:
    with open(path, "wb") as file:
        file.write(hints)
    os.utime(path, (when, when))


def _of(tree: str) -> bytes:
    """What the tree's file has to be: the usual directories, those of packages, and its own."""
    wanted = [*_USUAL, *_said(tree), *_directories(_read(tree))]
    folders = ":".join(dict.fromkeys(wanted)).encode()
    header = (_MAGIC, 1, _HEADER.size, len(folders) + 1, 0, len(folders), *[0] * 26)
    return _HEADER.pack(*header) + folders + b"\0"


def _read(tree: str) -> bytes:
    return inside.read(tree, HINTS, 1 << 20) or b""


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
    if (magic, version) != (_MAGIC, 1):
        return []
    at = strings + start
    return [each for each in hints[at : at + length].decode("utf-8", "replace").split(":") if each]


if __name__ == "__main__":
    sys.exit(main())
