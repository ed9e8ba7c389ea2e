"""The shared libraries of the frontend image: what its programs and modules are linked with.

A library is left out where nothing that is linked with it uses it, and a stand-in is put in its
place where only parts use it that never run here.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

STOOD_IN = {
    "libexpat.so.1": "Python's pyexpat: no XML is read here",
    "libxml2.so.2": "libarchive's xar archives: tar archives and compressed streams are read here",
    "libnettle.so.8": "libarchive's digests and ciphers, of mtree, xar and zip",
    "libselinux.so.1": "mkfs.erofs --file-contexts",
}
"""Libraries, by the parts of a program that use them, which never run here.

A program that is linked with a library does not start without its symbols. A stand-in has those
symbols, and ends the process where one of them is called after all (`stand_in`).
"""

LOADED = ("libgcc_s.so.1",)
"""Libraries that no file names: glibc opens it when a thread ends (pthread_exit)."""

_TRAPS = {"x86_64-linux-gnu": "ud2", "aarch64-linux-gnu": "brk #1"}
"""The instruction that ends a process, by the machine's GNU name."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A dynamic symbol: `version` is "" for none, `kind` ELF's, as FUNC and OBJECT."""

    name: str
    version: str
    kind: str


def needed(elf: Path) -> list[str]:
    """Names of the shared libraries that an ELF file is linked with, and its loader's."""
    names = []
    for line in _readelf("--dynamic", "--program-headers", elf):
        if "(NEEDED)" in line:
            names.append(line.rpartition("[")[2].rstrip("]"))
        elif "Requesting program interpreter: " in line:
            names.append(Path(line.rpartition(": ")[2].rstrip("]")).name)
    return names


def is_elf(path: Path) -> bool:
    """Whether a file is a program or a library."""
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def install(source: Path, target: Path, mode: int = 0o644) -> None:
    """Copy the content of a file, through links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source.resolve(), target)
    target.chmod(mode)


def library_file(packages: Path, name: str) -> Path:
    """Where a shared library is in the unpacked packages."""
    found = sorted(packages.glob(f"usr/lib/*-linux-gnu/{name}")) or sorted(
        packages.glob(f"usr/lib*/{name}")
    )
    if not found:
        raise SystemExit(f"no package in the list holds {name}")
    return found[0]


def loader_directory(name: str) -> str:
    """`lib64` on x86-64, `lib` on arm64: the psABI of each machine fixes it."""
    return "usr/lib64" if "x86-64" in name else "usr/lib"


def copy_libraries(packages: Path, root: Path, elves: Iterable[Path], machine: str) -> None:
    """Copy every library that these files need, those which they need in turn, and LOADED.

    `machine` is the target's GNU name. Those of STOOD_IN are stood in for.
    """
    waiting = list(elves)
    for name in LOADED:
        source = library_file(packages, name)
        waiting.append(root / source.relative_to(packages))
        install(source, waiting[-1], 0o755)
    seen: set[str] = set()
    stood_in: dict[str, set[Symbol]] = {}
    while waiting:
        elf = waiting.pop()
        for name in needed(elf):
            source = library_file(packages, name)
            if name in STOOD_IN:
                stood_in.setdefault(name, set()).update(used(elf, source))
                continue
            if name in seen:
                continue
            seen.add(name)
            if name.startswith("ld-linux"):
                # The path of the loader is written into every program: see `loader_directory`.
                target = root / loader_directory(name) / name
            else:
                target = root / source.relative_to(packages)
            install(source, target, 0o755)
            waiting.append(target)
    for name, symbols in sorted(stood_in.items()):
        target = root / library_file(packages, name).relative_to(packages)
        stand_in(target, name, symbols, machine)
    if unknown := STOOD_IN.keys() - stood_in.keys():
        raise SystemExit(f"nothing is linked with {', '.join(sorted(unknown))} any more")


def used(elf: Path, library: Path) -> set[Symbol]:
    """The symbols of a library that an ELF file uses, as the library has them."""
    wanted = {name for name, version, kind, defined in _symbols(elf) if not defined}
    return {
        Symbol(name, version, kind)
        for name, version, kind, defined in _symbols(library)
        if defined and name in wanted
    }


def drop_unused(elf: Path, packages: Path) -> None:
    """Unlink an ELF file from the libraries of which it uses nothing."""
    for name in needed(elf):
        if not used(elf, library_file(packages, name)):
            subprocess.run(("patchelf", "--remove-needed", name, str(elf)), check=True)


def stand_in(target: Path, name: str, symbols: Iterable[Symbol], machine: str) -> None:
    """Link a library of this soname, of functions that end the process (SIGILL or SIGTRAP).

    Raises SystemExit for data, which cannot be stood in for.
    """
    ordered = sorted(symbols, key=lambda each: (each.version, each.name))
    if data := [each.name for each in ordered if each.kind not in ("FUNC", "IFUNC")]:
        raise SystemExit(f"{name} cannot be stood in for: {data[0]} is no function")
    with tempfile.TemporaryDirectory() as folder:
        source, compiled = Path(folder, "stand-in.s"), Path(folder, "stand-in.o")
        lines = [".text"]
        for each in ordered:
            lines.append(f".globl {each.name}\n.type {each.name}, %function\n{each.name}:")
        source.write_text("\n".join([*lines, _TRAPS[machine], ""]))
        nodes: dict[str, list[str]] = {}
        for each in ordered:
            if each.version:
                nodes.setdefault(each.version, []).append(f"{each.name};")
        script = Path(folder, "versions")
        text = (f"{name} {{ global: {' '.join(names)} }};\n" for name, names in nodes.items())
        script.write_text("".join(text))
        subprocess.run((f"{machine}-as", "-o", str(compiled), str(source)), check=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        link = [f"{machine}-ld", "-shared", "--strip-all", "-soname", name, "-z", "noexecstack"]
        if nodes:
            link += ["--version-script", str(script)]
        subprocess.run((*link, "-o", str(target), str(compiled)), check=True)
    target.chmod(0o755)


def _symbols(elf: Path) -> Iterator[tuple[str, str, str, bool]]:
    """Name, version, kind of each dynamic symbol, and whether the file defines it."""
    for line in _readelf("--dyn-syms", elf):
        words = line.split()
        # Num: Value Size Type Bind Vis Ndx Name; a default version is written with @@.
        if len(words) >= 8 and words[0].rstrip(":").isdigit() and words[4] != "LOCAL":
            name, _, version = words[7].partition("@")
            yield name, version.lstrip("@"), words[3], words[6] not in ("UND", "ABS")


def _readelf(*words: str | Path) -> list[str]:
    command = ("readelf", "--wide", *map(str, words))
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
