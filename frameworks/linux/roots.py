"""What has to be built into a Linux kernel that is to mount its root: the one table of it.

    ways("block", "qemu", "ext4")    # (frozenset({"VIRTIO_BLK", "VIRTIO_PCI", "EXT4_FS"}),)

Options are named as the kernel does, without CONFIG_.
"""

from __future__ import annotations

from collections.abc import Mapping

from frameworks.rootfs.filesystems import EXT4, TABLE, Way
from frameworks.runtime import monitors
from frameworks.runtime.monitors import Share

INITRD: Way = frozenset({"BLK_DEV_INITRD"})
DISK: Way = frozenset({"VIRTIO_BLK"})
SHARES: Mapping[Share, Way] = {
    "9p": frozenset({"NET_9P_VIRTIO", "9P_FS"}),
    "virtiofs": frozenset({"VIRTIO_FS"}),
}
"""What a guest gets at the container's own files by (`Monitor.shares`)."""
SNAPSHOT: Way = DISK | EXT4.linux[0]
"""The same where the host has the files on a disk (docs/contract/urunc.md 2.1)."""
BUSES: Mapping[str, Way] = {
    "pci": frozenset({"VIRTIO_PCI"}),
    "mmio": frozenset({"VIRTIO_MMIO"}),
}
"""What a monitor attaches devices by (`Monitor.bus`)."""


def ways(kind: str, monitor: str, filesystem: str = "", *, ours: bool = False) -> tuple[Way, ...]:
    """The ways to a root of `kind` ("block", "raw", "initrd"), of which any will do.

    `filesystem` is that of a disk, "" where it is not known. A configuration of hutch's (`ours`)
    has the monitor's bus anyway; and who builds a kernel may know that the host has the container's
    files on a disk, on a monitor that shares them, too. () for another kind. KeyError for a file
    system or a monitor that there is not.
    """
    on = monitors.get(monitor)
    bus: Way = frozenset() if ours else BUSES[on.bus]
    if kind == "initrd":
        return (INITRD,)
    if kind == "block":
        formats = TABLE[filesystem].linux if filesystem else (frozenset[str](),)
        return tuple(DISK | bus | way for way in formats)
    if kind != "raw":
        return ()
    shares = tuple(SHARES[share] | bus for share in on.shares)
    return (*shares, SNAPSHOT | bus) if ours or not shares else shares
