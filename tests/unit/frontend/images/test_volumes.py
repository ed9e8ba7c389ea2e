"""What becomes of `-v`, by where the guest's root is."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from frameworks.rootfs import lookup
from frameworks.runtime.machine import Contract, Machine, NotBootable, Volume
from frameworks.runtime.urunc.guests import cpio
from frontend.images import volumes
from frontend.images.volumes import Binding
from frontend.inputs.localfile import LocalFile

KEYS = {"unikernelType": "linux", "hypervisor": "qemu", "binary": "/k"}
INITRD = Contract({**KEYS, "initrd": "/r"}, ("/urunit", "/a"), uid=os.geteuid(), gid=os.getegid())
BLOCK = replace(INITRD, keys={**KEYS, "block": "/r", "blkMntPoint": "/"})
SHARE = replace(INITRD, keys={**KEYS, "mountRootfs": "true"})

needs_mke2fs = pytest.mark.skipif(
    shutil.which("mke2fs", path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None, reason="no mke2fs"
)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("data:/var/lib/x", Binding("data", "/var/lib/x")),
        ("/data", Binding("", "/data")),
        ("./d:/data/", Binding("./d", "/data")),
        (".:/data:ro", Binding("./", "/data", True)),
        ("/a:/b:rw", Binding("/a", "/b")),
    ],
)
def test_words(text: str, means: Binding) -> None:
    assert Binding.parse(text) == means


@pytest.mark.parametrize("text", ["", "data", "a:b", "a:/", "-x:/y", "a:/b:z", "/a:/b:ro:ro", "a:"])
def test_words_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="'"):
        Binding.parse(text)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(volumes, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(volumes, "SIZE", 16 << 20)
    return tmp_path / "home"


@needs_mke2fs
def test_a_volume_is_kept(home: Path, tmp_path: Path) -> None:
    for _ in range(2):
        found = volumes.attach(BLOCK, (Binding("data", "/data"),), tmp_path, Machine())
        assert found.disks == (Volume(str(home / "data.ext4"), "/data"),)
        kept = (home / "data.ext4").stat()
        (home / "data.ext4").write_bytes((home / "data.ext4").read_bytes())
    assert kept.st_size == 16 << 20
    assert kept.st_uid == BLOCK.uid


@needs_mke2fs
@pytest.mark.parametrize("type", ["freebsd", "netbsd"])
def test_a_volume_for_the_bsds_has_no_journal(home: Path, tmp_path: Path, type: str) -> None:
    guest = replace(BLOCK, keys={**BLOCK.keys, "unikernelType": type})
    found = volumes.attach(guest, (Binding("data", "/data"),), tmp_path, Machine())
    assert found.disks == (Volume(str(home / "data.ext2"), "/data"),)
    features = (home / "data.ext2").read_bytes()[1024 + 92 : 1024 + 100]
    compatible, incompatible = struct.unpack("<2I", features)
    assert not compatible & 4  # has_journal
    assert incompatible == 2  # filetype


@needs_mke2fs
def test_a_volume_without_a_name_is_temporary(home: Path, tmp_path: Path) -> None:
    found = volumes.attach(SHARE, (Binding("", "/data"),), tmp_path, Machine())
    assert found.disks == (Volume(str(tmp_path / "volume0.ext4"), "/data"),)
    assert not home.exists()


@needs_mke2fs
def test_a_directory(tmp_path: Path) -> None:
    """A disk with a copy, a mount, or a copy in memory."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_text("content")
    mount = Binding(str(source), "/data", True)
    found = volumes.attach(BLOCK, (mount,), tmp_path, Machine())
    (disk,) = found.disks
    assert lookup.find(LocalFile(disk.file), "/a") is not None
    assert "is a copy of" in found.notes[0]
    found = volumes.attach(INITRD, (mount,), tmp_path, Machine())
    assert found.copies == (mount,)
    if os.geteuid() == 0:
        assert volumes.attach(SHARE, (mount,), tmp_path, Machine()).binds == (mount,)


@needs_mke2fs
def test_a_disk_image_is_a_disk(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    volumes.make(image, 4 << 20, INITRD)
    for said in (INITRD, BLOCK, SHARE):
        found = volumes.attach(said, (Binding(str(image), "/d"),), tmp_path, Machine())
        assert found.disks == (Volume(str(image), "/d"),)


def test_what_cannot_be(tmp_path: Path) -> None:
    one = tmp_path / "file"
    one.write_text("x")
    with pytest.raises(NotBootable, match="give its directory"):
        volumes.attach(BLOCK, (Binding(str(one), "/f"),), tmp_path, Machine())
    with pytest.raises(NotBootable, match="cannot be read-only"):
        volumes.attach(BLOCK, (Binding("data", "/f", True),), tmp_path, Machine())
    other = replace(BLOCK, keys={**BLOCK.keys, "unikernelType": "unikraft"})
    with pytest.raises(NotBootable, match="only guests with hutch"):
        volumes.attach(other, (Binding("data", "/f"),), tmp_path, Machine())
    with pytest.raises(FileNotFoundError):
        volumes.attach(BLOCK, (Binding("./none", "/f"),), tmp_path, Machine())


def test_copies_are_appended_to_an_initrd(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "a").write_text("content")
    (source / "link").symlink_to("sub/a")
    initrd = tmp_path / "initrd"
    initrd.write_bytes(cpio("there/file", b"old") + cpio("x", b"odd"))
    volumes.append(
        str(initrd),
        (Binding(str(source), "/made/new"), Binding(str(source / "sub" / "a"), "/there/file")),
    )
    if shutil.which("cpio") is None:
        pytest.skip("no cpio")
    out = tmp_path / "out"
    out.mkdir()
    data = initrd.read_bytes()
    second = data.rindex(b"070701", 0, data.index(b"made\0"))
    subprocess.run(["cpio", "-idmu", "--quiet"], cwd=out, input=data[second:], check=True)
    assert (out / "made/new/sub/a").read_text() == "content"
    assert (out / "made/new/link").read_text() == "content"
    assert (out / "there/file").read_text() == "content"
