"""What is inside root filesystems that are one file already."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from frameworks.rootfs import lookup
from frameworks.steps import cpio
from frameworks.steps.entries import walk
from tests.unit.core.helpers import Bytes

ELF = b"\x7fELF\x02\x01\x01" + bytes(11) + b"\x3e\0" + bytes(100)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("lookup") / "tree"
    for name in ("usr/sbin", "etc", "many"):
        (top / name).mkdir(parents=True)
    (top / "usr/sbin/app").write_bytes(ELF)
    (top / "usr/sbin/app").chmod(0o755)
    (top / "sbin").symlink_to("usr/sbin")
    (top / "init").symlink_to("/sbin/app")
    (top / "loop").symlink_to("loop")
    (top / ("l" * 20)).symlink_to("etc/../" * 12 + "init")
    (top / "etc/conf").write_bytes(b"conf")
    (top / "etc/conf").chmod(0o644)
    for number in range(1500):  # more than fits the twelve blocks that an inode names
        (top / f"many/{number:04}-{'x' * 20}").touch()
    return top


def archive(tree: Path) -> bytes:
    out = io.BytesIO()
    cpio.write(walk(str(tree), 0), out)
    return out.getvalue()


def ext(tree: Path, *flags: str) -> bytes:
    if shutil.which("mke2fs", path=f"{os.environ['PATH']}:/sbin:/usr/sbin") is None:
        pytest.skip("needs mke2fs")
    image = tree.parent / "image"
    command = ["mke2fs", "-q", "-F", *flags, "-d", str(tree), str(image), "16M"]
    subprocess.run(command, check=True, env={"PATH": "/sbin:/usr/sbin:/bin:/usr/bin"})
    return image.read_bytes()


FORMATS: dict[str, Callable[[Path], bytes]] = {
    "cpio": archive,
    "gzip": lambda tree: gzip.compress(archive(tree)),
    "xz": lambda tree: lzma.compress(archive(tree)),
    "bzip2": lambda tree: bz2.compress(archive(tree)),
    "after-another": lambda tree: archive(tree / "etc") + bytes(512) + gzip.compress(archive(tree)),
    "ext2": lambda tree: ext(tree, "-t", "ext2", "-b", "1024"),
    "ext4": lambda tree: ext(tree, "-t", "ext4"),
    "ext4-small-blocks": lambda tree: ext(tree, "-t", "ext4", "-b", "1024", "-I", "128"),
}


@pytest.mark.parametrize("format", FORMATS)
def test_each_format(tree: Path, format: str) -> None:
    file = Bytes(FORMATS[format](tree))
    for path in ("/usr/sbin/app", "/sbin/app", "/init", "/etc/../init", "/" + "l" * 20):
        found = lookup.find(file, path)
        assert found is not None, path
        assert found.head == ELF[: lookup.HEAD]
        assert stat.S_ISREG(found.mode)
        assert found.mode & 0o777 == 0o755
    conf = lookup.find(file, "/etc/conf")
    assert conf is not None
    assert (conf.head, conf.mode & 0o777) == (b"conf", 0o644)
    assert lookup.find(file, f"/many/1499-{'x' * 20}") is not None
    for path in ("/app", "/etc/app", "/loop", "/usr/sbin/app/more", "/etc/conf/x"):
        assert lookup.find(file, path) is None, path


@pytest.mark.parametrize("format", ["cpio", "gzip", "ext4"])
def test_what_is_broken_is_unknown_and_no_more(tree: Path, format: str) -> None:
    data = FORMATS[format](tree)
    for cut in (1, 7, 1100, 2000, 5000, len(data) // 2):
        try:
            lookup.find(Bytes(data[:cut]), "/init")
        except lookup.Unknown:
            continue
    with pytest.raises(lookup.Unknown):
        lookup.find(Bytes(b"hsqs" + bytes(4096)), "/init")
