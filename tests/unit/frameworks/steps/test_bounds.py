"""What a format of a root filesystem holds: times are changed, all else is refused by its name."""

from __future__ import annotations

import stat
from dataclasses import replace

import pytest

from frameworks.rootfs.filesystems import INITRD, TABLE, Limits
from frameworks.steps.bounds import Exceeds, fit, shown
from frameworks.steps.entries import ROOT, TreeEntry

FILE = TreeEntry(b"a/file", b"/nowhere", stat.S_IFREG | 0o644, 0, 0, 0, 0, 1, 1, 0)
FOLDER = replace(FILE, name=b"a", mode=stat.S_IFDIR | 0o755)


class Link(TreeEntry):
    """A link whose target is as long as its size says."""

    def read(self):  # type: ignore[no-untyped-def]
        yield b"t" * self.size


def limits(format: str) -> Limits:
    return INITRD if format == "initrd" else TABLE[format].limits


@pytest.mark.parametrize(
    ("format", "last"),
    [
        ("initrd", 0xFFFFFFFF),
        ("squashfs", 0xFFFFFFFF),
        ("ext4", 0x7FFFFFFF),
        ("ext2", 0x7FFFFFFF),
        ("ffs", 0x7FFFFFFF),
        ("ufs", 0x7FFFFFFF),
    ],
)
def test_times(format: str, last: int) -> None:
    times = [-1, 0, last, last + 1]
    entries = [replace(FILE, name=str(time).encode(), mtime=time) for time in times]
    fitted = fit(limits(format), [replace(FOLDER, name=ROOT, mtime=last + 1), *entries])
    assert [entry.mtime for entry in fitted.entries] == [last, 0, 0, last, last]
    # The root's own follows from the others.
    assert fitted.clamped == (b"-1", str(last + 1).encode())


@pytest.mark.parametrize(
    ("format", "entry", "words"),
    [
        ("initrd", replace(FILE, size=1 << 32), "/a/file has 4294967296 bytes; an initrd takes at"),
        ("ext2", replace(FILE, size=1 << 41), "/a/file has 2199023255552 bytes; an ext2 image"),
        ("ext4", replace(FILE, links=65001), "65001 names; an ext4 image takes at most 65000"),
        ("ext2", replace(FILE, links=32001), "32001 names; an ext2 image takes at most 32000"),
        ("ffs", replace(FILE, links=32768), "32768 names; a UFS1 image takes at most 32767"),
        ("ufs", replace(FILE, name=b"n" * 1024), "1024 bytes in its path; a UFS1 image"),
        ("initrd", replace(FILE, name=b"n" * 4096), "4096 bytes in its path; an initrd"),
    ],
)
def test_a_file_that_does_not_fit(format: str, entry: TreeEntry, words: str) -> None:
    with pytest.raises(Exceeds, match=words):
        fit(limits(format), [entry])
    fit(limits("erofs"), [replace(entry, name=b"n")])


def test_a_target_that_does_not_fit() -> None:
    link = Link(b"l", b"/l", stat.S_IFLNK | 0o777, 0, 0, 1024, 0, 1, 1, 0)
    fit(limits("ext4"), [link])
    with pytest.raises(
        Exceeds, match="/l has 1024 bytes in its target; a UFS1 image takes at most"
    ):
        fit(limits("ffs"), [link])


def test_more_directories_than_a_directory_holds() -> None:
    folders = [FOLDER, *(replace(FOLDER, name=b"a/%d" % number) for number in range(31999))]
    fit(limits("ext4"), folders)
    with pytest.raises(
        Exceeds, match="/a has 31999 directories; an ext2 image takes at most 31998"
    ):
        fit(limits("ext2"), folders)


def test_more_owners_than_squashfs_holds() -> None:
    files = [replace(FILE, uid=number) for number in range((1 << 16) + 1)]
    fit(limits("ext4"), files)
    fit(limits("squashfs"), files[1:-1])
    with pytest.raises(Exceeds, match="65537 different owners; a squashfs image"):
        fit(limits("squashfs"), files)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (ROOT, "/"),
        (b"", "/"),
        (b".hidden", "/.hidden"),
        (b"a\nb\x1b[2J", "/a\\nb\\x1b[2J"),
        (b"\xff\xc3\xbc", "/\\xff\u00fc"),
    ],
)
def test_names_in_messages(name: bytes, text: str) -> None:
    assert shown(name) == text
