"""Guests whose kernels hutch packages and does not build: what the runtime accepts of each.

The facts are urunc's (docs/contract/urunc.md 1.3 for the pairs of guest and monitor, 2.1 and 2.3
for root filesystems). A kernel comes from the build context or an image.
"""

from __future__ import annotations

from typing import ClassVar

from frameworks.architectures import ALL, AMD64
from frameworks.base import Framework, Guest, Plan
from frameworks.rootfs.filesystems import EXT2, EXT4
from frameworks.runtime import monitors
from llb import Platform


class Unikraft(Framework):
    """Unikraft: an initrd or a shared directory; images of its catalogue are pulled by monitor."""

    name: ClassVar[str] = "unikraft"
    guest: ClassVar[Guest] = Guest(
        type="unikraft",
        monitors={
            monitors.QEMU.name: ALL,
            monitors.FIRECRACKER.name: ALL,
            monitors.HYPERLIGHT_UNIKRAFT.name: (AMD64.name,),
        },
        rootfs=("initrd", "raw", "none"),
        lacks=frozenset({"workdir"}),
        unpacks_initrd=True,
        unreachable=frozenset({(monitors.FIRECRACKER.name, "raw")}),
        words_for_env=True,
        rootfs_v01="initrd",
    )

    @staticmethod
    def platforms(monitor: str, platform: Platform) -> tuple[Platform, ...]:
        """What Unikraft's registry calls `platform`: its `os` says which monitor an image is for.

        Sources: bunny, hops/llb.go; kraftkit, unikraft/plat.
        """
        systems = (*monitors.get(monitor).aliases, monitor)
        return tuple(Platform(system, platform.architecture) for system in systems)

    def image_platform(self, plan: Plan, ref: str) -> Platform:
        """The monitor's, for what is in that registry: it has nothing else."""
        if ref.startswith("unikraft.org/"):
            return self.platforms(plan.monitor, plan.platform)[0]
        return plan.platform

    def other_platforms(self, plan: Plan) -> tuple[Platform, ...]:
        """The monitor's, for images that were copied from there."""
        return self.platforms(plan.monitor, plan.platform)


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
