"""Linux: kernels for one application in a microVM, built from source or taken prebuilt."""

from __future__ import annotations

from typing import ClassVar

from frameworks.base import Framework, Guest

_BOTH = ("amd64", "arm64")


class Linux(Framework):
    """The Linux framework (urunc.md 2.3 for what the runtime gives its guests)."""

    name: ClassVar[str] = "linux"
    guest: ClassVar[Guest] = Guest(
        type="linux",
        monitors={"qemu": _BOTH, "firecracker": _BOTH, "cloud-hypervisor": _BOTH},
        rootfs=("raw", "initrd", "block", "none"),
        filesystems=("ext4", "ext2", "squashfs", "erofs"),
        runtime="0.6",
    )
