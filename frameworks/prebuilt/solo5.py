"""What a Solo5 kernel wants attached, and what urunc attaches: one network, one block device.

A tender refuses a kernel whose manifest names a device that it is not given, and a device that the
manifest does not name. urunc gives a Mirage guest the names of two runtime keys, and Rumprun's
always the same two. Source: docs/contract/urunc.md 1.1 (solo5NetDev, solo5BlkDev) and 2.1; Solo5's
tenders/common/mft.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from frameworks.diagnostics import Collector

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frameworks.kernelfile import Device
    from llb import Range

TENDERS = ("hvt", "spt")
_LONGEST = 67


@dataclass(frozen=True, slots=True)
class _Slot:
    """A device that urunc can attach: the name that it has, and the key that changes the name."""

    kind: str
    words: str
    name: str
    key: str = ""


_SLOTS = {
    "mirage": (
        _Slot("net", "network", "service", "solo5NetDev"),
        _Slot("block", "block", "storage", "solo5BlkDev"),
    ),
    "rumprun": (_Slot("net", "network", "tap"), _Slot("block", "block", "rootfs")),
}


def wanted(plan: Plan) -> bool:
    """Whether a plan's kernel has a manifest that counts."""
    return plan.framework in _SLOTS and plan.monitor in TENDERS


def keys(plan: Plan, devices: tuple[Device, ...], at: Range) -> Mapping[str, str]:
    """The runtime keys, by short name, with which urunc attaches what the kernel wants.

    `at` is where the file names the kernel. Raises Problems where urunc cannot.
    """
    problems = Collector(plan.file)
    found: dict[str, str] = {}
    for device in devices:
        if device.kind not in ("net", "block"):
            message = f"the kernel wants a device '{device.name}' {device.kind}"
            problems.error("unattachable-device", f"{message}, which urunc does not know", at=at)
    for slot in _SLOTS[plan.framework]:
        names = [device.name for device in devices if device.kind == slot.kind]
        if name := _name(plan, slot, names, at, problems):
            found[slot.key] = name
    problems.check()
    return found


def _name(plan: Plan, slot: _Slot, names: list[str], at: Range, problems: Collector) -> str:
    """The name to give a device of urunc's, "" for its own."""
    if len(names) > 1:
        problems.error(
            "unattachable-device",
            f"the kernel wants {len(names)} {slot.words} devices ({', '.join(names)}), and urunc "
            "attaches one",
            hint="build the kernel for fewer devices",
            at=at,
        )
        return ""
    said = plan.keys.get(slot.key) if slot.key else None
    if slot.kind == "block":
        disk = plan.rootfs.type == "block" or "block" in plan.keys
        if names and not disk:
            problems.error(
                "unattachable-device",
                f"the kernel wants the block device '{names[0]}', and the image has no disk",
                hint="add 'rootfs: {type: block, ...}'",
                at=at,
            )
        if disk and not names:
            problems.error(
                "unattachable-device",
                "the image has a disk, and the kernel wants no block device: it would not start",
                hint="use 'rootfs: {type: none}'",
                at=plan.rootfs.at,
            )
    if not names:
        if said is not None:
            message = f"'{slot.key}' names '{said}', and the kernel wants no {slot.words} device"
            problems.error("unattachable-device", message, hint="remove it", at=at)
        return ""
    (name,) = names
    if not slot.key and name != slot.name:
        problems.error(
            "unattachable-device",
            f"the kernel calls its {slot.words} device '{name}', and urunc calls it "
            f"'{slot.name}' for {plan.framework}",
            hint=f"build the kernel with the name '{slot.name}'",
            at=at,
        )
    elif said is not None and said != name:
        problems.error(
            "unattachable-device",
            f"'{slot.key}' names '{said}', and the kernel calls its {slot.words} device '{name}'",
            hint=f"say '{name}', or leave it out",
            at=at,
        )
    elif slot.key and not (name.isascii() and name.isalnum() and len(name) <= _LONGEST):
        problems.error(
            "unattachable-device",
            f"the kernel calls its {slot.words} device '{name}', and urunc takes letters and "
            "digits only",
            at=at,
        )
    return name if slot.key and name != slot.name else ""
