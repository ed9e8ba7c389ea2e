"""What a Solo5 kernel wants attached, and what the runtime attaches (`Runtime.slots`).

A tender refuses a kernel whose manifest names a device that it is not given, and a device that the
manifest does not name. In a virtual machine (virtio) the kernel stops by itself where it lacks one;
names do not count there: devices are taken in their order. Sources: Solo5's tenders/common/mft.c,
bindings/virtio/start.c and pci.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import frameworks
from frameworks.diagnostics import Collector
from frameworks.runtime import RUNTIME, monitors

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frameworks.kernelfile import Device
    from frameworks.runtime.base import Slot
    from llb import Range


def wanted(plan: Plan) -> bool:
    """Whether a plan's kernel is one of Solo5's, which has a manifest."""
    return bool(_slots(plan)) and bool(monitors.get(plan.monitor).solo5)


def _is_tended(plan: Plan) -> bool:
    """Whether a tender starts the kernel, which gives devices by their names."""
    return monitors.get(plan.monitor).kind == "tender"


def _slots(plan: Plan) -> tuple[Slot, ...]:
    return RUNTIME.slots(frameworks.guest(plan.framework).type)


def keys(plan: Plan, devices: tuple[Device, ...], at: Range) -> Mapping[str, str]:
    """The runtime keys, by short name, with which the runtime attaches what the kernel wants.

    `at` is where the file names the kernel. Raises Problems where it cannot.
    """
    problems = Collector(plan.file)
    found: dict[str, str] = {}
    for device in devices:
        if device.kind not in ("net", "block"):
            message = f"the kernel wants a device '{device.name}' {device.kind}"
            problems.error(
                "unattachable-device", f"{message}, which {RUNTIME.name} does not know", at=at
            )
    for slot in _slots(plan):
        names = [device.name for device in devices if device.kind == slot.kind]
        if name := _name(plan, slot, names, at, problems):
            found[slot.key] = name
    problems.check()
    return found


def _name(plan: Plan, slot: Slot, names: list[str], at: Range, problems: Collector) -> str:
    """The name to give a device of the runtime's, "" for its own."""
    if len(names) > 1:
        problems.error(
            "unattachable-device",
            f"the kernel wants {len(names)} {slot.words} devices ({', '.join(names)}), and "
            f"{RUNTIME.name} attaches one",
            hint="build the kernel for fewer devices",
            at=at,
        )
        return ""
    if not _is_tended(plan):
        if names and not frameworks.guest(plan.framework).reaches(plan.monitor, slot.kind):
            problems.error(
                "unattachable-device",
                f"the kernel wants the {slot.words} device '{names[0]}', and {RUNTIME.name} "
                f"attaches none on {plan.monitor}",
                hint="build it for a monitor of Solo5's, with 'monitor: spt' or 'monitor: hvt'",
                at=at,
            )
        return ""
    said = plan.keys.get(slot.key) if slot.key else None
    if slot.kind == "block":
        disk = plan.rootfs.type == "block" or RUNTIME.keys.disk in plan.keys
        # A snapshot of the container's root is attached as the same device.
        if names and not disk and plan.rootfs.type != "raw":
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
            f"the kernel calls its {slot.words} device '{name}', and {RUNTIME.name} calls it "
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
    elif slot.key and not RUNTIME.is_device_name(name):
        problems.error(
            "unattachable-device",
            f"the kernel calls its {slot.words} device '{name}', and {RUNTIME.name} takes letters "
            "and digits only",
            at=at,
        )
    return name if slot.key and name != slot.name else ""
