"""Trees with every kind of file, and what the archives of them are."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

from frameworks.steps import cpio, tar
from frameworks.steps.entries import TreeEntry, walk


def grow(root: Path, order: int = 1) -> None:
    """A tree with every kind of file that needs no privilege, made in either order."""
    for name in ("etc", "bin", "etc.d")[::order]:
        (root / name).mkdir()
    for name in ("etc/motd", "bin/tool", "etc.d/a", "zero")[::order]:
        (root / name).write_bytes(b"" if name == "zero" else name.encode() * 300)
    (root / "bin/tool").chmod(0o755)
    os.link(root / "bin/tool", root / "bin/alias")
    os.symlink("tool", root / "bin/link")
    os.mkfifo(root / "pipe")
    for number, path in enumerate(sorted(root.rglob("*"))):
        os.utime(path, (number, 1000 + number), follow_symlinks=False)


def packed(root: Path, latest: int | None = None) -> bytes:
    out = io.BytesIO()
    cpio.write(walk(str(root), latest), out)
    return out.getvalue()


def tarred(entries: list[TreeEntry]) -> tarfile.TarFile:
    """The archive that the tools for file systems read, as Python reads it."""
    out = io.BytesIO()
    tar.write(entries, out)
    out.seek(0)
    return tarfile.open(fileobj=out, errors="surrogateescape")
