"""Archives into directories, as the step that fetches them leaves them."""

from __future__ import annotations

import io
import os
import stat
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from frameworks.steps import unpack

File = tuple[str, bytes, int, object]

FILES: tuple[File, ...] = (
    ("bin", tarfile.DIRTYPE, 0o755, None),
    ("bin/su", tarfile.REGTYPE, 0o4555, b"su"),
    ("bin/too", tarfile.LNKTYPE, 0o4555, "bin/su"),
    ("sbin", tarfile.SYMTYPE, 0o777, "/bin"),
)


def archive(path: Path, files: Sequence[File], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as made:  # type: ignore[call-overload]
        for name, kind, bits, what in files:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.mtime = kind, bits, 1234
            data = what if isinstance(what, bytes) else b""
            info.size = len(data)
            if isinstance(what, str):
                info.linkname = what
            elif isinstance(what, tuple):
                info.devmajor, info.devminor = what
            made.addfile(info, io.BytesIO(data))
    return path


def unpacked(path: Path, to: Path) -> Path:
    to.mkdir()
    assert unpack.main([str(path), str(to)]) == 0
    return to


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_modes_times_and_links(tmp_path: Path, mode: str) -> None:
    out = unpacked(archive(tmp_path / "archive", FILES, mode), tmp_path / "out")
    program = (out / "bin/su").stat()
    assert stat.S_IMODE(program.st_mode) == 0o4555
    assert (int(program.st_mtime), program.st_nlink) == (1234, 2)
    assert os.readlink(out / "sbin") == "/bin"


def test_names_from_the_root(tmp_path: Path) -> None:
    """FreeBSD's packages have them, and nothing may be written there."""
    files: tuple[File, ...] = (
        ("+MANIFEST", tarfile.REGTYPE, 0o644, b"{}"),
        ("/usr/local/bin/a", tarfile.REGTYPE, 0o755, b"a"),
        ("/usr/local/bin/b", tarfile.LNKTYPE, 0o755, "/usr/local/bin/a"),
    )
    out = unpacked(archive(tmp_path / "a.pkg", files), tmp_path / "out")
    assert (out / "usr/local/bin/b").read_bytes() == b"a"
    assert (out / "usr/local/bin/b").stat().st_nlink == 2
    assert not Path("/usr/local/bin/a").exists()


NODE: File = ("dev/null", tarfile.CHRTYPE, 0o666, (1, 3))


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a device node, as root")
def test_device_nodes(tmp_path: Path) -> None:
    out = unpacked(archive(tmp_path / "archive", (NODE,)), tmp_path / "out")
    info = (out / "dev/null").stat()
    assert (stat.S_ISCHR(info.st_mode), info.st_rdev) == (True, os.makedev(1, 3))


def test_a_builder_that_makes_no_device_nodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def mknod(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "mknod", mknod)
    out = unpacked(archive(tmp_path / "archive", (*FILES, NODE)), tmp_path / "out")
    assert sorted(os.listdir(out)) == ["bin", "sbin"]
    assert "1 left out" in capsys.readouterr().err


def test_no_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "archive").write_bytes(b"nothing of the kind")
    assert unpack.main([str(tmp_path / "archive"), str(tmp_path)]) == 1
    assert "the archive cannot be unpacked" in capsys.readouterr().err


def tool(folder: Path, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bsdcat that takes away the four bytes by which the archive is known; hutch's image has the
    real one (tests/integration/test_bsd.py)."""
    script = folder / "bsdcat"
    code = (
        f"import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read()[4:]); exit({status})"
    )
    script.write_text(f"#!{sys.executable}\n{code}\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


@pytest.mark.parametrize("status", [0, 1])
def test_zstd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    tool(tmp_path, status, monkeypatch)
    plain = archive(tmp_path / "archive", FILES)
    plain.write_bytes(b"\x28\xb5\x2f\xfd" + plain.read_bytes())
    (tmp_path / "out").mkdir()
    assert unpack.main([str(plain), str(tmp_path / "out")]) == status
    assert (tmp_path / "out/bin/su").read_bytes() == b"su"
    assert ("it is damaged" in capsys.readouterr().err) == bool(status)


class TestHostile:
    """Nothing outside the directory is written or linked to, and every end is one line."""

    def refused(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], *members: tarfile.TarInfo
    ) -> str:
        with tarfile.open(tmp_path / "archive", "w", format=tarfile.PAX_FORMAT) as made:
            for member in members:
                made.addfile(member, io.BytesIO(bytes(member.size)))
        (tmp_path / "out").mkdir()
        assert unpack.main([str(tmp_path / "archive"), str(tmp_path / "out")]) == 1
        said = capsys.readouterr().err
        assert said.startswith("hutch: the archive cannot be unpacked: ")
        assert said.count("\n") == 1
        return said

    def member(self, name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
        made = tarfile.TarInfo(name)
        made.type, made.linkname = kind, link
        return made

    @pytest.mark.parametrize("name", ["../x", "a/../../x", "/../x", "a/b/.."])
    def test_a_path_that_leads_out(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
    ) -> None:
        said = self.refused(tmp_path, capsys, self.member(name))
        assert f"{name} leads out of the archive's directory" in said
        assert sorted(os.listdir(tmp_path)) == ["archive", "out"]

    @pytest.mark.parametrize("link", ["../secret", "way/secret"])
    def test_a_hard_link_that_leads_out(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], link: str
    ) -> None:
        (tmp_path / "secret").write_text("secret")
        way = self.member("way", tarfile.SYMTYPE, str(tmp_path))
        said = self.refused(tmp_path, capsys, way, self.member("x", tarfile.LNKTYPE, link))
        assert "x leads out" in said
        assert (tmp_path / "secret").stat().st_nlink == 1

    def test_a_file_behind_a_link_that_leads_out(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        way = self.member("way", tarfile.SYMTYPE, str(tmp_path))
        assert "way/x leads out" in self.refused(tmp_path, capsys, way, self.member("way/x"))
        assert not (tmp_path / "x").exists()

    def test_a_file_in_the_place_of_a_link(self, tmp_path: Path) -> None:
        """The link is replaced, and what it leads to stays as it is; so does its owner and mode."""
        outside, folder = tmp_path / "outside", tmp_path / "folder"
        outside.write_text("outside")
        folder.mkdir(mode=0o700)
        files: tuple[File, ...] = (
            ("a", tarfile.SYMTYPE, 0o777, str(outside)),
            ("a", tarfile.REGTYPE, 0o644, b"inside"),
            ("b", tarfile.SYMTYPE, 0o777, str(folder)),
            ("b", tarfile.DIRTYPE, 0o755, None),
            ("b/c", tarfile.REGTYPE, 0o644, b"inside"),
            ("c", tarfile.SYMTYPE, 0o777, "/x"),
            ("c", tarfile.SYMTYPE, 0o777, "/y"),
        )
        out = unpacked(archive(tmp_path / "archive", files), tmp_path / "out")
        assert (out / "a").read_bytes() == (out / "b/c").read_bytes() == b"inside"
        assert os.readlink(out / "c") == "/y"
        assert outside.read_text() == "outside"
        assert (os.listdir(folder), stat.S_IMODE(folder.stat().st_mode)) == ([], 0o700)

    @pytest.mark.parametrize(
        ("header", "value", "words"),
        [
            ("uid", "1" + "0" * 20, "the owner 100000000000000000000:0, which no file has"),
            ("gid", "-1", "the owner 0:-1"),
            ("mtime", "nan", "the time nan"),
            ("mtime", "inf", "the time inf"),
        ],
    )
    def test_numbers(
        self,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        header: str,
        value: str,
        words: str,
    ) -> None:
        made = self.member("a\x1bb")
        made.pax_headers = {header: value}
        assert f"a\\x1bb has {words}" in self.refused(tmp_path, capsys, made)

    def test_a_device_that_is_none(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        made = self.member("d", tarfile.CHRTYPE)
        made.devmajor = 4096
        assert "d has the device 4096:0" in self.refused(tmp_path, capsys, made)

    def test_a_time_that_no_file_system_holds(self, tmp_path: Path) -> None:
        made = self.member("a")
        made.pax_headers = {"mtime": "1e300"}
        with tarfile.open(tmp_path / "archive", "w", format=tarfile.PAX_FORMAT) as file:
            file.addfile(made)
        out = unpacked(tmp_path / "archive", tmp_path / "out")
        assert (out / "a").stat().st_mtime > 1 << 31

    @pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w:bz2"])
    def test_an_archive_that_ends_early(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: str
    ) -> None:
        path = archive(
            tmp_path / "archive", (("a", tarfile.REGTYPE, 0o644, os.urandom(4096)),), mode
        )
        path.write_bytes(path.read_bytes()[:2000])
        (tmp_path / "out").mkdir()
        assert unpack.main([str(path), str(tmp_path / "out")]) == 1
        assert capsys.readouterr().err.count("\n") == 1


def test_a_file_takes_the_place_of_a_fifo(tmp_path: Path) -> None:
    """Whoever opens the FIFO to write into it waits for ever."""
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        fifo = tarfile.TarInfo("a")
        fifo.type = tarfile.FIFOTYPE
        archive.addfile(fifo)
        archive.addfile(tarfile.TarInfo("a"))
    (tmp_path / "out").mkdir()
    unpack.unpack(str(tmp_path / "a.tar"), str(tmp_path / "out"))
    assert (tmp_path / "out/a").is_file()


@pytest.mark.parametrize("target", ["absent", "dir"])
def test_a_hard_link_to_no_file(tmp_path: Path, target: str) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        folder = tarfile.TarInfo("dir")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        link = tarfile.TarInfo("a")
        link.type, link.linkname = tarfile.LNKTYPE, target
        archive.addfile(link)
    (tmp_path / "out").mkdir()
    with pytest.raises(tarfile.ReadError, match=f"a is a hard link to {target}, and no such file"):
        unpack.unpack(str(tmp_path / "a.tar"), str(tmp_path / "out"))
