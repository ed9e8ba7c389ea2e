"""What kind of kernel a file is, and whether a monitor can boot it.

    kernel = identify(stream)                      # a BinaryIO that can seek
    wrong = complaint(kernel, "firecracker", "amd64")

Facts: Linux's boot protocol (Documentation/arch/x86/boot.rst: "HdrS" at 0x202), arm64's booting.rst
("ARM\\x64" at 56), Xen's PVH note (name "Xen", type 18), Multiboot's magic in the first 8 KiB,
Solo5's ABI note (name "Solo5", type "ABI1"; elf_abi.h) and its manifest of devices (type "MFT1";
mft_abi.h, tenders/common/mft.c), and what its tenders load (tenders/common/elf.c). What each
monitor takes: docs/contract/urunc.md 2.3.

However a file is made, a question about it costs a bounded number of reads of bounded size: over
the gateway each is a call.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from frameworks.architectures import AMD64, ARM64, TABLE, of_elf
from frameworks.runtime import monitors
from frameworks.runtime.monitors import Form

_SOLO5 = {1: "hvt", 2: "spt", 3: "virtio", 4: "muen", 5: "genode", 6: "xen"}
_TENDERS = ("hvt", "spt")
"""The targets whose kernels Solo5 itself loads."""
_HEAD = 8192
_BZIMAGE = 0x238
"""Where what is read of a bzImage's header ends."""
_MOST_HEADERS = 1024
"""Program headers: kernels have fewer than twenty, and a file can say 65,535."""
_MOST_SEGMENTS = 16
_MOST_NOTES = 1 << 16
"""The bytes that are read of each segment of notes, of `_MOST_SEGMENTS` at most."""
_HEADER_SIZES = {True: 56, False: 32}
_LOAD, _NOTE = 1, 4
_Header = tuple[int, int, int, int, int, int]
"""Type, offset in the file, address, size in the file and in memory, and alignment."""
_LAST_OFFSET = (1 << 63) - 1

_DEVICE = struct.Struct("<68sI28x4x")
"""`struct mft_entry`: a name, its type, what the tender fills in."""
_DEVICES = {1: "block", 2: "net"}
_FIRST_DEVICE = 1 << 30
_MOST_DEVICES = 64


@dataclass(frozen=True, slots=True)
class Device:
    """A device of a Solo5 manifest; `kind` is `net` or `block`."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class KernelFile:
    """A kernel file. `format` is `bzimage`, `elf`, `arm64-image`, `gzip` or `unknown`.

    `architecture` is OCI's name (`amd64`, `arm64`, `386`), "" where the file does not tell. `pvh`
    and `multiboot` say how an ELF file can be entered; `solo5` is the tender it was linked for,
    `devices` are those that the tender has to attach, None where no manifest says, and
    `overlapping` is true of a file whose segments it refuses.
    """

    format: str
    architecture: str = ""
    pvh: bool = False
    multiboot: bool = False
    solo5: str = ""
    devices: tuple[Device, ...] | None = None
    overlapping: bool = False

    def __str__(self) -> str:
        names = {
            "bzimage": "a Linux bzImage",
            "elf": "an ELF file",
            "arm64-image": "a Linux Image",
            "gzip": "a gzip-compressed file",
            "unknown": "no kernel that is known here",
        }
        what = f"an ELF file for Solo5 {self.solo5}" if self.solo5 else names[self.format]
        return f"{what} for {self.architecture}" if self.architecture else what


def identify(stream: BinaryIO) -> KernelFile:
    """What `stream` (which must be able to seek) holds; broken files are `unknown`."""
    stream.seek(0)
    head = stream.read(_HEAD)
    if head[:4] == b"\x7fELF":
        return _elf(stream, head)
    if head[0x202:0x206] == b"HdrS" and head[0x1FE:0x200] == b"\x55\xaa" and len(head) > _BZIMAGE:
        # loadflags' successor xloadflags (2.12): bit 0 is a 64-bit entry point.
        flags = struct.unpack_from("<H", head, 0x236)[0]
        return KernelFile("bzimage", AMD64.name if flags & 1 else "386")
    if head[56:60] == b"ARM\x64":
        return KernelFile("arm64-image", ARM64.name)
    if head[:2] == b"\x1f\x8b":
        return KernelFile("gzip")
    return KernelFile("unknown")


def is_for(kernel: KernelFile, architecture: str) -> bool:
    """Whether `kernel` may be for `architecture`, which not every file tells."""
    # QEMU boots Multiboot kernels, which are 32-bit files, on 64-bit machines.
    return kernel.architecture in ("", architecture, *TABLE[architecture].runs)


def complaint(kernel: KernelFile, monitor: str, architecture: str) -> str:
    """Why `monitor` cannot boot `kernel` on `architecture` (`amd64`, `arm64`); "" if it can.

    Raises UnknownMonitor.
    """
    if kernel.format == "unknown":
        return "it is no kernel that is known here"
    if not is_for(kernel, architecture):
        return f"it is {kernel}, and the image is for {architecture}"
    on = monitors.get(monitor)
    forms = on.forms(architecture)
    if not forms:
        return f"{monitor} does not run on {architecture}"
    if "any" in forms:
        return ""
    if "solo5" in forms and not kernel.solo5:
        return f"it is {kernel}, and {monitor} boots only what is linked for Solo5"
    if kernel.solo5 and kernel.solo5 != on.solo5:
        return f"it is linked for Solo5 {kernel.solo5}"
    if kernel.overlapping:
        return "a segment begins in a page of the one before it, and Solo5 loads no such file"
    if _forms(kernel, architecture) & set(forms):
        return ""
    entries = [words for form, words in _ENTRIES.items() if form in forms]
    if entries:
        wrong = f"it is {kernel} without a {' or '.join(entries)} entry"
        return f"{wrong}, and not a bzImage" if "bzimage" in forms else wrong
    only = _ONLY[forms[0]].format(architecture=architecture)
    return f"it is {kernel}, and {monitor} boots only {only}"


_ENTRIES: dict[Form, str] = {"pvh": "PVH", "multiboot": "Multiboot"}
_ONLY: dict[Form, str] = {
    "bzimage": "a bzImage",
    "elf": "an uncompressed 64-bit ELF (vmlinux)",
    "image": "an uncompressed Image on {architecture}",
    "gzip": "a gzip-compressed file",
}
"""How a user is told of the one form that a monitor boots."""


def _forms(kernel: KernelFile, architecture: str) -> set[Form]:
    """The forms that a kernel's file has on `architecture`."""
    has: dict[Form, bool] = {
        "bzimage": kernel.format == "bzimage",
        "elf": kernel.format == "elf" and kernel.architecture == architecture,
        "pvh": kernel.pvh,
        "multiboot": kernel.multiboot,
        "image": kernel.format == "arm64-image",
        "gzip": kernel.format == "gzip",
        "solo5": bool(kernel.solo5),
    }
    return {form for form, is_it in has.items() if is_it}


def _elf(stream: BinaryIO, head: bytes) -> KernelFile:
    try:
        order = "<" if head[5] == 1 else ">"
        machine = struct.unpack_from(f"{order}H", head, 18)[0]
        pvh, solo5 = False, ""
        devices: tuple[Device, ...] | None = None
        headers = list(_headers(stream, head, order))
        for name, number, content in _all_notes(stream, headers, order):
            if name == b"Xen\0" and number == 18:
                pvh = True
            elif name == b"Solo5\0" and number == 0x31494241:
                target = struct.unpack_from(f"{order}I", content)[0]
                solo5 = _SOLO5.get(target, str(target))
            elif name == b"Solo5\0" and number == 0x3154464D:
                devices = _manifest(content)
    except (struct.error, IndexError, ValueError):
        return KernelFile("unknown")
    overlapping = solo5 in _TENDERS and _overlap(headers)
    return KernelFile("elf", of_elf(machine), pvh, _multiboot(head), solo5, devices, overlapping)


def _headers(stream: BinaryIO, head: bytes, order: str) -> Iterator[_Header]:
    """The program headers of an ELF file. Raises ValueError for such as no linker writes."""
    wide = head[4] == 2
    if wide:
        offset, size, count = struct.unpack_from(f"{order}Q14xHH", head, 32)
    else:
        offset, size, count = struct.unpack_from(f"{order}I10xHH", head, 28)
    if count and size != _HEADER_SIZES[wide]:
        raise ValueError(f"program headers of {size} bytes")
    if count > _MOST_HEADERS:
        raise ValueError(f"{count} program headers")
    table = _read(stream, offset, size * count)
    fields = f"{order}I4xQQ8xQQQ" if wide else f"{order}III4xII4xI"
    for index in range(count):
        yield struct.unpack_from(fields, table, index * size)


def _overlap(headers: Iterable[_Header]) -> bool:
    """Whether a segment begins before the one in front of it ends, both in whole units."""
    last = 0
    for kind, _, address, size, memory, alignment in headers:
        if kind != _LOAD or not size:
            continue
        unit = alignment or 1
        if address // unit * unit < last:
            return True
        last = -(-(address + memory) // unit) * unit
    return False


def _all_notes(
    stream: BinaryIO, headers: Iterable[_Header], order: str
) -> Iterator[tuple[bytes, int, bytes]]:
    """The notes of an ELF file. Raises ValueError for more than a linker writes."""
    segments = 0
    for kind, start, _, length, _, _ in headers:
        if kind != _NOTE:
            continue
        segments += 1
        if segments > _MOST_SEGMENTS:
            raise ValueError("too many segments of notes")
        yield from _notes(_read(stream, start, min(length, _MOST_NOTES)), order)


def _read(stream: BinaryIO, offset: int, length: int) -> bytes:
    if not length:
        return b""
    if offset > _LAST_OFFSET - length:
        raise ValueError(f"no file has a byte {offset}")
    stream.seek(offset)
    return stream.read(length)


def _notes(data: bytes, order: str) -> Iterator[tuple[bytes, int, bytes]]:
    """The notes of a segment as (name, type, content)."""
    at = 0
    while at + 12 <= len(data):
        name, content, number = struct.unpack_from(f"{order}III", data, at)
        start = at + 12
        body = start + (name + 3 & ~3)
        yield data[start : start + name], number, data[body : body + content]
        at = body + (content + 3 & ~3)


def _manifest(content: bytes) -> tuple[Device, ...]:
    """The devices of a manifest, by the tender's own rules (mft_validate). Raises ValueError.

    The note's content starts with four bytes that align what follows.
    """
    version, count = struct.unpack_from("<4xII", content)
    if version != 1 or not 1 <= count <= _MOST_DEVICES:
        raise ValueError("not a manifest of version 1")
    if len(content) != 12 + count * _DEVICE.size:
        raise ValueError("the manifest is cut off")
    found = []
    for index, (name, kind) in enumerate(_DEVICE.iter_unpack(content[12:])):
        if name[-1] or (index == 0) != (kind == _FIRST_DEVICE) or (index == 0 and name[0]):
            raise ValueError("not a manifest of devices")
        if index:
            text = name.partition(b"\0")[0].decode("ascii", "backslashreplace")
            found.append(Device(_DEVICES.get(kind, f"of type {kind}"), text))
    return tuple(found)


def _multiboot(head: bytes) -> bool:
    """Whether the first 8 KiB hold a Multiboot header: magic, flags, and a sum of zero."""
    for at in range(0, len(head) - 11, 4):
        magic, flags, check = struct.unpack_from("<III", head, at)
        if magic == 0x1BADB002 and (magic + flags + check) & 0xFFFFFFFF == 0:
            return True
    return False
