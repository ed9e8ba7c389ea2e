"""What tests of recipes build from: stand-ins for source trees, which note how they were called.

A kernel that comes out of one is an ELF file with what was noted in a section of it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

from tests.integration.harness.builder import Done, abandoned

RAW = "--progress=rawjson"
"""The option with which `steps` can read a build's log."""


def build_contexts(trees: Mapping[str, Path]) -> tuple[str, ...]:
    """The options by which a build takes `trees`, each under its name."""
    return tuple(w for name, tree in trees.items() for w in ("--build-context", f"{name}={tree}"))


def section(elf: bytes, name: str) -> str:
    """The text in a section of a 64-bit ELF file."""
    table = struct.unpack_from("<Q", elf, 40)[0]
    size, count, names = struct.unpack_from("<HHH", elf, 58)
    headers = [struct.unpack_from("<II8x8xQQ", elf, table + n * size) for n in range(count)]
    strings = headers[names][2]
    for offset, _, start, length in headers:
        end = elf.index(b"\0", strings + offset)
        if elf[strings + offset : end].decode() == name:
            return elf[start : start + length].decode()
    raise AssertionError(f"no section {name}")


def steps(done: Done) -> dict[str, bool]:
    """The steps of a build (with `RAW`) by name: did they run (True), or were they cached?"""
    found: dict[str, bool] = {}
    for line in done.log.splitlines():
        if line.startswith("{"):
            for vertex in json.loads(line).get("vertexes") or ():
                if not abandoned(vertex):
                    found[vertex["name"]] = not vertex.get("cached", False)
    return found
