"""What the image takes of shared libraries: on libraries that binutils link here."""

from __future__ import annotations

import ctypes
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from image import libraries
from image.libraries import Symbol

MACHINE = f"{platform.machine()}-linux-gnu"
LINKS = all(shutil.which(f"{MACHINE}-{tool}") for tool in ("as", "ld"))
links = pytest.mark.skipif(not LINKS, reason=f"no binutils of {MACHINE}")


def test_loader_is_where_the_programs_look() -> None:
    assert libraries.loader_directory("ld-linux-x86-64.so.2") == "usr/lib64"
    assert libraries.loader_directory("ld-linux-aarch64.so.1") == "usr/lib"


def test_a_missing_library_is_named(tmp_path: Path) -> None:
    found = tmp_path / "usr/lib/x86_64-linux-gnu/libfound.so.1"
    found.parent.mkdir(parents=True)
    found.touch()
    assert libraries.library_file(tmp_path, "libfound.so.1") == found
    with pytest.raises(SystemExit, match=r"liblost\.so\.1"):
        libraries.library_file(tmp_path, "liblost.so.1")


@links
def test_a_stand_in_has_the_symbols_and_their_versions(tmp_path: Path) -> None:
    wanted = {
        Symbol("one", "V_1", "FUNC"),
        Symbol("two", "V_2", "FUNC"),
        Symbol("bare", "", "FUNC"),
    }
    made = tmp_path / "usr/lib" / MACHINE / "libx.so.1"
    libraries.stand_in(made, "libx.so.1", wanted, MACHINE)
    user = tmp_path / "user.so"
    link(user, made, "one", "bare", "absent")
    assert libraries.needed(user) == ["libx.so.1"]
    assert libraries.used(user, made) == {Symbol("one", "V_1", "FUNC"), Symbol("bare", "", "FUNC")}
    ctypes.CDLL(str(made))


@links
def test_a_stand_in_ends_the_process_where_it_is_called(tmp_path: Path) -> None:
    made = tmp_path / "libx.so.1"
    libraries.stand_in(made, "libx.so.1", {Symbol("one", "V_1", "FUNC")}, MACHINE)
    call = f"import ctypes; ctypes.CDLL({str(made)!r}).one()"
    ended = subprocess.run((sys.executable, "-c", call), stderr=subprocess.DEVNULL).returncode
    assert ended in (-signal.SIGILL, -signal.SIGTRAP)


def test_data_cannot_be_stood_in_for(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="libx cannot be stood in for: table is no function"):
        libraries.stand_in(tmp_path / "x", "libx", {Symbol("table", "", "OBJECT")}, MACHINE)


@links
def test_only_what_stands_in_goes_without_its_library(tmp_path: Path) -> None:
    """The real library is read for its symbols; a file that uses none of it has no need of it."""
    packages, root = tmp_path / "packages", tmp_path / "root"
    folder = packages / "usr/lib" / MACHINE
    for name in (*libraries.STOOD_IN, *libraries.LOADED, "libreal.so.1"):
        function = name.partition(".")[0]
        libraries.stand_in(folder / name, name, {Symbol(function, "", "FUNC")}, MACHINE)
    program = tmp_path / "program"
    shared = [folder / name for name in (*libraries.STOOD_IN, "libreal.so.1")]
    subprocess.run(
        (
            f"{MACHINE}-ld",
            "-shared",
            "-o",
            program,
            *shared,
            "--no-as-needed",
            assembled(tmp_path, "libexpat"),
        ),
        check=True,
    )
    libraries.copy_libraries(packages, root, [program], MACHINE)
    there = {path.name for path in (root / "usr/lib" / MACHINE).iterdir()}
    assert there == {*libraries.STOOD_IN, *libraries.LOADED, "libreal.so.1"}
    stood_in = root / "usr/lib" / MACHINE / "libexpat.so.1"
    assert {name for name, *_ in libraries._symbols(stood_in)} == {"libexpat"}


def assembled(directory: Path, *undefined: str) -> Path:
    """An object file that calls these functions, as far as a linker can tell."""
    source, target = directory / "user.s", directory / "user.o"
    source.write_text("".join(f".type {name}, %function\n.dc.a {name}\n" for name in undefined))
    subprocess.run((f"{MACHINE}-as", "-o", target, source), check=True)
    return target


def link(target: Path, library: Path, *undefined: str) -> None:
    """Link a library that uses these functions with another."""
    words = (
        f"{MACHINE}-ld",
        "-shared",
        "-o",
        target,
        assembled(target.parent, *undefined),
        library,
    )
    subprocess.run(words, check=True)
