"""Whether a packed root filesystem fits its guest: what only the built file tells.

These are rules of lint (docs/rules/LargeInitrd.md, OversizedImage.md) that are looked at after the
steps have run. As little as possible is read: a file's size, and a few of its bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from frameworks.diagnostics import Diagnostic, Severity
from frameworks.rootfs import superblock
from frameworks.spec import parse_size

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frontend.gateway.client import Client, Ref

LARGE_INITRD = "LargeInitrd"
OVERSIZED_IMAGE = "OversizedImage"

_MIB = 1 << 20
_GZIP = b"\x1f\x8b"
_SMALL = 64 * _MIB
"""An image with less than that to spare is not worth a word."""

_MEMORY = {"firecracker": 256}
_DEFAULT_MEMORY = 268
"""urunc gives a guest 256 MiB unless the container has a limit; to most monitors it says 268M, and
they take that for MiB (urunc.md 1.5)."""
_OWN_KERNEL = 32
_ANY_KERNEL = {"amd64": 64, "arm64": 112}
"""What of it is the kernel's own, in MiB: hutch's, and a distribution's.

Measured with QEMU and Linux 6.12, archive and content together, with -m 268M: hutch's microvm
kernel unpacks 238 MiB and panics at 241 (amd64), 243 and 245 (arm64); Debian's kernel 201 and 205
(its cloud kernel for amd64), 153 and 157 (arm64). How they are compressed makes no difference.
"""


class File(Protocol):
    """A file of which something is read."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """A file of a result that the daemon holds."""

    client: Client
    ref: Ref
    path: str

    @property
    def size(self) -> int:
        return self.client.stat_file(self.ref, self.path).size

    def read(self, offset: int, length: int) -> bytes:
        return self.client.read_file(self.ref, self.path, offset=offset, length=length)


def rule(plan: Plan) -> str:
    """The rule that has something to look at in the file of a plan's root filesystem, "" for none.

    An image that hutch makes without a given size fits its content.
    """
    rootfs = plan.rootfs
    if rootfs.type == "initrd":
        return LARGE_INITRD
    if rootfs.type != "block":
        return ""
    if rootfs.path is None and (rootfs.size is None or parse_size(rootfs.size) <= _SMALL):
        return ""
    return OVERSIZED_IMAGE


def judge(plan: Plan, file: File) -> Diagnostic | None:
    """What the rule of a plan finds in the file; None if all is well."""
    return _initrd(plan, file) if rule(plan) == LARGE_INITRD else _image(plan, file)


def _initrd(plan: Plan, file: File) -> Diagnostic | None:
    """Linux and Unikraft have archive and content in memory at once, while they unpack it."""
    size = needed = file.size
    if plan.framework in ("linux", "unikraft"):
        needed += _content(file, size)
    kernel = plan.kernel
    taken = _OWN_KERNEL
    if plan.framework == "linux" and kernel is not None and kernel.from_ != "source":
        taken = _ANY_KERNEL[plan.platform.architecture]
    memory = _MEMORY.get(plan.monitor, _DEFAULT_MEMORY)
    if needed <= (memory - taken) * _MIB:
        return None
    rootfs = plan.rootfs
    return Diagnostic(
        LARGE_INITRD,
        f"this initrd of {_mib(size)} MiB takes {_mib(needed)} MiB while the guest starts, and a "
        f"guest has {memory} MiB, its kernel's included, unless the container has a limit",
        "with 'type: block' it stays on a disk; or give containers more memory (docker run -m 1g)",
        (rootfs.path or rootfs.type or plan.monitor).at,
        severity=Severity.WARNING,
    )


def _content(file: File, size: int) -> int:
    """How large an archive's content is, at least: of the compressed ones only gzip's end tells."""
    if file.read(0, len(_GZIP)) != _GZIP:
        return size
    return max(size, int.from_bytes(file.read(size - 4, 4), "little"))


def _image(plan: Plan, file: File) -> Diagnostic | None:
    rootfs = plan.rootfs
    space = superblock.read(file.read(0, superblock.HEAD))
    if space is None or space.free <= max(_SMALL, space.total * 3 // 4):
        return None
    hint = "make the file system smaller, for example with resize2fs -M"
    if rootfs.path is None:
        hint = "make 'size' smaller, or leave it out: then the image fits its content"
    return Diagnostic(
        OVERSIZED_IMAGE,
        f"{_mib(space.free)} of the {_mib(space.total)} MiB of this disk image are free, and every "
        "host that pulls it stores them",
        hint,
        (rootfs.size or rootfs.path or plan.monitor).at,
        severity=Severity.WARNING,
    )


def _mib(size: int) -> int:
    return size // _MIB
