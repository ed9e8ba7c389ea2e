"""Trees into archives and images: order, times, links, and what a file is by its first bytes."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from frameworks.rootfs.detect import HEAD, identify, identify_name
from frameworks.rootfs.filesystems import EXT2, EXT4
from frameworks.steps import cpio, ext, ffs, job, pack, tar
from frameworks.steps.entries import TreeEntry, newest, walk
from frameworks.steps.job import PackError


def _grow(root: Path, order: int = 1) -> None:
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


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    root.mkdir()
    _grow(root)
    return root


def _archive(root: Path, latest: int | None = None) -> bytes:
    out = io.BytesIO()
    cpio.write(walk(str(root), latest), out)
    return out.getvalue()


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
    with _tar([root]) as found:
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


def test_the_order_of_creation_changes_nothing(tmp_path: Path) -> None:
    archives = []
    for order in (1, -1):
        root = tmp_path / f"tree{order}"
        root.mkdir()
        _grow(root, order)
        archives.append(_archive(root))
    assert archives[0] == archives[1]


def test_the_archive_is_padded_and_ends_with_its_trailer(tree: Path) -> None:
    archive = _archive(tree)
    assert len(archive) % 512 == 0
    assert archive.startswith(b"070701")
    assert b"TRAILER!!!" in archive


@pytest.mark.skipif(shutil.which("cpio") is None, reason="needs GNU cpio")
def test_gnu_cpio_unpacks_what_was_packed(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(
        ["cpio", "-idm", "--quiet"], input=_archive(tree), cwd=out, check=True, timeout=60
    )
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


def test_the_command_packs_a_tree_and_sets_the_times(tree: Path, tmp_path: Path) -> None:
    output = tmp_path / "out/.boot/rootfs"
    arguments = ["initrd", "--tree", str(tree), "--output", str(output), "--epoch", "1002"]
    assert pack.main(arguments) == 0
    assert output.read_bytes() == _archive(tree, 1002)
    assert output.stat().st_mtime == output.parent.stat().st_mtime == 1002


def test_the_command_says_in_one_line_what_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "missing")
    assert pack.main(["initrd", "--tree", missing, "--output", str(tmp_path / "o/f")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("hutch: ")
    assert said.count("\n") == 1


def test_the_size_of_a_file_system_grows_with_its_tree(tree: Path) -> None:
    small = ext.image_size(EXT2, walk(str(tree)))
    (tree / "large").write_bytes(b"x" * (20 << 20))
    large = ext.image_size(EXT2, walk(str(tree)))
    assert small % (4 << 20) == large % (4 << 20) == 0
    assert large - small >= 20 << 20
    assert ext.image_size(EXT4, walk(str(tree))) > large


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


def _tar(entries: list[TreeEntry]) -> tarfile.TarFile:
    """The archive that the tools for file systems read, as Python reads it."""
    out = io.BytesIO()
    tar.write(entries, out)
    out.seek(0)
    return tarfile.open(fileobj=out, errors="surrogateescape")


def test_a_tar_archive_has_the_tree(tree: Path) -> None:
    long, odd = "n" * 150, os.fsdecode(b"not-\xff-utf-8 \xc3\xbc\t")
    (tree / long).write_text("long")
    (tree / odd).write_text("odd")
    (tree / "far").symlink_to("/" + "x" * 200)
    entries = walk(str(tree), 1500)
    with _tar(entries) as found:
        assert [os.fsencode(member.name) for member in found] == [entry.name for entry in entries]
        for member, entry in zip(found, entries, strict=True):
            assert (member.mode, member.mtime) == (stat.S_IMODE(entry.mode), entry.mtime)
            assert (member.uid, member.gid) == (entry.uid, entry.gid)
            # Who read a file last is no part of it.
            assert member.pax_headers["atime"] == member.pax_headers["ctime"] == str(entry.mtime)
        for name in (long, odd, "bin/alias"):
            content = found.extractfile(name)
            assert content is not None
            assert content.read() == (tree / name).read_bytes()
        assert found.getmember("far").linkname == "/" + "x" * 200
        assert found.getmember("bin/tool").linkname == "bin/alias"
        assert found.getmember("bin/tool").islnk()
        assert found.getmember("pipe").isfifo()


def test_a_tar_archive_has_devices_and_large_numbers() -> None:
    """They need neither a privilege nor a file that is one."""
    device = TreeEntry(b"d", b"/nowhere", stat.S_IFBLK | 0o660, 1 << 30, 0, 0, 1, 1, 1, 0)
    device = replace(device, device=os.makedev(254, 17))
    with _tar([device]) as found:
        member = found.getmember("d")
        assert member.isblk()
        assert (member.devmajor, member.devminor, member.uid) == (254, 17, 1 << 30)


def test_a_tar_archive_has_capabilities(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes, with zeros among them; of the file and not of its other names."""
    value = b"\1\0\0\2\0\4\n=" + bytes(12)

    def getxattr(path: bytes, name: str, *, follow_symlinks: bool) -> bytes:
        assert (name, follow_symlinks) == ("security.capability", False)
        if not path.endswith(b"bin/alias"):
            raise OSError(errno.ENODATA, "none")
        return value

    monkeypatch.setattr(os, "getxattr", getxattr)
    with _tar(walk(str(tree))) as found:
        held = {member.name: member.pax_headers for member in found}
    name = "SCHILY.xattr.security.capability"
    assert [path for path, headers in held.items() if name in headers] == ["bin/alias"]
    assert held["bin/alias"][name].encode("utf-8", "surrogateescape") == value


def test_a_file_that_changes_while_it_is_read(tree: Path) -> None:
    entries = walk(str(tree))
    (tree / "etc/motd").write_text("less")
    with pytest.raises(OSError, match="/etc/motd changed while it was read"):
        tar.write(entries, io.BytesIO())


_EXT = bytes(0x438) + b"\x53\xef"
_UFS2 = bytes(0x10000 + 0x55C) + b"\x19\x01\x54\x19"
_NETBSD_UFS2 = bytes(0x2000 + 0x55C) + b"\x19\x01\x54\x19"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"070701" + bytes(100), "initrd"),
        (gzip.compress(b"070701", mtime=0), "initrd"),
        (b"\x28\xb5\x2f\xfd" + bytes(10), "initrd"),
        (_EXT + bytes(100), "block"),
        (b"hsqs" + bytes(100), "block"),
        (bytes(1024) + b"\xe2\xe1\xf5\xe0", "block"),
        (_UFS2, "block"),
        (_NETBSD_UFS2, "block"),
        (b"\x7fELF" + bytes(5000), None),
        (b"#!/bin/sh\n", None),
        (b"", None),
    ],
)
def test_what_a_file_is_by_its_first_bytes(head: bytes, kind: str | None) -> None:
    assert len(head) <= HEAD
    assert identify(head) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("initramfs-x86_64.cpio", "initrd"),
        ("build/ROOT.CPIO.GZ", "initrd"),
        ("initrd", "initrd"),
        ("disk.ext4", "block"),
        ("root.img", "block"),
        ("kernel", None),
    ],
)
def test_what_a_file_is_by_its_name(name: str, kind: str | None) -> None:
    assert identify_name(name) == kind
