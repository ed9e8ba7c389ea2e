"""The architectures that guests are built for, and what everybody calls them: the one table.

    TABLE["amd64"].gnu_triplet    # "x86_64-linux-gnu"
    plan.architecture.solo5       # "x86_64-solo5-none-static"

A new architecture is one `Architecture` and its row in `TABLE`. It has no field with a default, so
that the type checker asks for every name. What only one framework knows of an architecture (a
compiler's flags, a configuration of its tree) stays with the framework, under the name of `TABLE`;
`tests/unit/frameworks/test_architectures.py` says where something is missing.

Sources: OCI: the image specification's `platform` (Go's GOARCH); Debian: dpkg's cputable and its
multiarch tuples; ELF: e_machine in the kernel's include/uapi/linux/elf-em.h; Linux:
arch/*/Makefile; NetBSD: build.sh's list of machines; FreeBSD: arch(7), "TARGET" and "TARGET_ARCH";
Solo5: configure.sh; which kernel files monitors boot: docs/contract/urunc.md 2.3.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinuxNames:
    """What the kernel's tree calls an architecture, and what is peculiar to it there.

    `arch` is the value of ARCH, `source` its folder below arch/, `image` the file that a boot
    loader takes, relative to the objects. `joins_cmdline` says that boot parameters built into the
    kernel count beside those of the boot loader, with CMDLINE_BOOL.
    """

    arch: str
    source: str
    image: str
    joins_cmdline: bool


@dataclass(frozen=True, slots=True)
class BSDNames:
    """What NetBSD or FreeBSD calls an architecture.

    `machine` is the port (NetBSD's MACHINE, FreeBSD's TARGET), `arch` the processor (MACHINE_ARCH,
    TARGET_ARCH).
    """

    machine: str
    arch: str


@dataclass(frozen=True, slots=True)
class Architecture:
    """One architecture by all its names.

    `name` is OCI's, and hutch's own; `names` are those that a bunnyfile may have, `name` among
    them. `cpu` is GNU's name of the processor, `qemu` the end of QEMU's program, `elf` the number
    in ELF files (e_machine). `runs` are other architectures whose programs its processors run, by
    OCI's names. `boots_elf` says that monitors enter an ELF kernel; else they take nothing but what
    has the form of Linux's Image.
    """

    name: str
    names: tuple[str, ...]
    debian: str
    cpu: str
    qemu: str
    elf: int
    runs: tuple[str, ...]
    boots_elf: bool
    linux: LinuxNames
    netbsd: BSDNames
    freebsd: BSDNames
    solo5: str

    @property
    def gnu_triplet(self) -> str:
        """With which the names of Debian's compilers begin, and its multiarch folders."""
        return f"{self.cpu}-linux-gnu"

    @property
    def cross_suffix(self) -> str:
        """With which the names of Debian's packages of these compilers end."""
        return self.gnu_triplet.replace("_", "-")


AMD64 = Architecture(
    name="amd64",
    names=("x86", "x86_64", "amd64"),
    debian="amd64",
    cpu="x86_64",
    qemu="x86_64",
    elf=62,
    runs=("386",),
    boots_elf=True,
    linux=LinuxNames("x86_64", "x86", "arch/x86/boot/bzImage", joins_cmdline=True),
    netbsd=BSDNames("amd64", "x86_64"),
    freebsd=BSDNames("amd64", "amd64"),
    solo5="x86_64-solo5-none-static",
)
ARM64 = Architecture(
    name="arm64",
    names=("aarch64", "arm64"),
    debian="arm64",
    cpu="aarch64",
    qemu="aarch64",
    elf=183,
    runs=(),
    boots_elf=False,
    linux=LinuxNames("arm64", "arm64", "arch/arm64/boot/Image", joins_cmdline=False),
    netbsd=BSDNames("evbarm", "aarch64"),
    freebsd=BSDNames("arm64", "aarch64"),
    solo5="aarch64-solo5-none-static",
)

TABLE = {each.name: each for each in (AMD64, ARM64)}
"""By OCI's name: the one list of architectures."""

ALL = tuple(TABLE)
"""Their names, for a guest that runs on each of them."""

NAMES = {name: each.name for each in TABLE.values() for name in each.names}
"""The names that a bunnyfile may have, and OCI's for them."""

_OTHERS = {3: "386", 21: "ppc64le", 22: "s390x", 40: "arm", 243: "riscv64"}
"""ELF's numbers of architectures that no guest is built for, whose files are met all the same."""

_BY_ELF = _OTHERS | {each.elf: each.name for each in TABLE.values()}


def of_elf(number: int) -> str:
    """OCI's name of the architecture that ELF files have `number` for; "" for another."""
    return _BY_ELF.get(number, "")
