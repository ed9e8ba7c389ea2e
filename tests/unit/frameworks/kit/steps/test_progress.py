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
