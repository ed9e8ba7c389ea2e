"""What the bytes of a Linux kernel are, by object file, directory and option.

    sizes --source TREE --srcarch x86 --config .config --measured DIR --out FILE

DIR is what `measure.sh` left. The result is JSON, as `hutch kernel size` reads it:

    {"version": 1, "file": BYTES, "random": BOOL, "sections": [{"name", "address", "size", "kind"}],
     "objects": [{"path", "code", "data", "bss", "start", "options"}],
     "ranges": [[ADDRESS, SIZE, OBJECT, START]]}

What an object brings is in the linker's map, after everything that it left out. Which options an
object is there for is in the tree's Makefiles (`obj-$(CONFIG_X) += file.o folder/`,
Documentation/kbuild/makefiles.rst): those of its folders, outermost first, then its own. A Makefile
is read, and not run: an object that it computes the name of has the options of its folder alone.
"""

from __future__ import annotations

import json
import posixpath
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from frameworks.kit.steps.kconfig import parse

VERSION = 1
"""Of the JSON."""

NOBODY = "(the linker)"
"""Whose the bytes are that are in no object file: padding, and what the linker's script writes."""

_BEGIN = "Linker script and memory map"
_OUTPUT = re.compile(r"^(\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)")
_NAME_ALONE = re.compile(r"^ ?([.\w]\S*)$")
_REST = re.compile(r"^\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?:\s+(.*))?$")
_INPUT = re.compile(r"^ (\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?:\s+(\S.*))?$")
_LLD = re.compile(r"^ *([0-9a-f]+) +[0-9a-f]+ +([0-9a-f]+) +\d+ ( *)(\S.*)$")
_LLD_HEAD = re.compile(r"^ *VMA +LMA +Size +Align +Out")
_MEMBER = re.compile(r"^(.*)\((.*)\)$")

_LEFT_OUT = re.compile(
    r"^(/DISCARD/|\.(comment|debug|stab|symtab|strtab|shstrtab|note\.GNU-stack))"
)
_BSS = re.compile(r"^\.(s?bss|brk|dynbss)")
_START = re.compile(r"^\.(init|exit|head|altinstr)|^\.con_initcall|^\.x86_cpu_dev|\.init\b")
_CODE = re.compile(r"\.(text|altinstr_replacement|entry|noinstr)\b|^\.text|^\.head\.text")


@dataclass(slots=True)
class Section:
    """A section of the linked kernel: its address, its bytes, and what it is."""

    name: str
    address: int
    size: int

    @property
    def kind(self) -> str:
        """`bss` has no bytes in the file; `start` is for the start alone and given back then."""
        if _BSS.match(self.name):
            return "bss"
        if _START.search(self.name):
            return "start"
        return "code" if _CODE.search(self.name) else "data"


@dataclass(frozen=True, slots=True)
class Piece:
    """What one object file brings to one section."""

    section: Section
    address: int
    size: int
    object: str


def linked(text: str) -> tuple[list[Section], list[Piece]]:
    """The sections and the pieces of a linker's map, of GNU ld or of LLVM's lld."""
    lines = text.splitlines()
    if lines and _LLD_HEAD.match(lines[0]):
        return _lld(lines[1:])
    return _gnu(lines)


def _gnu(lines: list[str]) -> tuple[list[Section], list[Piece]]:
    sections, pieces = list[Section](), list[Piece]()
    current: Section | None = None
    name = ""
    seen = _BEGIN not in lines
    for line in lines:
        if not seen:
            seen = line == _BEGIN
            continue
        if name and (rest := _REST.match(line)):
            # A long name stands on a line of its own.
            line = f"{name} 0x{rest[1]} 0x{rest[2]} {rest[3] or ''}".rstrip()
        name = ""
        if alone := _NAME_ALONE.match(line):
            name = line
            continue
        if not line.startswith(" "):
            if found := _OUTPUT.match(line):
                current = Section(found[1], int(found[2], 16), int(found[3], 16))
                if _LEFT_OUT.match(current.name):
                    current = None
                elif current.size:
                    sections.append(current)
            elif alone is None and line.strip():
                current = None
            continue
        found = _INPUT.match(line)
        if current is None or found is None or not int(found[3], 16):
            continue
        whose = found[4] or ""
        if found[1] != "*fill*" and (not whose or whose.startswith("=")):
            continue  # an assignment, or a pattern
        owner = NOBODY if found[1] == "*fill*" else _member(whose)
        pieces.append(Piece(current, int(found[2], 16), int(found[3], 16), owner))
    return sections, pieces


def _lld(lines: list[str]) -> tuple[list[Section], list[Piece]]:
    sections, pieces = list[Section](), list[Piece]()
    current: Section | None = None
    for line in lines:
        if (found := _LLD.match(line)) is None:
            continue
        address, size, indent, what = int(found[1], 16), int(found[2], 16), found[3], found[4]
        if not indent and not what.startswith((".", "_")) and "=" in what:
            continue
        if not indent:
            current = None if _LEFT_OUT.match(what) else Section(what, address, size)
            if current is not None and size:
                sections.append(current)
        elif current is not None and size and (owner := re.match(r"^(\S+):\((.*)\)$", what)):
            pieces.append(Piece(current, address, size, _member(owner[1])))
    return sections, pieces


def _member(name: str) -> str:
    """The path of an object file as it is in the tree; of an archive's member the member."""
    name = name.strip()
    if found := _MEMBER.match(name):
        archive, member = found[1], found[2]
        name = member if "/" in member else posixpath.join(posixpath.dirname(archive), member)
    return posixpath.normpath(name)


# --- the tree ---

_ASSIGNMENT = re.compile(r"^([\w./$(){}, -]+?)\s*(?:[:+?]?=)\s*(.*)$")
_LIST = re.compile(r"^([\w./-]+?)-(y|m|objs|\$[({].*)$")
_CONFIG = re.compile(r"CONFIG_(\w+)")
_IF = re.compile(r"^(ifdef|ifndef|ifeq|ifneq|else|endif)\b\s*(.*)$")
_TOP = ("core", "drivers", "libs", "net", "virt", "init", "obj", "lib", "head")


@dataclass(frozen=True, slots=True)
class Listed:
    """A word of a Makefile's list: the list's name, and the options that it stands there for."""

    list: str
    options: tuple[str, ...]


@dataclass(slots=True)
class Makefile:
    """The words of the Makefiles of a folder, each with where it is listed."""

    words: dict[str, list[Listed]] = field(default_factory=dict)


class Tree:
    """The Makefiles of a source tree, read as far as they are asked for.

    `on` are the options of the kernel's configuration: of several ways into the kernel, one whose
    options are on counts.
    """

    def __init__(self, root: Path, srcarch: str, on: frozenset[str]) -> None:
        self.root = root
        self.on = on
        self.arch = f"arch/{srcarch}"
        self._read: dict[str, Makefile] = {}
        self._folders: dict[str, tuple[str, ...]] = {}

    def options(self, path: str) -> tuple[str, ...]:
        """The options that the object file `path` is in the kernel for, outermost first."""
        folder, name = posixpath.split(path)
        return _once((*self.folder(folder), *self._own(folder, name, 0)))

    def folder(self, path: str) -> tuple[str, ...]:
        """The options that a folder is built for, outermost first."""
        if path in ("", "."):
            return ()
        if path not in self._folders:
            self._folders[path] = ()  # where a Makefile lists itself
            self._folders[path] = self._folder(path)
        return self._folders[path]

    def _folder(self, path: str) -> tuple[str, ...]:
        parent = posixpath.dirname(path)
        while True:
            words = self._makefile(parent).words
            below = posixpath.relpath(path, parent or ".")
            listed = words.get(f"{below}/") or words.get(below)
            if not listed and parent == self.arch:
                listed = words.get(f"{path}/")  # arch/*/Makefile is the top's
            if listed:
                return _once((*self.folder(parent), *self._first(listed)))
            if not parent:
                return self.folder(posixpath.dirname(path))  # nobody lists it by itself
            parent = posixpath.dirname(parent)

    def _own(self, folder: str, name: str, depth: int) -> tuple[str, ...]:
        """The options of an object file in its folder: of what it is a part of, then its own."""
        listed = self._makefile(folder).words.get(name)
        if not listed or depth == 4:
            return ()
        chosen = next((each for each in listed if self._is_on(each)), listed[0])
        whole = () if chosen.list in _TOP else self._own(folder, f"{chosen.list}.o", depth + 1)
        return (*whole, *chosen.options)

    def _first(self, listed: list[Listed]) -> tuple[str, ...]:
        return next((each.options for each in listed if self._is_on(each)), listed[0].options)

    def _is_on(self, listed: Listed) -> bool:
        return all(option in self.on for option in listed.options)

    def _makefile(self, folder: str) -> Makefile:
        if folder not in self._read:
            made = self._read[folder] = Makefile()
            for name in ("Kbuild", "Makefile"):
                path = self.root / folder / name
                if path.is_file():
                    for word, listed in words_of(
                        path.read_text(encoding="utf-8", errors="replace")
                    ):
                        made.words.setdefault(word, []).append(listed)
        return self._read[folder]


def words_of(text: str) -> Iterator[tuple[str, Listed]]:
    """The words of a Makefile's lists, with the options of the list and of the blocks around it."""
    around: list[tuple[str, ...]] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        line = line.partition("#")[0].strip()
        if found := _IF.match(line):
            word, rest = found[1], found[2]
            if word == "endif":
                if around:
                    around.pop()
            elif word == "else":
                if around:
                    around[-1] = ()
                if inner := _IF.match(rest):
                    around[-1:] = [_positive(inner[1], inner[2])]
            else:
                around.append(_positive(word, rest))
            continue
        assigned = _ASSIGNMENT.match(line)
        listed = _LIST.match(assigned[1]) if assigned else None
        if assigned is None or listed is None:
            continue
        own = tuple(_CONFIG.findall(listed[2]))
        options = _once((*(each for block in around for each in block), *own))
        for word in assigned[2].split():
            if "$" not in word and word.endswith((".o", "/")):
                yield word, Listed(listed[1], options)


def _positive(word: str, condition: str) -> tuple[str, ...]:
    """The option that a block is for; none where it is for the lack of one, or for more."""
    named = _CONFIG.findall(condition)
    if len(named) != 1 or word == "ifndef":
        return ()
    empty = re.search(r",\s*\)$|,\s*n\)$", condition) is not None
    return tuple(named) if word == "ifdef" or empty == (word == "ifneq") else ()


def _once(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


# --- the result ---


def sizes(measured: Path, tree: Tree) -> dict[str, object]:
    """The whole as data for JSON."""
    sections, pieces = linked((measured / "vmlinux.map").read_text(errors="replace"))
    one = measured / "vmlinux.o.map"
    if one.is_file() and _all_of_one(pieces):
        # The last link has one object: what that is made of is in the map of the link before.
        _, pieces = linked(one.read_text(errors="replace"))
    objects: dict[str, dict[str, int]] = {}
    numbers: dict[str, int] = {}
    ranges: list[list[int]] = []
    for piece in pieces:
        numbers.setdefault(piece.object, len(numbers))
        kinds = objects.setdefault(piece.object, dict.fromkeys(("code", "data", "bss", "start"), 0))
        kinds[piece.section.kind] += piece.size
        code = _CODE.search(piece.section.name) is not None
        if not code or not piece.section.address or piece.object == NOBODY:
            continue
        start = int(piece.section.kind == "start")
        last = ranges[-1] if ranges else None
        if (
            last
            and last[0] + last[1] == piece.address
            and last[2:] == [numbers[piece.object], start]
        ):
            last[1] += piece.size
        else:
            ranges.append([piece.address, piece.size, numbers[piece.object], start])
    return {
        "version": VERSION,
        "random": "RANDOMIZE_BASE" in tree.on,
        "file": (measured / "kernel").stat().st_size,
        "sections": [
            {"name": each.name, "address": each.address, "size": each.size, "kind": each.kind}
            for each in sections
        ],
        "objects": [
            {"path": path, **kinds, "options": list(tree.options(path) if path != NOBODY else ())}
            for path, kinds in objects.items()
        ],
        "ranges": ranges,
    }


def _all_of_one(pieces: list[Piece]) -> bool:
    of_one = sum(piece.size for piece in pieces if piece.object == "vmlinux.o")
    return of_one * 2 > sum(piece.size for piece in pieces)


def main(arguments: list[str]) -> int:
    """The command."""
    said = dict(zip(arguments[::2], arguments[1::2], strict=True))
    requests, _ = parse(Path(said["--config"]).read_bytes())
    on = frozenset(each.option for each in requests if each.value not in ("n", ""))
    tree = Tree(Path(said["--source"]), said["--srcarch"], on)
    text = json.dumps(sizes(Path(said["--measured"]), tree), separators=(",", ":"))
    Path(said["--out"]).write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
