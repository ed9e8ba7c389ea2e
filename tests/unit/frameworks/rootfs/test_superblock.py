"""How full a file system is, read from images that the formats' own tools have written."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from frameworks.rootfs import superblock
from frameworks.rootfs.filesystems import FFS
from frameworks.rootfs.superblock import HEAD, Space
from frameworks.steps import ffs
from frameworks.steps.entries import walk
from frameworks.steps.job import Job

MIB = 1 << 20


def head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def filled(folder: Path, size: int) -> Path:
    """A tree with one file of `size` bytes."""
    folder.mkdir()
    (folder / "file").write_bytes(b"x" * size)  # of zeros no tool would store any
    return folder


@pytest.mark.skipif(shutil.which("mke2fs") is None, reason="needs e2fsprogs")
@pytest.mark.parametrize(
    "options",
    [
        ("-t", "ext4", "-O", "64bit"),
        ("-t", "ext4", "-O", "^64bit"),
        ("-t", "ext2"),
        ("-t", "ext2", "-b", "1024"),
    ],
    ids=" ".join,
)
def test_ext(tmp_path: Path, options: tuple[str, ...]) -> None:
    image = tmp_path / "image"
    used = []
    for number, size in enumerate((0, 20 * MIB)):
        tree = filled(tmp_path / f"tree{number}", size)
        image.unlink(missing_ok=True)
        with image.open("wb") as file:
            file.truncate(64 * MIB)
        subprocess.run(["mke2fs", "-q", "-F", *options, "-d", tree, image], check=True)
        space = superblock.read(head(image))
        assert space is not None
        assert space.total == 64 * MIB
        used.append(space.total - space.free)
    assert 20 * MIB <= used[1] - used[0] < 21 * MIB
    assert used[0] < 16 * MIB  # a journal, tables


def test_ext_of_many_terabytes() -> None:
    """The upper halves of the counts, which a file in a test is too small for."""
    block = bytearray(HEAD)
    struct.pack_into("<III", block, 0x404, 5, 0, 3)
    struct.pack_into("<I", block, 0x418, 2)
    block[0x438:0x43A] = b"\x53\xef"
    struct.pack_into("<III", block, 0x550, 2, 9, 1)
    assert superblock.read(bytes(block)) == Space(5 * 4096, 3 * 4096)  # without the feature
    struct.pack_into("<I", block, 0x460, 0x80)
    assert superblock.read(bytes(block)) == Space(((2 << 32) + 5) * 4096, ((1 << 32) + 3) * 4096)


@pytest.mark.skipif(shutil.which("makefs") is None, reason="needs makefs")
def test_ffs(tmp_path: Path) -> None:
    used = []
    for number, size in enumerate((0, 20 * MIB)):
        tree = filled(tmp_path / f"tree{number}", size)
        stage, image = tmp_path / f"stage{number}", tmp_path / f"image{number}"
        stage.mkdir()
        ffs.write(Job(FFS, walk(str(tree), 0), str(image), 0, 64 * MIB, str(stage)))
        space = superblock.read(head(image))
        assert space is not None
        assert space.total == 64 * MIB
        used.append(space.total - space.free)
    assert 20 * MIB <= used[1] - used[0] < 21 * MIB
    assert used[0] < 4 * MIB


@pytest.mark.skipif(shutil.which("makefs") is None, reason="needs makefs")
def test_ufs2(tmp_path: Path) -> None:
    tree, image = filled(tmp_path / "tree", 20 * MIB), tmp_path / "image"
    command = ["makefs", "-t", "ffs", "-B", "le", "-o", "version=2", "-s", "64m"]
    subprocess.run([*command, image, tree], check=True, capture_output=True)
    space = superblock.read(head(image))
    assert space is not None
    assert space.total == 64 * MIB
    assert 20 * MIB <= space.total - space.free < 24 * MIB


def test_ufs2_where_netbsd_puts_it() -> None:
    block = bytearray(HEAD)
    block[0x2000 + 0x55C : 0x2000 + 0x560] = b"\x19\x01\x54\x19"
    struct.pack_into("<ii", block, 0x2000 + 52, 1024, 8)
    struct.pack_into("<qqq", block, 0x2000 + 1016, 2, 0, 3)
    struct.pack_into("<q", block, 0x2000 + 1080, 100)
    assert superblock.read(bytes(block)) == Space(100 * 1024, (2 * 8 + 3) * 1024)


@pytest.mark.parametrize("data", [b"", b"hsqs" + bytes(100), bytes(HEAD), b"\xff" * HEAD])
def test_others_do_not_say(data: bytes) -> None:
    assert superblock.read(data) is None
