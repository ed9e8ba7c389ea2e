"""Where ld-elf.so.1 is told that libraries are, in a root that rc does not start."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from frameworks.freebsd.steps import hints

WHEN = 1_700_000_000


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    made = tmp_path / "tree"
    (made / "libexec").mkdir(parents=True)
    (made / "libexec/ld-elf.so.1").touch()
    return made


def run(tree: Path) -> Path:
    out = tree.parent / "out"
    assert hints.main([str(tree), str(out), str(WHEN)]) == 0
    return out / "ld-elf.so.hints"


def folders(file: Path) -> str:
    data = file.read_bytes()
    magic, version, table, _, at, length = struct.unpack_from("<6I", data)
    assert (magic, version, table) == (0x746E6845, 1, 128)
    return data[table + at : table + at + length].decode()


def test_the_usual_directories_and_those_that_packages_name(tree: Path) -> None:
    said = tree / "usr/local/libdata/ldconfig/perl5"
    said.parent.mkdir(parents=True)
    said.write_text("/usr/local/lib/perl5/CORE\n")
    made = run(tree)
    assert folders(made) == "/lib:/usr/lib:/usr/local/lib:/usr/local/lib/perl5/CORE"
    assert made.stat().st_mtime == WHEN
    assert made.stat().st_mode & 0o777 == 0o644


def test_what_the_tree_has_already(tree: Path) -> None:
    hints.write(str(tree), WHEN)
    assert not run(tree).exists()
    (tree / "usr/local/libdata/ldconfig").mkdir(parents=True)
    (tree / "usr/local/libdata/ldconfig/own").write_text("/opt/lib\n")
    assert folders(run(tree)) == "/lib:/usr/lib:/usr/local/lib:/opt/lib"


def test_a_root_without_shared_libraries(tree: Path) -> None:
    (tree / "libexec/ld-elf.so.1").unlink()
    assert not run(tree).exists()


def test_where_it_cannot_be_written(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree.parent / "out").rmdir()
    assert hints.main([str(tree), str(tree.parent / "out"), str(WHEN)]) == 1
    assert capsys.readouterr().err.startswith("hutch: var/run/ld-elf.so.hints cannot be written: ")
