"""What a Linux kernel's file says of how it was built, and what it lacks to find its root.

    said = version(read)    # of a bzImage, from its header
    build = scan(read)      # version and configuration, from the kernel itself
    lacking(build.options or {}, roots.ways("block", "qemu", "ext4"))

`read(offset, length)` gives so many bytes of the file, or fewer where it ends. A question costs a
bounded number of them: `version` two of at most 600 bytes, `scan` one of those and at most 32 of
2 MiB, from which at most 128 MiB are unpacked.

Facts: kernel/configs.c (IKCONFIG: the gzip'd .config between IKCFG_ST and IKCFG_ED),
init/version.c (linux_banner), x86/boot.rst (kernel_version, payload_offset), arm64's booting.rst.
Only gzip is unpacked: of xz, zstd and the others nothing is known here.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from frameworks.linux.roots import DISK, SHARES
from frameworks.rootfs.filesystems import Way

Read = Callable[[int, int], bytes]

_HEAD = 0x250
_SETUP_SECTORS, _MAGIC, _PROTOCOL, _VERSION, _PAYLOAD = 0x1F1, 0x202, 0x206, 0x20E, 0x248
_VERSION_BASE = 0x200
_WITH_PAYLOAD = 0x208
"""The boot protocol whose header says where the compressed kernel is."""
_MOST_VERSION = 512

_PART = 2 << 20
_MOST_PARTS = 32
_MOST_CONTENT = 128 << 20
_GZIP = b"\x1f\x8b\x08"
_WITH_GZIP_HEADER = 31

_CONFIG, _CONFIG_END = b"IKCFG_ST" + _GZIP, b"IKCFG_ED"
_MOST_CONFIG = 1 << 20
_MOST_TEXT = 4 << 20
_BANNER = re.compile(rb"Linux version (\d[^\0\n]{0,400})[\0\n]")
_OPTION = re.compile(r"^CONFIG_(\w+)=(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Build:
    """A kernel's version, "" where none is found, and its options, None where it carries none.

    The version is as in /proc/version, behind "Linux version ".
    """

    version: str = ""
    options: Mapping[str, str] | None = None


def version(read: Read) -> str:
    """The version in a bzImage's header; "" for every other file."""
    head = read(0, _HEAD)
    if not _is_bzimage(head):
        return ""
    said = read(_VERSION_BASE + _number(head, _VERSION, 2), _MOST_VERSION)
    return said.split(b"\0")[0].decode("utf-8", "replace")


def scan(read: Read) -> Build:
    """What the kernel itself says: an ELF file, an arm64 Image, or what gzip packed of these."""
    said, held = "", b""
    for part in _kernel(read):
        held += part
        if not said and (banner := _BANNER.search(held)):
            said = banner[1].decode("utf-8", "replace")
        at = held.find(_CONFIG)
        if at < 0:
            held = held[-_MOST_VERSION:]
            continue
        held = held[at:]
        if _CONFIG_END in held or len(held) > _MOST_CONFIG:
            break
    return Build(said, _options(held) if held.startswith(_CONFIG) else None)


def _options(packed: bytes) -> Mapping[str, str] | None:
    stream = zlib.decompressobj(_WITH_GZIP_HEADER)
    try:
        text = stream.decompress(packed[len(_CONFIG) - len(_GZIP) :], _MOST_TEXT)
    except zlib.error:
        return None
    # Of a text that is cut off, nobody can say what is not set.
    return dict(_OPTION.findall(text.decode("utf-8", "replace"))) or None if stream.eof else None


def _kernel(read: Read) -> Iterator[bytes]:
    """The uncompressed kernel, in parts."""
    head = read(0, _HEAD)
    if head[:4] == b"\x7fELF" or head[56:60] == b"ARM\x64":
        yield from _parts(read, 0)
    elif head.startswith(_GZIP):
        yield from _unpacked(_parts(read, 0))
    elif _is_bzimage(head) and _number(head, _PROTOCOL, 2) >= _WITH_PAYLOAD:
        setup = (head[_SETUP_SECTORS] or 4) + 1
        start = setup * 512 + _number(head, _PAYLOAD, 4)
        if read(start, len(_GZIP)) == _GZIP:
            yield from _unpacked(_parts(read, start))


def _is_bzimage(head: bytes) -> bool:
    return head[_MAGIC : _MAGIC + 4] == b"HdrS" and len(head) == _HEAD


def _number(head: bytes, at: int, size: int) -> int:
    return int.from_bytes(head[at : at + size], "little")


def _parts(read: Read, start: int) -> Iterator[bytes]:
    for index in range(_MOST_PARTS):
        data = read(start + index * _PART, _PART)
        yield data
        if len(data) < _PART:
            return


def _unpacked(parts: Iterable[bytes]) -> Iterator[bytes]:
    """What gzip packed, as far as it is whole."""
    stream, total = zlib.decompressobj(_WITH_GZIP_HEADER), 0
    for part in parts:
        left = part
        while left:
            try:
                data = stream.decompress(left, _PART)
            except zlib.error:
                return
            yield data
            total += len(data)
            if stream.eof or total >= _MOST_CONTENT:
                return
            left = stream.unconsumed_tail


def lacking(options: Mapping[str, str], needed: tuple[Way, ...]) -> tuple[str, ...]:
    """The options that keep a kernel from mounting its root, sorted; () if it can.

    A module counts for nothing: it would be on the root that it is to mount. What an archive inside
    the kernel loads is not known.
    """
    if options.get("INITRAMFS_SOURCE", '""') != '""':
        return ()
    has = {name for name, value in options.items() if value == "y"}
    missing = [tuple(sorted(way - has)) for way in needed]
    return min(missing, key=len, default=())


@dataclass(frozen=True, slots=True)
class Distribution:
    """Whose kernels `sign` finds by their version, and which options these have in modules only."""

    name: str
    sign: re.Pattern[str]
    modules: Way


_P9, _VIRTIOFS = SHARES["9p"], SHARES["virtiofs"]

DISTRIBUTIONS = (
    # 6.12's cloud kernels, unlike those before and all others, have virtiofs built in.
    Distribution(
        "Debian's",
        re.compile(r"(?!5\.|6\.1\.)\S+-cloud-\S+ \(debian-kernel@lists\.debian\.org\)"),
        DISK | _P9,
    ),
    Distribution(
        "Debian's",
        re.compile(r"\S+ \(debian-kernel@lists\.debian\.org\)"),
        DISK | _P9 | _VIRTIOFS,
    ),
    Distribution("Alpine's", re.compile(r"\S+-virt \(.*#\d+-Alpine "), DISK | _P9 | _VIRTIOFS),
    # Disks were modules in Fedora 38 and are not now.
    Distribution(
        "Fedora's",
        re.compile(r"\S+\.fc\d+\.(x86_64|aarch64) \(mockbuild@"),
        _P9 | _VIRTIOFS,
    ),
)
"""Read from their packages' configurations: Debian 12 and 13 for amd64 and arm64, Alpine's
main/linux-lts (virt.x86_64, virt.aarch64), Fedora's dist-git (x86_64, aarch64)."""


def maker(said: str, needed: tuple[Way, ...]) -> str:
    """Whose kernel of version `said` cannot mount its root ("Debian's"); "" if none is known."""
    for each in DISTRIBUTIONS:
        if each.sign.match(said):
            return each.name if needed and all(way & each.modules for way in needed) else ""
    return ""
