"""What a first bunnyfile says of each framework that builds applications: `hutch init` writes it.

runs = FIRST["linux"]
runs.languages            kinds of projects of `hutch init` that it can be for
runs.platform             the line of `platforms.framework`, with its comment; and so on
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class First:
    """Lines of the file, each with its comment; what is empty is left out.

    `languages` are names of `frontend.cli.projects.KINDS`. `static` are the words that have the
    guest's compiler link a program that needs nothing of the root, behind a blank. `sysroot` is
    said for a program without C, and `root` for the root filesystem of one program.
    """

    languages: tuple[str, ...]
    platform: str
    monitor: str
    kernel: str
    root: str = ""
    static: str = ""
    sysroot: str = ""
    toolchain: str = ""
    check: str = ""


_QEMU = "monitor: qemu               # what runs the virtual machine"
_POSIX = ("go", "make", "c")
_SYSROOT = "sysroot: none               # no C library: it needs none"
_BLOCK = "type: block                 # one disk image"

FIRST: Mapping[str, First] = {
    "linux": First(
        languages=("dockerfile", "rust", "node", *_POSIX),
        platform="framework: linux            # what runs in the virtual machine",
        monitor=_QEMU,
        kernel="from: source                # Linux, built for virtual machines: minutes once, "
        "then from the cache",
        root="type: initrd                # one archive, which the kernel unpacks into memory",
        static=" -static",
    ),
    "netbsd": First(
        languages=_POSIX,
        platform="framework: netbsd           # what runs in the virtual machine; no released "
        "urunc starts it yet",
        monitor=_QEMU,
        kernel="from: source                # NetBSD: minutes once, then from the cache",
        root=_BLOCK,
        sysroot=_SYSROOT,
        toolchain="\ntoolchain:\n"
        "  from: debian:trixie-slim    # its compiler builds the kernel: sooner than its own\n",
        # Whoever chooses it is told in the file, and not at every build.
        check="# check=skip=UnsupportedRuntime\n",
    ),
    "freebsd": First(
        languages=_POSIX,
        platform="framework: freebsd          # what runs in the virtual machine",
        monitor=_QEMU,
        kernel="from: source                # FreeBSD: minutes once, then from the cache",
        root=_BLOCK,
        sysroot=_SYSROOT,
    ),
    "mirage": First(
        languages=("ocaml",),
        platform="framework: mirage           # OCaml on Solo5, without an operating system",
        monitor="monitor: spt                # a process under seccomp: needs no KVM",
        kernel="from: source                # the application becomes the kernel",
    ),
    "unikraft": First(
        languages=("makefile.uk",),
        platform="framework: unikraft         # a library operating system",
        monitor="monitor: qemu               # what runs the virtual machine; or firecracker",
        kernel="from: source                # the application is linked into the kernel",
    ),
}
"""By the framework's name; of those that fit a language the first is the default."""
