"""Trees into cpio archives."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from frameworks.steps import cpio
from frameworks.steps.entries import TreeEntry, walk
from tests.unit.frameworks.steps.trees import grow, packed


def test_the_order_of_creation_changes_nothing(tmp_path: Path) -> None:
    archives = []
    for order in (1, -1):
        root = tmp_path / f"tree{order}"
        root.mkdir()
        grow(root, order)
        archives.append(packed(root))
    assert archives[0] == archives[1]


def test_the_archive_is_padded_and_ends_with_its_trailer(tree: Path) -> None:
    archive = packed(tree)
    assert len(archive) % 512 == 0
    assert archive.startswith(b"070701")
    assert b"TRAILER!!!" in archive


@pytest.mark.skipif(shutil.which("cpio") is None, reason="needs GNU cpio")
def test_gnu_cpio_unpacks_what_was_packed(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["cpio", "-idm", "--quiet"], input=packed(tree), cwd=out, check=True, timeout=60)
    for entry in walk(str(tree)):
        there = out / os.fsdecode(entry.name)
        info = there.lstat()
        assert stat.S_IFMT(info.st_mode) == stat.S_IFMT(entry.mode)
        if not there.is_symlink():
            assert info.st_mode == entry.mode
        if stat.S_ISREG(entry.mode):
            assert there.read_bytes() == (tree / os.fsdecode(entry.name)).read_bytes()
    assert os.readlink(out / "bin/link") == "tool"
    assert (out / "bin/alias").stat().st_ino == (out / "bin/tool").stat().st_ino


def test_device_nodes_keep_their_numbers() -> None:
    node = TreeEntry(b"null", b"", stat.S_IFCHR | 0o666, 0, 0, 0, 0, 1, 1, os.makedev(1, 3))
    out = io.BytesIO()
    cpio.write([node], out)
    fields = [out.getvalue()[6 + 8 * n : 14 + 8 * n] for n in range(13)]
    assert (int(fields[9], 16), int(fields[10], 16)) == (1, 3)
