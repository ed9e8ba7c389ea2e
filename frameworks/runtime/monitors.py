"""The monitors: one row each, with all that hutch knows of it.

    monitor = monitors.get(plan.monitor)
    monitor.shares              # ("9p", "virtiofs")

The schema's values and their description, the monitors of the frameworks that run on any, the check
of a kernel's file, the rules of lint and the command lines of boots are made of the rows. Adding a
monitor is adding one (CONTRIBUTING.md). Names are the runtime's own.

Sources: docs/contract/urunc.md 1.3, 1.5 and 2; what Unikraft's registry calls them: kraftkit,
unikraft/plat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from frameworks import architectures

if TYPE_CHECKING:
    from collections.abc import Callable

    from frameworks.runtime.machine import Contract, Files, Machine

Kind = Literal["machine", "tender", "own"]
"""What a monitor is: a virtual machine with virtio devices, on which a whole operating system
starts; a tender, which runs what is linked with Solo5's bindings; or one for a guest of its own."""

Form = Literal["bzimage", "pvh", "multiboot", "elf", "image", "gzip", "solo5", "any"]
"""What a kernel's file may be: Linux's bzImage; an ELF file with a PVH entry, with a Multiboot
header, or any for the architecture; Linux's Image, bare or compressed; what is linked for Solo5 and
this monitor. `any` is for a monitor of which nobody here knows what it takes."""

Share = Literal["9p", "virtiofs"]
"""How a directory of the host gets into a guest."""


class UnknownMonitor(ValueError):
    """There is no monitor of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no monitor '{name}'; there are: {', '.join(TABLE)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """A program that runs a virtual machine, under a runtime.

    `name` is the runtime's, and `since` the first of the runtime's versions that has it. `kernels`
    are the forms of a kernel's file that the monitor boots on architectures that enter an ELF
    kernel (`Architecture.boots_elf`), `images` those on others; first the one that hutch builds.

    `shares` are the ways in which a directory of the host gets to the guest, the runtime's first
    choice first. `bus` is how devices are attached, and `console` is Linux's name of its serial
    port, "" where it has none or where it depends on the board (QEMU's: `urunc.guests`). `solo5` is
    the target that Solo5 links a kernel for, "" where it links for none. `mib` says that the
    monitor is told the guest's memory in MiB; others are told millions of bytes, and take the
    number for MiB. `restarts` says that it starts a guest anew that reboots, and that the runtime
    does not stop it. `disk_prefix` stands before the serial numbers of its disks. `stand_in` is the
    monitor that boots its kernels on a machine that lacks what it needs (the processor's
    virtualization, a tap device). `aliases` are other names that images for it are published under,
    and `packages` Debian's that have the program.

    `command` makes the command line by which `frontend.images.boot` starts a guest, and
    `configuration` the content of the file that the monitor reads; None where it has none.
    """

    name: str
    kind: Kind
    since: str
    architectures: tuple[str, ...]
    kernels: tuple[Form, ...]
    images: tuple[Form, ...]
    shares: tuple[Share, ...]
    bus: Literal["pci", "mmio", ""]
    console: str
    solo5: str
    mib: bool
    restarts: bool
    disk_prefix: str = ""
    stand_in: str = ""
    aliases: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    command: Callable[[Contract, Files, Machine], list[str]] | None = None
    configuration: Callable[[Contract, Files, Machine], str] | None = None

    def forms(self, architecture: str) -> tuple[Form, ...]:
        """The forms of a kernel's file that it boots on an architecture, () where it does not run.

        The first is the one that hutch builds.
        """
        if architecture not in self.architectures:
            return ()
        return self.kernels if architectures.TABLE[architecture].boots_elf else self.images

    def memory(self, limit: int) -> int:
        """The MiB that a guest gets where its container may have `limit` MiB.

        The runtime divides bytes by a million and calls the result M, which monitors take for MiB.
        """
        return limit if self.mib else limit * (1 << 20) // 1_000_000


def _qemu(contract: Contract, files: Files, machine: Machine) -> list[str]:
    from frameworks.runtime.urunc import guests

    return guests.qemu(contract, files, machine)


def _firecracker(contract: Contract, files: Files, machine: Machine) -> list[str]:
    from frameworks.runtime.urunc import guests

    return guests.firecracker(contract, files, machine)


def _firecracker_json(contract: Contract, files: Files, machine: Machine) -> str:
    from frameworks.runtime.urunc import guests

    return guests.firecracker_json(contract, files, machine)


def _cloud_hypervisor(contract: Contract, files: Files, machine: Machine) -> list[str]:
    from frameworks.runtime.urunc import guests

    return guests.cloud_hypervisor(contract, files, machine)


def _tender(contract: Contract, files: Files, machine: Machine) -> list[str]:
    from frameworks.runtime.urunc import guests

    return guests.tender(contract, files, machine)


QEMU = Monitor(
    name="qemu",
    kind="machine",
    since="0.5.0",
    architectures=architectures.ALL,
    kernels=("bzimage", "pvh", "multiboot"),
    images=("image", "gzip"),
    shares=("9p", "virtiofs"),
    bus="pci",
    console="",
    solo5="virtio",
    mib=False,
    restarts=False,
    packages=("qemu-system-x86", "qemu-system-arm"),
    command=_qemu,
)
FIRECRACKER = Monitor(
    name="firecracker",
    kind="machine",
    since="0.5.0",
    architectures=architectures.ALL,
    kernels=("elf",),
    images=("image",),
    shares=(),
    bus="mmio",
    console="ttyS0",
    solo5="virtio",
    mib=True,
    restarts=False,
    disk_prefix="FC",
    stand_in=QEMU.name,
    aliases=("fc",),
    command=_firecracker,
    configuration=_firecracker_json,
)
CLOUD_HYPERVISOR = Monitor(
    name="cloud-hypervisor",
    kind="machine",
    since="2026-05",
    architectures=architectures.ALL,
    kernels=("pvh", "bzimage"),
    images=("image",),
    shares=("virtiofs",),
    bus="pci",
    console="ttyS0",
    solo5="virtio",
    mib=False,
    restarts=True,
    stand_in=QEMU.name,
    command=_cloud_hypervisor,
)
HVT = Monitor(
    name="hvt",
    kind="tender",
    since="0.5.0",
    architectures=architectures.ALL,
    kernels=("solo5",),
    images=("solo5",),
    shares=(),
    bus="",
    console="",
    solo5="hvt",
    mib=False,
    restarts=False,
    command=_tender,
)
# The same without a virtual machine: a process that can do little else than run the kernel.
SPT = replace(HVT, name="spt", solo5="spt")
HYPERLIGHT_UNIKRAFT = Monitor(
    name="hyperlight-unikraft",
    kind="own",
    since="next",
    architectures=(architectures.AMD64.name,),
    kernels=("any",),
    images=("any",),
    shares=(),
    bus="",
    console="",
    solo5="",
    mib=False,
    restarts=False,
)

TABLE: Mapping[str, Monitor] = {
    each.name: each for each in (QEMU, FIRECRACKER, CLOUD_HYPERVISOR, HVT, SPT, HYPERLIGHT_UNIKRAFT)
}
"""Every monitor by its name, in the order in which messages list them."""

DEFAULT = QEMU
"""The monitor of a Dockerfile that names none."""


def get(name: str) -> Monitor:
    """The monitor called `name`. Raises UnknownMonitor for a name that is in no row."""
    try:
        return TABLE[name]
    except KeyError:
        raise UnknownMonitor(name) from None


def of_kind(*kinds: Kind) -> dict[str, tuple[str, ...]]:
    """The monitors of these kinds, each with its architectures: what `Guest.monitors` is."""
    return {each.name: each.architectures for each in TABLE.values() if each.kind in kinds}


def words() -> str:
    """The monitors as the schema's description lists them: those that frameworks share."""
    *machines, last = of_kind("machine")
    return f"{', '.join(machines)} or {last}, or Solo5's {' and '.join(of_kind('tender'))}"


def others() -> dict[str, str]:
    """Names that others have for monitors: of Solo5's targets, and of published images."""
    found: dict[str, str] = {}
    for each in TABLE.values():
        for name in (each.solo5, *each.aliases):
            if name and name not in TABLE:
                found.setdefault(name, each.name)
    return found
