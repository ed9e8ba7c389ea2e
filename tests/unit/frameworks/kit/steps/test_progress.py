"""How far a build is: `progress.py`, on the lines of each build system and on commands that end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from frameworks.kit.steps.progress import FORMS, Progress
from tests.places import ROOT

SCRIPT = ROOT / "frameworks" / "kit" / "steps" / "progress.py"

DRY_RUN = b"""\
make -f /src/scripts/Makefile.build obj=init
set -e;  echo '  CC      init/main.o';   trap 'rm -f main.o' HUP;  gcc -c init/main.c
set -e;  echo '  AS      arch/x86/kernel/head_64.o'; gcc -c -o head_64.o
set -e;  echo '  HOSTCC  scripts/mod/modpost.o'; gcc -c -o scripts/mod/modpost.o
set -e;  echo '  AR      init/built-in.a'; ar init/built-in.a
set -e;  echo '  LD      vmlinux.o'; ld -o vmlinux.o
"""
MAKEFILE = b"""\
%.o: never.o
OBJS= \\
\tinit_main.o \\
\tvnode.o pci_map.o \\

netbsd: ${OBJS} vers.o
"""


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def shown(form: str, listed: bytes, *lines: bytes) -> list[bytes]:
    """What is printed for lines that come a minute apart, and at the end."""
    clock = Clock()
    known = FORMS[form]
    progress = Progress("kernel", known, frozenset(known.listed(listed)), clock=clock)
    printed: list[bytes] = []
    for line in lines:
        printed += progress.shown(line + b"\n")
        clock.now += 60
    return [*printed, *progress.last()]


def test_linux() -> None:
    assert shown(
        "kbuild",
        DRY_RUN,
        b"  SYNC    include/config/auto.conf",
        b"  CC      init/main.o",
        b"  AR      init/built-in.a",
        b"init/main.c:7:1: warning: CC unused.o",
        b"  AS      arch/x86/kernel/head_64.o",
        b"  LD      vmlinux.o",
        b"  CC      arch/x86/boot/a20.o",
    ) == [
        b"  SYNC    include/config/auto.conf\n",
        b"kernel: 1 of 2 objects\n",
        b"init/main.c:7:1: warning: CC unused.o\n",
        b"kernel: 2 of 2 objects\n",
        b"  LD      vmlinux.o\n",
        b"kernel: 3 of 3 objects\n",
    ]


def test_unikraft() -> None:
    listed = b"printf '  %-7s %s\\n' 'CC'  'libnolibc: errno.o' && sh /o/libnolibc/errno.o.cmd\n"
    lines = b"  CC      libnolibc: errno.o", b"  LD      kernel.dbg"
    assert shown("unikraft", listed, *lines) == [
        b"kernel: 1 of 1 object\n",
        b"  LD      kernel.dbg\n",
    ]


def test_netbsd() -> None:
    lines = (
        b"     compile  HUTCH/vnode.o",
        b"#   compile  HUTCH/init_main.o",
        b"       link  HUTCH/netbsd",
    )
    assert shown("netbsd", MAKEFILE, *lines) == [
        b"kernel: 1 of 3 objects\n",
        b"kernel: 2 of 3 objects\n",
        b"       link  HUTCH/netbsd\n",
    ]


def test_rumprun() -> None:
    """Many directories, and no list."""
    assert shown(
        "rumprun",
        b"",
        b"dependall ===> lib/librumpuser",
        b"    compile  librumpuser/rumpuser.o",
        b"src-netbsd/lib/rumpuser.c:7:1: warning: unused variable 'a' [-Wunused]",
        b"    compile  libc/rumpuser.pico",
        b"     objdir  /obj/buildrump.sh/lib/libc",
        b"      build  libc/libc.a",
        b"    install  /obj/dest.stage/usr/lib/libc.a",
        b">> Now that we have the appropriate tools, performing",
    ) == [
        b"kernel: 1 object\n",
        b"src-netbsd/lib/rumpuser.c:7:1: warning: unused variable 'a' [-Wunused]\n",
        b"kernel: 2 objects\n",
        b">> Now that we have the appropriate tools, performing\n",
    ]


FREEBSD = b"""\
OBJS=\\
\tinit_main.o kern_clock.o \\
\tlinux_util.o acpi_if.o firmware.o
CFILES= $S/kern/init_main.c
"""
CLANG = b"/usr/lib/llvm-19/bin/clang -target x86_64-unknown-freebsd15.1 -c -O2 -I. -D_KERNEL"


def test_freebsd() -> None:
    """bmake names each job when its output comes, more than once where others come between."""
    assert shown(
        "freebsd",
        FREEBSD,
        b"--- machine ---",
        b"machine -> /usr/src/sys/amd64/include",
        b"--- init_main.o ---",
        CLANG + b" -Werror /usr/src/sys/kern/init_main.c",
        b"--- linux_util.o ---",
        b"--- init_main.o ---",
        b"/usr/src/sys/kern/init_main.c:7:1: warning: unused variable 'a.c' [-Wunused]",
        b"--- kernel.full ---",
    ) == [
        b"--- machine ---\n",
        b"machine -> /usr/src/sys/amd64/include\n",
        b"kernel: 1 of 5 objects\n",
        b"kernel: 2 of 5 objects\n",
        b"/usr/src/sys/kern/init_main.c:7:1: warning: unused variable 'a.c' [-Wunused]\n",
        b"--- kernel.full ---\n",
    ]


def test_freebsd_in_parts() -> None:
    """A real build's: a long call comes in parts, and headers are written by awk."""
    flags = b" -Wall -Wstrict-prototypes -Wmissing-prototypes"
    assert shown(
        "freebsd",
        FREEBSD,
        b"--- acpi_if.h ---",
        b"awk -f /usr/src/sys/tools/makeobjops.awk /usr/src/sys/dev/acpi_if.m -h",
        CLANG + flags + b" -W--- kern_clock.o ---",
        b"undef -Wno-pointer-sign -Wcast-qual -std=gnu17 /usr/src/sys/kern/kern_clock.c",
        CLANG + flags + b" /usr/src/sys/contrib/ck/src/ck_hs.c -I/usr/src/sys/contrib/ck/include",
        b"/usr/src/sys/kern/kern_clock.c:7:1: error: unused [-Werror,-Wunused]",
    ) == [
        b"kernel: 1 of 5 objects\n",
        b"kernel: 2 of 6 objects\n",
        b"/usr/src/sys/kern/kern_clock.c:7:1: error: unused [-Werror,-Wunused]\n",
    ]


def test_freebsd_without_the_names_of_jobs() -> None:
    """Then the compiler's calls tell: the object's name or the source's."""
    awk = b"awk -f /usr/src/sys/tools/makeobjops.awk /usr/src/sys/dev/acpi_if.m -c ; "
    assert shown(
        "freebsd",
        FREEBSD,
        CLANG + b" /usr/src/sys/kern/kern_clock.c",
        CLANG + b" -x assembler-with-cpp -DLOCORE -o firmware.o /usr/src/sys/kern/firmw.S -DA=b",
        awk + CLANG + b" acpi_if.c",
        CLANG + b" /usr/src/sys/amd64/amd64/locore.S",
        b"ld.lld -Bdynamic -T /usr/src/sys/conf/ldscript.amd64 -o kernel.full init_main.o",
    ) == [
        b"kernel: 1 of 5 objects\n",
        b"kernel: 2 of 5 objects\n",
        b"kernel: 3 of 5 objects\n",
        b"kernel: 4 of 6 objects\n",
        b"ld.lld -Bdynamic -T /usr/src/sys/conf/ldscript.amd64 -o kernel.full init_main.o\n",
    ]


def test_without_a_list_there_is_no_total() -> None:
    assert shown("kbuild", b"", b"  CC      a.o") == [b"kernel: 1 object\n"]


def test_a_line_every_few_seconds_and_one_at_the_end() -> None:
    clock = Clock()
    progress = Progress("kernel", FORMS["kbuild"], every=3.0, clock=clock)
    printed: list[bytes] = []
    for number in range(8):
        printed += progress.shown(b"  CC      %d.o\n" % number)
        clock.now += 1
    assert [*printed, *progress.last(), *progress.last()] == [
        b"kernel: 1 object\n",
        *(b"kernel: %d objects\n" % count for count in (4, 7, 8)),
    ]


def run(listed: bytes, source: str, command: str) -> subprocess.CompletedProcess[bytes]:
    words = [sys.executable, str(SCRIPT), "kernel", "kbuild", source, "sh", "-c", command]
    return subprocess.run(words, input=listed, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("command", "status"),
    [("exit 0", 0), ("exit 2", 2), ("kill -TERM $$", 128 + signal.SIGTERM)],
)
def test_the_status_is_the_commands(command: str, status: int) -> None:
    done = run(DRY_RUN, "-", f"echo '  CC      init/main.o'; echo told >&2; {command}")
    assert (done.returncode, done.stderr) == (status, b"told\n")
    assert done.stdout == b"kernel: 1 of 2 objects\n"


def test_a_list_that_the_command_writes(tmp_path: Path) -> None:
    (tmp_path / "dry").write_bytes(DRY_RUN)
    written = tmp_path / "list"
    command = f"cp {tmp_path}/dry {written}; echo '  CC      init/main.o'"
    assert run(b"", str(written), command).stdout == b"kernel: 1 of 2 objects\n"
    assert run(b"", str(tmp_path / "none"), command).stdout == b"kernel: 1 object\n"


def test_what_it_prints_last_without_a_line_end() -> None:
    assert run(b"", "-", "printf 'no end'").stdout == b"no end"
