"""The pure parts of filling the frontend image."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from frameworks.rootfs.filesystems import TABLE
from image import assemble
from tests.places import ROOT


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def sources(top: Path, text: str) -> Path:
    for package in assemble.OURS:
        write(top / package / "__init__.py", "")
    write(top / "frontend/late.py", text)
    return top


def test_imports_are_found_inside_functions(tmp_path: Path) -> None:
    text = "import a.b, c\nfrom d.e import f\nfrom . import g\ndef h():\n    import i\n"
    assert assemble.imported(write(tmp_path / "x.py", text)) == {"a.b", "c", "d.e", "i"}


@pytest.mark.parametrize("kept", ["json/decoder.pyc", "json/decoder/x.pyc", "lib-dynload/json.so"])
def test_a_kept_module_may_be_imported(tmp_path: Path, kept: str) -> None:
    base = tmp_path / "base"
    write(base / assemble.STDLIB / kept, "")
    text = "def f():\n    import json.decoder, sys, llb\n"
    assemble.check_imports(sources(tmp_path / "source", text), base)


def test_a_module_that_was_left_out_stops_the_build(tmp_path: Path) -> None:
    write(tmp_path / "base" / assemble.STDLIB / "os.pyc", "")
    write(tmp_path / "base" / assemble.STDLIB / "json/__init__.pyc", "")
    for statement, name in (
        ("from tkinter import Tk", "tkinter"),
        ("import json.tool", "json.tool"),
    ):
        source = sources(tmp_path / "source", f"def f():\n    {statement}\n")
        with pytest.raises(SystemExit, match=rf"late\.py imports {name}, which the image leaves"):
            assemble.check_imports(source, tmp_path / "base")


@pytest.mark.parametrize(
    ("file", "left_out"),
    [
        ("json/tool.py", True),
        ("json/__init__.py", False),
        ("json/decoder.py", False),
        ("asyncio/events.py", True),
        ("lib-dynload/_bz2.cpython-313-x86_64-linux-gnu.so", False),
    ],
)
def test_a_module_is_left_out_alone_or_with_its_package(file: str, left_out: bool) -> None:
    assert assemble.dropped(Path(file)) is left_out


def test_what_reads_registries_stays_out(tmp_path: Path) -> None:
    """The image has no TLS, and only a developer's machine needs these."""
    source = sources(tmp_path / "source", "")
    for left_out in assemble.NOT_OURS:
        ours = Path(assemble.__file__).parents[1] / left_out
        files = [ours] if ours.is_file() else sorted(ours.glob("*.py"))
        assert files
        for path in files:
            name = path.relative_to(ours) if ours.is_dir() else ""
            write(source / left_out / name, "import ssl, http.client\n")
    assemble.check_imports(source, tmp_path / "base")
    assemble.application(source, tmp_path / "root")
    kept = {path.name for path in (tmp_path / "root").rglob("*.pyc")}
    assert "late.pyc" in kept
    for left_out in assemble.NOT_OURS:
        made = tmp_path / "root" / assemble.STDLIB / left_out
        assert not made.exists()
        assert not made.with_suffix(".pyc").exists()


def test_compiled_modules_hold_no_time_and_no_path_of_the_build(tmp_path: Path) -> None:
    made = []
    for number in (1, 2):
        source = write(tmp_path / str(number) / "module.py", "def f():\n    return 1\n")
        os.utime(source, (number, number))
        target = tmp_path / str(number) / "module.pyc"
        assemble.compile_module(source, target, "/usr/lib/module.py")
        made.append(target.read_bytes())
    assert made[0] == made[1]
    # PEP 552: bit 0 is a hash in the place of a time, bit 1 (clear) that it is checked.
    assert made[0][4:8] == b"\x01\0\0\0"
    assert str(tmp_path).encode() not in made[0]


def test_set_times_gives_one_time_and_plain_modes(tmp_path: Path) -> None:
    assemble.skeleton(tmp_path)
    (tmp_path / "etc").chmod(0o700)
    assemble.set_times(tmp_path, 7)
    for path in (tmp_path, *tmp_path.rglob("*")):
        assert path.lstat().st_mtime == 7, path
    assert (tmp_path / "etc").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert (tmp_path / "sbin").readlink() == Path("usr/sbin")


def test_the_image_has_what_writes_each_file_system() -> None:
    """The programs come from the table; the Dockerfile has to fetch the packages they are in."""
    assert assemble.writers(ROOT) == (
        *("usr/bin/mkfs.erofs", "usr/bin/mksquashfs", "usr/sbin/makefs", "usr/sbin/mke2fs"),
    )
    words = (ROOT / "Dockerfile").read_text().split()
    assert {each.package for each in TABLE.values()} <= set(words)
