"""The parts of UFS images that are ours: the specification, the staging, the superblocks.

That makefs's images are the same bytes for the same tree is seen by tests/integration/test_bsd.py.
"""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path

from frameworks.steps import ffs
from frameworks.steps.entries import ROOT, TreeEntry, walk


def entry(name: bytes, mode: int, device: int = 0) -> TreeEntry:
    return TreeEntry(name, b"/nowhere", mode, 3, 4, 0, 99, 1, 1, device)


def test_the_specification() -> None:
    made = ffs.mtree(
        [
            entry(ROOT, stat.S_IFDIR | 0o711),
            entry(b"dev", stat.S_IFDIR | 0o755),
            entry(b"dev/console", stat.S_IFCHR | 0o600, os.makedev(2, 0)),
            entry(b"a b#c\\d\xc3\xa9", stat.S_IFREG | 0o4755),
        ]
    )
    assert made.decode().splitlines() == [
        "#mtree",
        ". type=dir uid=3 gid=4 mode=0711 time=99.0",
        "./dev type=dir uid=3 gid=4 mode=0755 time=99.0",
        "./dev/console type=char uid=3 gid=4 mode=0600 time=99.0 device=netbsd,2,0",
        "./a\\040b\\043c\\134d\\303\\251 type=file uid=3 gid=4 mode=4755 time=99.0",
    ]


def test_the_stage_has_everything_but_devices(tmp_path: Path) -> None:
    tree, stage = tmp_path / "tree", tmp_path / "stage"
    (tree / "b").mkdir(parents=True)
    stage.mkdir()
    (tree / "b" / "file").write_text("x")
    os.link(tree / "b" / "file", tree / "hard")
    (tree / "link").symlink_to("b/file")
    os.mkfifo(tree / "fifo")
    entries = walk(str(tree), 1000)
    device = entry(b"null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    ffs.copy([*entries, device], str(stage))
    # Before anything here reads them.
    times = [os.lstat(stage / name) for name in ("b", "b/file", "fifo", "link")]
    assert {(found.st_mtime, found.st_atime) for found in times} == {(1000, 1000)}
    assert sorted(os.listdir(stage)) == ["b", "fifo", "hard", "link"]
    assert os.stat(stage / "hard").st_ino == os.stat(stage / "b" / "file").st_ino
    assert os.readlink(stage / "link") == "b/file"


def test_every_copy_of_the_superblock() -> None:
    """Three groups of 100 fragments of 1 KiB, each copy 16 fragments into its group."""
    block = bytearray(1376)
    fields = {8: 16, 24: 0, 28: -1, 44: 3, 52: 1024, 188: 100}
    for at, value in fields.items():
        struct.pack_into("<i", block, at, value)
    assert ffs.superblocks(bytes(block), 300 * 1024) == [8192, 16 << 10, 116 << 10, 216 << 10]


def test_the_size_has_room_to_write() -> None:
    small = ffs.image_size([])
    assert small == 4 << 20
    large = TreeEntry(b"f", b"/", stat.S_IFREG | 0o644, 0, 0, 40 << 20, 0, 1, 7, 0)
    assert (50 << 20) <= ffs.image_size([large]) <= (60 << 20)
    # A hard link takes no space of its own.
    assert ffs.image_size([large, large]) == ffs.image_size([large])
