"""Guests whose kernels hutch packages and does not build: what the runtime accepts of each.

The facts are urunc's (docs/contract/urunc.md 1.3 for the pairs of guest and monitor, 2.1 and 2.3
for root filesystems). A kernel comes from the build context or an image.
"""

from __future__ import annotations

from typing import ClassVar

from frameworks.architectures import AMD64
from frameworks.base import Framework, Guest
from frameworks.rootfs.filesystems import EXT2, EXT4
from frameworks.runtime import monitors


class Mewz(Framework):
    """Mewz: a WebAssembly module linked into the kernel, and no root filesystem."""

    name: ClassVar[str] = "mewz"
    guest: ClassVar[Guest] = Guest(
        type="mewz",
        monitors={monitors.QEMU.name: (AMD64.name,)},
        lacks=frozenset({"cmd", "entrypoint", "envs", "workdir"}),
    )


class Hermit(Framework):
    """Hermit: the kernel file is its loader, and the application travels as the initrd."""

    name: ClassVar[str] = "hermit"
    guest: ClassVar[Guest] = Guest(
        type="hermit",
        monitors={monitors.QEMU.name: (AMD64.name,)},
        rootfs=("initrd", "none"),
        own_format=True,
        lacks=frozenset({"envs", "workdir"}),
    )


class Generic(Framework):
    """A guest that hutch knows nothing about: it is packaged as it is, and nothing is checked."""

    name: ClassVar[str] = "generic"
    guest: ClassVar[Guest] = Guest(
        type="generic",
        monitors=monitors.of_kind("machine", "tender"),
        rootfs=("raw", "initrd", "block", "none"),
        filesystems=(EXT4, EXT2),
        opaque=True,
        own_format=True,
    )
