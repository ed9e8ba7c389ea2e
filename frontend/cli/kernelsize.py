"""What the bytes of a kernel are, counted by option and directory; what of its code ran.

The counts are of what `--target kernel-size` leaves (`frameworks.linux.steps.sizes`): bytes before
they are compressed. What ran is from QEMU's log of translated code (`-d in_asm`), which has each
instruction of the kernel that was reached, once or more.
"""

from __future__ import annotations

import bisect
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

VERSION = 1
"""Of the file that is read."""

ALWAYS = "(always there)"
"""The option of what no option turns off."""

PADDING = "(the linker)"
"""Whose the bytes are that no object file has."""

_INSTRUCTION = re.compile(r"^0x([0-9a-f]+):\s+((?:[0-9a-f]{2} ?)*(?:[0-9a-f]{8} ?)*)(?:\s|$)")
_BYTES = re.compile(r"^OBJD-T: ([0-9a-f]+)$")


@dataclass(slots=True)
class Count:
    """Bytes of a part of a kernel: in the file, in memory beside it, of code that may run after
    the start, and of that code what ran."""

    file: int = 0
    bss: int = 0
    code: int = 0
    ran: int = 0
    objects: int = 0

    def add(self, thing: Thing) -> None:
        """Count an object file."""
        self.file += thing.file
        self.bss += thing.bss
        self.code += thing.code
        self.ran += thing.ran
        self.objects += 1

    def to_json(self, *, ran: bool) -> dict[str, int]:
        """What a script may want to know."""
        shown = {"bytes": self.file, "bss": self.bss, "code": self.code, "objects": self.objects}
        return {**shown, "ran": self.ran} if ran else shown


@dataclass(slots=True)
class Thing:
    """An object file of the kernel: its path, its bytes, the options that it is there for."""

    path: str
    file: int
    bss: int
    code: int
    options: tuple[str, ...]
    ran: int = 0


@dataclass(frozen=True, slots=True)
class Sizes:
    """A kernel's bytes: its file's, its sections, its object files.

    `ranges` are stretches of code as (address, bytes, number of an object, whether it is for the
    start alone), in the order of their addresses. `random` says that the kernel chooses where it
    lies.
    """

    file: int
    sections: tuple[Mapping[str, Any], ...]
    things: tuple[Thing, ...]
    ranges: tuple[tuple[int, int, int, bool], ...]
    random: bool

    @classmethod
    def parse(cls, data: bytes) -> Sizes:
        """Read what a build left. Raises ValueError for what is no such file."""
        try:
            said = json.loads(data)
            if said["version"] != VERSION:
                raise ValueError(f"its version is {said['version']}, and not {VERSION}")
            things = tuple(
                Thing(
                    each["path"],
                    each["code"] + each["data"] + each["start"],
                    each["bss"],
                    0 if each["path"] == PADDING else each["code"],
                    tuple(each["options"]),
                )
                for each in said["objects"]
            )
            ranges = sorted((int(a), int(s), int(n), bool(b)) for a, s, n, b in said["ranges"])
            sections = tuple(said["sections"])
            return cls(int(said["file"]), sections, things, tuple(ranges), bool(said["random"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"it is not what --target kernel-size leaves: {error}") from None

    @property
    def total(self) -> int:
        """The bytes before compression."""
        return sum(each["size"] for each in self.sections if each["kind"] != "bss")

    @property
    def bss(self) -> int:
        """The bytes of memory that are in no file."""
        return sum(each["size"] for each in self.sections if each["kind"] == "bss")

    @property
    def bounds(self) -> tuple[int, int]:
        """The addresses between which the code is."""
        ends = [address + size for address, size, _, _ in self.ranges]
        return min((each[0] for each in self.ranges), default=0), max(ends, default=0)

    def note(self, reached: Iterable[tuple[int, int]]) -> None:
        """Take in which code ran: stretches as (address, bytes). That of the start is not counted:
        all of it runs, and is given back."""
        starts = [each[0] for each in self.ranges]
        for begin, end in _merged(reached):
            at = max(bisect.bisect_right(starts, begin) - 1, 0)
            for address, size, number, start in self.ranges[at:]:
                if address >= end:
                    break
                common = min(end, address + size) - max(begin, address)
                if common > 0 and not start:
                    self.things[number].ran += common

    def by_option(self) -> dict[str, tuple[Count, Count]]:
        """Each option's own count, and the count of all that goes when it is turned off."""
        found: dict[str, tuple[Count, Count]] = {}
        for thing in self.things:
            nobodys = thing.path if thing.path == PADDING else ALWAYS
            options = thing.options or (nobodys,)
            for option in options:
                own, whole = found.setdefault(option, (Count(), Count()))
                whole.add(thing)
                if option == options[-1]:
                    own.add(thing)
        return dict(sorted(found.items(), key=lambda each: (-each[1][1].file, each[0])))

    def by_directory(self, depth: int) -> dict[str, Count]:
        """The count of each directory of the source tree down to `depth`."""
        found: dict[str, Count] = {}
        for thing in self.things:
            folder = posixpath.dirname(thing.path)
            name = "/".join(folder.split("/")[:depth]) or thing.path
            found.setdefault(name, Count()).add(thing)
        return dict(sorted(found.items(), key=lambda each: (-each[1].file, each[0])))

    def unused(self) -> dict[str, Count]:
        """The options with code of which nothing ran, with all that goes with them; those that
        another one of them contains are left out."""
        options = self.by_option()
        idle = {
            name: whole
            for name, (_, whole) in options.items()
            if name not in (ALWAYS, PADDING) and whole.code and not whole.ran
        }
        inner = {
            option
            for thing in self.things
            for position, option in enumerate(thing.options)
            if any(outer in idle for outer in thing.options[:position])
        }
        return {name: count for name, count in idle.items() if name not in inner}


def reached(lines: Iterable[str]) -> Iterator[tuple[int, int]]:
    """The stretches of code in QEMU's log, as (address, bytes).

    QEMU prints an instruction's bytes behind its address, or where it can take none apart all
    those of a block on a line of its own.
    """
    last = 0
    for line in lines:
        if found := _INSTRUCTION.match(line):
            address, size = int(found[1], 16), len(found[2].replace(" ", "")) // 2
            yield address, max(size, 1)
            last = address
        elif found := _BYTES.match(line):
            yield last, len(found[1]) // 2


def _merged(stretches: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The same as (begin, end), without one in another, in their order."""
    begin = end = 0
    for address, size in sorted(set(stretches)):
        if address > end:
            if end > begin:
                yield begin, end
            begin, end = address, address + size
        else:
            end = max(end, address + size)
    if end > begin:
        yield begin, end


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table, its first column to the left and the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first, *rest = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join((row[0].ljust(len(first)), *rest)).rstrip()
