"""Trees into the tar archives that the tools for file systems read."""

from __future__ import annotations

import errno
import io
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from frameworks.steps import tar
from frameworks.steps.entries import TreeEntry, walk
from tests.unit.frameworks.steps.trees import tarred


def test_a_tar_archive_has_the_tree(tree: Path) -> None:
    long, odd = "n" * 150, os.fsdecode(b"not-\xff-utf-8 \xc3\xbc\t")
    (tree / long).write_text("long")
    (tree / odd).write_text("odd")
    (tree / "far").symlink_to("/" + "x" * 200)
    entries = walk(str(tree), 1500)
    with tarred(entries) as found:
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
    with tarred([device]) as found:
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
    with tarred(walk(str(tree))) as found:
        held = {member.name: member.pax_headers for member in found}
    name = "SCHILY.xattr.security.capability"
    assert [path for path, headers in held.items() if name in headers] == ["bin/alias"]
    assert held["bin/alias"][name].encode("utf-8", "surrogateescape") == value


def test_a_file_that_changes_while_it_is_read(tree: Path) -> None:
    entries = walk(str(tree))
    (tree / "etc/motd").write_text("less")
    with pytest.raises(OSError, match="/etc/motd changed while it was read"):
        tar.write(entries, io.BytesIO())
