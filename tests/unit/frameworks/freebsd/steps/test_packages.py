"""What is done of a package of FreeBSD, where none of its scripts can run."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import struct
import tarfile
from pathlib import Path
from typing import Any

import pytest

from frameworks import exits
from frameworks.freebsd.steps import hints, packages

WHEN = 1_700_000_000


def package(folder: Path, name: str, files: dict[str, bytes], **more: Any) -> None:
    """A package's file, as pkg-create(8) makes it: manifests, then files by absolute names."""
    folder.mkdir(exist_ok=True)
    manifest = {"name": name, "version": "1.0", "files": dict.fromkeys(files, "1$0"), **more}
    said = json.dumps(manifest).encode()
    members = {"+COMPACT_MANIFEST": said, "+MANIFEST": said, **files}
    with tarfile.open(folder / f"{name}-1.0.pkg", "w:xz") as made:
        for path, data in members.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode, info.mtime = len(data), 0o644, WHEN
            info.uid, info.gid = os.getuid(), os.getgid()
            made.addfile(info, io.BytesIO(data))


def install(tmp_path: Path, *asked: str) -> int:
    (tmp_path / "tree").mkdir(exist_ok=True)
    where = [str(tmp_path / "packages"), str(tmp_path / "tree"), str(WHEN)]
    return packages.main([*where, *asked])


def test_what_was_asked_for_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Among the files or in the base; a lock's list may have lost it."""
    (tmp_path / "tree/var/db/pkg").mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(tmp_path / "tree/var/db/pkg/local.sqlite")) as made:
        made.execute("CREATE TABLE packages (id INTEGER, origin TEXT, name TEXT, version TEXT)")
        made.execute("INSERT INTO packages VALUES (1, 'lang/perl5.40', 'perl5', '5.40.1')")
        made.commit()
    package(tmp_path / "packages", "one", {"/a": b"1"}, origin="www/one")
    asked = ("one", "www/one", "one=1.0", "www/one=1.0", "perl5", "lang/perl5.40", "perl5=5.42")
    assert install(tmp_path, *asked) == 0
    capsys.readouterr()
    assert install(tmp_path, "one=1.1", "perl5", "www/two") == exits.UNFIT_PACKAGES
    said = "these packages are asked for, and are not among what is installed: one=1.1 www/two"
    assert capsys.readouterr().err == f"hutch: {said}\n"


def folders(tmp_path: Path) -> list[str]:
    """The directories of the hints, read as ld-elf.so.1 reads them."""
    data = (tmp_path / "tree" / hints.HINTS).read_bytes()
    magic, version, table, size, at, length = struct.unpack_from("<6I", data)
    assert (magic, version, table) == (0x746E6845, 1, 128)
    assert data[table + at + length :] == b"\0"
    assert size == length + 1
    return data[table + at : table + at + length].decode().split(":")


def test_files_and_nothing_of_the_archives_own(tmp_path: Path) -> None:
    package(tmp_path / "packages", "one", {"/usr/local/bin/one": b"1"})
    package(tmp_path / "packages", "two", {"/usr/local/lib/two.so": b"2"})
    (tmp_path / "packages/packages.json").write_text("[]")
    assert install(tmp_path) == 0
    tree = tmp_path / "tree"
    found = sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file())
    assert found == ["usr/local/bin/one", "usr/local/lib/two.so", hints.HINTS]
    assert (tree / hints.HINTS).stat().st_mtime == WHEN


def test_a_configuration_of_each_sample(tmp_path: Path) -> None:
    files = {
        "/usr/local/etc/a.conf.sample": b"sample",
        "/usr/local/etc/b.conf.sample": b"sample",
    }
    own = tmp_path / "tree/usr/local/etc/b.conf"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    package(tmp_path / "packages", "one", files)
    assert install(tmp_path) == 0
    assert (own.parent / "a.conf").read_text() == "sample"
    assert (own.parent / "a.conf.sample").read_text() == "sample"
    assert own.read_text() == "mine"


def test_where_libraries_are(tmp_path: Path) -> None:
    package(tmp_path / "packages", "one", {"/usr/local/libdata/ldconfig/one": b"/usr/local/one\n"})
    assert install(tmp_path) == 0
    usual = ["/lib", "/usr/lib", "/usr/local/lib"]
    assert folders(tmp_path) == [*usual, "/usr/local/one"]
    # What a base knows of others stays.
    package(tmp_path / "packages", "one", {"/usr/local/libdata/ldconfig/one": b"/usr/local/two\n"})
    assert install(tmp_path) == 0
    assert folders(tmp_path) == [*usual, "/usr/local/two", "/usr/local/one"]


def test_what_is_left_to_the_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    passwd = tmp_path / "tree/etc/passwd"
    passwd.parent.mkdir(parents=True)
    passwd.write_text("root:*:0:0::/root:/bin/sh\nwww:*:80:80::/:/nologin\n")
    more = {"users": ["www", "redis"], "scripts": {"post-install": "pw useradd redis"}}
    package(tmp_path / "packages", "one", {}, **more)
    assert install(tmp_path) == 0
    assert capsys.readouterr().err.splitlines() == [
        "hutch: one: its scripts do not run here: post-install",
        "hutch: one: there is no redis in /etc/passwd, which its scripts would have put there",
    ]


def test_a_file_that_is_no_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/one.pkg").write_bytes(b"none")
    assert install(tmp_path) == 1
    assert "hutch: the packages cannot be installed: " in capsys.readouterr().err


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "usr/local").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tree / "usr/local/etc").symlink_to(tmp_path / "outside")
    (tree / "var").symlink_to(tmp_path / "outside")
    package(tmp_path / "packages", "one", {"/usr/local/etc/a.sample": b"sample"})
    assert install(tmp_path) == 1
    assert not list((tmp_path / "outside").iterdir())
    hints.write(str(tree), WHEN)
    assert not list((tmp_path / "outside").iterdir())
