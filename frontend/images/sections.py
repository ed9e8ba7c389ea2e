"""The parts of a kernel's file: of an ELF file its sections, or its segments where it has none."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

_MAGIC = b"\x7fELF"
_NO_BITS = 8
_LOAD = 1
_MOST = 65_536
_MOST_BYTES = 1 << 40
_MOST_TABLE = 16 << 20
_MOST_NAMES = 1 << 20
_BOOT, _SECTORS, _PROTOCOL, _PAYLOAD = 0x202, 0x1F1, 0x206, 0x248


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file: its name, and its bytes in the file."""

    name: str
    size: int


def of(file: BinaryIO) -> tuple[Part, ...]:
    """The parts of a kernel's file in the order of their places; the whole where none are known.

    ELF: System V ABI, chapter 4; bzImage: Documentation/arch/x86/boot.rst (setup_sects,
    payload_offset, payload_length). Nothing of the file is believed: what does not fit is left out.
    """
    size = file.seek(0, 2)
    head = _at(file, 0, 0x250)
    if head[:4] == _MAGIC and len(head) >= 64:
        found = _elf(file, head, size)
        rest = size - sum(part.size for part in found)
        return (*found, Part("(headers, symbols and padding)", rest)) if rest > 0 else found
    if head[_BOOT : _BOOT + 4] == b"HdrS" and _number(head, _PROTOCOL, 2) >= 0x208:
        setup = (_number(head, _SECTORS, 1) + 1) * 512
        before, payload = _number(head, _PAYLOAD, 4), _number(head, _PAYLOAD + 4, 4)
        rest = size - setup - before - payload
        if rest >= 0:
            return (
                Part("(setup)", setup),
                Part("(before the compressed kernel)", before),
                Part("(the compressed kernel)", payload),
                Part("(what unpacks it)", rest),
            )
    return (Part("(all)", size),)


def _elf(file: BinaryIO, head: bytes, size: int) -> tuple[Part, ...]:
    wide = head[4] == 2
    order = "<" if head[5] == 1 else ">"
    if wide:
        programs, sections = struct.unpack_from(order + "QQ", head, 32)
        entry, count, width, number, names = struct.unpack_from(order + "5H", head, 54)
    else:
        programs, sections = struct.unpack_from(order + "LL", head, 28)
        entry, count, width, number, names = struct.unpack_from(order + "5H", head, 42)
    layout = order + ("LLQQQQ" if wide else "LLLLLL")
    if number and width >= struct.calcsize(layout):
        table = _at(file, sections, min(number, _MOST) * width)
        rows = [
            struct.unpack_from(layout, table, at)
            for at in range(0, len(table) - struct.calcsize(layout) + 1, width)
        ]
        if names < len(rows):
            text = _at(file, rows[names][4], min(rows[names][5], _MOST_NAMES))
            found = tuple(
                Part(_text(text, row[0]), row[5])
                for row in rows
                if row[1] not in (0, _NO_BITS) and row[5] and row[4] + row[5] <= size
            )
            if found:
                return found
    if entry < struct.calcsize(layout):
        return ()
    table = _at(file, programs, min(count, _MOST) * entry)
    parts = list[Part]()
    for at in range(0, len(table) - struct.calcsize(layout) + 1, entry):
        row = struct.unpack_from(layout, table, at)
        offset, length = (row[2], row[5]) if wide else (row[1], row[4])
        if row[0] == _LOAD and length and offset + length <= size:
            parts.append(Part(f"(segment {len(parts)})", length))
    return tuple(parts)


def _text(names: bytes, at: int) -> str:
    end = names.find(b"\0", at)
    return names[at : end if end >= 0 else len(names)].decode("utf-8", "replace") or "(no name)"


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    if offset >= _MOST_BYTES:
        return b""
    file.seek(offset)
    return file.read(min(length, _MOST_TABLE))


def _number(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(data[at : at + length], "little")
