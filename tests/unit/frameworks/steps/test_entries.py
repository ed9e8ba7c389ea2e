"""Trees as lists of entries: order, times, links."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from frameworks.steps import ffs
from frameworks.steps.entries import newest, walk
from tests.unit.frameworks.steps.trees import tarred


def test_a_directory_comes_before_what_is_in_it(tree: Path) -> None:
    names = [entry.name for entry in walk(str(tree))]
    assert names == [
        b".", b"bin", b"bin/alias", b"bin/link", b"bin/tool", b"etc", b"etc/motd", b"etc.d",
        b"etc.d/a", b"pipe", b"zero",
    ]  # fmt: skip


def test_the_root_is_what_it_is_in_the_tree(tree: Path) -> None:
    """But for its time, which is that of the mount."""
    tree.chmod(0o711)
    (root, *below) = walk(str(tree))
    assert (root.mode, root.uid, root.gid) == (stat.S_IFDIR | 0o711, os.getuid(), os.getgid())
    assert root.mtime == newest(below)
    with tarred([root]) as found:
        assert [(member.name, member.mode) for member in found] == [(".", 0o711)]
    assert ffs.mtree([root]).splitlines()[1].startswith(b". type=dir ")
    assert b" mode=0711 " in ffs.mtree([root])


def test_hard_links_share_an_inode_and_count_their_names(tree: Path) -> None:
    entries = {entry.name: entry for entry in walk(str(tree))}
    assert entries[b"bin/alias"].inode == entries[b"bin/tool"].inode
    assert entries[b"bin/alias"].links == entries[b"bin/tool"].links == 2
    assert entries[b"zero"].links == 1


def test_a_link_count_leaves_out_names_outside_the_tree(tree: Path) -> None:
    os.link(tree / "zero", tree.parent / "elsewhere")
    entries = {entry.name: entry for entry in walk(str(tree))}
    assert entries[b"zero"].links == 1


def test_sockets_are_left_out(tree: Path) -> None:
    os.mknod(tree / "socket", stat.S_IFSOCK | 0o600)
    assert b"socket" not in [entry.name for entry in walk(str(tree))]


def test_no_time_is_newer_than_the_epoch(tree: Path) -> None:
    assert max(entry.mtime for entry in walk(str(tree), 1003)) == 1003
    assert min(entry.mtime for entry in walk(str(tree), 1003)) == 1000
    assert newest(walk(str(tree))) > 1003
    assert newest([]) == 0
