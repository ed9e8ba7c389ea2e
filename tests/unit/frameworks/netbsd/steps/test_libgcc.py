"""A program is linked with the compiler's own library, which clang does not name for NetBSD."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.places import ROOT

SCRIPT = ROOT / "frameworks/netbsd/steps/libgcc.sh"
MAIN = "void unwind(void); void divide(void); void _start(void) { unwind(); divide(); }"
UNWIND = "void unwind(void) {}"
DIVIDE = "void divide(void) {}"


def run(*words: str | Path) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def compiled(folder: Path, name: str, text: str, *options: str | Path) -> Path:
    source, out = folder / f"{name}.c", folder / name
    source.write_text(text)
    run("gcc", "-nostdlib", "-fpic", *options, "-o", out, source)
    return out


def archive(folder: Path, name: str, text: str) -> None:
    run("ar", "crs", folder / name, compiled(folder, f"{name}.o", text, "-c"))


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A sysroot with a C library that has neither function, as static and as shared."""
    lib = tmp_path / "usr/lib"
    lib.mkdir(parents=True)
    (tmp_path / "lib").mkdir()
    archive(lib, "libc.a", "void other(void) {}")
    so = ("-shared", "-Wl,-soname,libc.so.12")
    compiled(tmp_path / "lib", "libc.so.12.1", "void other(void) {}", *so)
    (lib / "libc.so").symlink_to("/lib/libc.so.12.1")
    return tmp_path


def linked(system: Path, *options: str, text: str = MAIN) -> str:
    """The dynamic section of a program that is linked to the C library alone."""
    program = compiled(system, "program", text, "-c")
    out = system / "linked"
    paths = (f"--sysroot={system}", "-L=/usr/lib")
    run("ld", *paths, *options, "-o", out, program, "-lc")
    return run("readelf", "-d", out)


def test_static_and_shared(system: Path) -> None:
    lib = system / "usr/lib"
    archive(lib, "libgcc.a", DIVIDE)
    archive(lib, "libgcc_eh.a", UNWIND)
    compiled(lib, "libgcc_s.so", UNWIND, "-shared", "-Wl,-soname,libgcc_s.so.1")
    for _ in range(2):
        run("sh", SCRIPT, system)
        assert "NEEDED" not in linked(system, "-static")
        dynamic = linked(system, "-dynamic-linker", "/libexec/ld.elf_so")
        assert "[libc.so.12]" in dynamic
        assert "[libgcc_s.so.1]" in dynamic


def test_a_shared_library_that_is_not_used_is_not_needed(system: Path) -> None:
    lib = system / "usr/lib"
    archive(lib, "libgcc.a", DIVIDE)
    compiled(lib, "libgcc_s.so", UNWIND, "-shared", "-Wl,-soname,libgcc_s.so.1")
    run("sh", SCRIPT, system)
    text = MAIN.replace("unwind(); ", "")
    assert "libgcc_s" not in linked(system, text=text)


def test_exceptions_have_one_way(system: Path) -> None:
    """Some archives have it, too, and it would not know of the shared libraries."""
    lib = system / "usr/lib"
    archive(lib, "libgcc.a", DIVIDE + UNWIND)
    compiled(lib, "libgcc_s.so", UNWIND, "-shared", "-Wl,-soname,libgcc_s.so.1")
    run("sh", SCRIPT, system)
    assert "[libgcc_s.so.1]" in linked(system)


def test_a_system_that_clang_built(system: Path) -> None:
    """Its C library has both, so it is left as it is."""
    before = (system / "usr/lib/libc.a").read_bytes()
    run("sh", SCRIPT, system)
    assert (system / "usr/lib/libc.a").read_bytes() == before
    assert (system / "usr/lib/libc.so").is_symlink()
