"""The size of ext2 and ext4 images."""

from __future__ import annotations

from pathlib import Path

from frameworks.rootfs.filesystems import EXT2, EXT4
from frameworks.steps import ext
from frameworks.steps.entries import walk


def test_the_size_of_a_file_system_grows_with_its_tree(tree: Path) -> None:
    small = ext.image_size(EXT2, walk(str(tree)))
    (tree / "large").write_bytes(b"x" * (20 << 20))
    large = ext.image_size(EXT2, walk(str(tree)))
    assert small % (4 << 20) == large % (4 << 20) == 0
    assert large - small >= 20 << 20
    assert ext.image_size(EXT4, walk(str(tree))) > large
