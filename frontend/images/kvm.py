"""Whether a guest can be run by this machine's processor, and not by QEMU's translation (TCG)."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Collection
from pathlib import Path

from frameworks import architectures

_DEVICE = "/dev/kvm"
# linux/kvm.h
_GET_API_VERSION = 0xAE00
_CREATE_VM = 0xAE01
_VERSION = 12

_EXTENSIONS = frozenset({"vmx", "svm"})


def obstacle(architecture: str, uid: int, groups: Collection[int], device: str = _DEVICE) -> str:
    """Why KVM cannot run a guest of an `architecture` for a user, in words; "" where it can.

    The device may be there and make machines, and still not run any kernel: in a virtual machine
    without nested virtualization, a hypervisor's own KVM runs only kernels made for it. A processor
    with flags (x86) that can has one of two.
    """
    machine = os.uname().machine
    if architectures.TABLE[architecture].cpu != machine:
        return f"this machine's processor is {machine}"
    try:
        info = os.stat(device)
    except OSError:
        return f"there is no {device}"
    if not _may(info, uid, groups):
        return f"user {uid} may not use {device}"
    if (flags := _flags()) and not _EXTENSIONS & flags:
        return "the processor has no virtualization to use (neither vmx nor svm)"
    try:
        descriptor = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        return f"{device} cannot be opened: {error.strerror}"
    try:
        if fcntl.ioctl(descriptor, _GET_API_VERSION, 0) != _VERSION:
            return f"{device} speaks another version"
        os.close(fcntl.ioctl(descriptor, _CREATE_VM, 0))
    except OSError as error:
        return f"{device} makes no machine: {error.strerror}"
    finally:
        os.close(descriptor)
    return ""


def _may(info: os.stat_result, uid: int, groups: Collection[int]) -> bool:
    """Whether a user may read and write what has this owner and mode."""
    if uid == 0:
        return True
    if info.st_uid == uid:
        wanted = stat.S_IRUSR | stat.S_IWUSR
    elif info.st_gid in groups:
        wanted = stat.S_IRGRP | stat.S_IWGRP
    else:
        wanted = stat.S_IROTH | stat.S_IWOTH
    return info.st_mode & wanted == wanted


def _flags() -> frozenset[str]:
    """What the first processor can do, by /proc/cpuinfo; nothing where it is not x86."""
    for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
        if line.startswith("flags"):
            return frozenset(line.partition(":")[2].split())
    return frozenset()
