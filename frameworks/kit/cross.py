"""What build systems read to compile for the guest: variables, CMake's, Meson's and clang's files.

    guest = kit.Cross("freebsd", f"{bin}/clang", f"{bin}/clang++", f"{bin}/llvm-", f"{bin}/ld.lld")
    tools, variables = kit.cross(build, tools, guest)

A framework says which tools are the guest's; the names of its architecture are those of
`frameworks.architectures`. docs/applications.md has what comes out as a table.

Sources: GNU make's implicit variables; autoconf's precious ones (`host_alias` is what --host sets);
`go help environment`; Cargo's "Environment Variables" and "Configuration"; CMake's
cmake-toolchains(7), which reads CMAKE_TOOLCHAIN_FILE since 3.21, and `CMAKE_<LANG>_COMPILER` of
cmake-variables(7), a list since 3.19; Meson's "Cross compilation"; "Configuration files" of clang's
manual; pkg-config(1).
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from frameworks.architectures import Architecture
from frameworks.base import DEFAULT_EPOCH, Build
from llb import State, mkdir, mkfile

FOLDER = "/hutch/cross"
"""Where scripts find CMake's and Meson's files, and clang its own."""

_CONFIG = f"{FOLDER}/clang.cfg"

_CMAKE_SYSTEMS = {"linux": "Linux", "netbsd": "NetBSD", "freebsd": "FreeBSD"}


@dataclass(frozen=True, slots=True)
class Cross:
    """The tools that make programs for guests of `system`, which has Go's name (GOOS).

    `cc`, `cxx` and `ld` are programs, `prefix` is what the names of the other binutils begin with.
    `target` is the compiler's own name of the guest where one compiler serves many (clang's
    --target). `config` are lines of a file that clang reads in every call: it does not complain of
    options in it that a call has no use for. `pkgconfig` are folders of .pc files; without one,
    nothing that the builder has is found. `libc` says that programs are linked to a C library,
    `sysroot` is where its headers and libraries are, "" where the compiler knows; of them, linkers
    are to take the `static` ones.
    """

    system: str
    cc: str
    cxx: str
    prefix: str
    ld: str
    target: str = ""
    config: str = ""
    pkgconfig: tuple[str, ...] = ()
    libc: bool = False
    sysroot: str = ""
    static: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """What the compilers are called with, before all else."""
        target = (f"--target={self.target}",) if self.target else ()
        sysroot = (f"--sysroot={self.sysroot}",) if self.sysroot else ()
        return target + sysroot + self.always + self.linking

    @property
    def always(self) -> tuple[str, ...]:
        """Of the options, those without which the compiler is not the guest's."""
        return (f"--config={_CONFIG}",) if self.config else ()

    @property
    def linking(self) -> tuple[str, ...]:
        """Of the options, those that are about the link of a program."""
        # With two dashes: libtool takes the word with one for its own, and no linker sees it.
        return ("--static",) if self.static else ()


def cross(build: Build, tools: State, guest: Cross) -> tuple[State, dict[str, str]]:
    """`tools` with the files that the variables name, and the variables."""
    architecture = build.plan.architecture
    stamp = DEFAULT_EPOCH
    native = guest.system == "linux" and architecture.name == build.worker.architecture
    files = {
        "toolchain.cmake": cmake(guest, architecture, native=native),
        "meson.ini": meson(guest, architecture, native=native),
        **({posixpath.basename(_CONFIG): guest.config} if guest.config else {}),
    }
    state = tools.file(
        mkdir(FOLDER, timestamp=stamp),
        *(mkfile(f"{FOLDER}/{name}", text, timestamp=stamp) for name, text in files.items()),
        meta=build.meta("app", "name the guest's tools", build.origin),
    )
    return state, environment(guest, architecture)


def environment(guest: Cross, architecture: Architecture) -> dict[str, str]:
    """The variables, by name."""
    linux = guest.system == "linux"
    rust = f"{architecture.cpu}-unknown-{guest.system}{'-gnu' if linux else ''}"
    cargo = f"CARGO_TARGET_{rust.upper().replace('-', '_')}"
    found = {
        "CC": " ".join((guest.cc, *guest.options)),
        "CXX": " ".join((guest.cxx, *guest.options)),
        "LD": guest.ld,
        **{name.upper(): guest.prefix + name for name in ("ar", "nm", "ranlib", "strip")},
        "host_alias": architecture.gnu_triplet if linux else rust,
        "PKG_CONFIG": "pkg-config",
        "PKG_CONFIG_LIBDIR": ":".join(guest.pkgconfig) or f"{FOLDER}/pkgconfig",
        "GOOS": guest.system,
        "GOARCH": architecture.name,
        # A program of Go alone runs in an empty root, and is the same from every builder.
        "CGO_ENABLED": "0",
        "CARGO_BUILD_TARGET": rust,
        f"{cargo}_LINKER": guest.cc,
        "CMAKE_TOOLCHAIN_FILE": f"{FOLDER}/toolchain.cmake",
        "MESON_CROSS_FILE": f"{FOLDER}/meson.ini",
    }
    if guest.sysroot:
        found["PKG_CONFIG_SYSROOT_DIR"] = guest.sysroot
    if guest.options:
        # Cargo's linker is a program without arguments.
        found[f"{cargo}_RUSTFLAGS"] = " ".join(f"-Clink-arg={word}" for word in guest.options)
    if linux:
        found["CROSS_COMPILE"] = guest.prefix
    return found


def cmake(guest: Cross, architecture: Architecture, *, native: bool) -> str:
    """CMake's toolchain file; `native` is a guest whose programs the builder runs as its own."""
    values: dict[str, str] = {}
    if not native:
        # CMake takes a build with a system's name for a cross build, and runs nothing of it.
        values["CMAKE_SYSTEM_NAME"] = _CMAKE_SYSTEMS[guest.system]
        values["CMAKE_SYSTEM_PROCESSOR"] = architecture.cpu
    for language, compiler in (("C", guest.cc), ("CXX", guest.cxx)):
        # A list, and no flags: those that a project sets itself take the place of what is here.
        values[f"CMAKE_{language}_COMPILER"] = ";".join((compiler, *guest.always))
    if guest.target:
        for language in ("C", "CXX"):
            values[f"CMAKE_{language}_COMPILER_TARGET"] = guest.target
    if guest.sysroot:
        values["CMAKE_SYSROOT"] = guest.sysroot
        for kind in ("LIBRARY", "INCLUDE", "PACKAGE"):
            values[f"CMAKE_FIND_ROOT_PATH_MODE_{kind}"] = "ONLY"
    if guest.linking:
        values["CMAKE_EXE_LINKER_FLAGS_INIT"] = " ".join(guest.linking)
    values["CMAKE_LINKER"] = guest.ld
    for name in ("ar", "nm", "ranlib", "strip"):
        values[f"CMAKE_{name.upper()}"] = guest.prefix + name
    if not guest.libc:
        # There is nothing that a test program could be linked to.
        values["CMAKE_TRY_COMPILE_TARGET_TYPE"] = "STATIC_LIBRARY"
    values["CMAKE_FIND_ROOT_PATH_MODE_PROGRAM"] = "NEVER"
    return "".join(f'set({name} "{value}")\n' for name, value in values.items())


def meson(guest: Cross, architecture: Architecture, *, native: bool) -> str:
    """Meson's cross file."""
    binaries = {
        "c": [guest.cc, *guest.options],
        "cpp": [guest.cxx, *guest.options],
        **{name: [guest.prefix + name] for name in ("ar", "nm", "ranlib", "strip")},
        "pkg-config": ["pkg-config"],
    }
    lines = ["[binaries]", *(f"{name} = {_list(words)}" for name, words in binaries.items())]
    lines += [
        "[properties]",
        f"needs_exe_wrapper = {'false' if native else 'true'}",
        f"pkg_config_libdir = {_list(guest.pkgconfig)}",
        *([f"sys_root = '{guest.sysroot}'"] if guest.sysroot else []),
        "[host_machine]",
        f"system = '{guest.system}'",
        f"cpu_family = '{architecture.cpu}'",
        f"cpu = '{architecture.cpu}'",
        "endian = 'little'",
        "",
    ]
    return "\n".join(lines)


def gcc(system: str, architecture: Architecture, *, libc: bool) -> Cross:
    """Debian's gcc for `architecture`, by the names that are the same on every builder."""
    triplet = architecture.gnu_triplet
    folders = (f"/usr/lib/{triplet}", f"/usr/{triplet}/lib", "/usr/share")
    return Cross(
        system,
        f"{triplet}-gcc",
        f"{triplet}-g++",
        f"{triplet}-",
        f"{triplet}-ld",
        pkgconfig=tuple(f"{folder}/pkgconfig" for folder in folders) if libc else (),
        libc=libc,
    )


def _list(words: Sequence[str]) -> str:
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"
