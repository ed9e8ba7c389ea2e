"""What joins Rumprun and Solo5, compiled against a stub of the headers, called as both call it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.places import ROOT

HERE = Path(__file__).parent
GLUE = ROOT / "frameworks" / "rumprun" / "glue"
SOURCES = ("boot.c", "cons.c", "kernel.c", "machdep.c", "rumpukvm_bio.c", "ukvmif_user.c")
FLAGS = ("-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover")


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("glue")
    # Every header of Rumprun's and of Solo5's that the glue includes is the stub.
    for source in (*SOURCES, "glue.h"):
        for name in re.findall(r"#include [<\"]([^>\"]+)[>\"]", (GLUE / source).read_text()):
            if name.startswith("sys/") or name == "glue.h":
                continue
            header = folder / "include" / name
            header.parent.mkdir(parents=True, exist_ok=True)
            header.write_text('#include "stub.h"\n')
    program = folder / "driver"
    sources = [str(HERE / "driver.c"), *(str(GLUE / source) for source in SOURCES)]
    include = [f"-I{folder / 'include'}", f"-I{HERE}", f"-I{GLUE}"]
    subprocess.run(["gcc", *FLAGS, *SANITIZERS, *include, "-o", program, *sources], check=True)
    return program


def said(driver: Path, *words: str) -> list[str]:
    done = subprocess.run([driver, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("size", ["512", "1024", "4096"])
def test_every_range_of_sectors(driver: Path, size: str) -> None:
    """Solo5 takes one block a call: what is no whole block goes through a buffer."""
    assert said(driver, "block", size) == [
        "init 0",
        "other name 2",
        "no bio 6",
        "open 0",
        "info 0 12288 1",
        "wrong 0",
        "past the end 5 after 4096",
        "another file 5",
        "nothing 5",
        "close 0",
    ]


def test_no_disk(driver: Path) -> None:
    assert said(driver, "block", "0")[-1] == "open 6"


def test_packets(driver: Path) -> None:
    assert said(driver, "net", "1") == [
        "mac 0 9",
        "create 0",
        "again 16",
        "write 3: 4 one  locks=0",
        "write 3: 13 one two three locks=0",
        "locks 7",
        "write 3: 1518  locks=0",
        "process 0 inside=1",
        "deliver 1 first inside=1",
        "deliver 1 second inside=1",
        "wait for 10000000",
        "wait for 10000000",
        "wakes 2, inside=0",
        "wakes 2",
        "yield 1",
        "receiver called 1",
    ]


def test_no_network(driver: Path) -> None:
    assert said(driver, "net", "0") == ["mac 6 0", "create 6"]


def test_waiting(driver: Path) -> None:
    """A packet that nobody takes must not end each wait at once; the clock's offset stays."""
    lines = said(driver, "wait")
    assert lines[:4] == ["[half a line]yield 42", "drained 0", "yield 43", "drained 2"]
    name, epoch, later = lines[4].split()
    assert (name, epoch) == ("epoch", later)
    assert lines[5:] == [
        "tls 4096",
        "tls 0",
        "[PANIC: solo5_set_tls_base failed",
        "][halted",
        "]exit 255",
    ]


@pytest.mark.parametrize(
    ("status", "exit"), [("0", 0), ("3", 3), ("256", 0), ("18446744073709551615", 255)]
)
def test_the_programs_status(driver: Path, status: str, exit: int) -> None:
    assert said(driver, "boot", status) == [
        "console 1",
        "net 1",
        "stack order 3",
        "memory 101000-110000",
        "memory size f000",
        "boot 8192 " + 90 * "x",
        "flags 5",
        "main 2 word",
        "[halted",
        f"]exit {exit}",
    ]


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (r"a\u0026b \u003c\u003E", "a&b <>"),
        (r"\u0022 \u005c \u000a \u00e9 \u20ac", r"\u0022 \u005c \u000a \u00e9 \u20ac"),
        (r"\\u0026 \"u0026", r"\\u0026 \"u0026"),
        ("\\u00", "\\u00"),
        ("end\\", "end\\"),
    ],
)
def test_escapes_of_json(driver: Path, given: str, taken: str) -> None:
    """urunc writes & < > as \\u0026 and so on, which Rumprun's parser does not take apart."""
    (line,) = [line for line in said(driver, "boot", "0", given) if line.startswith("boot ")]
    assert line == f"boot {len(taken)} {taken}"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ('{"a":"b","blk":{"path":"/dev/ld0a"},"c":"d"}', '{"a":"b",|,"c":"d"}'),
        ('{"blk":{"x":{"y":"}"}},"blk":{"z":"1"}}', "{|,|}"),
        ('{"cmdline":"a \\"blk\\":{ b","net":{"blk":{"x":"y"}}}', None),
        ('{"cmdline":"blk","env":"blk"}', None),
        ('{"blk":"no object"}', None),
        ('{"blk":{"open', None),
    ],
)
def test_no_blk_without_a_disk(driver: Path, given: str, taken: str | None) -> None:
    """urunc before 0.7 writes it for a guest without one, too."""

    def booted(*more: str) -> str:
        lines = said(driver, "boot", "0", given, *more)
        return next(line for line in lines if line.startswith("boot ")).split(" ", 2)[2]

    assert booted("disk") == given
    expected = re.escape(given if taken is None else taken).replace(re.escape("|"), " +")
    assert re.fullmatch(expected, booted())
    assert len(booted()) == len(given)


def test_where_the_tables_for_exceptions_are(driver: Path) -> None:
    assert said(driver, "unwind") == ["1 header of type 7: tables cookie", "5"]


def test_an_exception_that_nobody_may_see(driver: Path) -> None:
    assert said(driver, "terminate", "thrown") == ["caught thrown", "terminate"]
    assert said(driver, "terminate") == ["terminate"]


def test_a_panic(driver: Path) -> None:
    assert said(driver, "panic") == ["[PANIC: why", "][halted", "]exit 255"]


def test_the_console_is_written_by_lines(driver: Path) -> None:
    (first, second) = said(driver, "console")
    assert first == f"[{'a' * 256}][{'a' * 44}b"
    assert second == "][c]"


@pytest.mark.parametrize("head", [0, 16])
@pytest.mark.parametrize(
    "variables",
    [
        "int a = 1; long b[2];",
        "int a = 1; long b; int c;",
        "char a = 1; long double b; char c;",
        "long a = 1;",
        "char a; long b; char c;",
        "int a = 1; char b __attribute__((aligned(64)));",
        "char a __attribute__((aligned(64))); int b;",
    ],
)
def test_the_bounds_of_what_each_thread_has(tmp_path: Path, variables: str, head: int) -> None:
    """As the linker counts: what it aligns between the two parts belongs to them.

    bmk-core puts a thread's copy of both before the thread's pointer, in as many bytes as these
    symbols say, and the linker its variables by the program's header. On arm64 the copy begins
    behind the pointer and the 16 bytes there, and the variables at the next boundary.
    """
    source = tmp_path / "tls.c"
    each = "".join(f"__thread {one.strip()};" for one in variables.split(";") if one.strip())
    said = f'__asm__(".globl glue_tls_head\\n.set glue_tls_head, {head}");' if head else ""
    source.write_text(f"{each}\n{said}\nvoid _start(void) {{}}\n")
    program = tmp_path / "program"
    script = ["-static", "-nostdlib", "-fno-pie", "-no-pie", f"-Wl,-T,{GLUE / 'sections.lds'}"]
    subprocess.run(["gcc", *script, "-o", program, source], check=True)
    symbols = subprocess.run(["nm", program], check=True, capture_output=True, text=True).stdout
    at = {name: int(value, 16) for value, _, name in map(str.split, symbols.splitlines())}
    headers = subprocess.run(
        ["readelf", "--wide", "--program-headers", program],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    (tls,) = [line.split() for line in headers.splitlines() if line.split()[:1] == ["TLS"]]
    size, alignment = int(tls[5], 16), int(tls[7], 16)
    gap = -head % alignment
    assert at["_tdata_start"] == int(tls[2], 16) - gap
    copied = at["_tdata_end"] - at["_tdata_start"] + at["_tbss_end"] - at["_tbss_start"]
    assert copied == gap + -(-size // alignment) * alignment


# Laid out as Solo5's tenders want it: each segment has pages of its own.
TENDER = """\
PHDRS { text PT_LOAD FLAGS(1); rodata PT_LOAD FLAGS(4); data PT_LOAD; note PT_NOTE; }
SECTIONS
{
	. = 0x100000;
	.text : { *(.text .text.*) } :text
	. = ALIGN(CONSTANT(MAXPAGESIZE));
	.note.solo5.abi : { KEEP(*(.note.solo5.abi)) } :rodata :note
	.rodata : { *(.rodata .rodata.*) } :rodata
	. = ALIGN(CONSTANT(MAXPAGESIZE));
	.data : { *(.data .data.*) } :data
	.tdata : { *(.tdata) }
	.tbss : { *(.tbss) }
	.bss : { *(.bss .bss.*) }
}
"""
NOTES = """\
.section .note.solo5.abi, "a", %note
.long 6, 0, 1
.ascii "Solo5\\0\\0\\0"
.section .note.rumprun.bakerecipe, "a"
.long 1, 2, 3
.data
.long 1
.text
.globl _start
_start: nop
"""


def test_no_segment_reaches_into_another(tmp_path: Path) -> None:
    """What says how a program is to be baked is left out: solo5-hvt refused it in the text."""
    script, source, program = (tmp_path / name for name in ("tender.lds", "notes.s", "program"))
    script.write_text(TENDER)
    source.write_text(NOTES)
    scripts = [f"-Wl,-T,{each}" for each in (GLUE / "sections.lds", script)]
    flags = ["-static", "-nostdlib", "-fno-pie", "-no-pie"]
    subprocess.run(["gcc", *flags, *scripts, "-o", program, source], check=True)

    def shown(what: str) -> str:
        words = ["readelf", "--wide", what, str(program)]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    loads = [line.split() for line in shown("--program-headers").splitlines() if "  LOAD" in line]
    ends = [int(each[2], 16) + int(each[5], 16) for each in loads]
    assert all(end <= int(after[2], 16) for end, after in zip(ends, loads[1:], strict=False))
    assert ".note.solo5.abi" in shown("--sections")
    assert "bakerecipe" not in shown("--sections")
