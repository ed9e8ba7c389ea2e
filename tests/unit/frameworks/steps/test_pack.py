"""The command that packs a tree, and what it says when it cannot."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from frameworks.steps import cpio, job, pack
from frameworks.steps.job import PackError
from tests.unit.frameworks.steps.trees import packed


def test_the_command_packs_a_tree_and_sets_the_times(tree: Path, tmp_path: Path) -> None:
    output = tmp_path / "out/.boot/rootfs"
    arguments = ["initrd", "--tree", str(tree), "--output", str(output), "--epoch", "1002"]
    assert pack.main(arguments) == 0
    assert output.read_bytes() == packed(tree, 1002)
    assert output.stat().st_mtime == output.parent.stat().st_mtime == 1002


def test_the_command_says_in_one_line_what_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "missing")
    assert pack.main(["initrd", "--tree", missing, "--output", str(tmp_path / "o/f")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("hutch: ")
    assert said.count("\n") == 1


def _fake(folder: Path, monkeypatch: pytest.MonkeyPatch, said: str, *, free: int = 1 << 40) -> None:
    """Tools that read their archive, say `said` and fail, on a disk with so much room."""
    folder.mkdir()
    for name in ("mke2fs", "mksquashfs", "mkfs.erofs"):
        script = folder / name
        script.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{said}'\nexit 1\n")
        script.chmod(0o755)
    path = f"{folder}:/usr/bin:/bin"
    monkeypatch.setattr(job, "environment", lambda when: {"PATH": path})
    monkeypatch.setenv("PATH", path)
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((1, 1, 9, free, *[0] * 6)))


@pytest.mark.parametrize(
    ("format", "said", "free"),
    [
        ("ext4", "mke2fs: Could not allocate block in ext2 filesystem", 0),
        ("erofs", "Could not format the device : [Error 74] Bad message", 0),
        ("squashfs", "Write failed because No space left on device", 1 << 40),
    ],
)
def test_a_full_builder(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str, said: str, free: int
) -> None:
    """The words are those that the tools have on a tmpfs of 8 MiB."""
    _fake(tmp_path / "bin", monkeypatch, said, free=free)
    with pytest.raises(PackError, match="the builder has no disk space left"):
        pack.pack(format, str(tree), str(tmp_path / "out/image"))


def test_a_full_builder_and_an_archive(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cpio, "write", write)
    assert pack.main(["initrd", "--tree", str(tree), "--output", str(tmp_path / "o/f")]) == 1
    assert "the builder has no disk space left" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (2 << 20, r"rootfs.size of 2 MiB is too small: the tree needs about 8 MiB \('8M'\)"),
        (1 << 20, "rootfs.size of 1 MiB is too small"),
        (64 << 20, "rootfs.size of 64 MiB is too small for the tree; make it larger"),
        (None, "8 MiB are too small for the tree; say its size in rootfs.size"),
    ],
)
def test_too_small_an_image(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int | None, words: str
) -> None:
    said = "mke2fs: Could not allocate block in ext2 filesystem"
    if size == 1 << 20:
        said = (
            "mke2fs: inode_size (256) * inodes_count (512) too big for a filesystem with 64 blocks"
        )
    _fake(tmp_path / "bin", monkeypatch, said)
    with pytest.raises(PackError, match=words):
        pack.pack("ext2", str(tree), str(tmp_path / "out/image"), size=size)


def test_a_tool_that_fails_otherwise(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake(tmp_path / "bin", monkeypatch, "it is Tuesday")
    with pytest.raises(PackError, match=r"^mkfs\.erofs: it is Tuesday$"):
        pack.pack("erofs", str(tree), str(tmp_path / "out/image"))


def test_the_command_reports_what_is_not_kept(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(tree / "zero", (5e9, 5e9))
    os.utime(tree / "etc/motd", (-5, -5))

    def getxattr(path: bytes, name: str, *, follow_symlinks: bool) -> bytes:
        if not path.endswith(b"bin/tool"):
            raise OSError(errno.ENODATA, "none")
        return bytes(20)

    monkeypatch.setattr(os, "getxattr", getxattr)
    output, report = tmp_path / "out/rootfs", tmp_path / "report"
    arguments = ["initrd", "--tree", str(tree), "--output", str(output), "--report", str(report)]
    assert pack.main(arguments) == 0
    assert json.loads(report.read_text()) == {
        "capabilities": [1, ["/bin/tool"]],
        "times": [2, ["/etc/motd", "/zero"]],
    }
    assert b"FFFFFFFF" in output.read_bytes()
    # With an epoch there is no such time but the one before 1970.
    assert pack.main([*arguments, "--epoch", "1002"]) == 0
    assert json.loads(report.read_text())["times"] == [1, ["/etc/motd"]]
