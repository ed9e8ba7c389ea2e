"""Paths of a tree that is not the system's own: links begin at its root, `..` ends there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from frameworks.rootfs import inside


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "outside").write_text("outside")
    root = tmp_path / "tree"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/tool").write_text("tool")
    (root / "bin").symlink_to("/usr/bin")
    (root / "up").symlink_to("../../../../usr")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    return root


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/", "/"),
        ("usr/./bin/../bin/tool", "/usr/bin/tool"),
        ("/bin/tool", "/usr/bin/tool"),
        ("up/bin/tool", "/usr/bin/tool"),
        ("../../outside", None),
        ("out", None),
        ("loop", None),
        ("usr/bin/tool/more", None),
        ("missing", None),
    ],
)
def test_where_a_path_leads(tree: Path, path: str, found: str | None) -> None:
    expected = None if found is None else str(tree) + found.rstrip("/") or "/"
    got = inside.resolve(str(tree), path)
    assert (got.rstrip("/") if got else got) == expected


def test_what_is_read(tree: Path) -> None:
    assert inside.read(str(tree), "bin/tool", 100) == b"tool"
    assert inside.read(str(tree), "bin/tool", 2) == b"to"
    for path in ("out", "pipe", "usr", "missing"):
        assert inside.read(str(tree), path, 100) is None
