"""A file inside a root filesystem that is one file: an archive for memory, or ext2, ext3, ext4.

Only what a question needs is read, and nothing is mounted or unpacked. Sources: the kernel's
Documentation/driver-api/early-userspace/buffer-format.rst and Documentation/filesystems/ext4/.
"""

from __future__ import annotations

import bz2
import lzma
import posixpath
import stat
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from frameworks.rootfs.filesystems import EXT4
from frameworks.rootfs.inside import follow

HEAD = 64
"""How many bytes of a file are told: as many as the header of an ELF file has."""

_MOST = 32 << 20
"""How much of an archive is read, in bytes, packed or unpacked."""
_CPIO = (b"070701", b"070702")
_GZIP, _XZ, _BZIP2 = b"\x1f\x8b", b"\xfd7zXZ\0", b"BZh"
_EXTENTS, _INLINE = 0x80000, 0x10000000
_64BIT = 0x80
_ROOT = 2
_FAST_LINK = 60


class Unknown(Exception):
    """The file is of another format, or larger or stranger than is looked into."""


class File(Protocol):
    """A file of which something is read, wherever it is."""

    @property
    def size(self) -> int:
        """How many bytes it has."""

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on; fewer only at its end."""


@dataclass(frozen=True, slots=True)
class FileHead:
    """A file of the tree: its mode, and the first bytes of a regular file or a link's target."""

    mode: int
    head: bytes = b""


def find(file: File, path: str) -> FileHead | None:
    """What is at an absolute path of the tree, links followed; None where nothing is.

    Raises Unknown.
    """
    try:
        entry = _archive(file) if not _is_ext(file) else _Ext(file).entry
        return _resolve(entry, path)
    except (struct.error, ValueError, IndexError, EOFError, OSError, lzma.LZMAError, zlib.error):
        raise Unknown from None


def _resolve(entry: Callable[[str], FileHead | None], path: str) -> FileHead | None:
    def target(here: str) -> str | None:
        found = entry(here)
        if found is None:
            return None
        is_link = stat.S_ISLNK(found.mode)
        return found.head.decode(errors="surrogateescape") if is_link else ""

    at = follow(path, target)[1]
    return None if at is None else entry(at) if at else FileHead(stat.S_IFDIR)


def _archive(file: File) -> Callable[[str], FileHead | None]:
    """The entries of a cpio archive, or of several one after the other."""
    if file.size > _MOST or not file.read(0, 6).startswith((*_CPIO, _GZIP, _XZ, _BZIP2)):
        raise Unknown
    data, entries = file.read(0, file.size), dict[str, FileHead]()
    while data:
        if not data.startswith(_CPIO):
            data = _unpacked(data)
        data = _entries(data, entries).lstrip(b"\0")
    return entries.get


def _unpacked(data: bytes) -> bytes:
    unpack: zlib._Decompress | lzma.LZMADecompressor | bz2.BZ2Decompressor
    if data.startswith(_GZIP):
        unpack = zlib.decompressobj(wbits=31)
    elif data.startswith(_XZ):
        unpack = lzma.LZMADecompressor()
    elif data.startswith(_BZIP2):
        unpack = bz2.BZ2Decompressor()
    else:
        raise Unknown
    plain = unpack.decompress(data, _MOST)
    if not unpack.eof or not plain.startswith(_CPIO):
        raise Unknown
    return plain + unpack.unused_data


def _entries(data: bytes, into: dict[str, FileHead]) -> bytes:
    """Read one archive; returns what follows it."""
    at = 0
    while data[at : at + 6] in _CPIO:
        field = [int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        mode, size, name_size = field[1], field[6], field[11]
        name = data[at + 110 : at + 110 + name_size - 1].decode(errors="surrogateescape")
        content = (at + 110 + name_size + 3) & ~3
        at = (content + size + 3) & ~3
        if name == "TRAILER!!!":
            return data[at:]
        kept = size if stat.S_ISLNK(mode) else min(size, HEAD)
        into[posixpath.normpath("/" + name)] = FileHead(mode, data[content : content + kept])
    raise Unknown  # cut off


def _is_ext(file: File) -> bool:
    return any(file.read(at, len(mark)) == mark for at, mark in EXT4.marks)


class _Ext:
    """An ext2, ext3 or ext4 file system."""

    def __init__(self, file: File) -> None:
        self._file = file
        block = file.read(1024, 1024)
        self._block = 1024 << struct.unpack_from("<I", block, 24)[0]
        self._per_group = struct.unpack_from("<I", block, 40)[0]
        self._inode_size = struct.unpack_from("<H", block, 88)[0] or 128
        large = struct.unpack_from("<I", block, 96)[0] & _64BIT
        self._descriptor = struct.unpack_from("<H", block, 254)[0] if large else 32
        self._groups = (struct.unpack_from("<I", block, 20)[0] + 1) * self._block
        self._folders: dict[int, Mapping[str, int]] = {}

    def entry(self, path: str) -> FileHead | None:
        number = _ROOT
        for part in path.strip("/").split("/"):
            inside = self._folder(number).get(part)
            if inside is None:
                return None
            number = inside
        inode = self._inode(number)
        mode = struct.unpack_from("<H", inode)[0]
        size = struct.unpack_from("<I", inode, 4)[0]
        if stat.S_ISLNK(mode) and size < _FAST_LINK:
            return FileHead(mode, inode[40 : 40 + size])
        if stat.S_ISLNK(mode) or (stat.S_ISREG(mode) and size):
            return FileHead(
                mode, self._read(inode, size if stat.S_ISLNK(mode) else min(size, HEAD))
            )
        return FileHead(mode)

    def _inode(self, number: int) -> bytes:
        group, index = divmod(number - 1, self._per_group)
        entry = self._file.read(self._groups + group * self._descriptor, self._descriptor)
        table = struct.unpack_from("<I", entry, 8)[0]
        if self._descriptor > 40:
            table |= struct.unpack_from("<I", entry, 40)[0] << 32
        return self._file.read(table * self._block + index * self._inode_size, 128)

    def _folder(self, number: int) -> Mapping[str, int]:
        if number not in self._folders:
            inode = self._inode(number)
            if not stat.S_ISDIR(struct.unpack_from("<H", inode)[0]):
                return {}
            data = self._read(inode, struct.unpack_from("<I", inode, 4)[0])
            names: dict[str, int] = {}
            at = 0
            while at + 8 <= len(data):
                inside, length, size = struct.unpack_from("<IHB", data, at)
                if length < 8:
                    raise Unknown
                if inside:
                    names[data[at + 8 : at + 8 + size].decode(errors="surrogateescape")] = inside
                at += length
            self._folders[number] = names
        return self._folders[number]

    def _read(self, inode: bytes, size: int) -> bytes:
        """The first `size` bytes of a file."""
        flags = struct.unpack_from("<I", inode, 32)[0]
        if flags & _INLINE or size > _MOST:
            raise Unknown
        parts: list[bytes] = []
        for number in range(-(-size // self._block)):
            where = (
                self._extent(inode[40:100], number)
                if flags & _EXTENTS
                else self._mapped(inode[40:100], number)
            )
            parts.append(self._file.read(where * self._block, self._block))
        return b"".join(parts)[:size]

    def _mapped(self, blocks: bytes, number: int) -> int:
        """The block of an ext2 file: twelve are named, and more in a block of numbers."""
        if number < 12:
            return int(struct.unpack_from("<I", blocks, 4 * number)[0])
        if number - 12 >= self._block // 4:
            raise Unknown
        table = struct.unpack_from("<I", blocks, 48)[0] * self._block
        return int(struct.unpack("<I", self._file.read(table + 4 * (number - 12), 4))[0])

    def _extent(self, node: bytes, number: int) -> int:
        for _ in range(6):  # no tree is deeper
            magic, count, _, depth = struct.unpack_from("<HHHH", node)
            if magic != 0xF30A:
                raise Unknown
            entries = [node[12 + 12 * n : 24 + 12 * n] for n in range(count)]
            last = [each for each in entries if struct.unpack_from("<I", each)[0] <= number][-1]
            if not depth:
                first, length, high, low = struct.unpack("<IHHI", last)
                if number - first >= length:
                    raise Unknown  # a hole
                return int((high << 32 | low) + number - first)
            _, low, high = struct.unpack_from("<IIH", last)
            node = self._file.read((high << 32 | low) * self._block, self._block)
        raise Unknown
