"""The parts of a kernel's file, whatever it is."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from frontend.images.sections import Part, of


def parts(data: bytes) -> dict[str, int]:
    """The parts by their names; all bytes are in one."""
    found = of(io.BytesIO(data))
    assert sum(part.size for part in found) == len(data)
    return {part.name: part.size for part in found}


def bzimage(payload: int, before: int = 0x100, unpacks: int = 300) -> bytes:
    head = bytearray(0x250)
    head[0x1F1] = 1
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x206, 0x20F)
    struct.pack_into("<LL", head, 0x248, before, payload)
    return bytes(head).ljust(1024, b"\0") + b"x" * (before + payload + unpacks)


def test_a_bzimage() -> None:
    assert parts(bzimage(5000)) == {
        "(setup)": 1024,
        "(before the compressed kernel)": 0x100,
        "(the compressed kernel)": 5000,
        "(what unpacks it)": 300,
    }
    assert of(io.BytesIO(bzimage(5000)[:2000])) == (Part("(all)", 2000),)


@pytest.mark.skipif(shutil.which("as") is None, reason="no assembler")
@pytest.mark.parametrize(("bits", "sections"), [("64", 40), ("32", 32)])
def test_an_elf_file(tmp_path: Path, bits: str, sections: int) -> None:
    """Sections where they are there, and where not the segments."""
    source, thing, linked = (tmp_path / name for name in ("a.s", "a.o", "a"))
    text = '.section .mine,"a"\n.fill 100\n.bss\n.fill 50\n.text\n.globl _start\n_start: nop\n'
    source.write_text(text)
    subprocess.run(["as", f"--{bits}", "-o", thing, source], check=True)
    found = parts(thing.read_bytes())
    assert (found[".mine"], found[".text"]) == (100, 1)
    assert ".bss" not in found
    form = {"64": "elf_x86_64", "32": "elf_i386"}[bits]
    subprocess.run(["ld", "-m", form, "-o", linked, thing], check=True)
    bare = bytearray(linked.read_bytes())
    bare[sections : sections + int(bits) // 8] = bytes(int(bits) // 8)
    counts = sections + 18 if bits == "64" else sections + 14
    bare[counts : counts + 6] = bytes(6)
    assert "(segment 1)" in parts(bytes(bare))


@pytest.mark.parametrize(
    "data",
    [b"", b"\x7fELF", b"\x7fELF" + b"\xff" * 60, b"\x7fELF\2\1" + b"\xff" * 600, b"x" * 9],
)
def test_what_is_none(data: bytes) -> None:
    assert sum(parts(data).values()) == len(data)
