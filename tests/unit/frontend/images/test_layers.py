"""Layers stacked as a container sees them: whiteouts, opaque directories, hard links, odd paths."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from frontend.images.layers import ImageFiles, LayerError, find

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"


def layer(*names: str, mode: str = "w:gz", **content: bytes) -> tuple[str, io.BytesIO]:
    """An archive with these entries: `name/` a directory, `a->b` a link, `a=>b` a hard link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name in names:
            data = name.encode()
            info = tarfile.TarInfo(name)
            info.mode = 0o640
            if name.endswith("/"):
                info.type, info.mode, data = tarfile.DIRTYPE, 0o750, b""
            elif "->" in name:
                info.name, _, info.linkname = name.partition("->")
                info.type, data = tarfile.SYMTYPE, b""
            elif "=>" in name:
                info.name, _, info.linkname = name.partition("=>")
                info.type, data = tarfile.LNKTYPE, b""
            info.size = len(data)
            info.mtime = 1000
            archive.addfile(info, io.BytesIO(data))
    out.seek(0)
    return GZIP, out


def test_the_upper_layer_wins() -> None:
    tree = ImageFiles([layer("a", "b"), layer("./b", "c", mode="w")])
    assert list(tree) == ["/a", "/b", "/c"]
    assert tree.layer("/a") == 0
    assert tree.layer("/b") == 1
    assert tree.read("/b") == b"./b"
    assert tree.read("/absent") is None
    assert "/c" in tree


def test_whiteouts() -> None:
    tree = ImageFiles(
        [layer("d/", "d/x", "d/y", "e/", "e/x", "f"), layer("d/.wh.x", ".wh.e", ".wh.f")]
    )
    assert list(tree) == ["/d", "/d/y"]


def test_an_opaque_directory_hides_what_is_below_it_only() -> None:
    below = layer("d/", "d/old", "d/sub/", "d/sub/x", "de")
    tree = ImageFiles([below, layer("d/", "d/new", "d/.wh..wh..opq")])
    assert list(tree) == ["/d", "/d/new", "/de"]


def test_a_file_takes_the_place_of_a_directory() -> None:
    assert list(ImageFiles([layer("d/", "d/x"), layer("d")])) == ["/d"]


def test_a_file_of_the_same_layer_survives_its_whiteout() -> None:
    """Docker's own archives have both, for a directory that became a file."""
    assert list(ImageFiles([layer("a"), layer(".wh.a", "a")])) == ["/a"]


def test_hard_links_are_read_and_unpacked(tmp_path: Path) -> None:
    tree = ImageFiles([layer("d/", "d/z", "a=>d/z", "l->d/z", "top")])
    assert tree.read("/a") == b"d/z"
    assert tree.read("/l") is None
    tree.unpack(str(tmp_path))
    assert (tmp_path / "a").stat().st_ino == (tmp_path / "d/z").stat().st_ino
    assert (tmp_path / "l").readlink() == Path("d/z")
    assert (tmp_path / "d").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "d").stat().st_mtime == 1000


def test_nothing_leaves_the_directory(tmp_path: Path) -> None:
    assert list(ImageFiles([layer("../../up")])) == ["/up"]
    tree = ImageFiles([layer(f"out->{tmp_path}"), layer("out/x")])
    (tmp_path / "in").mkdir()
    with pytest.raises(LayerError):
        tree.unpack(str(tmp_path / "in"))
    assert not (tmp_path / "x").exists()


def test_missing_files_are_said(tmp_path: Path) -> None:
    tree = ImageFiles([layer("a")])
    with pytest.raises(FileNotFoundError, match="no /b in the image"):
        tree.stat("/b")
    with pytest.raises(FileNotFoundError):
        tree.save("/b", str(tmp_path / "b"))


@pytest.mark.parametrize(
    ("media_type", "data"),
    [(GZIP, b"no archive"), ("application/vnd.oci.image.layer.v1.tar+zstd", b"\x28\xb5\x2f\xfd")],
)
def test_what_is_no_archive(media_type: str, data: bytes) -> None:
    with pytest.raises(LayerError):
        ImageFiles([(media_type, io.BytesIO(data))])


def test_a_layer_that_zstd_compressed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By the program; whole, found in without being read whole, and damaged."""
    _, whole = layer("a", "b/c", mode="w")
    command = ["zstd", "-q", "-c"]
    packed = subprocess.run(command, input=whole.getvalue(), capture_output=True).stdout
    kind = "application/vnd.oci.image.layer.v1.tar+zstd"
    assert "/b/c" in ImageFiles([(kind, io.BytesIO(packed))])
    with pytest.raises(LayerError, match="is not what zstd writes"):
        ImageFiles([(kind, io.BytesIO(packed[:-9]))])
    with pytest.raises(LayerError, match="not what its type says"):
        ImageFiles([(kind, whole)])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LayerError, match="apt-get install zstd, or build with compression=gzip"):
        ImageFiles([(kind, io.BytesIO(packed))])


def test_a_cut_archive() -> None:
    _, whole = layer("a" * 50, "b", mode="w")
    with pytest.raises(LayerError):
        ImageFiles([(GZIP, io.BytesIO(whole.getvalue()[:700]))])


def test_thousands_of_whiteouts() -> None:
    """Each is one look, whatever else the image has: 6,000 in three layers took 17 seconds."""
    many = [f"d{number}/x" for number in range(2000)]
    hides = [f"d{number}/.wh.x" for number in range(2000)]
    tree = ImageFiles([layer(*many, mode="w"), layer(*hides, mode="w"), layer(*many, mode="w")])
    assert len(list(tree)) == 2000


def test_a_hard_link_to_nothing() -> None:
    tree = ImageFiles([layer("a=>b")])
    with pytest.raises(LayerError, match="/a is a hard link to b, which is not there"):
        tree.read("/a")


def test_zeros_take_no_room() -> None:
    """A disk image is mostly that."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("disk")
        info.size = 32 << 20
        archive.addfile(info, io.BytesIO(bytes(info.size)))
    tree = ImageFiles([(GZIP, io.BytesIO(out.getvalue()))])
    assert tree.read("/disk") == bytes(32 << 20)
    with pytest.raises(LayerError, match="33554432 bytes, and 1000 are the most"):
        tree.read("/disk", most=1000)
    with pytest.raises(LayerError, match="more than 1 MiB, unpacked"):
        ImageFiles([(GZIP, io.BytesIO(out.getvalue()))], most=1 << 20)


def test_find_reads_from_above() -> None:
    def never() -> io.BytesIO:
        raise AssertionError("a lower layer was opened")

    top, empty = layer("d/", "d/x"), layer("z")
    found = find([(GZIP, lambda: empty[1]), (GZIP, lambda: top[1]), (GZIP, never)], "/d/x", 1 << 20)
    assert found == b"d/x"
    for hides in ("d/.wh.x", ".wh.d", "d/.wh..wh..opq", ".wh..wh..opq", "d/x/"):
        above = layer(hides)
        assert find([(GZIP, lambda above=above: above[1]), (GZIP, never)], "/d/x", 1 << 20) is None  # type: ignore[misc]
